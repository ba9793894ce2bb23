"""The token in a page's forms, written differently in every answer.

Pages are compressed and show what was asked (`?q=`): with a token that stays the same, the length
of many answers would tell it letter by letter (BREACH).
"""

from __future__ import annotations

import secrets

from kit.caller import Caller
from kit.csrf import check_form_token
from kit.tokens import base64url, from_base64url


def masked(token: str) -> str:
    """A fresh pad, and the token under it."""
    plain = token.encode()
    pad = secrets.token_bytes(len(plain))
    return base64url(pad + _xor(pad, plain))


def check(caller: Caller, sent: str) -> None:
    """Raises FormTokenMismatch (403)."""
    check_form_token(caller, _unmasked(sent))


def _unmasked(sent: str) -> str | None:
    try:
        both = from_base64url(sent)
        half = len(both) // 2
        return _xor(both[:half], both[half:]).decode()
    except ValueError:
        return None


def _xor(pad: bytes, text: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(pad, text, strict=True))
