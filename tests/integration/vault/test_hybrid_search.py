"""One box on a real Postgres and a real text model: filters in words, meaning, sound, reasons."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

import numpy as np
import pytest

from events.vault.audio import Fingerprint, Vector
from gateways.ports.text import TextEmbedder
from gateways.text.description import describe
from gateways.text.embedding import make_embedder
from gateways.text.quantised import quantised
from kit.caller import Caller
from kit.paging import Cursors
from kit.tokens import Signer
from read_api.errors import NotVisible
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries
from read_api.vault.search import nearest
from read_api.vault.search.finding import Search
from read_api.vault.search.meaning import Meaning
from read_api.vault.search.texts import SIMILARITY
from schemas.audio.fingerprint import ALGORITHM
from tests.integration.library import Library

CATALOGUE: dict[str, dict[str, Any]] = {
    "Rail Yard": {
        "tempo_bpm": 140.4,
        "key": "A minor",
        "genre": "techno",
        "moods": ["driving", "dark"],
        "instruments": ["drums", "synth"],
        "vocals": 0.0,
        "sound": (1.0, 0.0, 0.2),
    },
    "Cold Store": {
        "tempo_bpm": 137.0,
        "key": "E minor",
        "genre": "techno",
        "moods": ["dark"],
        "instruments": ["drums"],
        "vocals": 0.6,
        "sound": (0.9, 0.1, 0.3),
    },
    "Cradle": {
        "tempo_bpm": 72.0,
        "key": "C major",
        "genre": "classical",
        "moods": ["calm"],
        "instruments": ["piano", "strings"],
        "vocals": 0.0,
        "sound": (0.0, 1.0, 0.0),
    },
    "Piano House": {
        "tempo_bpm": 124.0,
        "key": "A minor",
        "genre": "pop",
        "moods": [],
        "instruments": ["guitar"],
        "vocals": 0.9,
        "sound": (0.3, 0.7, 0.2),
    },
}


@pytest.fixture(scope="module")
def embedder() -> TextEmbedder:
    embedder = make_embedder()
    embedder.load()
    return embedder


@pytest.fixture(scope="module")
def vault(library: Library, embedder: TextEmbedder) -> AssetQueries:
    """The library's queries, with a text model."""
    return AssetQueries(library.pool, Cursors(Signer(b"s" * 32)), lambda: embedder)


@pytest.fixture(scope="module")
def musician(library: Library, embedder: TextEmbedder) -> Caller:
    caller = library.caller()
    for title, found in CATALOGUE.items():
        add(library, embedder, caller, title, **found)
    library.settle()
    return caller


def add(
    library: Library,
    embedder: TextEmbedder,
    caller: Caller,
    title: str,
    *,
    tempo_bpm: float,
    key: str,
    genre: str,
    moods: list[str],
    instruments: list[str],
    vocals: float,
    sound: tuple[float, ...],
) -> str:
    said = describe(
        genres=[genre], instruments=instruments, moods=moods, tempo_bpm=tempo_bpm, vocals=vocals
    )
    point = np.zeros(256)
    point[: len(sound)] = sound
    measured = {
        "genres": [{"name": genre, "confidence": 0.6}],
        "moods": moods,
        "instruments": [{"name": n, "share": 0.5, "confidence": 0.8} for n in instruments],
        "vocals": vocals,
        "sound": Vector(model="test", data=quantised(point)),
        "words": Vector(model=embedder.model, data=quantised(embedder.embed([said])[0])),
    }
    return library.add(caller, title, tempo_bpm=tempo_bpm, key=key, measured=measured)


