"""Puts the answers of an operator's own models in the place of the bundled networks'."""

from __future__ import annotations

from dataclasses import replace
from math import gcd

import numpy as np
from scipy.signal import resample_poly

from gateways.audio.neural.chosen import ChosenModels
from gateways.audio.neural.heard import Heard
from gateways.audio.neural.port import Scores
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.text.quantised import quantised
from schemas.audio.report import Figure, Genre, GenreGuess, Instrument, Instruments, UsedModel

_ALTERNATIVES = 3
_LEADS = 0.5
AXES = {
    "CE": "enjoyment of the content",
    "CU": "usefulness of the content",
    "PC": "complexity of the production",
    "PQ": "quality of the production",
}


def replaced(heard: Heard, sound: Sound, chosen: ChosenModels) -> Heard:
    """`heard` with the answers of the models that are there, each under its own id and hash."""
    used: list[UsedModel] = []
    if chosen.genre is not None:
        scores = chosen.genre.genres(_at(sound, chosen.genre.sample_rate_hz))
        heard = replace(heard, genre=genre_of(scores, chosen.genre.used))
        used.append(chosen.genre.used)
    if chosen.lead is not None:
        scores = chosen.lead.instruments(_at(sound, chosen.lead.sample_rate_hz))
        heard = replace(heard, instruments=led(heard.instruments, scores, chosen.lead.used))
        used.append(chosen.lead.used)
    if chosen.quality is not None:
        scores = chosen.quality.qualities(_at(sound, chosen.quality.sample_rate_hz))
        heard = replace(heard, opinions=opinions_of(scores, chosen.quality.used))
        used.append(chosen.quality.used)
    if chosen.embedder is not None:
        vector = chosen.embedder.embed(_at(sound, chosen.embedder.sample_rate_hz))
        model = f"{chosen.embedder.used.id}@{chosen.embedder.used.weights_sha256[:12]}"
        heard = replace(heard, sound={"model": model, "data": quantised(vector)})
        used.append(chosen.embedder.used)
    return replace(heard, models=[*heard.models, *used])


def genre_of(scores: Scores, used: UsedModel) -> Genre:
    ranked = [(scores.labels[at].lower(), float(scores.means[at])) for at in _order(scores)]
    (best, probability), others = ranked[0], ranked[1:_ALTERNATIVES]
    return Genre(
        method="mean of a classifier's probabilities over windows",
        model=used.id,
        weights_sha256=used.weights_sha256,
        primary=best,
        confidence=round(probability, 3),
        alternatives=[GenreGuess(name=name, confidence=round(p, 3)) for name, p in others],
    )


def led(instruments: Instruments, scores: Scores, used: UsedModel) -> Instruments:
    """The lead as the model hears it: the label that is strongest most often, if it reaches .5
    anywhere; the others stay as they were. Without one, nobody leads."""
    strongest = scores.timeline.argmax(axis=1)
    sure = scores.timeline.max(axis=1) >= _LEADS
    detected = [one.model_copy(update={"lead": False}) for one in instruments.detected]
    if not sure.any():
        return instruments.model_copy(update={"detected": detected})
    at = int(np.bincount(strongest[sure]).argmax())
    leading = sure & (strongest == at)
    lead = Instrument(
        method="leads in most windows, by a model for lead instruments",
        model=used.id,
        weights_sha256=used.weights_sha256,
        confidence=round(float(scores.timeline[leading, at].mean()), 3),
        name=scores.labels[at].lower(),
        share=round(float(leading.mean()), 3),
        certainty="likely",
        lead=True,
    )
    others = [one for one in detected if one.name != lead.name]
    return instruments.model_copy(update={"detected": [lead, *others]})


def opinions_of(scores: Scores, used: UsedModel) -> list[Figure]:
    return [
        Figure(
            value=round(float(np.clip(mean, 1, 10)), 2),
            unit="of 10",
            method=f"{AXES.get(label, label)}, as listeners would vote",
            model=used.id,
            weights_sha256=used.weights_sha256,
        )
        for label, mean in zip(scores.labels, scores.means, strict=True)
    ]


def _order(scores: Scores) -> list[int]:
    return [int(at) for at in np.argsort(-scores.means)]


def _at(sound: Sound, rate_hz: int) -> np.ndarray:
    if rate_hz == SAMPLE_RATE_HZ:
        return sound.mono
    if rate_hz == 16_000:
        return sound.at_16000
    shared = gcd(rate_hz, SAMPLE_RATE_HZ)
    return resample_poly(sound.mono, rate_hz // shared, SAMPLE_RATE_HZ // shared).astype(np.float32)
