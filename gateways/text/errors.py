"""Errors that keep a text from being embedded."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import NoCultureError


class NoTextModel(NoCultureError):
    """The model's files are absent or are others than expected."""

    status = 503
    code = "no-text-model"

    def __init__(self, why: str) -> None:
        super().__init__(f"Search by meaning is not available: {why}. Search by words works.")


class TextModelRefused(NoCultureError):
    """The operator's own text model cannot be used, as its folder says already."""

    status = 500
    code = "text-model-refused"

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The text model in {folder} is not used: {why}. Put all-MiniLM-L6-v2 there, as "
            "sentence-transformers saves it, or leave NOCULTURE_TEXT_MODEL_DIR empty."
        )