def found(vault: AssetQueries, caller: Caller, **asked: object) -> list[str | None]:
    page = vault.list(caller, AssetFilters.model_validate(asked))
    return [asset.tags.title for asset in page.data]


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("around 140 in A minor", ["Rail Yard"]),
        ("around 140", ["Rail Yard", "Cold Store"]),
        ("compatible with Am", ["Piano House", "Cradle", "Cold Store", "Rail Yard"]),
        ("8A~", ["Piano House", "Cradle", "Cold Store", "Rail Yard"]),
        # what is no techno is only guessed to be none
        ("techno no vocals", ["Rail Yard", "Cradle"]),
        ("with piano", ["Piano House", "Cradle"]),
        ("with violin", ["Cradle"]),
        ("without drums", ["Piano House", "Cradle"]),
        ("calm", ["Cradle"]),
        ("house", ["Piano House"]),
        ("cradle under 100 bpm", ["Cradle"]),
        ("last week", ["Piano House", "Cradle", "Cold Store", "Rail Yard"]),
        ("before 2020", []),
    ],
)
def test_filters_are_found_in_plain_words(
    vault: AssetQueries, musician: Caller, q: str, titles: list[str]
):
    assert found(vault, musician, q=q) == titles


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({"instrument": "piano"}, ["Cradle"]),
        ({"instrument": "Drums, synth"}, ["Rail Yard"]),
        ({"mood": "dark"}, ["Cold Store", "Rail Yard"]),
        ({"vocals": "no"}, ["Cradle", "Rail Yard"]),
        ({"compatible_with": "A minor", "vocals": "yes"}, ["Piano House", "Cold Store"]),
        ({"until": "2020-01-01"}, []),
        ({"q": "around 140", "tempo_max": 100}, ["Cradle"]),
    ],
)
def test_parameters_say_the_same_and_win(
    vault: AssetQueries, musician: Caller, asked: dict[str, object], titles: list[str]
):
    assert found(vault, musician, **asked) == titles


def test_words_find_by_their_meaning_what_no_text_says(vault: AssetQueries, musician: Caller):
    page = vault.list(musician, AssetFilters(q="orchestra"))
    assert page.data[0].tags.title == "Cradle"
    assert any("sounds as described" in reason for reason in page.data[0].reasons)


def test_what_a_text_says_comes_before_what_means_the_same(vault: AssetQueries, musician: Caller):
    assert found(vault, musician, q="yard")[0] == "Rail Yard"
    page = vault.list(musician, AssetFilters(q="rial yard"))
    assert (page.data[0].tags.title, page.spelling) == ("Rail Yard", "misspelt")


def test_words_that_stand_nowhere_do_not_hide_what_fits_the_filters(
    library: Library, musician: Caller
):
    page = library.assets.list(musician, AssetFilters(q="dark trap around 140 in A minor"))
    assert [asset.tags.title for asset in page.data] == ["Rail Yard"]
    assert page.unmatched == "trap"
    assert [chip.label for chip in page.understood] == ["dark", "133 to 147 BPM", "A minor (8A)"]
    assert [chip.said for chip in page.understood] == ["dark", "around 140", "in A minor"]
    assert [chip.ranks for chip in page.understood] == [True, False, False]
    assert page.understood[1].without == 'dark trap "around 140" in A minor'
    assert page.data[0].reasons == ["mood dark", "140 BPM", "A minor (8A)"]


def test_what_sounds_alike_comes_first_with_what_both_share(vault: AssetQueries, musician: Caller):
    one = vault.list(musician, AssetFilters(q="rail yard")).data[0]
    alike = vault.similar(musician, one.id, limit=2).data
    assert [asset.tags.title for asset in alike] == ["Cold Store", "Piano House"]
    assert alike[0].similarity > alike[1].similarity > 0
    assert alike[0].reasons == [
        "9A mixes with 8A",
        "3 BPM apart",
        "both techno",
        "both with drums",
        "both dark",
    ]
    listed = found(vault, musician, similar_to=one.id, vocals="yes")
    assert listed == ["Cold Store", "Piano House"]


