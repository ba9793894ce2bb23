"""Random secrets, how they are stored, and what the installation signs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence


def random_token(prefix: str = "") -> str:
    """256 random bits as 43 URL-safe characters behind a readable prefix."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """Hashes a token for the database. 256 random bits need neither salt nor stretching."""
    return hashlib.sha256(token.encode()).digest()


class Signer:
    """HMAC-SHA256 under the installation's signing key; a tag for one purpose fits no other.

    `retired` are earlier keys, newest first: what they signed does not fit any more.
    """

    def __init__(self, key: bytes, retired: Sequence[bytes] = ()) -> None:
        self._key, self._retired = key, retired

    def tag(self, purpose: str, text: str) -> str:
        return _tag(self._key, purpose, text)

    def tags_of_any_age(self, purpose: str, text: str) -> list[str]:
        """Today's tag and those of retired keys: what is stored as a tag cannot be hashed anew."""
        return [_tag(key, purpose, text) for key in (self._key, *self._retired)]

    def fits(self, purpose: str, text: str, tag: str) -> bool:
        return hmac.compare_digest(self.tag(purpose, text).encode(), tag.encode())


def _tag(key: bytes, purpose: str, text: str) -> str:
    digest = hmac.new(key, f"{purpose}\x1f{text}".encode(), hashlib.sha256).digest()
    return base64url(digest)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Raises ValueError on anything but base64url without padding."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
