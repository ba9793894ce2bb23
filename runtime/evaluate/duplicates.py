"""Which of the tracks are the same audio, as the vault's pages find them: those with most terms in
common are looked up, a few are compared word by word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from read_api.vault.search.alike import MOST_COMPARED
from schemas.audio.fingerprint import compare, index_terms, read_words

Alike = dict[Path, list[Path]]


def alike(fingerprints: Mapping[Path, str | None]) -> Alike:
    """For each track, the others that are said to be the same audio or an edit of it."""
    words = {path: read_words(data) for path, data in fingerprints.items() if data is not None}
    terms = {path: frozenset(index_terms(one)) for path, one in words.items()}
    return {
        path: [other for other in _looked_up(path, terms) if compare(mine, words[other])]
        for path, mine in words.items()
    }


def _looked_up(path: Path, terms: Mapping[Path, frozenset[int]]) -> list[Path]:
    shared = {other: len(terms[path] & terms[other]) for other in terms if other != path}
    found = sorted((other for other in shared if shared[other]), key=lambda one: -shared[one])
    return found[:MOST_COMPARED]


def recording_of(path: Path, originals: Mapping[Path, Path | None]) -> Path:
    """Follows copies of copies back to the first original."""
    seen = [path]
    while (original := originals.get(seen[-1])) is not None and original not in seen:
        seen.append(original)
    return seen[-1]
