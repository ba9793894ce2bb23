"""Models of an operator's own: used where they lie, refused where they are broken."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateways.audio.neural.chosen import EMBEDDER, GENRE, LEAD, QUALITY, load_models
from gateways.audio.neural.conversion.onnx_file import Graph
from gateways.audio.neural.errors import AbsentModel, BrokenWeights
from gateways.audio.neural.listen import Listener
from gateways.audio.neural.onnx_models import (
    AudioboxAesthetics,
    ClapEmbedder,
    LeadInstrument,
    Wav2Vec2Genre,
)
from gateways.audio.neural.port import Scores
from gateways.audio.neural.replaced import led
from gateways.audio.neural.sound_vector import MODEL as SOUND_MODEL
from gateways.audio.neural.sound_vector import folded
from gateways.audio.pool import AudioPool
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound
from gateways.text.quantised import direction
from projections.vault.sounds import SOUND_DIMENSIONS
from schemas.audio.report import Instrument, Instruments, Lanes, Report, UsedModel
from tests.fixtures.audio_corpus import RATE, write_wav

GENRES = ("blues", "Disco", "reggae")
CONFIGS: dict[str, dict[str, Any]] = {
    GENRE: {"id": "tiny/wav2vec2", "sampling_rate": 16_000, "do_normalize": True, "window_s": 2},
    LEAD: {"id": "tiny/mert", "sampling_rate": 24_000, "window_s": 1},
    QUALITY: {
        "id": "tiny/audiobox",
        "target_transform": {axis: {"mean": 5.0, "std": 2.0} for axis in ("CE", "CU", "PC", "PQ")},
    },
    EMBEDDER: {"id": "tiny/clap", "sampling_rate": 48_000, "window_s": 10},
}
LABELS: dict[str, tuple[str, ...]] = {
    GENRE: GENRES,
    LEAD: ("guitar", "piano"),
    QUALITY: ("CE", "CU", "PC", "PQ"),
    EMBEDDER: (),
}


def tiny_network(outputs: int, seed: int = 4, *, per_step: bool = False) -> bytes:
    """The shape of all four, with chance for weights: strided convolutions over the raw wave, as
    wav2vec2 and MERT begin, a mean over time and a dense layer. `per_step`: no mean."""
    random = np.random.default_rng(seed)
    graph = Graph("tiny")
    x = graph.add("Unsqueeze", "wave", graph.weight(np.array([1])))
    for inputs, channels, width, stride in ((1, 8, 10, 5), (8, 16, 8, 4)):
        kernel = graph.weight(
            random.normal(0, 1 / np.sqrt(inputs * width), (channels, inputs, width))
        )
        x = graph.add("Relu", graph.add("Conv", x, kernel, strides=[stride]))
    if per_step:
        x = graph.add("Transpose", x, perm=[0, 2, 1])
        shape = ("batch", "steps", outputs)
    else:
        x = graph.add("ReduceMean", x, axes=[2], keepdims=0)
        shape = ("batch", outputs)
    dense = graph.weight(random.normal(0, 1, (16, outputs)))
    bias = graph.weight(random.normal(0, 1, outputs))
    graph.add("Add", graph.add("MatMul", x, dense), bias, result="answer")
    return graph.model({"wave": ("batch", "samples")}, {"answer": shape})


def put(models: Path, name: str, data: bytes | None = None, **changes: Any) -> Path:
    """A model's folder, as an operator makes it."""
    labels = LABELS[name]
    if data is None:
        data = tiny_network(len(labels) or 512, per_step=name == LEAD)
    config = {
        "licence": "Apache-2.0",
        "sha256": hashlib.sha256(data).hexdigest(),
        "id2label": {str(at): label for at, label in enumerate(labels)},
        **CONFIGS[name],
        **changes,
    }
    folder = models / name
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(data)
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def tone(seconds: float, rate_hz: int, hz: float = 220.0) -> np.ndarray:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.3 * np.sin(2 * np.pi * hz * t) + 0.05 * np.sin(2 * np.pi * 3 * hz * t)).astype(
        np.float32
    )


def test_a_genre_model_answers_probabilities_of_its_labels(tmp_path):
    model = Wav2Vec2Genre(put(tmp_path, GENRE))
    scores = model.genres(tone(5, model.sample_rate_hz))
    assert scores.labels == GENRES
    assert scores.timeline.shape == (3, 3)
    assert scores.means.sum() == pytest.approx(1, abs=1e-5)
    assert model.used.id == "tiny/wav2vec2"


