"""Words against the text of a recording: four ways to match, from strict to lenient.

Words come folded (letters, digits and spaces only), so they need no escaping.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from read_api.search.typos import MOST_WORDS, meant

# exact: each word begins a word of the text, or all stand in it as they are. broad: the same where
# that is much of the vault. typed: one slip a word. alike, faint: words that share many letters.
How = Literal["exact", "broad", "typed", "alike", "faint"]
# A word with one typo shares little: "dirve" and "drive" 0.2, "nihgt" and "night" 0.33. Of 400
# drawn typos 0.3 found 88 % of the titles, 0.2 all and 4 % of the others; the cut drops what
# is far less alike than the best. Of 100,000 titles 0.2 looks at every third: only small vaults
# are asked so, after `typed` has found one slip a word in any of them.
SIMILARITY: dict[How, float] = {"alike": 0.45, "faint": 0.2}
CUT = 0.4
# `LIKE` needs three letters for its index.
INDEXED = 3


@dataclass(frozen=True, slots=True)
class TextMatch:
    """SQL over `views.vault`: a condition, and a score above 0 for every row that fulfils it."""

    condition: str
    score: str
    parameters: dict[str, Any]


def text_match(words: list[str], how: How) -> TextMatch:
    match how:
        case "exact" | "broad":
            return _exact(words)
        case "typed":
            return _typed(words)
        case _:
            return _alike(words)


def _exact(words: list[str]) -> TextMatch:
    phrase = " ".join(words)
    parameters = {"prefixes": " & ".join(f"{word}:*" for word in words), "phrase": phrase}
    query = "to_tsquery('simple', %(prefixes)s)"
    condition = f"search_vector @@ {query}"
    # The substring finds what has no word boundaries (Japanese) or was cut in the middle.
    if len(phrase) >= INDEXED or not phrase.isascii():
        condition = f"({condition} OR search_text LIKE '%%' || %(phrase)s || '%%')"
    # What holds the phrase comes before what holds its words apart. word_similarity would say it
    # finer at 43 µs a row; this costs 4.
    score = (
        f"ts_rank(search_vector, {query}) + CASE"
        " WHEN title_sort = %(phrase)s THEN 1.0"
        " WHEN title_sort LIKE %(phrase)s || '%%' THEN 0.7"
        " WHEN search_text LIKE '%%' || %(phrase)s || '%%' THEN 0.5 ELSE 0.001 END"
    )
    return TextMatch(condition, score, parameters)


def _typed(words: list[str]) -> TextMatch:
    slips = [
        f"({' | '.join([f'{word}:*', *meant(word)])})" if number < MOST_WORDS else f"{word}:*"
        for number, word in enumerate(words)
    ]
    # By the text index before all else (without sequential scans): the planner takes hundreds of
    # words for much of the vault and would read all of it, 80 ms instead of 3 of 20,000.
    return TextMatch(
        "asset_id IN (SELECT asset_id FROM views.vault AS typed"
        " WHERE typed.search_vector @@ to_tsquery('simple', %(slips)s) OFFSET 0)",
        _similarity(words),
        {"slips": " & ".join(slips), **_numbered(words)},
    )


def _alike(words: list[str]) -> TextMatch:
    conditions = []
    parameters: dict[str, Any] = _numbered(words)
    for number, word in enumerate(words):
        parameters[f"prefix{number}"] = f"{word}:*"
        conditions.append(
            f"(%(word{number})s <%% search_text"
            f" OR search_vector @@ to_tsquery('simple', %(prefix{number})s))"
        )
    return TextMatch(" AND ".join(conditions), _similarity(words), parameters)


def _numbered(words: list[str]) -> dict[str, Any]:
    return {f"word{number}": word for number, word in enumerate(words)}


def _similarity(words: list[str]) -> str:
    scores = (f"word_similarity(%(word{number})s, search_text)" for number in range(len(words)))
    return f"({' + '.join(scores)}) / {len(words)}"
