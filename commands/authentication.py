"""The kit's Authenticator over our sessions and keys: one indexed query a request."""

from __future__ import annotations

from commands.keys import Keys
from commands.sessions import Sessions
from kit.caller import Caller


class Credentials:
    def __init__(self, sessions: Sessions, keys: Keys) -> None:
        self._sessions, self._keys = sessions, keys

    def session(self, token: str) -> Caller | None:
        return self._sessions.find(token)

    def key(self, key: str) -> Caller | None:
        return self._keys.find(key)