def test_nothing_sounds_like_what_was_not_listened_to(library: Library, musician: Caller):
    silent = library.add(musician, "Blank Tape 77", tempo_bpm=None, key=None)
    library.settle()
    try:
        assert library.assets.similar(musician, silent, limit=5).data == []
        assert found(library.assets, musician, similar_to=silent) == []
    finally:
        library.delete(musician, silent)
        library.settle()


def test_another_workspace_is_never_near(
    library: Library, vault: AssetQueries, embedder: TextEmbedder, musician: Caller
):
    stranger = library.caller()
    add(library, embedder, stranger, "Rail Yard", **CATALOGUE["Rail Yard"])
    library.settle()
    one = vault.list(stranger, AssetFilters()).data[0]
    assert vault.similar(stranger, one.id, limit=10).data == []
    assert "Cradle" not in found(vault, stranger, q="orchestra")
    theirs = vault.list(musician, AssetFilters(limit=1)).data[0]
    for asking in (
        lambda: vault.similar(stranger, theirs.id, limit=5),
        lambda: vault.related(stranger, theirs.id),
        lambda: found(vault, stranger, similar_to=theirs.id),
    ):
        with pytest.raises(NotVisible):
            asking()


def test_versions_of_one_song_are_recognised_by_title_and_beat(library: Library):
    caller = library.caller()
    one = library.add(caller, "Night Bus", tempo_bpm=120.0, key="A minor")
    library.add(caller, "Night Bus (final v2)", tempo_bpm=120.4, key="A minor")
    library.add(caller, "night_bus - instrumental", tempo_bpm=60.0, key="C major")
    library.add(caller, "Night Bus (v3)", tempo_bpm=93.0, key="A minor")
    library.add(caller, "Night Bus Driver", tempo_bpm=120.0, key="A minor")
    library.settle()
    related = library.assets.related(caller, one).data
    assert {(each.tags.title, each.reason) for each in related} == {
        ("Night Bus (final v2)", "same title, same tempo, same key"),
        ("night_bus - instrumental", "same title, same tempo, related key"),
    }
    assert {each.kind for each in related} == {"version"}


def test_the_same_audio_is_recognised_whatever_it_is_called(library: Library):
    chance = np.random.default_rng(3)
    words = chance.integers(1, 2**32, 600, dtype=np.uint32)
    again = words ^ np.where(chance.random(600) < 0.5, 1 << 7, 0).astype(np.uint32)
    other = chance.integers(1, 2**32, 600, dtype=np.uint32)
    caller = library.caller()
    one = recorded(library, caller, "Night Bus", words)
    recorded(library, caller, "untitled bounce", again)
    recorded(library, caller, "A minute of it", words[150:450])
    recorded(library, caller, "Something else", other)
    library.settle()
    related = library.assets.related(caller, one).data
    assert {(each.tags.title, each.kind) for each in related} == {
        ("untitled bounce", "same-audio"),
        ("A minute of it", "contains"),
    }
    part = next(each for each in related if each.kind == "contains")
    assert (part.share, part.offset_s) == (1.0, 30.0)


def test_what_is_the_same_audio_comes_before_other_versions_and_only_once(library: Library):
    words = np.random.default_rng(4).integers(1, 2**32, 600, dtype=np.uint32)
    caller = library.caller()
    one = recorded(library, caller, "Slow Train", words)
    recorded(library, caller, "Slow Train (bounce)", words)
    recorded(library, caller, "Something whole", words)
    library.add(caller, "Slow Train (v2)")
    library.settle()
    related = library.assets.related(caller, one).data
    assert [each.kind for each in related] == ["same-audio", "same-audio", "version"]
    assert related[-1].tags.title == "Slow Train (v2)"


def test_a_title_that_says_a_word_again_and_again_is_found_as_that_title(library: Library):
    caller = library.caller()
    for title in ("Da", "Da Da Da", "Da Da"):
        library.add(caller, title)
    library.settle()
    assert found(library.assets, caller, q="da da da")[0] == "Da Da Da"
    assert found(library.assets, caller, q="da da")[0] == "Da Da"


