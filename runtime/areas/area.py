"""The form of an area: all it must say of itself, and all it gets when it is put together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from commands.forwarding import Handlers
from events.access import Shown
from events.envelope import Recorded
from processors.consumers.consumer import Consumer
from processors.effects.consumer import all_alike
from processors.effects.effect import Effect, Intents
from projections.projection import Projection
from sagas.saga import Saga

if TYPE_CHECKING:
    from fastapi import APIRouter

    from commands.leaving import Contents
    from commands.people import FindPerson
    from events.log.tail import LogTail
    from events.store.pending import Committed
    from kit.auth import Authenticate
    from kit.caller import Caller
    from kit.exports import Export
    from kit.limits import RateLimits
    from kit.paging import Cursors
    from kit.policies import Policy
    from kit.proof import Proven
    from kit.turns import Costly, SubjectOf
    from runtime.composition import Core
    from web.home import HomePart
    from web.render import Renderer, Words
    from web.sections import Section


class Erased(Enum):
    """The remains of a category's streams after their workspace is erased."""

    DELETED = "its own rules delete it first, and what personal values it held are unreadable"
    UNREADABLE = "personal values are unreadable once the key is destroyed"
    NOTHING_PERSONAL = "holds no personal value"


@dataclass(frozen=True, slots=True)
class Category:
    """An area's word on one category of its events.

    `told`: whether the timeline, the export and `GET /api/events` show it. `shown` says what people
    of other workspaces see of it where the thing is shared with them; None for nothing.
    """

    erased: Erased
    told: bool
    shown: Shown | None = None


@dataclass(frozen=True, slots=True)
class EffectGroup:
    """Effects whose intents one consumer turns into work; `name` is that consumer's, and stored
    with its checkpoints. A `money` group's consumer stops at an event that it cannot digest; any
    other goes on without the event's stream.
    """

    name: str
    effects: tuple[Intents, ...]
    rank: Callable[[Recorded], int] = all_alike
    money: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """`effects` are groups by name; `told` are the categories of events that the timeline, the feed
    and the export show, `shown` those that people of other workspaces see of a shared thing.
    """

    views: tuple[type[Projection], ...]
    sagas: Mapping[str, Saga]
    handlers: Handlers
    effects: Mapping[str, EffectGroup]
    scopes: Mapping[str, str]
    limits: Mapping[str, Policy]
    told: tuple[str, ...]
    shown: Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Access:
    """The questions who asks and what they may, answered by the account area for every other.

    `account` names a caller for a queue. `is_verified`, `is_erased` and `sign_out` are questions
    and a command about accounts that other areas need; `find_person` finds whoever may be given
    something. `commands` are the account area's own.
    """

    commands: Any
    authenticated: Authenticate
    proven: Proven
    account: SubjectOf
    is_verified: Callable[[str], bool]
    is_erased: Callable[[str], bool]
    find_person: FindPerson
    sign_out: Callable[[str, Caller | None], Committed]


@dataclass(frozen=True, slots=True)
class Serving:
    """The parts that all routes and pages share. No field belongs to one context."""

    core: Core
    tail: LogTail
    gathered: Gathered
    cursors: Cursors
    limits: RateLimits
    renderer: Renderer


@dataclass(frozen=True, slots=True)
class Working:
    """The parts that all effects share. `stack` closes their tools when the worker ends.

    `contents` are those of all areas in a workspace, `consumers` makes every consumer of the log
    anew, for whoever asks what they still hold.
    """

    core: Core
    stack: ExitStack
    contents: Contents
    consumers: Callable[[], Sequence[Consumer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """An area's share of the application that answers HTTP.

    `costly` are requests that wait for their turn before they have a thread, `streams` expressions
    of paths whose bodies are read piece by piece: each names a route of the area. `home` is
    the area's part of Home. `commands` and
    `queries` are the objects behind the routes. `middleware` is put around the whole application,
    `close` called when the server stops.
    """

    routers: Sequence[APIRouter]
    pages: Sequence[APIRouter] = ()
    costly: Sequence[Costly] = ()
    streams: Sequence[str] = ()
    home: HomePart | None = None
    commands: Any = None
    queries: Mapping[str, Any] = field(default_factory=dict)
    middleware: Sequence[tuple[Any, Mapping[str, Any]]] = ()
    close: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """All that an area brings. What has no default cannot be forgotten: an area that does not say
    it does not start.

    `categories` says of each category of the area's events what becomes of it. `scopes` are what
    keys may hold, each with what it allows in a musician's words. `limits` are the rate limits that
    its routes count for beside the kit's. `export` gives the lists that the personal export
    takes, by name. `empties` deletes what a workspace holds here. `work` makes the effects that a
    worker performs, with their tools.
    """

    name: str
    categories: Mapping[str, Category]
    scopes: Mapping[str, str]
    limits: tuple[Policy, ...]
    views: tuple[type[Projection], ...]
    sagas: tuple[Saga, ...]
    handlers: Handlers
    effects: tuple[EffectGroup, ...]
    sections: Callable[[], Sequence[Section]]
    words: Callable[[Gathered], Words]
    export: Callable[[Core, Cursors], Mapping[str, Export]]
    empties: Callable[[Core], Contents] | None
    serve: Callable[[Serving, Access, Mapping[str, Export]], Served]
    work: Callable[[Working], Iterable[Effect]]
