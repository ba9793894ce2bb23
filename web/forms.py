"""What a form of a page sends, before a command looks at it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form

from schemas.text import Opaque

# Longer than any field may be, so that its page can say itself what is wrong with it.
MAX_TYPED = 10_000
Typed = Annotated[str, Opaque(MAX_TYPED)]
# Of what the page showed when the form was made.
Version = Annotated[int, Form(ge=0, lt=10**18)]