def test_a_real_wav2vec2_exported_by_our_script_answers_what_torch_does():
    """transformers' own class with 16 dimensions and weights by chance, through
    `conversion/export.py`; the probabilities are torch's for the same sound."""
    model = Wav2Vec2Genre(Path(__file__).parent / "models" / GENRE)
    scores = model.genres(tone(2, model.sample_rate_hz))
    assert scores.labels == ("blues", "disco", "rock", "reggae")
    assert scores.means == pytest.approx([0.254455, 0.058411, 0.313471, 0.373663], abs=1e-5)


def test_normalised_input_makes_the_level_of_no_matter(tmp_path):
    model = Wav2Vec2Genre(put(tmp_path, GENRE))
    wave = tone(2, model.sample_rate_hz)
    assert np.abs(model.genres(wave).means - model.genres(0.1 * wave).means).max() < 1e-3


def test_what_is_left_over_at_the_end_weighs_as_much_as_it_lasts(tmp_path):
    model = Wav2Vec2Genre(put(tmp_path, GENRE))
    rate = model.sample_rate_hz
    scores = model.genres(tone(3, rate))
    expected = (scores.timeline[0] + 0.5 * scores.timeline[1]) / 1.5
    assert np.allclose(scores.means, expected, atol=1e-6)
    assert len(model.genres(tone(2.1, rate)).timeline) == 1  # .1 s is not worth a window


def test_a_quality_model_answers_on_the_scale_that_people_voted_on(tmp_path):
    config = {axis: {"mean": 5.0, "std": 0.0} for axis in ("CE", "CU", "PC", "PQ")}
    model = AudioboxAesthetics(put(tmp_path, QUALITY, target_transform=config))
    assert model.qualities(tone(12, 16_000)).means == pytest.approx([5.0] * 4)


def test_a_lead_model_answers_for_every_window(tmp_path):
    model = LeadInstrument(put(tmp_path, LEAD))
    scores = model.instruments(tone(4, 24_000))
    assert scores.timeline.shape == (4, 2)
    assert ((scores.timeline > 0) & (scores.timeline < 1)).all()
    assert scores.step_s == 1


def test_a_window_of_many_steps_has_the_mean_of_their_probabilities(tmp_path):
    """1 / mean(1 + e^-x), as it was once, lets one silent step drown the others."""
    model = LeadInstrument(put(tmp_path, LEAD))
    logits = np.array([[8.0, 0.0], [-8.0, 0.0]])
    model._run = lambda wave: logits
    (window,) = model.instruments(tone(1, 24_000)).timeline
    assert window == pytest.approx([0.5, 0.5], abs=1e-3)


def test_an_embedder_answers_a_unit_vector(tmp_path):
    vector = ClapEmbedder(put(tmp_path, EMBEDDER)).embed(tone(12, 48_000))
    assert vector.shape == (256,)
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_vectors_of_more_numbers_keep_their_angles_when_folded(tmp_path):
    random = np.random.default_rng(5)
    one, other = random.normal(size=(2, 512))
    near = one + 0.5 * other
    cosine = one @ near / np.linalg.norm(one) / np.linalg.norm(near)
    assert folded(one) @ folded(near) == pytest.approx(cosine, abs=0.15)
    assert abs(folded(one) @ folded(other)) < 0.2
    assert np.allclose(folded(one), folded(3 * one), atol=1e-6)


def test_an_embedder_whose_vectors_are_too_short_is_refused_and_ours_answers(tmp_path):
    put(tmp_path, EMBEDDER, tiny_network(32))
    heard = Listener(tmp_path).listen(Sound(tone(3, SAMPLE_RATE_HZ)))
    (said,) = heard.degraded
    assert "32 numbers" in said
    assert heard.sound is not None
    assert heard.sound["model"] == SOUND_MODEL


