"""The same model in full float32 by sentence-transformers: the extra `semantic`, needs torch."""

from __future__ import annotations

import importlib.util
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gateways.text.errors import NoTextModel, TextModelRefused
from gateways.text.minilm import DIMENSIONS, MAX_TOKENS, MODEL, MiniLmEmbedder

# One sentence's vectors from MiniLM in int8 and in float32 have a cosine of .996; those of two
# different models have one around 0, by chance.
_SAME_SPACE = 0.9
_SENTENCE = "slow calm jazz with piano and drums"
# Names under which a module's config.json says how long its vectors are.
_LENGTHS = ("out_features", "embedding_dimension", "word_embedding_dimension", "hidden_size")


class SentenceTransformerEmbedder:
    """`folder` holds all-MiniLM-L6-v2 as sentence-transformers saves it; nothing is downloaded.

    Recordings are described by MiniLmEmbedder, so only a model whose vectors lie in its space can
    find them. Raises TextModelRefused when made, for what shows without loading: the extra is not
    installed, no such model, vectors of another length.
    """

    model = MODEL
    dimensions = DIMENSIONS

    def __init__(self, folder: Path) -> None:
        if importlib.util.find_spec("sentence_transformers") is None:
            raise TextModelRefused(folder, "the extra `semantic` is not installed")
        length = vector_length(folder)
        if length not in (None, DIMENSIONS):
            raise TextModelRefused(
                folder, f"its vectors have {length} numbers, those of the index {DIMENSIONS}"
            )
        self._folder = folder
        self._lock = threading.Lock()
        self._model: Any = None

    def load(self) -> None:
        """Raises NoTextModel: it cannot be loaded, or is another model."""
        with self._lock:
            if self._model is None:
                self._model = self._read()

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Unit vectors, float32 (len(texts), 384)."""
        self.load()
        if not texts:
            return np.empty((0, DIMENSIONS), np.float32)
        with self._lock:
            return _encoded(self._model, texts)

    def _read(self) -> Any:
        from sentence_transformers import SentenceTransformer

        try:
            model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
            model.max_seq_length = MAX_TOKENS
            (vector,) = _encoded(model, [_SENTENCE])
        except (OSError, ValueError, RuntimeError) as error:
            raise NoTextModel(f"{self._folder.name} holds no text model that loads") from error
        if vector.shape != (DIMENSIONS,):
            raise NoTextModel(f"the model in {self._folder.name} has not {DIMENSIONS} dimensions")
        if float(vector @ MiniLmEmbedder(compact=True).embed([_SENTENCE])[0]) < _SAME_SPACE:
            raise NoTextModel(f"the model in {self._folder.name} is another one than {MODEL}")
        return model


def vector_length(folder: Path) -> int | None:
    """As the last module that says one does; None where none does: loading it shows. Raises
    TextModelRefused."""
    try:
        modules = json.loads((folder / "modules.json").read_bytes())
        paths = [folder / module["path"] for module in modules]
        if not paths:
            raise ValueError("no module")
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise TextModelRefused(folder, "no model is there (modules.json)") from error
    said = (_said(path) for path in reversed(paths))
    return next((length for length in said if length is not None), None)


def _said(module: Path) -> int | None:
    try:
        config = json.loads((module / "config.json").read_bytes())
    except (OSError, ValueError):
        return None
    found = (config.get(name) for name in _LENGTHS)
    return next((length for length in found if isinstance(length, int)), None)


def _encoded(model: Any, texts: Sequence[str]) -> np.ndarray:
    vectors = model.encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
    return np.asarray(vectors, np.float32)
