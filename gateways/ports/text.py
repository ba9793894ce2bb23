"""Words as points in space, where what means alike lies near."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # loading it takes 0.2 s, which whoever only hands an embedder on need not wait
    import numpy as np


class TextEmbedder(Protocol):
    """Texts as unit vectors; those of one `model` may be compared, by cosine."""

    model: str
    dimensions: int

    def load(self) -> None:
        """Opens every file that is needed later. Raises NoTextModel."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """float32 (len(texts), dimensions). Raises NoTextModel."""
        ...