@pytest.mark.parametrize("q", ["cold", "cold stroe", "colb stoer"])
def test_words_beside_a_sound_are_looked_for_among_the_nearest(
    vault: AssetQueries, musician: Caller, q: str
):
    one = vault.list(musician, AssetFilters(q="rail yard")).data[0]
    assert found(vault, musician, q=q, similar_to=one.id)[0] == "Cold Store"


def test_a_misspelt_text_counts_where_much_else_means_the_same(
    library: Library, embedder: TextEmbedder, vault: AssetQueries
):
    """A page of what only means the words is no reason to look for what is less alike."""
    caller = library.caller()
    for number in range(4):
        add(library, embedder, caller, f"Number {number}", **CATALOGUE["Cradle"])
    library.add(caller, "Orchestar", tempo_bpm=None, key=None)
    library.settle()
    page = vault.list(caller, AssetFilters(q="orchetsar", limit=1))
    assert page.spelling == "misspelt"


def recorded(library: Library, caller: Caller, title: str, words: np.ndarray) -> str:
    data = base64.b64encode(words.astype("<u4").tobytes()).decode()
    fingerprint = Fingerprint(algorithm=ALGORITHM, data=data)
    return library.add(caller, title, measured={"fingerprint": fingerprint})


@pytest.mark.parametrize("q", ["around 140", "orchestra", "dark", "techno drums"])
def test_a_ranking_is_walked_once_page_by_page(vault: AssetQueries, musician: Caller, q: str):
    everything = [asset.id for asset in vault.list(musician, AssetFilters(q=q)).data]
    assert everything
    seen, cursor = [], None
    while True:
        page = vault.list(musician, AssetFilters(q=q, limit=1, cursor=cursor))
        seen += [asset.id for asset in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == everything


def test_a_large_vault_is_searched_the_same_by_other_ways(
    library: Library, vault: AssetQueries, musician: Caller, monkeypatch: pytest.MonkeyPatch
):
    """The index of vectors instead of comparing all, and newest first instead of a ranking."""
    one = vault.list(musician, AssetFilters(q="rail yard")).data[0]
    near = [asset.id for asset in vault.similar(musician, one.id, limit=3).data]
    titles = found(vault, musician, q="r")
    monkeypatch.setattr(nearest, "FEW", 0)
    monkeypatch.setattr("read_api.vault.search.statement.FEW", 0)
    monkeypatch.setattr("read_api.vault.search.finding.FAINT_UP_TO", 0)
    assert [asset.id for asset in vault.similar(musician, one.id, limit=3).data] == near
    assert found(vault, musician, q="orchestra")[0] == "Cradle"
    monkeypatch.setattr("read_api.vault.search.statement.BROAD", 1)
    assert sorted(found(library.assets, musician, q="r")) == sorted(titles)
    walked, cursor = [], None
    while True:
        page = library.assets.list(musician, AssetFilters(q="r", limit=1, cursor=cursor))
        walked += [asset.tags.title for asset in page.data]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert walked == found(library.assets, musician, q="r")


def test_a_count_is_what_a_walk_finds(library: Library, musician: Caller):
    for asked in ({}, {"q": "techno"}, {"q": "rial"}, {"q": "zzz"}, {"key": "A minor"}):
        filters = AssetFilters.model_validate(asked)
        listed = library.assets.list(musician, filters).data
        assert library.assets.count(musician, filters) == len(listed), asked


def test_the_day_of_the_first_page_counts_for_all_pages(library: Library, musician: Caller):
    search = Search(library.assets._views, Cursors(Signer(b"s" * 32)), Meaning(None))
    understood = search.understand(musician, AssetFilters(q="last week"), date(2026, 1, 20))
    assert [chip.value for chip in understood.chips] == ["2026-01-13"]


def test_likeness_has_a_limit_for_each_way():
    assert SIMILARITY["faint"] < SIMILARITY["alike"]
