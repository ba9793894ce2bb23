"""Report and measurement out of what meters and analysers found."""

from __future__ import annotations

from gateways.audio.advice import recommendations
from gateways.audio.appeal import appeal
from gateways.audio.curves import curves
from gateways.audio.defects.heard import Measured
from gateways.audio.defects.levels import STORE_LEVELS
from gateways.audio.defects.rules import judge
from gateways.audio.ear import NO_MODELS, Music, Timings
from gateways.audio.facts import (
    Defect,
    Fingerprint,
    GenreGuess,
    InstrumentHeard,
    KeyCandidate,
    Measurement,
    TempoCandidate,
    Vector,
)
from gateways.audio.mood import mood_words, without_contradictions
from gateways.audio.neural.beats import MODEL as BEAT_MODEL
from gateways.audio.rhythm.measure import NO_RHYTHM
from gateways.audio.texture import energy
from gateways.audio.tonality.measure import NO_TONALITY
from schemas.audio.fingerprint import ALGORITHM
from schemas.audio.report import (
    AudioFeatures,
    Figure,
    Genre,
    Instruments,
    Lanes,
    Report,
    Sections,
    UsedModel,
)

ANALYSER = "noculture"
# A level or a rate is as sure as its definition; how energetic music feels is more than that.
A_MEASUREMENT, SURE_OF_ENERGY = 1.0, 0.6
# More would be noise: formats of one recording differ by 0.1 dB.
_DIGITS = {"LUFS": 2, "LU": 2, "dBTP": 2, "dB": 2, "1/s": 2, "Hz": 0}
# Up by one when answers change. 1 were essentia and librosa by
# themselves; 4 weighs the channels of surround sound
# and takes level out of the appeal.
ANALYSER_VERSION = 4
SILENT = "nothing is heard"
_MOST_DEFECTS = 40
_MOST_INSTRUMENTS = 20


def make_report(
    measured: Measured,
    loudness_range_lu: float | None,
    short_term_lufs: list[float | None],
    music: Music | None,
    degraded: tuple[str, ...],
    timings: Timings,
) -> Report:
    """`music` None: silence, or too short for any."""
    features = _features(measured, loudness_range_lu, music)
    parts = music.sections if music else Sections(method=SILENT, confidence=0.0)
    quality = judge(measured)
    heard = music.heard if music else None
    return Report(
        audioFeatures=features,
        genre=heard.genre if heard else Genre(method=_why(music), primary=None, confidence=None),
        instruments=heard.instruments if heard else _no_instruments(_why(music)),
        quality=quality.model_copy(update={"opinions": heard.opinions if heard else []}),
        virality=appeal(features, quality),
        recommendations=recommendations(features, quality, parts),
        analyser=ANALYSER,
        analyser_version=ANALYSER_VERSION,
        duration_s=round(measured.duration_s, 3),
        moods=_moods(features, heard.moods if heard else []),
        beats=(music.rhythm if music else NO_RHYTHM).beats,
        chords=(music.tonality if music else NO_TONALITY).chords,
        sections=parts,
        curves=curves(
            short_term_lufs,
            measured.spectra,
            heard.voice if heard else None,
            heard.talk if heard else None,
        ),
        models=_models([*_of_rhythm(features), *(heard.models if heard else [])]),
        degraded=list(degraded),
        timings_s=timings.seconds,
    )


def make_measurement(report: Report, music: Music | None) -> Measurement:
    """The summary that `analysis.completed` carries."""
    features = report.audioFeatures
    heard = music.heard if music else None
    return Measurement(
        tempo_bpm=_number(features.tempo),
        tempo_candidates=tuple(
            TempoCandidate(bpm=one.bpm, confidence=one.confidence)
            for one in features.tempo.candidates[:8]
        ),
        key=_text(features.key),
        key_confidence=features.key.confidence if features.key.value is not None else None,
        key_candidates=tuple(
            KeyCandidate(key=one.key, confidence=one.confidence) for one in features.key.candidates
        ),
        loudness_lufs=_number(features.loudness),
        loudness_range_lu=_number(features.loudness_range),
        true_peak_dbtp=_number(features.true_peak),
        energy=_number(features.energy),
        danceability=_number(features.danceability),
        valence=_number(features.valence),
        genres=_genres(report.genre),
        instruments=_instruments(report.instruments),
        vocals=_number(features.vocals),
        speech=_number(features.speech),
        moods=tuple(report.moods),
        quality_score=report.quality.score,
        defects=_defects(report),
        appeal_score=report.virality.score,
        sound=Vector(**heard.sound) if heard and heard.sound else None,
        words=Vector(**heard.words) if heard and heard.words else None,
        fingerprint=_fingerprint(music),
        analyser=report.analyser,
        analyser_version=report.analyser_version,
        degraded=tuple(fact[:300] for fact in report.degraded[:10]),
    )


