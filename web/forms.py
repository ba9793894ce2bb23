"""Types of a form's fields, as a page sends them before a command looks at them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form

from schemas.text import Opaque

# Longer than any field may be, so that the field's own page can say what is wrong with the text.
MAX_TYPED = 10_000
Typed = Annotated[str, Opaque(MAX_TYPED)]
# The version of the thing that the page showed when the form was made.
Version = Annotated[int, Form(ge=0, lt=10**18)]
