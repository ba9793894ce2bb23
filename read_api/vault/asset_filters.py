"""Questions to the vault's list: filters use the effective tempo, key and genre."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from events.vault.asset import Colour, Status
from schemas.text import Cursor, Text
from schemas.vault.dto import AssetState

Sort = Literal[
    "relevance",
    "uploaded_at",
    "-uploaded_at",
    "title",
    "-title",
    "tempo",
    "-tempo",
    "duration",
    "-duration",
    "rating",
    "-rating",
]
Key = Annotated[str, Field(pattern=r"^[A-G]#? (major|minor)$")]
Names = Annotated[str, Text(500)]
MAX_NAMES = 10
Positive = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Rating = Annotated[int, Field(ge=0, le=5)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class AssetFilters(BaseModel):
    """The query of GET /api/assets; a blank value is no filter, so plain HTML forms work."""

    model_config = ConfigDict(frozen=True)

    q: Annotated[str, Text(1_000)] | None = Field(
        None,
        description="Words and filters, as in `dark trap around 140 in A minor`; misspelt words are"
        " found too. What was understood is in the answer; parameters of their own win over it.",
    )
    state: AssetState | None = None
    genre: Names | None = None
    key: Key | None = Field(None, description="As in `A# minor`: sharps only.")
    tempo_min: Positive | None = Field(None, description="Beats per minute.")
    tempo_max: Positive | None = None
    duration_min: Positive | None = Field(None, description="Seconds.")
    duration_max: Positive | None = None
    since: datetime | None = Field(None, description="Uploaded then or later; UTC without a zone.")
    until: datetime | None = Field(None, description="Uploaded earlier; UTC without a zone.")
    compatible_with: Key | None = Field(
        None, description="Keys that mix with this one on the Camelot wheel."
    )
    instrument: Names | None = Field(
        None, description="Heard in it; several with commas, all of them."
    )
    mood: Names | None = Field(None, description="Several with commas, all of them.")
    vocals: Literal["yes", "no"] | None = None
    energy_min: Share | None = None
    energy_max: Share | None = None
    danceability_min: Share | None = None
    danceability_max: Share | None = None
    status: Status | None = Field(None, description="How far it is, as you have marked it.")
    rating_min: Rating | None = Field(None, description="Stars; what is not rated has 0.")
    rating_max: Rating | None = None
    colour: Colour | None = None
    similar_to: Annotated[str, Field(pattern=r"^ast_[0-9a-f]{32}$")] | None = Field(
        None, description="What sounds most like this one first."
    )
    collection: Annotated[str, Field(pattern=r"^col_[0-9a-f]{32}$")] | None = Field(
        None, description="Of this collection only."
    )
    shared: bool | None = Field(
        None,
        description="What others share with you, what was shared last first; with `limit` and"
        " `cursor` only.",
    )
    trashed: bool | None = Field(
        None,
        description="What is in the trash, what was put into it last first; with `limit` and"
        " `cursor` only.",
    )
    versions: Literal["folded"] | None = Field(
        None,
        description="`folded`: one row for each song, its current version, with its `versions`."
        " A song is found by any of them.",
    )
    sort: Sort | None = Field(
        None, description="`relevance` with `q` or `similar_to`, else `-uploaded_at`."
    )
    limit: int = Field(50, ge=1, le=200)
    cursor: Cursor | None = None

    @model_validator(mode="before")
    @classmethod
    def _blank_is_absent(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {k: v for k, v in values.items() if not (isinstance(v, str) and not v.strip())}

    @field_validator("since", "until")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value

    @model_validator(mode="after")
    def _ranges_and_sort(self) -> AssetFilters:
        for name in ("tempo", "duration", "energy", "danceability", "rating"):
            low, high = getattr(self, f"{name}_min"), getattr(self, f"{name}_max")
            if low is not None and high is not None and low > high:
                raise ValueError(f"{name}_min must not be above {name}_max")
        for name in ("shared", "trashed"):
            if getattr(self, name) and self.model_fields_set - {name, "limit", "cursor"}:
                raise ValueError(f"{name}=true takes limit and cursor only")
        if self.sort == "relevance" and not (self.q or self.similar_to):
            raise ValueError("sort=relevance needs q or similar_to")
        if max(len(self.instruments), len(self.moods)) > MAX_NAMES:
            raise ValueError(f"at most {MAX_NAMES} instruments and {MAX_NAMES} moods")
        return self

    @property
    def instruments(self) -> list[str]:
        return _names(self.instrument)

    @property
    def moods(self) -> list[str]:
        return _names(self.mood)

    @property
    def everything(self) -> bool:
        """Whether all of the vault is asked for."""
        asked = self.model_dump(exclude={"versions", "sort", "limit", "cursor"}, exclude_none=True)
        return not asked

    @property
    def order(self) -> str:
        ranked = self.q or self.similar_to
        return self.sort or ("relevance" if ranked else "-uploaded_at")

    @property
    def fingerprint(self) -> str:
        """The same for all pages of one question: a cursor of another question is refused."""
        asked = self.model_dump_json(exclude={"limit", "cursor", "sort"})
        return hashlib.sha256(f"{self.order} {asked}".encode()).hexdigest()[:16]


def _names(text: str | None) -> list[str]:
    """`Piano, strings` as names: lower case, each once."""
    said = (" ".join(name.lower().split()) for name in (text or "").split(","))
    return list(dict.fromkeys(name for name in said if name))
