"""Gathers what all areas bring, by name: each name has one owner, and nothing is left unsaid."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, get_args

from events.catalogue import load_all_events
from events.errors import NoCultureError
from events.ids import PartyId
from events.model import REGISTRY, Event
from events.money import MovesMoney
from events.outcome import Outcome
from events.personal import fields_with_parts
from kit.exports import Export
from kit.policies import POLICIES
from projections.projection import Holds
from runtime.areas.area import Area, Category, Erased, Gathered, Served

if TYPE_CHECKING:
    from fastapi import APIRouter
    from fastapi.routing import RouteContext

    from web.sections import Place, Section

T = TypeVar("T")
# What every key may hold beside the areas' scopes.
EVERYTHING = {"*": "do everything that you can do"}
_PARAMETER = re.compile(r"\{[^}]*\}")


class TwoOwners(NoCultureError):
    """A mistake of ours, found when the process starts."""

    status, code = 500, "two-owners"

    def __init__(self, what: str, name: str, owners: Sequence[str]) -> None:
        super().__init__(f"The {what} {name} has two owners, {' and '.join(owners)}: rename one")


class AreaIncomplete(NoCultureError):
    """A mistake of ours, found when the process starts."""

    status, code = 500, "area-incomplete"

    def __init__(self, area: str, why: str) -> None:
        super().__init__(f"The area {area} is not complete: {why}")


def gather(areas: Sequence[Area]) -> Gathered:
    """Raises TwoOwners, AreaIncomplete."""
    load_all_events()
    _check_all_are_listed(areas)
    for area in areas:
        _check_categories(area)
        _check_handlers(area)
        _check_outcomes(area)
        _check_money(area)
    views = _owned("view", ((a.name, view.name, view) for a in areas for view in a.views))
    sagas = _owned("saga", ((a.name, saga.name, saga) for a in areas for saga in a.sagas))
    groups = _owned(
        "group of effects", ((a.name, each.name, each) for a in areas for each in a.effects)
    )
    # Consumers of the log share one table of checkpoints, whatever their kind.
    _owned(
        "consumer",
        (
            (kind, name, name)
            for kind, names in (("a view", views), ("a saga", sagas), ("effects", groups))
            for name in names
        ),
    )
    _owned(
        "effect",
        ((each.name, effect.name, effect) for each in groups.values() for effect in each.effects),
    )
    said = _owned(
        "category of events", ((a.name, *each) for a in areas for each in a.categories.items())
    )
    for area in areas:
        _check_views(area, said)
    return Gathered(
        views=tuple(views.values()),
        sagas=sagas,
        handlers=_owned("command", ((a.name, *each) for a in areas for each in a.handlers.items())),
        effects=groups,
        scopes=_owned("scope", ((a.name, *each) for a in areas for each in a.scopes.items()))
        | EVERYTHING,
        limits=_owned(
            "rate limit",
            chain(
                (("kit", each.name, each) for each in POLICIES),
                ((a.name, each.name, each) for a in areas for each in a.limits),
            ),
        ),
        told=tuple(sorted(name for name, category in said.items() if category.told)),
        shown={name: category.shown for name, category in said.items() if category.shown},
    )


def gather_exports(
    brought: Iterable[tuple[str, Mapping[str, Export]]], scopes: Container[str]
) -> dict[str, Export]:
    """The lists of the personal export by name, from (area, its lists).

    Raises TwoOwners, AreaIncomplete.
    """
    lists = [(area, *each) for area, own in brought for each in own.items()]
    for area, name, listed in lists:
        if listed.scope not in scopes:
            raise AreaIncomplete(area, f"no area has the scope {listed.scope} of its list {name}")
    return _owned("list of the export", lists)


def check_paths(area: str, served: Served) -> None:
    """Each path that the area says something of is one of its routes.

    Raises AreaIncomplete: a route that was renamed would wait for no turn, or lose its stream.
    """
    routes = [
        (method, _PARAMETER.sub("x", route.path or ""))
        for route in _routes_of((*served.routers, *served.pages))
        for method in route.methods or ()
    ]
    for each in served.costly:
        methods = each.methods.split()
        if not any(each.path.fullmatch(path) for method, path in routes if method in methods):
            why = f"its costly {each.methods} {each.path.pattern} names no route"
            raise AreaIncomplete(area, why)
    for stream in served.streams:
        if not any(re.fullmatch(stream, path) for _, path in routes):
            raise AreaIncomplete(area, f"its stream {stream} names no route")


def gather_places(
    brought: Iterable[tuple[str, Sequence[Section], Sequence[APIRouter]]],
) -> dict[str, Place]:
    """The place of each page that an entry names, by its path, from (area, its entries, its pages).

    Raises TwoOwners, AreaIncomplete: a page that was renamed would be in no place.
    """
    from web.sections import Place, every

    places: list[tuple[str, str, str, Place]] = []
    for area, sections, pages in brought:
        gets = [each for each in _routes_of(pages) if "GET" in (each.methods or ())]
        for section, part in every(sections):
            for name in part.pages:
                paths = [route.path or "" for route in gets if route.name == name]
                if len(paths) != 1:
                    why = f"its entry {part.name} names {len(paths)} pages called {name}"
                    raise AreaIncomplete(area, why)
                if name == part.pages[0] and paths[0] != part.path:
                    why = f"its entry {part.name} leads to {part.path}, and {name} is {paths[0]}"
                    raise AreaIncomplete(area, why)
                places.append((area, name, paths[0], Place(section, part)))
    _owned("page of the navigation", ((area, name, path) for area, name, path, _ in places))
    return {path: place for _, _, path, place in places}


def _routes_of(routers: Iterable[APIRouter]) -> Iterator[RouteContext]:
    # Here: parts that answer no HTTP start without the web framework.
    from fastapi.routing import iter_route_contexts

    for router in routers:
        yield from iter_route_contexts(router.routes)


def _owned(what: str, brought: Iterable[tuple[str, str, T]]) -> dict[str, T]:
    """Things by name, from (owner, name, thing). Raises TwoOwners."""
    owners: dict[str, str] = {}
    things: dict[str, T] = {}
    for owner, name, thing in brought:
        if name in owners:
            raise TwoOwners(what, name, (owners[name], owner))
        owners[name], things[name] = owner, thing
    return things


def _check_all_are_listed(areas: Sequence[Area]) -> None:
    """Events of an area that nobody lists would be in no timeline, no export and no erasure."""
    listed = {area.name for area in areas}
    for model in REGISTRY.all():
        room, *folders, _ = model.__module__.split(".")
        if room == "events" and folders and folders[0] not in listed:
            raise AreaIncomplete(folders[0], "it has events, and `AREAS` does not list it")


def _models(inside: str = "events.") -> dict[str, list[type[Event]]]:
    """The newest versions of all events of these modules, by category."""
    models: dict[str, list[type[Event]]] = {}
    for model in REGISTRY.all():
        if REGISTRY.newest(model.type) is model and model.__module__.startswith(inside):
            models.setdefault(model.type.partition(".")[0], []).append(model)
    return models


def _check_categories(area: Area) -> None:
    """Each category of the area's events is said, and what is said of it is true."""
    models = _models(f"events.{area.name}.")
    if unsaid := models.keys() - area.categories.keys():
        raise AreaIncomplete(
            area.name,
            f"it does not say what erasure leaves and the timeline tells of {sorted(unsaid)}",
        )
    if unknown := area.categories.keys() - models.keys():
        raise AreaIncomplete(area.name, f"it says something of {sorted(unknown)}, and has no event")
    for name, category in area.categories.items():
        _check_erased(area, name, category, models[name])


