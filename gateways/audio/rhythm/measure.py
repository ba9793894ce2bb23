"""The rhythm of one sound, as its report says it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gateways.audio.neural.beats import FRAME_RATE_HZ as NETWORK_RATE_HZ
from gateways.audio.neural.beats import MODEL as BEAT_MODEL
from gateways.audio.neural.beats import BeatNetwork
from gateways.audio.rhythm.beats import steady_tempo_bpm, track_beats
from gateways.audio.rhythm.choice import Candidate, Evidence, ranked, same_tempo
from gateways.audio.rhythm.estimators import AnalyserChoice, advised_bpm, adviser_for
from gateways.audio.rhythm.meter import Meter, find_meter
from gateways.audio.rhythm.onsets import FRAME_RATE_HZ, Onsets, onsets
from gateways.audio.sound import Sound
from gateways.audio.tonality.pitches import Pitches, pitches
from schemas.audio.report import Beats, Figure, Tempo, TempoCandidate

MIN_TEMPO_S = 3.0
# Attacks tell music from held sound: over 1.1 a second in 52 tracks, none in a sine, pad or noise.
MIN_ONSET_RATE_HZ = 0.5
MIN_METER_CONFIDENCE = 0.3
_STEADY = 0.02  # of a beat: the middle error of beats around an even grid in steady music
_SHOWN = 5
METHOD = "repeats of the onsets, octave weighed with a second tracker; learned on known tempos"

BY_NETWORK = "a network that hears beats weighs as well"


@dataclass(frozen=True)
class Rhythm:
    """`attacks` None: too short to have any."""

    tempo: Tempo
    beats: Beats
    time_signature: Figure
    attacks: Onsets | None = None
    degraded: tuple[str, ...] = field(default=())


NO_RHYTHM = Rhythm(
    Tempo(value=None, unit="bpm", method=METHOD, confidence=0.0),
    Beats(method="no tempo, no beats", confidence=0.0),
    Figure(value=None, method="no beats, no bars", confidence=0.0),
)


def rhythm(
    sound: Sound,
    *,
    analyser: AnalyserChoice = "auto",
    heard: Pitches | None = None,
    network: BeatNetwork | None = None,
) -> Rhythm:
    """Tempo, beats, bars. `heard` spares making the pitches twice; `network` helps to choose."""
    if sound.duration_s < MIN_TEMPO_S or not _has_attacks(sound):
        return NO_RHYTHM
    attacks = onsets(sound)
    adviser, degraded = adviser_for(analyser)
    evidence = Evidence(attacks, heard_beats(sound, attacks, network) if network else None)
    candidates = ranked(evidence, advised_bpm(sound, adviser), adviser)
    if not candidates:
        return NO_RHYTHM
    beats_s = track_beats(attacks.even, candidates[0].bpm)
    bpm = steady_tempo_bpm(beats_s, candidates[0].bpm) or candidates[0].bpm
    meter = find_meter(beats_s, attacks, heard or pitches(sound))
    return Rhythm(
        _tempo(bpm, candidates, _is_steady(beats_s), network is not None),
        _beats(beats_s, candidates[0].share, meter),
        _time_signature(meter),
        attacks,
        degraded,
    )


def _has_attacks(sound: Sound) -> bool:
    return sound.texture.onset_rate_hz >= MIN_ONSET_RATE_HZ


def heard_beats(sound: Sound, attacks: Onsets, network: BeatNetwork) -> np.ndarray:
    """The network's beats, at the frames of the attacks (frames,)."""
    beats = network.beats(sound)
    moments_s = np.arange(len(attacks.every)) / FRAME_RATE_HZ
    return np.asarray(np.interp(moments_s, np.arange(len(beats)) / NETWORK_RATE_HZ, beats))


def _tempo(bpm: float, candidates: list[Candidate], stable: bool | None, by_network: bool) -> Tempo:
    """The chosen one first, then the others; its half and double are always among them."""
    first = candidates[0].share
    shares = {bpm: first}
    for wanted in (bpm / 2, bpm * 2):
        shares[wanted] = _share_of(wanted, candidates)
    for other in candidates[1:_SHOWN]:
        if not any(same_tempo(other.bpm, known) for known in shares):
            shares[other.bpm] = other.share
    order = [bpm, *sorted((one for one in shares if one != bpm), key=lambda one: -shares[one])]
    return Tempo(
        value=round(bpm, 2),
        unit="bpm",
        method=f"{METHOD}; {BY_NETWORK}" if by_network else METHOD,
        model=BEAT_MODEL.id if by_network else None,
        weights_sha256=BEAT_MODEL.weights_sha256 if by_network else None,
        confidence=round(first, 3),
        candidates=[
            TempoCandidate(bpm=round(one, 2), confidence=round(min(shares[one], first), 3))
            for one in order
        ],
        stable=stable,
    )


def _share_of(bpm: float, candidates: list[Candidate]) -> float:
    return max((one.share for one in candidates if same_tempo(one.bpm, bpm)), default=0.0)


def _is_steady(beats_s: np.ndarray) -> bool | None:
    """Do half of the gaps between beats lie within 2 % of the middle one?"""
    gaps = np.diff(beats_s)
    if len(gaps) < 8:
        return None
    middle = float(np.median(gaps))
    return bool(np.median(np.abs(gaps / middle - 1)) < _STEADY)


def _beats(beats_s: np.ndarray, confidence: float, meter: Meter | None) -> Beats:
    return Beats(
        method="best path through the onsets (Ellis 2007), bars by bass and harmony",
        confidence=round(confidence, 3),
        times_s=[round(float(at), 3) for at in beats_s],
        downbeats=meter.downbeats if meter else [],
    )


def _time_signature(meter: Meter | None) -> Figure:
    sure = meter is not None and meter.confidence >= MIN_METER_CONFIDENCE
    return Figure(
        value=f"{meter.beats_a_bar}/4" if meter is not None and sure else None,
        method="the bar length at which bass and harmony change most",
        confidence=round(meter.confidence, 3) if meter else 0.0,
    )
