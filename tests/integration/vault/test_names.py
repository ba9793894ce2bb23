"""What a recording is called finds it first, whatever it is called."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.ids import WorkspaceId
from events.vault.audio import Tags
from kit.caller import Caller
from kit.paging import Cursors
from kit.tokens import Signer
from processors.consumers.rows import TableRows
from processors.consumers.views import create_build, publish
from projections.vault.sounds import Sounds
from projections.vault.vault import Vault, called, said_in
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries
from runtime.engines.postgres import EmbeddedPostgres
from tests.conftest import open_database
from tests.integration.vault.names import ending, generated

NAMES = 2_000
_numbers = count(1)


class Shelf:
    """A vault that is filled at once; `queries` are the product's."""

    def __init__(self, connection: psycopg.Connection, schema: str, queries: AssetQueries) -> None:
        self._connection, self._schema, self._queries = connection, schema, queries
        self._rows = TableRows(schema, "vault", ("asset_id",))
        self.caller = Caller("acc_" + "0" * 32, WorkspaceId.new())

    def add(
        self, filename: str, *, path: str | None = None, measured: Any = None, **tags: Any
    ) -> str:
        asset_id = f"ast_{next(_numbers):032x}"
        self._rows.upsert(
            asset_id,
            workspace_id=self.caller.workspace_id,
            version=1,
            file_state="verified",
            uploaded_at="2026-01-01T00:00:00Z",
            sha256="0" * 64,
            size_bytes=1,
            **called(filename, path),
            **said_in(Tags.model_validate(tags), tuple(Tags.model_fields)),
            **(measured or {}),
        )
        return asset_id

    def settle(self) -> None:
        self._rows.flush(self._connection)
        self._connection.execute(f"VACUUM (ANALYZE) {self._schema}.vault".encode())

    def found(self, q: str, **more: Any) -> list[str]:
        page = self._queries.list(self.caller, AssetFilters.model_validate({"q": q, **more}))
        return [each.id for each in page.data]

    def walked(self, **asked: Any) -> list[str]:
        ids: list[str] = []
        cursor = None
        while True:
            filters = AssetFilters.model_validate({**asked, "cursor": cursor})
            page = self._queries.list(self.caller, filters)
            ids += [each.id for each in page.data]
            cursor = page.next_cursor
            if cursor is None:
                return ids


@pytest.fixture(scope="module")
def shelves(postgres: EmbeddedPostgres) -> Iterator[Callable[[], Shelf]]:
    """Each call makes a vault of somebody else."""
    with (
        open_database(postgres, f"names_{os.getpid()}") as database,
        psycopg.connect(database.worker_url, autocommit=True) as connection,
        ConnectionPool(database.app_url, min_size=1, kwargs={"autocommit": True}) as pool,
    ):
        schema = create_build(connection, Vault(), 1)
        publish(connection, "vault", schema)
        publish(connection, "sounds", create_build(connection, Sounds(), 1))
        queries = AssetQueries(pool, Cursors(Signer(b"s" * 32)))
        yield lambda: Shelf(connection, schema, queries)


def test_each_of_2000_names_is_found_first_by_itself(shelves: Callable[[], Shelf]):
    shelf = shelves()
    chance = random.Random(7)
    names = generated(NAMES, seed=7)
    asked: dict[str, set[str]] = {}
    for number, name in enumerate(names):
        file = name + ending(chance)
        if number % 3:
            asked.setdefault(chance.choice((name, file)), set()).add(shelf.add(file))
        else:
            asked.setdefault(name, set()).add(shelf.add(f"{number}.wav", title=name))
    shelf.settle()
    missed = {
        q: first
        for q, right in asked.items()
        if not (first := shelf.found(q, limit=1)) or first[0] not in right
    }
    assert missed == {}


MEASURED = {"analysis_state": "completed"}
CASES: tuple[tuple[str, dict[str, Any], tuple[str, ...]], ...] = (
    ("Sax solo take 3.flac", {}, ("sax solo", "SAX SOLO", "saxophone solo")),
    ("Drum loop 01.flac", {}, ("drum loop", "drums loop", "drum-loop 01")),
    ("Guitars left.flac", {}, ("guitars", "guitars left")),
    ("b1.flac", {"title": "Sunny Afternoon"}, ("sunny afternoon", "afternoon")),
    ("b2.flac", {"genre": "Drum & Bass"}, ("drum & bass",)),
    ("b3.flac", {"title": "Prelude in C minor"}, ("prelude in c minor", "prelude c min")),
    ("Loop 140 bpm.flac", {}, ("loop 140 bpm", "loop 140bpm", "loop around 140")),
    ("b4.flac", {"title": "No Strings Attached"}, ("no strings attached",)),
    ("Lead vocals (dry).wav", {}, ("lead vocals", "lead vocals dry")),
    ("b5.flac", {"title": "!!!"}, ("!!!",)),
    ("b6.flac", {"title": "Ed \u00f7"}, ("\u00f7",)),
    ("b7.flac", {"title": "ｶﾗｵｹ ﾊﾟｰﾃｨ"}, ("カラオケ", "ｶﾗｵｹ", "パーティ")),
    ("b8.flac", {"title": "한국의 봄"}, ("한국의 봄", "한국", "봄")),
    (
        "b9.flac",
        {
            **{"title": "Nocturne One", "composer": "Klara Wieser", "label": "Seagull Records"},
            **{"album_artist": "Harbour Ensemble", "isrc": "DEXY12600001"},
            **{"comment": "by the lighthouse", "artists": ("Ada Okoye", "Benno Ruiz")},
        },
        (
            *("Klara Wieser", "Harbour Ensemble", "Seagull Records", "DEXY12600001", "lighthouse"),
            *("Ada Okoye", "benno ruiz"),
        ),
    ),
    ("CapDan-ReggaeTry.wav", {}, ("reggae", "capdan", "cap dan", "reggaetry")),
    ("ProgressiveHousePluckDemo.wav", {}, ("house", "pluck demo", "progressivehouse", "gressive")),
    ("nightbusdemo.wav", {}, ("busdemo", "night bus", "bus demo")),
    ("c1.flac", {"path": "Album Sketches/Kick/c1.flac"}, ("album sketches", "kick")),
)
# Measured otherwise than they are called.
WRONG = {
    **MEASURED,
    **{"measured_tempo_bpm": 43.5, "measured_key": "F# major", "vocals": 0.0, "moods": ["dark"]},
    **{"genres": [{"name": "metal", "confidence": 0.5}], "guessed_genre_keys": ["metal"]},
    "instruments": [{"name": "strings", "share": 0.5, "confidence": 0.8}],
}


