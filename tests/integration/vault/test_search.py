"""The vault's list on a real Postgres: what is found by words and filters, in which order."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from kit.caller import Caller
from kit.paging import InvalidCursor
from read_api.vault.asset_filters import AssetFilters
from tests.integration.library import Library


@pytest.fixture(scope="module")
def musician(library: Library) -> Caller:
    """Somebody with a small catalogue."""
    caller = library.caller()
    add = library.add
    add(caller, "Midnight Drive", artist="Neon Coast", genre="Synthwave", tempo_bpm=104.0)
    add(caller, "Café Déjà Vu", artist="Zoë", genre="House", tempo_bpm=124.0, key="C major")
    add(caller, "Nightfall", artist="Low Tide", album="Harbour Lights", tempo_bpm=82.0)
    add(caller, "夜のドライブ", artist="東京", tempo_bpm=None, key=None, duration_s=61.5)
    add(caller, "Полночь", artist="Север", genre="House", tempo_bpm=172.0, key="A# minor")
    library.settle()
    return caller


def found(library: Library, caller: Caller, **asked: object) -> list[str | None]:
    page = library.assets.list(caller, AssetFilters.model_validate(asked))
    return [asset.tags.title for asset in page.data]


@pytest.mark.parametrize(
    ("q", "titles"),
    [
        ("midnight drive", ["Midnight Drive"]),
        ("drive midnight", ["Midnight Drive"]),
        ("mid", ["Midnight Drive"]),
        ("neon", ["Midnight Drive"]),
        ("harbour", ["Nightfall"]),
        ("cafe deja", ["Café Déjà Vu"]),
        ("CAFÉ", ["Café Déjà Vu"]),
        ("zoe", ["Café Déjà Vu"]),
        ("полн", ["Полночь"]),
        ("ドライブ", ["夜のドライブ"]),
        ("night drive", ["Midnight Drive"]),
    ],
)
def test_words_are_found_in_any_order_from_their_beginning_without_accents(
    library: Library, musician: Caller, q: str, titles: list[str]
):
    assert found(library, musician, q=q) == titles


@pytest.mark.parametrize(
    ("q", "title"),
    [
        ("Midnigth Drive", "Midnight Drive"),
        ("midnite drvie", "Midnight Drive"),
        ("midnigth dirve", "Midnight Drive"),
        ("dirve", "Midnight Drive"),
        ("Middnight", "Midnight Drive"),
        ("nihgtfall", "Nightfall"),
        ("nite fall", "Nightfall"),
        ("cafee dejavu", "Café Déjà Vu"),
        ("synthwvae", "Midnight Drive"),
        ("Полноч", "Полночь"),
        ("Полнчоь", "Полночь"),
    ],
)
def test_a_misspelt_title_is_found_first(library: Library, musician: Caller, q: str, title: str):
    assert found(library, musician, q=q)[:1] == [title]


def test_nothing_alike_is_found_for_what_is_not_there(library: Library, musician: Caller):
    assert found(library, musician, q="xylophone quartet") == []
    assert found(library, musician, q="!!!") == []


@pytest.mark.parametrize(
    ("asked", "titles"),
    [
        ({"tempo_min": 100, "tempo_max": 125}, {"Midnight Drive", "Café Déjà Vu"}),
        ({"tempo_max": 82}, {"Nightfall"}),
        ({"key": "A# minor"}, {"Полночь"}),
        ({"genre": "house"}, {"Café Déjà Vu", "Полночь"}),
        ({"genre": "house", "tempo_min": 150}, {"Полночь"}),
        ({"duration_max": 100}, {"夜のドライブ"}),
        ({"duration_min": 100, "key": "C major"}, {"Café Déjà Vu"}),
        ({"state": "rejected"}, set()),
        ({"q": "drive", "tempo_min": 110}, set()),
        ({"since": "2999-01-01T00:00:00Z"}, set()),
    ],
)
def test_filters_hold_together(
    library: Library, musician: Caller, asked: dict[str, object], titles: set[str]
):
    assert set(found(library, musician, **asked)) == titles


def test_filters_use_what_the_musician_says_before_what_was_measured(library: Library):
    caller = library.caller()
    asset_id = library.add(caller, "Half Time", tempo_bpm=70.0, key="C major")
    library.edit(caller, asset_id, tempo_bpm=140.0, key="A minor")
    library.settle()
    assert found(library, caller, tempo_min=139, tempo_max=141, key="A minor") == ["Half Time"]
    library.edit(caller, asset_id, tempo_bpm=None)
    library.settle()
    assert found(library, caller, tempo_min=69, tempo_max=71) == ["Half Time"]


@pytest.mark.parametrize("sort", ["uploaded_at", "title", "tempo", "duration"])
@pytest.mark.parametrize("sign", ["", "-"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_walks_every_row_once_in_every_order(
    library: Library, musician: Caller, sort: str, sign: str, limit: int
):
    everything = library.assets.list(musician, AssetFilters(sort=sign + sort)).data
    assert walked(library, musician, sort=sign + sort, limit=limit) == [a.id for a in everything]


def test_assets_without_a_tempo_come_last_both_ways(library: Library, musician: Caller):
    assert found(library, musician, sort="tempo")[-1] == "夜のドライブ"
    assert found(library, musician, sort="-tempo")[-1] == "夜のドライブ"
    assert found(library, musician, sort="tempo")[0] == "Nightfall"


@pytest.mark.parametrize("q", ["night", "midnite nihgt", "a"])
def test_paging_through_a_search_walks_every_hit_once(library: Library, musician: Caller, q: str):
    everything = library.assets.list(musician, AssetFilters(q=q)).data
    assert walked(library, musician, q=q, limit=1) == [asset.id for asset in everything]


def test_a_cursor_of_another_question_or_of_nobody_is_refused(library: Library, musician: Caller):
    page = library.assets.list(musician, AssetFilters(limit=1))
    for asked in ({"cursor": page.next_cursor, "key": "C major"}, {"cursor": "e30.forged"}):
        with pytest.raises(InvalidCursor):
            library.assets.list(musician, AssetFilters.model_validate(asked))


def test_another_workspace_sees_nothing_of_it(library: Library, musician: Caller):
    stranger = library.caller()
    assert found(library, stranger) == []
    assert found(library, stranger, q="midnight") == []
    assert library.assets.stats(stranger).assets == 0


def test_neither_deleted_nor_only_measured_assets_are_listed(library: Library):
    caller = library.caller()
    kept, gone = library.add(caller, "Kept"), library.add(caller, "Gone")
    library.delete(caller, gone)
    library.settle()
    assert [a.id for a in library.assets.list(caller, AssetFilters()).data] == [kept]
    assert library.assets.stats(caller).assets == 1


def test_the_library_is_counted_by_state(library: Library):
    caller = library.caller()
    library.add(caller, "Done", duration_s=60.0)
    library.reject(caller, library.upload(caller))
    library.upload(caller)
    library.settle()
    stats = library.assets.stats(caller)
    assert stats.by_state == {"analysed": 1, "rejected": 1, "uploaded": 1}
    assert (stats.assets, stats.duration_s) == (3, 60.0)


@pytest.mark.parametrize(
    "asked",
    [
        {"key": "H minor"},
        {"tempo_min": "nan"},
        {"tempo_min": -1},
        {"tempo_min": 130, "tempo_max": 120},
        {"limit": 0},
        {"limit": 201},
        {"sort": "loudness"},
        {"sort": "relevance"},
        {"state": "lost"},
        {"since": "yesterday"},
        {"q": "x" * 1_001},
    ],
)
def test_senseless_filters_are_refused(asked: dict[str, object]):
    with pytest.raises(ValidationError):
        AssetFilters.model_validate(asked)


def test_blank_filters_of_a_form_are_no_filters():
    assert AssetFilters.model_validate({"q": " ", "tempo_min": "", "sort": ""}) == AssetFilters()


def walked(library: Library, caller: Caller, **asked: object) -> list[str]:
    """All ids, page by page."""
    ids: list[str] = []
    cursor = None
    while True:
        page = library.assets.list(caller, AssetFilters.model_validate({**asked, "cursor": cursor}))
        ids += [asset.id for asset in page.data]
        cursor = page.next_cursor
        assert page.has_more == (cursor is not None)
        if cursor is None:
            return ids
