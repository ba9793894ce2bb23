"""Requests about many recordings at once, each at the version that the caller has seen, and their
answers.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from commands.vault.mark_changes import MarkChanges
from commands.vault.tag_changes import ChangedAsset, TagChanges
from events.errors import NoCultureError
from schemas.dto import Dto
from schemas.text import Ref

MOST = 200


class Named(BaseModel):
    """An asset, at the version that the caller has seen."""

    model_config = ConfigDict(extra="forbid")

    id: Ref
    version: Annotated[int, Field(ge=1, le=2**53)]


AnyNamed = TypeVar("AnyNamed", bound=Named)


def _each_once(named: list[AnyNamed]) -> list[AnyNamed]:
    if len({each.id for each in named}) < len(named):
        raise ValueError("each asset once")
    return named


# A list of what is named: some, not too many, none of them twice.
EachOnce = Annotated[
    list[AnyNamed], Field(min_length=1, max_length=MOST), AfterValidator(_each_once)
]


class Edited(Named):
    """`changes` are of this one alone, beside those of all."""

    changes: TagChanges | None = None


class EditAssets(BaseModel):
    """`changes` of all of them: fields that are sent, null takes one back."""

    model_config = ConfigDict(extra="forbid")

    changes: TagChanges | None = None
    assets: EachOnce[Edited]


class Marked(Named):
    """`changes` are of this one alone, beside those of all."""

    changes: MarkChanges | None = None


class MarkAssets(BaseModel):
    """`changes` of all of them: marks that are sent."""

    model_config = ConfigDict(extra="forbid")

    changes: MarkChanges | None = None
    assets: EachOnce[Marked]


class NamedAssets(BaseModel):
    model_config = ConfigDict(extra="forbid")

    assets: EachOnce[Named]


class UndoOfOne(Dto):
    id: str
    version: int
    changes: dict[str, Any]


class Undo(Dto):
    """Sent as it is to the same address, everything says again what it said before."""

    assets: list[UndoOfOne]


class ChangedAssets(Dto):
    """With their versions: sent as they are to the opposite address, it is undone."""

    assets: list[ChangedAsset]


class EditedAssets(Dto):
    """`undo` is null in the answer to a repeated request, and where nothing was changed."""

    assets: list[ChangedAsset]
    undo: Undo | None


class SomeAssetsRefuse(NoCultureError):
    """`assets` in the problem names each with its code: not-found, version-mismatch (with the
    current version), asset-not-ready or asset-in-trash.
    """

    status, code = 409, "some-assets-refuse"

    def __init__(self, refused: list[dict[str, Any]]) -> None:
        self.refused = refused
        one = len(refused) == 1
        super().__init__(
            f"{len(refused)} of the tracks {'was' if one else 'were'} changed or deleted since you"
            f" saw {'it' if one else 'them'}, so nothing was done:"
            " look again, then repeat the change"
        )

    @property
    def details(self) -> dict[str, object]:
        return {"assets": self.refused}