@pytest.fixture(scope="module")
def misheard(shelves: Callable[[], Shelf]) -> tuple[Shelf, dict[str, str]]:
    """All cases, each with measurements that say otherwise; id by file name."""
    shelf, ids = shelves(), {}
    for filename, tags, _ in CASES:
        path = tags.get("path")
        said = {name: value for name, value in tags.items() if name != "path"}
        ids[filename] = shelf.add(filename, path=path, measured=WRONG, **said)
    shelf.settle()
    return shelf, ids


@pytest.mark.parametrize(
    ("filename", "q"), [(filename, q) for filename, _, asked in CASES for q in asked]
)
def test_what_was_typed_is_found_first_whatever_was_measured(
    misheard: tuple[Shelf, dict[str, str]], filename: str, q: str
):
    shelf, ids = misheard
    assert shelf.found(q)[0] == ids[filename]


def test_spellings_of_a_genre_find_each_other(shelves: Callable[[], Shelf]):
    shelf = shelves()
    every = {
        shelf.add(f"{number}.flac", genre=genre)
        for number, genre in enumerate(("Drum & Bass", "DnB", "drum and bass", "D&B"))
    }
    other = shelf.add("other.flac", genre="Hip-Hop")
    shelf.settle()
    for q in ("drum & bass", "dnb", "Drum and Bass", "d&b", "drum n bass", "genre:dnb"):
        assert set(shelf.found(q)) == every, q
        assert set(shelf.found("", genre=q.removeprefix("genre:"))) == every, q
    for q in ("hip hop", "hiphop", "hip-hop"):
        assert shelf.found(q) == [other], q


def test_a_guess_hides_nothing_and_what_somebody_says_does(shelves: Callable[[], Shelf]):
    shelf = shelves()
    tempo = {**MEASURED, "measured_tempo_bpm": 140.0}
    right = shelf.add("a.flac", measured={**tempo, "guessed_genre_keys": ["techno"]})
    wrong = shelf.add("b.flac", measured={**tempo, "guessed_genre_keys": ["pop"]})
    shelf.add("c.flac", genre="Pop", measured=tempo)
    shelf.settle()
    assert shelf.found("techno 140 bpm") == [right, wrong]
    assert shelf.found("dark techno") == [right]
    assert shelf.found("genre:techno 140 bpm") == [right]
    assert shelf.found("140 bpm", genre="techno") == [right]


def test_what_is_called_so_comes_before_what_begins_so_and_what_holds_it(
    shelves: Callable[[], Shelf],
):
    shelf = shelves()
    apart = shelf.add("Loop, dark.wav")
    holds = shelf.add("My Dark Loop.wav")
    begins = shelf.add("Dark Loop 2.wav")
    called = shelf.add("DARK-LOOP.wav")
    typed = shelf.add("x.wav", title="dark loop")
    inside = shelf.add("Updark loops.wav")
    shelf.settle()
    assert shelf.found("dark loop")[:4] == [typed, called, begins, holds]
    assert set(shelf.found("dark loop")[4:]) == {inside, apart}


@pytest.mark.parametrize("length", [200, 300, 500])
def test_a_long_name_is_found_by_its_beginning(shelves: Callable[[], Shelf], length: int):
    shelf = shelves()
    title = ("Prelude in C minor, no drums 140 bpm dark " * 20)[:500]
    one = shelf.add("x.flac", title=title)
    shelf.add("y.flac", title="Prelude in C minor")
    shelf.settle()
    assert shelf.found(title[:length])[0] == one


def test_a_number_is_no_other_number(shelves: Callable[[], Shelf]):
    shelf = shelves()
    shelf.add("Loop 174.wav")
    shelf.add("Loop 21405.wav")
    right = shelf.add("Loop140.wav")
    shelf.settle()
    assert shelf.found("140") == shelf.found("loop 140") == shelf.found("lopo 140") == [right]


@pytest.mark.parametrize("limit", [1, 2, 7])
@pytest.mark.parametrize("sort", ["title", "-title"])
def test_titles_are_walked_in_natural_order(shelves: Callable[[], Shelf], sort: str, limit: int):
    shelf = shelves()
    titles = ["Take 1", "Take 2", "Take 002", "Take ٣", "Take 10", f"Take {10**40}", "take x"]
    ids = [shelf.add("x.wav", title=title) for title in titles]
    shelf.settle()
    assert shelf.walked(sort=sort, limit=limit) == (ids if sort == "title" else ids[::-1])
