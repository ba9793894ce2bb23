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
# 0.55 costs half of what 0.45 does there.
SIMILARITY: dict[How, float] = {"alike": 0.55, "faint": 0.2}
CUT = 0.4
# Of what is found by likeness so many of the newest are weighed: word_similarity takes 43 µs a row,
# and a common word of 100,000 titles stands in 14,000.
MOST_WEIGHED = 300
# The text index asks a whole query of each row that has one of its words: 7,000 rows and 700 words
# took 93 ms, in portions of so many 8.
TOGETHER = 25
# `LIKE` needs three letters for its index.
INDEXED = 3


@dataclass(frozen=True, slots=True)
class TextMatch:
    """SQL over `views.vault`: a condition, and a score above 0 for every row that fulfils it.

    `apart`: the condition is looked up by its index before all else. The planner takes hundreds of
    words for much of the vault, and would ask them of every row that fits the filters.
    """

    condition: str
    score: str
    parameters: dict[str, Any]
    apart: bool = False

    def found(self, where: str, among: str | None = None) -> str:
        """FROM and WHERE: what fulfils the condition and `where`; of the rows of a common table
        `among`, if there is one: so few are asked one by one."""
        if among:
            few = f"SELECT vault.* FROM {among} JOIN views.vault USING (asset_id) OFFSET 0"
            return f"FROM ({few}) AS vault WHERE {where} AND {self.condition}"
        if not self.apart:
            return f"FROM views.vault WHERE {where} AND {self.condition}"
        alone = f"SELECT * FROM views.vault WHERE {self.condition} OFFSET 0"
        return f"FROM ({alone}) AS vault WHERE {where}"

    def table(self, where: str, among: str | None = None) -> str:
        """The body of a common table: (asset_id, text_score) of what is `found`."""
        found = self.found(where, among)
        if not self.apart:
            return f"SELECT asset_id, ({self.score})::numeric AS text_score {found}"
        newest = f"SELECT asset_id, search_text {found} ORDER BY asset_id DESC LIMIT {MOST_WEIGHED}"
        weighed = (
            f"SELECT asset_id, text_score, max(text_score) OVER () AS best FROM"
            f" (SELECT asset_id, ({self.score})::numeric AS text_score FROM ({newest}) AS newest)"
            " AS weighed"
        )
        return (
            f"SELECT asset_id, text_score FROM ({weighed}) AS best WHERE text_score >= best * {CUT}"
        )


def text_match(words: list[str], how: How) -> TextMatch:
    """`words` in the order in which they were said, which is a phrase; each counts once."""
    each = list(dict.fromkeys(words))
    match how:
        case "exact" | "broad":
            return _exact(each, " ".join(words))
        case "typed":
            return _typed(each)
        case _:
            return _alike(each)


def _exact(words: list[str], phrase: str) -> TextMatch:
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
    conditions = []
    parameters: dict[str, Any] = _numbered(words)
    for number, word in enumerate(words):
        slips = [f"{word}:*", *(meant(word) if number < MOST_WORDS else ())]
        ways = []
        for start in range(0, len(slips), TOGETHER):
            name = f"slips{number}_{start}"
            parameters[name] = " | ".join(slips[start : start + TOGETHER])
            ways.append(f"search_vector @@ to_tsquery('simple', %({name})s)")
        conditions.append(f"({' OR '.join(ways)})")
    return TextMatch(" AND ".join(conditions), _similarity(words), parameters, apart=True)


def _alike(words: list[str]) -> TextMatch:
    conditions = []
    parameters: dict[str, Any] = _numbered(words)
    for number, word in enumerate(words):
        parameters[f"prefix{number}"] = f"{word}:*"
        conditions.append(
            f"(%(word{number})s <%% search_text"
            f" OR search_vector @@ to_tsquery('simple', %(prefix{number})s))"
        )
    return TextMatch(" AND ".join(conditions), _similarity(words), parameters, apart=True)


def _numbered(words: list[str]) -> dict[str, Any]:
    return {f"word{number}": word for number, word in enumerate(words)}


def _similarity(words: list[str]) -> str:
    scores = (f"word_similarity(%(word{number})s, search_text)" for number in range(len(words)))
    return f"({' + '.join(scores)}) / {len(words)}"
