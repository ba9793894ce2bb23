"""Asking the vault: from a list's parameters to a page of what was found, with the reasons."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from kit.caller import Caller
from kit.paging import Cursors
from projections.folding import fold, has_words
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.asset_rows import asset_of
from read_api.vault.search import nearest, statement
from read_api.vault.search.chips import Chip
from read_api.vault.search.conditions import Conditions, conditions, counting, read_as
from read_api.vault.search.meaning import Meaning
from read_api.vault.search.nearest import Nearest
from read_api.vault.search.question import Question, understand
from read_api.vault.search.reasons import texts_of, why_found
from read_api.vault.search.songs import IS_CURRENT
from read_api.vault.search.statement import After, SearchPlan
from read_api.vault.search.texts import SIMILARITY, How, Named, verbatim
from read_api.views import Row, Views
from schemas.dto import Page
from schemas.vault.dto import AssetDto
from schemas.vault.found import AssetPage, ChipDto, FoundAsset

# In a larger vault the faintest likeness is not looked for (read_api/vault/search/texts.py).
FAINT_UP_TO = 5_000
# Compiling a statement takes longer than running it; and a plan made for other words may be slow.
SETTINGS = {"jit": "off", "plan_cache_mode": "force_custom_plan"}


@dataclass(frozen=True, slots=True)
class Understood:
    """A list's question taken apart; `chips` are those that count beside its parameters, `alone`
    what they ask for without the words."""

    question: Question
    chips: tuple[Chip, ...]
    words: tuple[str, ...]
    asked: SearchPlan
    alone: Conditions

    @property
    def nothing(self) -> bool:
        """Whether a question was asked that says nothing."""
        return self.asked.named is None and not self.chips

    @property
    def only_chips(self) -> SearchPlan:
        """The question without the words that stand nowhere."""
        return replace(self.asked, words=(), meaning=None, held=self.alone)


class Search:
    def __init__(self, views: Views, cursors: Cursors, meaning: Meaning) -> None:
        self._views, self._cursors, self._meaning = views, cursors, meaning

    def page(self, caller: Caller, filters: AssetFilters) -> AssetPage:
        """One page. What is not found as it is written is looked for as if misspelt; words that
        stand nowhere beside filters that hold are left out, and the answer says so.

        Raises InvalidCursor (422).
        """
        belongs_to = [caller.workspace_id, filters.fingerprint]
        cursor = self._cursors.open(filters.cursor, belongs_to)
        how: How | None = None
        after, dropped, meant, today = None, False, True, datetime.now(UTC).date()
        if cursor is not None:
            how, dropped, meant, day, sort_key, asset_id = cursor
            after, today = After(sort_key, asset_id), date.fromisoformat(day)
        understood = self.understand(caller, filters, today, meaning=meant)
        meant = understood.asked.meaning is not None
        if filters.q and understood.nothing:
            return AssetPage(data=[])
        rows, how, dropped = self._rows(understood, filters.limit, how, dropped, after)
        page = self._cursors.page(
            rows,
            filters.limit,
            lambda row: (how, dropped, meant, today.isoformat(), row["sort_key"], row["asset_id"]),
            belongs_to,
        )
        return _answer(page, filters.q or "", understood, how, dropped)

    def count(self, caller: Caller, filters: AssetFilters) -> int:
        """How many recordings there are in all for a question, misspelt ones only if need be."""
        understood = self.understand(caller, filters, datetime.now(UTC).date(), meaning=False)
        asked = understood.asked
        if filters.q and understood.nothing:
            return 0
        for how in self._ways(understood, filters.limit)[0]:
            found = self._one(statement.count_statement(asked, how), how)["found"]
            if found:
                return int(found)
        if asked.words and understood.chips:
            made = statement.count_statement(understood.only_chips, "exact")
            return int(self._one(made, "exact")["found"])
        return 0

    def understand(
        self, caller: Caller, filters: AssetFilters, today: date, *, meaning: bool = True
    ) -> Understood:
        question = understand(filters.q, today)
        chips = counting(filters, question.chips)
        phrase, words = fold(filters.q or ""), tuple(fold(question.words).split())
        if question.chips and not has_words(" ".join(words)):
            words = ()
        base = conditions(caller.workspace_id, filters)
        folded = filters.versions == "folded"
        if folded and filters.everything:
            # Asked of row after row until the page is full, which orders no whole vault.
            base.where.append(IS_CURRENT)
        asked = SearchPlan(
            base,
            read_as(base, chips, words=bool(words)),
            filters.order,
            words if has_words(phrase) else (),
            named=_named(filters.q, phrase),
            # Without chips its words are all that is looked for.
            verbatim=verbatim(phrase) if question.chips or not has_words(phrase) else None,
            signs=not question.chips and not has_words(phrase),
            folded=folded and not filters.everything,
        )
        if meaning and asked.words and filters.order == "relevance":
            asked = replace(asked, meaning=self._meant(question.words, chips))
        if filters.similar_to:
            asked = replace(asked, sound=self.sound_of(caller, filters.similar_to))
        if asked.near:
            few = self._one(statement.few_statement(asked), "exact")["few"]
            asked = replace(asked, few=bool(few))
        return Understood(question, chips, asked.words, asked, read_as(base, chips, words=False))

    def sound_of(self, caller: Caller, asset_id: str) -> Nearest:
        """Towards the sound of one recording; nothing is near one that has none."""
        row = self._views.row(
            "SELECT sound::text AS sound, sound_model FROM views.sounds"
            " WHERE asset_id = %(id)s AND workspace_id = %(workspace)s",
            {"id": asset_id, "workspace": caller.workspace_id},
        )
        if row is None or row["sound"] is None:
            return Nearest("sound", "", f"[{','.join(['1'] * 256)}]")
        return Nearest("sound", row["sound_model"], row["sound"])

    def _meant(self, words: str, chips: tuple[Chip, ...]) -> Nearest | None:
        said = [chip.value for chip in chips if chip.name in ("mood", "genre", "instrument")]
        return self._meaning.of(" ".join([*said, words]))

    def _rows(
        self,
        understood: Understood,
        limit: int,
        how: How | None,
        dropped: bool,
        after: After | None,
    ) -> tuple[list[Row], How, bool]:
        """(rows, how their words were matched, whether the words were left out)"""
        asked = understood.asked
        if how is not None:
            asked = understood.only_chips if dropped else asked
            return self._read(asked, how, after, limit), how, dropped
        rows: list[Row] = []
        ways, sure = self._ways(understood, limit)
        for number, way in enumerate(ways):
            if asked.words and (asked.sound or way not in SIMILARITY):
                # Asked first: a page looks for the nearest too.
                if (number == 0 and sure) or self._fits(asked, way):
                    return self._read(asked, way, None, limit), way, False
                continue
            # What is alike is not looked for twice: that costs more than the nearest.
            rows = self._read(asked, way, None, limit)
            if not asked.words or any(row["text_score"] > 0 for row in rows):
                return rows, way, False
        if asked.meaning and not rows:
            rows = self._read(asked, "exact", None, limit)
        if rows or not understood.chips:
            # These rows fit by meaning only, which is the same in all ways.
            return rows, "exact", False
        return self._read(understood.only_chips, "exact", None, limit), "exact", True

    def _fits(self, asked: SearchPlan, how: How) -> bool:
        """Whether any text fits."""
        sql, parameters = statement.fits_statement(asked, how)
        return bool(self._views.rows(sql, parameters, _settings(asked, how))[0]["fits"])

    def _ways(self, understood: Understood, limit: int) -> tuple[tuple[How, ...], bool]:
        """(from strict to lenient: the first one that finds a text counts; whether the first is
        known to find one)"""
        asked = understood.asked
        if not asked.words:
            return ("exact",), True
        workspace = {"workspace_id": asked.held.parameters["workspace_id"]}
        row = self._views.row(
            "SELECT count(*) AS assets FROM (SELECT FROM views.vault"
            f" WHERE workspace_id = %(workspace_id)s LIMIT {FAINT_UP_TO + 1}) AS counted",
            workspace,
        )
        if row is not None and row["assets"] <= FAINT_UP_TO:
            # Beside filters a faint likeness is worth less than what fits the filters alone.
            faint: tuple[How, ...] = () if understood.chips else ("faint",)
            return ("exact", "typed", "alike", *faint), False
        # In a large vault likeness costs more than all else: beside chips it is not looked for.
        lenient: tuple[How, ...] = ("typed",) if understood.chips else ("typed", "alike")
        if asked.ranked != "relevance" or asked.sound or asked.held.guesses:
            return ("exact", *lenient), False
        fitting = self._one(statement.breadth_statement(asked), "exact")["fitting"]
        broad = fitting >= statement.BROAD and (fitting > limit or self._many(asked))
        return ("broad" if broad else "exact", *lenient), fitting > 0

    def _many(self, asked: SearchPlan) -> bool:
        """Or they are all new, and there is no second page far down."""
        found: int = self._one(statement.count_statement(asked, "exact"), "exact")["found"]
        return found > statement.MANY

    def _read(self, asked: SearchPlan, how: How, after: After | None, limit: int) -> list[Row]:
        sql, parameters = statement.page_statement(asked, how, after, limit)
        return self._views.rows(sql, parameters, _settings(asked, how))

    def _one(self, made: tuple[str, dict[str, Any]], how: How) -> Row:
        sql, parameters = made
        return self._views.rows(sql, parameters, _settings(None, how))[0]


def _named(q: str | None, phrase: str) -> Named | None:
    return Named(unicodedata.normalize("NFC", (q or "").strip()), phrase) if phrase else None


def _settings(asked: SearchPlan | None, how: How) -> dict[str, str]:
    settings = dict(SETTINGS)
    if how in SIMILARITY:
        settings["pg_trgm.word_similarity_threshold"] = str(SIMILARITY[how])
    if asked and (asked.words or asked.near):
        # From the few that were found to their rows; the planner expects a third of the vault.
        settings |= dict.fromkeys(("enable_hashjoin", "enable_mergejoin"), "off")
    if how == "typed" or how in SIMILARITY:
        settings["enable_seqscan"] = "off"
    if asked and asked.near:
        settings |= nearest.SETTINGS
    return settings


def _answer(
    page: Page[Row], asked: str, understood: Understood, how: How, dropped: bool
) -> AssetPage:
    question, words = understood.question, understood.words
    spelling = None
    if words and not dropped:
        spelling = "as-written" if how in ("exact", "broad") else "misspelt"
    return AssetPage(
        data=[_found(row, asked, understood, dropped) for row in page.data],
        next_cursor=page.next_cursor,
        has_more=page.next_cursor is not None,
        understood=[
            ChipDto(
                name=chip.name,
                value=chip.value,
                label=chip.label,
                said=chip.said,
                ranks=chip.guessed,
                without=str(question.without(chip)),
            )
            for chip in understood.chips
        ],
        words=question.words or None,
        spelling=spelling,
        unmatched=question.words if dropped else None,
    )


def _found(row: Row, asked: str, understood: Understood, dropped: bool) -> FoundAsset:
    asset = asset_of(row)
    meaning, sound = row.get("near_words_closeness"), row.get("near_sound_closeness")
    words = () if dropped or not row["text_score"] else understood.words
    reasons = why_found(asset, texts_of(row), words, understood.chips, meaning, asked)
    closeness = sound if sound is not None else meaning
    return found_asset(asset, reasons, closeness)


def found_asset(asset: AssetDto, reasons: list[str], closeness: Decimal | None) -> FoundAsset:
    """The same with more fields; its own were validated when it was made."""
    similarity = None if closeness is None else round(float(closeness), 4)
    return FoundAsset.model_construct(**vars(asset), reasons=reasons, similarity=similarity)
