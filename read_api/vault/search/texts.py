"""Words against the text of a recording: four ways to match, from strict to lenient.

Words come folded (projections/folding.py).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from projections.folding import has_words
from read_api.vault.search.spoken import quoted
from read_api.vault.search.typos import MOST_WORDS, meant

# exact: each word stands in the text, in the middle of a word too; of one or two letters and of
# numbers only at a word's beginning. broad: the same where
# that is much of the vault. typed: one slip a word. alike, faint: words that share many letters.
How = Literal["exact", "broad", "typed", "alike", "faint"]
# A word with one typo shares little: "dirve" and "drive" 0.2, "nihgt" and "night" 0.33. Of 400
# drawn typos 0.3 found 88 % of the titles, 0.2 all and 4 % of the others; the cut drops what
# is far less alike than the best. Of 100,000 titles 0.2 looks at every third: only small vaults
# are asked so, after `typed` has found one slip a word in any of them.
# 0.55 costs half of what 0.45 does there.
SIMILARITY: dict[How, float] = {"alike": 0.55, "faint": 0.2}
CUT = 0.4
# Only so many of the newest that are alike are weighed: word_similarity takes 43 µs a row, and a
# common word of 100,000 titles stands in 14,000.
MOST_WEIGHED = 300
# The text index asks a whole query of each row that has one of its words: 7,000 rows and 700 words
# took 93 ms, in portions of so many 8.
TOGETHER = 25
# `LIKE` needs three letters for its index.
INDEXED = 3
# A name of more words is told by its first ones.
MOST_ASKED = 12
NAMES = "string_to_array(search_names, E'\\n')"
# A row's names with their signs, not folded.
_SIGNS = "lower(concat_ws(E'\\n', tag_title, filename, tag_artist, tag_album))"
# In these scripts no space tells where a word begins.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


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
        """FROM and WHERE of what fulfils `where`; of the rows of a common table `among`, if there
        is one: so few are asked one by one."""
        if among:
            few = f"SELECT vault.* FROM {among} JOIN views.vault USING (asset_id) OFFSET 0"
            condition = f" AND {self.condition}" if self.apart else ""
            return f"FROM ({few}) AS vault WHERE {where}{condition}"
        if not self.apart:
            return f"FROM views.vault WHERE {where}"
        alone = f"SELECT * FROM views.vault WHERE {self.condition} OFFSET 0"
        return f"FROM ({alone}) AS vault WHERE {where}"

    def table(self, where: str, score: str, among: str | None = None) -> str:
        """The body of a common table: (asset_id, text_score) of what is `found`."""
        found = self.found(where, among)
        if not self.apart:
            return f"SELECT asset_id, ({score})::numeric AS text_score {found}"
        newest = f"SELECT asset_id, search_text {found} ORDER BY asset_id DESC LIMIT {MOST_WEIGHED}"
        weighed = (
            f"SELECT asset_id, text_score, max(text_score) OVER () AS best FROM"
            f" (SELECT asset_id, ({score})::numeric AS text_score FROM ({newest}) AS newest)"
            " AS weighed"
        )
        return (
            f"SELECT asset_id, text_score FROM ({weighed}) AS best WHERE text_score >= best * {CUT}"
        )


def text_match(words: list[str], how: How) -> TextMatch:
    """The rows that hold all of the words."""
    each = list(dict.fromkeys(words))
    match how:
        case "exact" | "broad":
            return _exact(each)
        case "typed":
            return _typed(each)
        case _:
            return _alike(each)


def verbatim(phrase: str) -> TextMatch:
    """The rows in whose text a whole question stands as it was typed, its words in any order; of
    nothing but signs, as they are."""
    if has_words(phrase):
        return _exact(list(dict.fromkeys(phrase.split())), prefix="typed")
    parameters = {"names": [phrase], "signs": contained(phrase)}
    condition = f"({NAMES} @> %(names)s OR {_SIGNS} LIKE %(signs)s OR search_text LIKE %(signs)s)"
    return TextMatch(condition, "0.1", parameters)


@dataclass(frozen=True, slots=True)
class Named:
    """How far a whole question is the name or the title of a row, 0 to 60: as it was typed, but
    for accents and signs, as its beginning, in the middle.

    A step is more than all else that ranks: what is called so comes first.
    """

    typed: str
    phrase: str

    @property
    def exactly(self) -> str:
        """Condition: the row is called so; looked up by its index."""
        return f"{NAMES} @> %(names)s"

    @property
    def called(self) -> str:
        """The same, asked of one row."""
        return "search_names LIKE %(whole)s"

    @property
    def closeness(self) -> str:
        """SQL, of a row that is called so: 0 to 20."""
        return (
            "CASE WHEN %(verbatim)s IN (normalize(btrim(tag_title), NFC),"
            " normalize(btrim(filename), NFC)) THEN 20 WHEN %(verbatim)s ="
            " normalize(btrim(regexp_replace(filename, '[.][^.]*$', '')), NFC) THEN 10 ELSE 0 END"
        )

    @property
    def score(self) -> str:
        return (
            f"CASE WHEN {self.called} THEN 40 + {self.closeness}"
            " WHEN search_names LIKE %(begins)s THEN 30 WHEN search_names LIKE %(within)s THEN 20"
            " WHEN search_text LIKE %(anywhere)s THEN 0.5 ELSE 0 END"
        )

    @property
    def parameters(self) -> dict[str, Any]:
        phrase = escaped(self.phrase)
        begin = "" if _UNSPACED.search(phrase) else " "
        return {
            "names": [self.phrase],
            "verbatim": self.typed,
            "whole": f"%\n{phrase}\n%",
            "begins": f"%\n{phrase}%",
            "within": f"%{begin}{phrase}%",
            "anywhere": f"%{phrase}%",
        }


def escaped(text: str) -> str:
    """A part of a pattern of `LIKE` that is taken as it is."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def contained(text: str) -> str:
    return f"%{escaped(text)}%"


