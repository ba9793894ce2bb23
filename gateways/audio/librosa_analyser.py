"""Tempo and key by librosa: what measures where essentia has no wheel or is unwanted."""

from __future__ import annotations

import librosa
import numpy as np

from gateways.audio.analyser import SAMPLE_RATE_HZ, TempoAndKey, steady_tempo_bpm
from gateways.audio.keys import NOTES

_RATE = SAMPLE_RATE_HZ // 2
_HOP = 256  # 11.6 ms: beat times twice as fine as librosa's default

# Krumhansl and Kessler (1982), from the tonic.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)


class LibrosaAnalyser:
    """beat_track, and chroma_cqt against the Krumhansl profiles."""

    name = "librosa"
    version = 1

    def analyse(self, mono: np.ndarray) -> TempoAndKey:
        half_rate = librosa.resample(
            mono, orig_sr=SAMPLE_RATE_HZ, target_sr=_RATE, res_type="polyphase"
        )
        tempo_bpm, tempo_confidence = _tempo(half_rate)
        key, key_confidence = _key(half_rate)
        return TempoAndKey(tempo_bpm, tempo_confidence, key, key_confidence)


def _tempo(samples: np.ndarray) -> tuple[float | None, float]:
    onsets = librosa.onset.onset_strength(y=samples, sr=_RATE, hop_length=_HOP)
    rough_bpm, beats_s = librosa.beat.beat_track(
        onset_envelope=onsets, sr=_RATE, hop_length=_HOP, units="time"
    )
    rough_bpm = float(np.atleast_1d(rough_bpm)[0])
    if rough_bpm <= 0 or len(beats_s) < 2:
        return None, 0.0
    frames = librosa.time_to_frames(beats_s, sr=_RATE, hop_length=_HOP)
    near = np.unique(np.clip(frames[:, None] + np.arange(-3, 4), 0, len(onsets) - 1))
    return steady_tempo_bpm(beats_s, rough_bpm) or rough_bpm, _confidence(onsets, near)


def _confidence(onsets: np.ndarray, near: np.ndarray) -> float:
    """The share of all attack that falls within 35 ms of a beat, above what chance puts there."""
    total, chance = float(onsets.sum()), len(near) / len(onsets)
    if total == 0 or chance >= 1:
        return 0.0
    return float(np.clip((onsets[near].sum() / total - chance) / (1 - chance), 0, 1))


def _key(samples: np.ndarray) -> tuple[str | None, float | None]:
    chroma = librosa.feature.chroma_cqt(y=samples, sr=_RATE, tuning=0.0).mean(axis=1)
    if not np.isfinite(chroma).all() or chroma.std() == 0:
        return None, None
    scores = {
        f"{note} {mode}": float(np.corrcoef(chroma, np.roll(profile, shift))[0, 1])
        for mode, profile in (("major", _MAJOR), ("minor", _MINOR))
        for shift, note in enumerate(NOTES)
    }
    best = max(scores, key=scores.__getitem__)
    return best, float(np.clip(scores[best], 0, 1))
