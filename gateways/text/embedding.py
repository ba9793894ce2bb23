"""Which text embedder an installation has."""

from __future__ import annotations

from pathlib import Path

from gateways.ports.text import TextEmbedder
from gateways.text.minilm import MiniLmEmbedder
from gateways.text.sentence_transformer import SentenceTransformerEmbedder


def make_embedder(folder: Path | None = None) -> TextEmbedder:
    """MiniLM under onnxruntime; with a folder, sentence-transformers' model in it, which raises
    TextModelRefused."""
    return MiniLmEmbedder() if folder is None else SentenceTransformerEmbedder(folder)
