"""Heavier models that an operator puts into a folder: ONNX exports, run here without torch.

`<models>/<name>/model.onnx` takes `wave` float32 (1, samples) and answers one tensor; `config.json`
beside it says how to feed it (`ModelConfig`; the names of Hugging Face's own config and
preprocessor files are understood) and the sha256 that the export must have.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydantic import AliasChoices, BaseModel, Field, ValidationError

from gateways.audio.neural.errors import BrokenWeights
from gateways.audio.neural.musicnn import open_session
from gateways.audio.neural.port import Scores
from gateways.audio.neural.sound_vector import DIMENSIONS, folded
from schemas.audio.report import UsedModel

_SHORTEST_SHARE = 0.1  # of a window: what is left over at the end and shorter is not fed


class Scale(BaseModel):
    """Brings an axis back to the scale that people voted on."""

    mean: float
    std: float


class ModelConfig(BaseModel):
    """`config.json`. `window_s`: what the model is fed at a time."""

    id: str = Field(validation_alias=AliasChoices("id", "_name_or_path"))
    licence: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sample_rate_hz: int = Field(
        16_000,
        ge=8_000,
        le=48_000,
        validation_alias=AliasChoices("sample_rate_hz", "sampling_rate"),
    )
    window_s: float = Field(10.0, ge=0.5, le=60.0)
    do_normalize: bool = False
    id2label: dict[int, str] = Field(default_factory=dict)
    target_transform: dict[str, Scale] = Field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        return tuple(self.id2label[index] for index in sorted(self.id2label))


class OnnxModel:
    """One model, loaded and tried on silence; opens no file afterwards. Raises BrokenWeights."""

    def __init__(self, folder: Path) -> None:
        self.config = _read_config(folder)
        self._session = open_session(folder / "model.onnx", self.config.sha256)
        self.used = UsedModel(
            id=self.config.id, weights_sha256=self.config.sha256, licence=self.config.licence
        )
        self.sample_rate_hz = self.config.sample_rate_hz
        self._window = round(self.config.window_s * self.sample_rate_hz)
        self._folder = folder.name
        self._check()

    def windows(self, samples: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """The model's answer to each window (any shape but for the leading 1), and the share of the
        window that was sound."""
        starts = range(0, max(len(samples), 1), self._window)
        for start in starts:
            part = samples[start : start + self._window]
            share = len(part) / self._window
            if share < _SHORTEST_SHARE and start:
                break
            yield self._run(np.pad(part, (0, self._window - len(part)))), share

    def _run(self, wave: np.ndarray) -> np.ndarray:
        if self.config.do_normalize:
            wave = (wave - wave.mean()) / np.sqrt(wave.var() + 1e-7)
        (answer, *_) = self._session.run(None, {"wave": wave[None].astype(np.float32)})
        return np.nan_to_num(np.asarray(answer)[0])

    def _check(self) -> np.ndarray:
        """The answer to silence."""
        try:
            answer = self._run(np.zeros(self._window, np.float32))
        except Exception as error:  # onnxruntime's errors share no base class but this one
            raise BrokenWeights(self._folder, "it does not take `wave`, (1, samples)") from error
        labels = len(self.config.labels)
        if labels and answer.shape[-1:] != (labels,):
            raise BrokenWeights(self._folder, f"it does not answer {labels} labels")
        return answer

    def scores(self, timeline: list[np.ndarray], shares: list[float]) -> Scores:
        rows = np.stack(timeline).astype(np.float32)
        return Scores(
            labels=self.config.labels,
            means=np.average(rows, axis=0, weights=shares).astype(np.float32),
            timeline=rows,
            step_s=self.config.window_s,
        )


class Wav2Vec2Genre(OnnxModel):
    """GenreModel: wav2vec2 with a classifier, as dima806/music_genres_classification. Logits."""

    def genres(self, samples: np.ndarray) -> Scores:
        found = [(_softmax(logits), share) for logits, share in self.windows(samples)]
        return self.scores(*map(list, zip(*found, strict=True)))


class LeadInstrument(OnnxModel):
    """InstrumentModel: who leads, by MERT with a head, as in LeadInstrumentDetection. Logits
    (labels,) or (steps, labels) of one window. Trained on stems: of a mix it knows solos only."""

    def instruments(self, samples: np.ndarray) -> Scores:
        found = [
            ((1 / (1 + np.exp(-np.atleast_2d(logits)))).mean(axis=0), share)
            for logits, share in self.windows(samples)
        ]
        return self.scores(*map(list, zip(*found, strict=True)))


class AudioboxAesthetics(OnnxModel):
    """QualityModel: production quality and complexity, enjoyment, usefulness, each 1 to 10."""

    def qualities(self, samples: np.ndarray) -> Scores:
        scales = [self.config.target_transform.get(axis) for axis in self.config.labels]
        found = [
            (
                np.array(
                    [
                        value * scale.std + scale.mean if scale else value
                        for value, scale in zip(answer.reshape(-1), scales, strict=True)
                    ]
                ),
                share,
            )
            for answer, share in self.windows(samples)
        ]
        return self.scores(*map(list, zip(*found, strict=True)))


class ClapEmbedder(OnnxModel):
    """AudioEmbedder: the audio half of CLAP with its mel picture inside the export. What it answers
    (512 numbers) is folded to what the index takes; fewer than that are no vector of a CLAP."""

    def embed(self, samples: np.ndarray) -> np.ndarray:
        found = list(self.windows(samples))
        mean = np.average([v for v, _ in found], axis=0, weights=[share for _, share in found])
        return folded(mean)

    def _check(self) -> np.ndarray:
        answer = super()._check()
        if answer.ndim != 1 or len(answer) < DIMENSIONS:
            raise BrokenWeights(
                self._folder,
                f"it answers {' x '.join(map(str, answer.shape))} numbers and sounds are compared "
                f"by {DIMENSIONS}",
            )
        return answer


def _softmax(logits: np.ndarray) -> np.ndarray:
    raised = np.exp(logits - logits.max())
    return raised / raised.sum()


def _read_config(folder: Path) -> ModelConfig:
    try:
        return ModelConfig.model_validate_json((folder / "config.json").read_bytes())
    except OSError as error:
        raise BrokenWeights(folder.name, "its config.json cannot be read") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise BrokenWeights(folder.name, f"config.json: {where}: {first['msg']}") from error