def _exact(words: list[str], prefix: str = "word") -> TextMatch:
    words = words[:MOST_ASKED]
    short = [word for word in words if not _inside(word)]
    parameters: dict[str, Any] = {f"{prefix}s": " & ".join(f"{quoted(word)}:*" for word in words)}
    conditions = []
    for number, word in enumerate(word for word in words if _inside(word)):
        conditions.append(f"search_text LIKE %({prefix}_in{number})s")
        parameters[f"{prefix}_in{number}"] = contained(word)
    if short:
        parameters[f"{prefix}s_short"] = " & ".join(f"{quoted(word)}:*" for word in short)
        conditions.append(f"search_vector @@ to_tsquery('simple', %({prefix}s_short)s)")
    score = f"ts_rank(search_vector, to_tsquery('simple', %({prefix}s)s)) + 0.001"
    return TextMatch(f"({' AND '.join(conditions)})", score, parameters)


def _inside(word: str) -> bool:
    """Whether a word also counts in the middle of another one: no number does."""
    return not word.isdecimal() and (len(word) >= INDEXED or not word.isascii())


def _typed(words: list[str]) -> TextMatch:
    conditions = []
    parameters: dict[str, Any] = _numbered(words)
    for number, word in enumerate(words):
        slips = [f"{quoted(word)}:*"]
        if number < MOST_WORDS and word.isalpha():
            slips += meant(word)
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
        parameters[f"prefix{number}"] = f"{quoted(word)}:*"
        begins = f"search_vector @@ to_tsquery('simple', %(prefix{number})s)"
        # A number is no other number, however many digits they share.
        alike = f"%(word{number})s <%% search_text OR " if not word.isdecimal() else ""
        conditions.append(f"({alike}{begins})")
    return TextMatch(" AND ".join(conditions), _similarity(words), parameters, apart=True)


def _numbered(words: list[str]) -> dict[str, Any]:
    return {f"word{number}": word for number, word in enumerate(words)}


def _similarity(words: list[str]) -> str:
    scores = (f"word_similarity(%(word{number})s, search_text)" for number in range(len(words)))
    return f"({' + '.join(scores)}) / {len(words)}"
