"""What keeps a text from being embedded."""

from __future__ import annotations

from schemas.errors import NoCultureError


class NoTextModel(NoCultureError):
    """The model's files are absent or are others than expected."""

    status = 503
    code = "no-text-model"

    def __init__(self, why: str) -> None:
        super().__init__(f"Search by meaning is not available: {why}. Search by words works.")
