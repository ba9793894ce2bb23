"""Questions that P10 asks: one of each kind that the box, its lists and its pages ask."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from benchmarks.p10_vault import GENRES, INSTRUMENTS, MOODS, WORKSPACE, Catalogue, asset_id
from kit.caller import Caller
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries
from read_api.vault.search.saved import canonical, filters_of

CALLER = Caller("acc_" + "0" * 32, WORKSPACE)
# Somebody who has scrolled for long is so far down a list.
DEEP_PAGES, PAGE, LONGEST_PAGE = 25, 50, 200
# Draws a question of one kind; the question is asked when it is called.
Ask = Callable[[], Callable[[], object]]


class Questions:
    """Drawn anew at each call, all from `chance`."""

    def __init__(self, assets: AssetQueries, catalogue: Catalogue, chance: random.Random) -> None:
        self._assets, self._catalogue, self._chance = assets, catalogue, chance

    def kinds(self) -> dict[str, Ask]:
        deep = {
            f"deep in {name}": self._deep(asked)
            for name, asked in {
                "all": {},
                "a tempo's order": {"sort": "tempo"},
                "a ranking": {"q": f"around 120 {self._chance.choice(MOODS)}"},
                "a common word": {"q": self._catalogue.words[0]},
            }.items()
        }
        return {
            "a title": self._listed(lambda: {"q": self._title()}),
            "a word": self._listed(lambda: {"q": self._word()}),
            "its beginning": self._listed(lambda: {"q": self._word()[:3]}),
            "a letter": self._listed(lambda: {"q": self._word()[:1]}),
            "a misspelt word": self._listed(lambda: {"q": self._slip(self._long())}),
            "two slips in it": self._listed(lambda: {"q": self._slip(self._slip(self._long()))}),
            "a misspelt title": self._listed(lambda: {"q": self._misspelt_title()}),
            "what nothing is called": self._listed(lambda: {"q": "xylqophwone qzuartet"}),
            "no filter": self._listed(dict),
            "tempo and key": self._listed(lambda: {"q": f"around {self._bpm()} in A minor"}),
            "mood, a word, tempo, key": self._listed(
                lambda: {"q": f"dark {self._word()} around {self._bpm()} in A minor"}
            ),
            "filters in words": self._listed(self._filters),
            "filters and a word": self._listed(
                lambda: {"q": f"{self._word()} over {self._bpm()} bpm"}
            ),
            "by tempo": self._listed(lambda: {"sort": "-tempo", "vocals": "no", "key": "A minor"}),
            "sounds alike": self._listed(lambda: {"similar_to": self._one()}),
            "sounds alike, filters, a word": self._listed(
                lambda: {"similar_to": self._one(), "q": f"{self._word()} over {self._bpm()} bpm"}
            ),
            "like one": lambda: self._alike(self._one()),
            "a saved search": self._saved,
            "a saved search counted": self._counted,
            **deep,
        }

    def _listed(self, draw: Callable[[], dict[str, Any]]) -> Ask:
        return lambda: self._list(AssetFilters.model_validate(draw()))

    def _list(self, filters: AssetFilters) -> Callable[[], object]:
        return lambda: self._assets.list(CALLER, filters)

    def _alike(self, asset: str) -> Callable[[], object]:
        return lambda: self._assets.similar(CALLER, asset, 20)

    def _saved(self) -> Callable[[], object]:
        return self._list(filters_of(self._query()))

    def _counted(self) -> Callable[[], object]:
        filters = filters_of(self._query())
        return lambda: self._assets.count(CALLER, filters)

    def _query(self) -> str:
        bpm = self._bpm()
        return canonical(
            f"q={self._chance.choice(MOODS)}+{self._word()}&tempo_min={bpm}&tempo_max={bpm + 20}"
        )

    def _deep(self, asked: dict[str, Any]) -> Ask:
        """The page behind some thousand rows; the way there is not measured."""
        filters = AssetFilters.model_validate(asked | {"limit": LONGEST_PAGE})
        for _ in range(DEEP_PAGES):
            cursor = self._assets.list(CALLER, filters).next_cursor
            if cursor is None:
                break
            filters = filters.model_copy(update={"cursor": cursor})
        filters = filters.model_copy(update={"limit": PAGE})
        return lambda: self._list(filters)

    def _filters(self) -> dict[str, Any]:
        choice = self._chance.choice
        return {"q": f"{choice(MOODS)} {choice(GENRES)} {self._bpm()} bpm with"
                     f" {choice(INSTRUMENTS)}"}  # fmt: skip

    def _title(self) -> str:
        return self._chance.choice(self._catalogue.titles)

    def _word(self) -> str:
        return self._chance.choice(self._title().split())

    def _long(self) -> str:
        return max(self._title().split(), key=len)

    def _misspelt_title(self) -> str:
        return " ".join(self._slip(word) for word in self._title().split())

    def _slip(self, word: str) -> str:
        """Swaps two neighbouring letters."""
        at = self._chance.randrange(max(len(word) - 1, 1))
        return word[:at] + word[at : at + 2][::-1] + word[at + 2 :]

    def _bpm(self) -> int:
        return self._chance.randint(80, 170)

    def _one(self) -> str:
        return asset_id(self._chance.randrange(self._catalogue.size))
