"""Asks a double over HTTP."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode

from gateways.doubles.errors import DoubleNotThere, DoubleRefused, DoubleSilent
from gateways.doubles.proof import PROOF, proof_of
from gateways.doubles.troubles import SCRIPT
from schemas.doubles import Script

HOST = "127.0.0.1"
# As long as a mail server gets.
TIMEOUT_S = 20.0
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a double listens on loopback, and the key that it asks for."""

    port: int
    key: str


class DoubleClient:
    """`place` says where the double is now. Raises FileNotFoundError before there was any."""

    def __init__(self, name: str, place: Callable[[], Place]) -> None:
        self.name, self._place = name, place

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = JSON) -> bytes:
        """The body of its answer. Raises DoubleNotThere, DoubleSilent, and DoubleRefused for all
        but 2xx.
        """
        connection, key = self._connected()
        try:
            self._make_sure(connection, key)
            headers = {"Authorization": f"Bearer {key}", "Content-Type": media_type}
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, HTTPException) as error:
            raise DoubleSilent(self.name, type(error).__name__) from None
        finally:
            connection.close()
        if not 200 <= answer.status < 300:
            raise DoubleRefused(self.name, answer.status)
        return content

    def script(self) -> Script:
        """The troubles that are still to come."""
        return Script.model_validate_json(self.ask("GET", SCRIPT))

    def follow(self, script: Script) -> None:
        """Lets it have these troubles from now on."""
        self.ask("PUT", SCRIPT, script.model_dump_json().encode())

    def _connected(self) -> tuple[HTTPConnection, str]:
        """(connection, key)"""
        try:
            place = self._place()
            connection = HTTPConnection(HOST, place.port, timeout=TIMEOUT_S)
            connection.connect()
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise DoubleNotThere(self.name, type(error).__name__) from None
        except OSError as error:
            raise DoubleSilent(self.name, type(error).__name__) from None
        connection.auto_open = 0  # all that follows is said to whoever shows the proof
        return connection, place.key

    def _make_sure(self, connection: HTTPConnection, key: str) -> None:
        """Raises DoubleNotThere if another program listens there: while no double does, any user of
        the machine may take its port, and would be told key and mails.
        """
        nonce = secrets.token_hex(16)
        connection.request("GET", f"{PROOF}?{urlencode({'nonce': nonce})}")
        answer = connection.getresponse()
        try:
            shown = str(json.loads(answer.read())["proof"])
        except (ValueError, KeyError, TypeError):
            shown = ""
        if not hmac.compare_digest(shown.encode(), proof_of(key, nonce).encode()):
            raise DoubleNotThere(self.name, "another program listens on its port")
