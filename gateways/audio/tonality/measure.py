"""The tonality of one sound, as its report says it."""

from __future__ import annotations

from dataclasses import dataclass

from gateways.audio.sound import Sound
from gateways.audio.tonality.chords import find_chords
from gateways.audio.tonality.key import KeyGuess, ranked_keys
from gateways.audio.tonality.pitches import Pitches, pitches
from schemas.audio.harmony import camelot
from schemas.audio.report import Chords, Key, KeyCandidate

MIN_KEY_S = 1.0
_SHOWN = 5
KEY_METHOD = "pitch peaks in their own tuning against several key profiles, weighed"
CHORD_METHOD = "likeliest path through 24 triads (Viterbi) over pitch peaks"


@dataclass(frozen=True)
class Tonality:
    key: Key
    chords: Chords
    degraded: tuple[str, ...] = ()


NO_TONALITY = Tonality(
    Key(value=None, method=KEY_METHOD, confidence=0.0),
    Chords(method=CHORD_METHOD, confidence=0.0),
)


def tonality(
    sound: Sound, *, heard: Pitches | None = None, beats_s: list[float] | None = None
) -> Tonality:
    """Key, tuning, chords. `heard` spares making the pitches twice; with beats, chords keep to
    them."""
    if sound.duration_s < MIN_KEY_S:
        return NO_TONALITY
    heard = heard or pitches(sound)
    keys = ranked_keys(heard)
    if not keys:
        return NO_TONALITY
    spans = find_chords(heard, beats_s or [], sound.duration_s)
    length_s = sum(span.end_s - span.start_s for span in spans)
    sure = sum(span.confidence * (span.end_s - span.start_s) for span in spans)
    return Tonality(
        _key(keys, heard),
        Chords(
            method=CHORD_METHOD,
            confidence=round(sure / length_s, 3) if length_s else 0.0,
            spans=spans,
        ),
    )


def _key(keys: list[KeyGuess], heard: Pitches) -> Key:
    return Key(
        value=keys[0].key,
        method=KEY_METHOD,
        confidence=round(keys[0].share, 3),
        camelot=camelot(keys[0].key),
        candidates=[
            KeyCandidate(key=guess.key, confidence=round(guess.share, 3)) for guess in keys[:_SHOWN]
        ],
        tuning_hz=round(heard.tuning_hz, 1),
    )