def _check_erased(area: Area, name: str, category: Category, models: Sequence[type[Event]]) -> None:
    personal = any(model.holds_personal for model in models)
    if personal and category.erased is Erased.NOTHING_PERSONAL:
        raise AreaIncomplete(area.name, f"events of {name} hold personal values")
    if not personal and category.erased is Erased.UNREADABLE:
        raise AreaIncomplete(area.name, f"no event of {name} holds a personal value")
    if category.erased is Erased.DELETED:
        if area.empties is None:
            raise AreaIncomplete(area.name, f"nothing deletes {name} with its workspace: `empties`")
        if not any(model.type == f"{name}.deleted" for model in models):
            raise AreaIncomplete(area.name, f"there is no event {name}.deleted")


def _check_views(area: Area, said: Mapping[str, Category]) -> None:
    """Rows in plain need an event that an erasure brings about: nothing else empties them."""
    models = _models()
    for view in area.views:
        if view.holds is not Holds.UNTIL_DELETED:
            continue
        for name in view.categories:
            held = [model for model in models.get(name, ()) if model.holds_personal]
            if any(fields_with_parts(model) for model in held):
                why = (
                    f"its view {view.name} holds {name} in plain, whose events have values of"
                    " several people: no event of the stream ends what it says of one"
                )
                raise AreaIncomplete(area.name, why)
            ends = any(model.type == f"{name}.erased" for model in models.get(name, ()))
            # The things of a workspace end with it, not with a party who has none.
            deleted = said[name].erased is Erased.DELETED and not any(map(_may_be_of_party, held))
            if held and not ends and not deleted:
                why = f"its view {view.name} holds {name} in plain, and no erasure deletes {name}"
                raise AreaIncomplete(area.name, why)


def _may_be_of_party(model: type[Event]) -> bool:
    subject = model.model_fields[model.subject_field].annotation if model.subject_field else None
    return PartyId in (subject, *get_args(subject))


def _check_handlers(area: Area) -> None:
    for name, (model, _) in area.handlers.items():
        if name != model.stored_name:
            raise AreaIncomplete(
                area.name, f"{model.__name__} is stored as {model.stored_name}, not as {name}"
            )


def _check_outcomes(area: Area) -> None:
    """A personal value could not be kept once its subject is erased: the answer would be lost."""
    for effect in (effect for group in area.effects for effect in group.effects):
        for model in effect.outcomes:
            if not issubclass(model, Outcome) or model.holds_personal:
                why = "which is no `Outcome` or holds a personal value"
                raise AreaIncomplete(area.name, f"{effect.name} keeps {model.type}, {why}")


def _check_money(area: Area) -> None:
    """An erasure waits for what moves money: its intents are fenced, its consumer skips none of
    them, and its answer cannot be lost.
    """
    for group in area.effects:
        for effect in group.effects:
            moving = [issubclass(intent, MovesMoney) for intent in effect.intents]
            if effect.moves_money and not (all(moving) and group.money and effect.outcomes):
                why = f"{effect.name} moves money: its intents are all `MovesMoney`, its group says"
                raise AreaIncomplete(area.name, f"{why} `money`, and it keeps its answers")
            if any(moving) and not effect.moves_money:
                why = (
                    f"an intent of {effect.name} is `MovesMoney`, and it does not say `moves_money`"
                )
                raise AreaIncomplete(area.name, why)