def _features(
    measured: Measured, loudness_range_lu: float | None, music: Music | None
) -> AudioFeatures:
    rhythm = music.rhythm if music else NO_RHYTHM
    heard = music.heard if music else None
    missing = Figure(value=None, method=_why(music), confidence=0.0)
    loud = measured.lufs
    texture = music.texture if music else None
    sounding = texture is not None and loud is not None
    return AudioFeatures(
        tempo=rhythm.tempo,
        key=(music.tonality if music else NO_TONALITY).key,
        energy=_figure(
            energy(loud, texture) if sounding and loud is not None and texture else None,
            None,
            "0.5 loudness + 0.3 onsets + 0.2 brightness, each from 0 to 1: a description",
            sure=SURE_OF_ENERGY,
        ),
        danceability=music.mood["danceability"] if music else missing,
        valence=music.mood["valence"] if music else missing,
        loudness=_figure(loud, "LUFS", "integrated, gated (ITU-R BS.1770-4)"),
        loudness_range=_figure(loudness_range_lu, "LU", "loudness range (EBU Tech 3342)"),
        true_peak=_figure(measured.true_peak_dbtp, "dBTP", "4 times oversampled"),
        dynamic_range=_figure(
            measured.peak_to_loudness_db, "dB", "true peak less integrated loudness"
        ),
        onset_rate=_figure(
            texture.onset_rate_hz if texture else None, "1/s", "peaks of spectral flux"
        ),
        brightness=_figure(
            texture.brightness_hz if texture else None, "Hz", "mean spectral centroid"
        ),
        acousticness=heard.acousticness if heard else missing,
        vocals=heard.vocals if heard else missing,
        speech=heard.speech if heard else missing,
        time_signature=rhythm.time_signature,
    )


def _figure(
    value: float | None, unit: str | None, method: str, sure: float = A_MEASUREMENT
) -> Figure:
    if value is None:
        return Figure(value=None, unit=unit, method=method, confidence=0.0)
    digits = _DIGITS.get(unit or "", 3)
    return Figure(value=round(float(value), digits), unit=unit, method=method, confidence=sure)


def _why(music: Music | None) -> str:
    return SILENT if music is None else NO_MODELS


def _no_instruments(why: str) -> Instruments:
    return Instruments(timeline=Lanes(method=why, step_s=1.0))


def _moods(features: AudioFeatures, tags: list[str]) -> list[str]:
    return without_contradictions(
        [*mood_words(_number(features.energy), _number(features.valence)), *tags]
    )


def _of_rhythm(features: AudioFeatures) -> list[UsedModel]:
    return [BEAT_MODEL] if features.tempo.model == BEAT_MODEL.id else []


def _models(models: list[UsedModel]) -> list[UsedModel]:
    return list({model.id: model for model in models}.values())


def _genres(genre: Genre) -> tuple[GenreGuess, ...]:
    if genre.primary is None:
        return ()
    first = GenreGuess(name=genre.primary, confidence=genre.confidence or 0.0)
    others = [
        GenreGuess(name=one.name, confidence=one.confidence)
        for one in genre.alternatives
        if one.name != genre.primary
    ]
    return (first, *others)[:10]


def _instruments(found: Instruments) -> tuple[InstrumentHeard, ...]:
    return tuple(
        InstrumentHeard(
            name=one.name, share=one.share, confidence=one.confidence or 0.0, lead=one.lead
        )
        for one in found.detected[:_MOST_INSTRUMENTS]
    )


def _defects(report: Report) -> tuple[Defect, ...]:
    """Lists the findings as defects; the notice about stores is in the report only."""
    return tuple(
        Defect(
            code=one.code,
            severity=one.severity,
            at_s=one.spans[0].start_s if one.spans else None,
        )
        for one in report.quality.feedback
        if one.code != STORE_LEVELS
    )[:_MOST_DEFECTS]


def _fingerprint(music: Music | None) -> Fingerprint | None:
    if music is None or music.fingerprint is None:
        return None
    return Fingerprint(algorithm=ALGORITHM, data=music.fingerprint)


def _number(figure: Figure) -> float | None:
    return figure.value if isinstance(figure.value, float) else None


def _text(figure: Figure) -> str | None:
    return figure.value if isinstance(figure.value, str) else None
