"""Which models an installation has beside the bundled ones, and what was asked for in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateways.audio.neural.errors import AbsentModel, ModelRefused
from gateways.audio.neural.onnx_models import (
    AudioboxAesthetics,
    ClapEmbedder,
    LeadInstrument,
    OnnxModel,
    Wav2Vec2Genre,
)
from gateways.audio.neural.port import AudioEmbedder, GenreModel, InstrumentModel, QualityModel

GENRE, LEAD, QUALITY, EMBEDDER = (
    "wav2vec2-genre",
    "lead-instrument",
    "audiobox-aesthetics",
    "clap",
)
ADAPTERS: dict[str, type[OnnxModel]] = {
    GENRE: Wav2Vec2Genre,
    LEAD: LeadInstrument,
    QUALITY: AudioboxAesthetics,
    EMBEDDER: ClapEmbedder,
}


@dataclass(frozen=True)
class ChosenModels:
    """None: the bundled networks answer. `refused`: why a model that lies there, or that was asked
    for, is not used."""

    genre: GenreModel | None = None
    lead: InstrumentModel | None = None
    quality: QualityModel | None = None
    embedder: AudioEmbedder | None = None
    refused: tuple[ModelRefused, ...] = ()


def load_models(folder: Path | None = None, wanted: Sequence[str] = ()) -> ChosenModels:
    """Every model of `ADAPTERS` that has a folder in `folder`. One that is absent is refused only
    if `wanted` names it; broken weights always are, and the rest goes on without."""
    found: dict[str, OnnxModel] = {}
    refused: list[ModelRefused] = []
    for name, adapter in ADAPTERS.items():
        try:
            if folder is not None and (folder / name).is_dir():
                found[name] = adapter(folder / name)
            elif name in wanted:
                raise AbsentModel(name)
        except ModelRefused as error:
            refused.append(error)
    refused += [AbsentModel(name) for name in wanted if name not in ADAPTERS]
    return ChosenModels(
        genre=found.get(GENRE),  # type: ignore[arg-type]
        lead=found.get(LEAD),  # type: ignore[arg-type]
        quality=found.get(QUALITY),  # type: ignore[arg-type]
        embedder=found.get(EMBEDDER),  # type: ignore[arg-type]
        refused=tuple(refused),
    )