def test_the_lead_is_the_label_that_is_strongest_most_often():
    used = UsedModel(id="m", weights_sha256="0" * 64, licence="MIT")
    timeline = np.array([[0.9, 0.1], [0.8, 0.7], [0.2, 0.6], [0.1, 0.2]], np.float32)
    heard = Instruments(
        detected=[
            Instrument(method="m", name="piano", share=1, certainty="possible", lead=True),
            Instrument(method="m", name="drums", share=1, certainty="likely"),
        ],
        timeline=Lanes(method="m", step_s=1),
    )
    scores = Scores(("Guitar", "Piano"), timeline.mean(axis=0), timeline, 1)
    found = {one.name: (one.lead, one.share) for one in led(heard, scores, used).detected}
    assert found == {"guitar": (True, 0.5), "piano": (False, 1), "drums": (False, 1)}
    unsure = Scores(scores.labels, scores.means, timeline * 0.3, 1)
    assert not any(one.lead for one in led(heard, unsure, used).detected)


def test_present_models_answer_in_the_place_of_the_bundled_ones(tmp_path):
    for name in (GENRE, LEAD, QUALITY, EMBEDDER):
        put(tmp_path, name)
    listener = Listener(tmp_path)
    heard = listener.listen(Sound(tone(3, SAMPLE_RATE_HZ)))
    assert heard.genre.model == "tiny/wav2vec2"
    assert heard.genre.primary in {name.lower() for name in GENRES}
    assert heard.genre.weights_sha256 in {one.weights_sha256 for one in heard.models}
    assert [opinion.unit for opinion in heard.opinions] == ["of 10"] * 4
    assert heard.sound is not None
    assert heard.sound["model"].startswith("tiny/clap@")
    assert len(direction(heard.sound["data"])) == SOUND_DIMENSIONS
    assert heard.degraded == ()


def test_absent_models_are_nothing_to_speak_of_unless_one_was_asked_for(tmp_path):
    assert load_models(tmp_path).refused == ()
    assert load_models(None).refused == ()
    (refusal,) = load_models(tmp_path, [GENRE]).refused
    assert isinstance(refusal, AbsentModel)
    (unknown,) = load_models(tmp_path, ["a-model-nobody-knows"]).refused
    assert "a-model-nobody-knows" in str(unknown)


def broken(models: Path, how: str) -> None:
    data = tiny_network(3)
    if how == "another file":
        put(models, GENRE, data, sha256="0" * 64)
    elif how == "no graph":
        put(models, GENRE, b"not onnx at all")
    elif how == "cut short":
        put(models, GENRE, data[: len(data) // 2])
    elif how == "other labels":
        put(models, GENRE, tiny_network(5))
    elif how == "other input":
        put(models, GENRE, data.replace(b"wave", b"mels"))
    elif how == "no licence":
        put(models, GENRE, data, licence=None)
    elif how == "no weights":
        (put(models, GENRE, data) / "model.onnx").unlink()
    else:
        (put(models, GENRE, data) / "config.json").unlink()


@pytest.mark.parametrize(
    "how",
    [
        *("another file", "no graph", "cut short", "other labels"),
        *("other input", "no licence", "no weights", "no config"),
    ],
)
def test_a_broken_model_is_refused_and_the_others_are_used(tmp_path, how):
    broken(tmp_path, how)
    put(tmp_path, QUALITY)
    chosen = load_models(tmp_path)
    assert chosen.genre is None
    assert chosen.quality is not None
    (refusal,) = chosen.refused
    assert isinstance(refusal, BrokenWeights)
    assert refusal.code == "broken-weights"


def test_with_a_broken_model_the_bundled_one_answers_and_says_why(tmp_path):
    broken(tmp_path, "another file")
    listener = Listener(tmp_path)
    heard = listener.listen(Sound(tone(3, SAMPLE_RATE_HZ)))
    assert heard.genre.model.startswith("musicnn")
    (said,) = heard.degraded
    assert "model.onnx" in said
    assert "sha256" in said


def test_the_locked_down_child_answers_with_the_operators_model_and_names_what_is_missing(
    tmp_path,
):
    models = Path(__file__).parent / "models"
    path = write_wav(tmp_path / "tone.wav", np.stack([tone(3, RATE)] * 2, axis=1))
    with AudioPool(1, models_dir=models, models_wanted=[GENRE, EMBEDDER]) as pool:
        report = Report.model_validate_json(pool.analyse(path).report)
    assert report.genre.model == "tiny-wav2vec2"
    assert "tiny-wav2vec2" in {model.id for model in report.models}
    assert any(EMBEDDER in said for said in report.degraded)
    assert not any(GENRE in said for said in report.degraded)
