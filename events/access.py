"""Access to somebody else's thing: what an event model declares of it, and the order of rights.

A model says in its class line what it grants or revokes, by the names of its fields. The view
`grants` is folded from all that do, so an area that shares something only declares.
"""

from __future__ import annotations

from dataclasses import dataclass

from events.errors import NoCultureError

# Each holds all before it; `own` is the workspace's that the thing belongs to, and never granted.
RIGHTS = ("listen", "comment", "edit", "own")
OWN = "own"


@dataclass(frozen=True, slots=True)
class Grants:
    """From now on the `account` has the `right` to the `thing`; a second grant changes the right.

    It goes through the event's own stream: that alone can take it back.
    """

    thing: str
    account: str
    right: str


@dataclass(frozen=True, slots=True)
class Revokes:
    """The `account` has no right to the `thing` through this stream any more."""

    thing: str
    account: str


@dataclass(frozen=True, slots=True)
class RevokesAll:
    """All that this stream has granted ends."""


@dataclass(frozen=True, slots=True)
class Suspends:
    """Until the stream resumes nobody has a right through it; what it has granted stays."""


@dataclass(frozen=True, slots=True)
class Resumes:
    """All that the stream has granted counts again."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The events of a category that somebody of another workspace sees: with the `right` to the
    thing, and of their personal values only those of `published` fields. Types of `withheld` are
    the owner's alone.
    """

    right: str
    published: frozenset[str] = frozenset()
    withheld: frozenset[str] = frozenset()


Declared = Grants | Revokes | RevokesAll | Suspends | Resumes


def fields_of(declared: Declared) -> tuple[str, ...]:
    """Names of the model's fields that the declaration is about."""
    match declared:
        case Grants():
            return (declared.thing, declared.account, declared.right)
        case Revokes():
            return (declared.thing, declared.account)
        case RevokesAll() | Suspends() | Resumes():
            return ()


class RightMissing(NoCultureError):
    """For whoever may read the thing, but not do that; all others get the 404."""

    status, code = 403, "right-missing"

    def __init__(self, wanted: str) -> None:
        super().__init__(
            "Only the owner can do that: ask them"
            if wanted == OWN
            else f"You need the right to {wanted} for this: ask the owner"
        )


def holds(held: str, wanted: str) -> bool:
    return RIGHTS.index(held) >= RIGHTS.index(wanted)


def require(held: str, wanted: str) -> None:
    """Raises RightMissing (403)."""
    if not holds(held, wanted):
        raise RightMissing(wanted)
