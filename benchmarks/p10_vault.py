"""A vault of many thousand recordings, written as the views' own folds would write it.

Words are drawn from a made-up language by Zipf's law, as titles' words are; sounds lie around a
few hundred centres, as recordings of a few hundred styles do.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Any

import numpy as np
import psycopg
from psycopg import sql

from events.ids import WorkspaceId
from events.vault.audio import MUSICAL_KEYS, Tags
from processors.consumers.views import analyse, create_build, publish
from projections.vault.genres import genre_keys
from projections.vault.sounds import SOUND_DIMENSIONS, WORDS_DIMENSIONS, Sounds
from projections.vault.vault import Vault, called, said_in

WORKSPACE = WorkspaceId.new()
STYLES, SENTENCES = 300, 2_000
BLOCK = 5_000
MODEL = "bench"
GENRES = ("house", "techno", "rock", "pop", "hip hop", "jazz", "ambient", "folk", "metal")
INSTRUMENTS = ("piano", "guitar", "drums", "synth", "strings", "flute", "choir")
MOODS = ("dark", "calm", "driving", "dreamy", "aggressive", "party")
_ONSETS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "dr",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pr",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "th",
    "tr",
    "v",
    "w",
    "z",
]
_VOWELS = ["a", "e", "i", "o", "u", "ai", "ea", "ou"]
_CODAS = ["", "", "", *["d", "k", "l", "m", "n", "r", "s", "t", "nd", "rt", "st", "ck"]]
INDEXES = ("sounds_by_sound", "sounds_by_words")


@dataclass
class Catalogue:
    """Everything drawn from one seed; `titles` are those of the recordings, in order."""

    size: int
    seed: int
    titles: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)  # noqa: S311
        self.vectors = np.random.default_rng(self.seed)
        words = {self._word() for _ in range(30_000)}
        self.words = sorted(words)
        self.chance.shuffle(self.words)
        # Cumulated once: choosing by plain weights would cumulate them anew for each word.
        self.weights = list(accumulate(1 / (rank + 5) for rank in range(len(self.words))))
        self.centres = self.vectors.standard_normal((STYLES, SOUND_DIMENSIONS))
        self.sentences = self.vectors.standard_normal((SENTENCES, WORDS_DIMENSIONS))

    def _word(self) -> str:
        syllables = self.chance.choices((1, 2, 3), (2, 5, 2))[0]
        return "".join(
            self.chance.choice(_ONSETS) + self.chance.choice(_VOWELS) + self.chance.choice(_CODAS)
            for _ in range(syllables)
        )

    def said(self, least: int, most: int) -> str:
        count = self.chance.randint(least, most)
        return " ".join(self.chance.choices(self.words, cum_weights=self.weights, k=count)).title()

    def asset(self, number: int) -> dict[str, Any]:
        """The vault's columns of one recording."""
        chance = self.chance
        title, artist = self.said(1, 4), self.said(1, 2)
        self.titles.append(title)
        heard = chance.sample(INSTRUMENTS, 2)
        genres = chance.sample(GENRES, 2)
        return {
            "asset_id": asset_id(number),
            "workspace_id": WORKSPACE,
            "version": 3,
            "file_state": "verified",
            "uploaded_at": datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=number * 60),
            **called(f"{artist} - {title}.flac", None),
            "sha256": f"{number:064x}",
            "size_bytes": 30_000_000,
            **said_in(
                Tags(title=title, artist=artist, album=self.said(1, 2)),
                ("title", "artist", "album"),
            ),
            "duration_s": chance.uniform(60, 400),
            "sample_rate_hz": 44_100,
            "channels": 2,
            "codec": "flac",
            "truncated": False,
            "analysis_id": f"ana_{number:032x}",
            "analysis_state": "completed",
            "analysis_run": 1,
            "measured_tempo_bpm": round(chance.uniform(70, 180), 1),
            "measured_key": chance.choice(MUSICAL_KEYS),
            "energy": chance.random(),
            "danceability": chance.random(),
            "valence": chance.random(),
            "vocals": chance.random(),
            "genres": json.dumps([{"name": name, "confidence": 0.5} for name in genres]),
            "guessed_genre_keys": json.dumps(genre_keys(genres[0])),
            "instruments": json.dumps(
                [{"name": name, "share": 0.5, "confidence": 0.7} for name in heard]
            ),
            "moods": json.dumps(chance.sample(MOODS, 2)),
            "analyser": "noculture",
            "analyser_version": 1,
            "peaks_sha256": "b" * 64,
        }

    def points(self, count: int, centres: np.ndarray, spread: float) -> np.ndarray:
        """int8 (count, dimensions), each near a centre."""
        chosen = centres[self.vectors.integers(len(centres), size=count)]
        near = chosen + spread * self.vectors.standard_normal(chosen.shape)
        steps = np.rint(near * (127 / np.abs(near).max(axis=1, keepdims=True)))
        return steps.astype(np.int8)


def asset_id(number: int) -> str:
    return f"ast_{number:032x}"


def fill(owner_url: str, worker_url: str, catalogue: Catalogue, *, texts: bool = True) -> None:
    """Both views' tables, their vector indexes built at the end as a bulk load does.

    `texts` False leaves the vault's own table empty: vectors alone.
    """
    with psycopg.connect(worker_url, autocommit=True) as connection:
        vault, sounds = (create_build(connection, view(), 1) for view in (Vault, Sounds))
        definitions = [_definition(connection, sounds, name) for name in INDEXES]
        for name in INDEXES:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(sounds, name)))
        if texts:
            rows = (catalogue.asset(number) for number in range(catalogue.size))
            _copy(connection, sql.Identifier(vault, "vault"), rows)
        _copy(connection, sql.Identifier(sounds, "sounds"), _sounds(catalogue))
        connection.execute("SET maintenance_work_mem = '2GB'")
        for definition in definitions:
            connection.execute(definition.encode())
        for schema, table in ((vault, "vault"), (sounds, "sounds")):
            analyse(connection, schema, table)
            publish(connection, table, schema)
    with psycopg.connect(owner_url, autocommit=True) as connection:
        connection.execute("VACUUM")


def _sounds(catalogue: Catalogue) -> Iterator[dict[str, Any]]:
    for start in range(0, catalogue.size, BLOCK):
        count = min(BLOCK, catalogue.size - start)
        sounds = catalogue.points(count, catalogue.centres, 0.8)
        words = catalogue.points(count, catalogue.sentences, 0.3)
        for number in range(count):
            yield {
                "asset_id": asset_id(start + number),
                "workspace_id": WORKSPACE,
                "sound_model": MODEL,
                "sound": pgvector(sounds[number]),
                "words_model": MODEL,
                "words": pgvector(words[number]),
            }


def pgvector(numbers: np.ndarray) -> str:
    return f"[{','.join(map(str, numbers.tolist()))}]"


def _copy(
    connection: psycopg.Connection, table: sql.Identifier, rows: Iterator[dict[str, Any]]
) -> None:
    first = next(rows)
    names = sql.SQL(", ").join(map(sql.Identifier, first))
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(table, names)
    with connection.cursor() as cursor, cursor.copy(into) as copy:
        copy.write_row(tuple(first.values()))
        for row in rows:
            copy.write_row(tuple(row.values()))


def _definition(connection: psycopg.Connection, schema: str, index: str) -> str:
    row = connection.execute(
        "SELECT indexdef FROM pg_indexes WHERE schemaname = %s AND indexname = %s", (schema, index)
    ).fetchone()
    assert row is not None
    return str(row[0])
