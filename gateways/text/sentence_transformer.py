"""The same model in full float32 by sentence-transformers: the extra `semantic`, needs torch."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateways.text.errors import NoTextModel
from gateways.text.minilm import DIMENSIONS, MAX_TOKENS, MODEL


class SentenceTransformerEmbedder:
    """`folder` holds a model as sentence-transformers saves it; nothing is ever downloaded.

    Its vectors and MiniLmEmbedder's lie in one space if the folder holds all-MiniLM-L6-v2, so that
    one may make the vectors of recordings and the other those of searches.
    """

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._model: Any = None

    def load(self) -> None:
        """Raises NoTextModel: the extra is not installed, or the folder holds no such model."""
        with self._lock:
            if self._model is None:
                self._model = self._read()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (len(texts), 384)."""
        self.load()
        if not texts:
            return np.empty((0, DIMENSIONS), np.float32)
        with self._lock:
            vectors = self._model.encode(
                list(texts), normalize_embeddings=True, show_progress_bar=False
            )
        return np.asarray(vectors, np.float32)

    def _read(self) -> Any:
        try:
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise NoTextModel("the extra `semantic` is not installed") from error
        if not self._folder.is_dir():
            raise NoTextModel(f"there is no folder {self._folder.name} with a text model")
        try:
            model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        except (OSError, ValueError) as error:
            raise NoTextModel(f"{self._folder.name} holds no text model") from error
        if model.encode("").shape != (DIMENSIONS,):
            raise NoTextModel(f"the model in {self._folder.name} has not {DIMENSIONS} dimensions")
        model.max_seq_length = MAX_TOKENS
        return model
