"""Passwords as argon2id hashes; one costs 166 ms of a core, so only a few are checked at once."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from commands.account.weak_passwords import refuse_weak
from events.errors import NoCultureError
from kit import asking
from kit.cores import every_core
from kit.fair import FairQueue
from schemas.text import Opaque

MIN_PASSWORD, MAX_PASSWORD = 8, 1000
Password = Annotated[SecretStr, Opaque(MAX_PASSWORD, min=MIN_PASSWORD)]
# A password chosen earlier, when the rules may have been different.
GivenPassword = Annotated[SecretStr, Opaque(MAX_PASSWORD)]
AT_ONCE = 2
# The hash of a password that nobody has. A constant: making it would cost each start a hash.
NOBODYS = (
    "$argon2id$v=19$m=65536,t=3,p=4$PvRwFH+tyQEn46/dIbM5Sw$"
    "rNeCm4Xs3Aa0eOCxUNPFcpmUr+vvrmoETPcRJesgUjM"
)


class PasswordsBusy(NoCultureError):
    status, code = 503, "sign-in-busy"
    retry_after_s = 2

    def __init__(self) -> None:
        super().__init__("Too many people are signing in at this moment: try again in two seconds")


class Passwords:
    """Requests take their turn in `queue` before they have a thread; what else hashes waits."""

    def __init__(self, queue: FairQueue | None = None) -> None:
        self._argon2 = PasswordHash((Argon2Hasher(),))
        self._queue = queue or FairQueue(AT_ONCE, busy=PasswordsBusy)

    def hash(self, password: str, *theirs: str | None) -> str:
        """Hashes a newly chosen password. Raises PasswordTooCommon (422), also for what others know
        of its owner (`theirs`: e-mail address, name).
        """
        refuse_weak(password, *theirs)
        return self.seal(password)

    def seal(self, secret: str) -> str:
        """Hashes any secret, as slow to guess as a password; `fits` compares."""
        with self._slot():
            return self._argon2.hash(_normal(secret))

    def fits(self, password: str, stored: str | None) -> bool:
        """Takes as long for an account that does not exist or has no password (`stored` None)."""
        with self._slot():
            fits = self._argon2.verify(_normal(password), stored or NOBODYS)
        return fits and stored is not None

    @contextmanager
    def _slot(self) -> Iterator[None]:
        with self._queue.here(_subject()), every_core():
            yield


def _subject() -> str:
    caller = asking.caller()
    return "nobody" if caller is None else caller.account_id


def _normal(password: str) -> str:
    # The same keys give different code points on different systems (é as one or as two).
    return unicodedata.normalize("NFC", password)
