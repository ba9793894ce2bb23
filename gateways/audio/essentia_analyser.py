"""Tempo and key by essentia (AGPL-3.0, so behind this port and left out where unwanted)."""

from __future__ import annotations

import essentia
import numpy as np

essentia.log.infoActive = essentia.log.warningActive = False  # 2,000 lines in one loop otherwise

from essentia.standard import KeyExtractor, RhythmExtractor2013  # noqa: E402

from gateways.audio.analyser import TempoAndKey, steady_tempo_bpm  # noqa: E402
from gateways.audio.keys import key_name  # noqa: E402

_HIGHEST_CONFIDENCE = 5.32


class EssentiaAnalyser:
    """RhythmExtractor2013 multifeature (77 of 100 right) and KeyExtractor krumhansl (.61)."""

    name = "essentia"
    version = 1

    def __init__(self) -> None:
        self._rhythm = RhythmExtractor2013(method="multifeature")
        self._key = KeyExtractor(profileType="krumhansl")

    def analyse(self, mono: np.ndarray) -> TempoAndKey:
        rough_bpm, beats_s, confidence, _, _ = self._rhythm(mono)
        tempo_bpm = steady_tempo_bpm(beats_s, rough_bpm) or float(rough_bpm)
        note, scale, strength = self._key(mono)
        plausible = len(beats_s) > 1 and 30 <= tempo_bpm <= 300  # 1,476 was seen on a held note
        confidence = float(np.clip(confidence / _HIGHEST_CONFIDENCE, 0, 1))
        return TempoAndKey(
            tempo_bpm=tempo_bpm if plausible else None,
            tempo_confidence=confidence if plausible else 0.0,
            key=key_name(note, scale),
            key_confidence=float(np.clip(strength, 0, 1)),
        )
