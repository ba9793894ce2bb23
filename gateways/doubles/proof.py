"""How a double shows that it is ours, before it is told the key."""

from __future__ import annotations

import hmac

PROOF = "/proof"
MAX_NONCE = 200


def proof_of(key: str, nonce: str) -> str:
    """Shows to whoever knows the key that one knows it too, without telling it."""
    return hmac.new(key.encode(), f"double {nonce[:MAX_NONCE]}".encode(), "sha256").hexdigest()
