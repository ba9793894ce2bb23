"""Finds text that nothing bounds or cleans: in every model of `commands/`, and in whatever the
routes of the application take.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, ForwardRef, Literal, TypeVar, get_args, get_origin

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, JsonValue, SecretStr
from pydantic.fields import FieldInfo

import commands
from events.ids import Id
from schemas.dto import Dto
from schemas.text import Document, Incoming

# A dot, a class that says what is not in it, `\S` and the like: anything may be there.
_ANYTHING = re.compile(r"(?<!\\)\.|\[\^|\\[DSW]")
Where = str


def bare_texts(
    annotation: Any, where: Where, metadata: tuple[Any, ...] = (), *, values: bool = False
) -> Iterator[Where]:
    """Where a text may be that is neither one of ours nor held by a closed pattern.

    `values` passes over the values of events: only our own workers say those.
    """
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        yield from bare_texts(inner, where, (*metadata, *more), values=values)
    elif get_origin(annotation) is Literal or any(isinstance(m, Document) for m in metadata):
        return
    elif arguments := get_args(annotation):
        # What is said of a union is said of its members; of a list's texts it is not.
        told = () if isinstance(get_origin(annotation), type) and _holds(annotation) else metadata
        for argument in arguments:
            if argument is not Ellipsis:
                yield from bare_texts(argument, where, told, values=values)
    elif isinstance(annotation, ForwardRef | TypeVar) or annotation in (Any, object, JsonValue):
        yield f"{where}: {annotation} may hold any text"
    elif not isinstance(annotation, type) or issubclass(annotation, Id | Enum):
        return
    elif issubclass(annotation, BaseModel):
        if not (values and annotation.__module__.startswith("events.")):
            yield from bare_texts_of(annotation, values=values)
    elif issubclass(annotation, str | bytes | SecretStr) and not _held(metadata):
        yield f"{where}: a bare {annotation.__name__}"


def bare_texts_of(model: type[BaseModel], *, values: bool = False) -> Iterator[Where]:
    model.model_rebuild()
    for name, field in model.model_fields.items():
        yield from bare_texts(
            field.annotation, f"{model.__name__}.{name}", tuple(field.metadata), values=values
        )


def command_models() -> list[type[BaseModel]]:
    """Every model of `commands/` but those that are answers."""
    found: dict[str, type[BaseModel]] = {}
    for module in pkgutil.walk_packages(commands.__path__, "commands."):
        for _, model in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            ours = model.__module__ == module.name and issubclass(model, BaseModel)
            if ours and not issubclass(model, Dto):
                found[f"{model.__module__}.{model.__name__}"] = model
    return [found[name] for name in sorted(found)]


def bare_parameters(app: FastAPI) -> Iterator[Where]:
    """Of every route, dependencies included: path, query, headers, cookies, body and form."""
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            where = f"{min(context.methods or ['?'])} {context.path}"
            for name, info in _taken(context.dependant):
                yield from bare_texts(info.annotation, f"{where} {name}", tuple(info.metadata))


def _taken(dependant: Dependant) -> Iterator[tuple[Where, FieldInfo]]:
    for kind in ("path", "query", "header", "cookie", "body"):
        for parameter in getattr(dependant, f"{kind}_params"):
            yield f"{kind} {parameter.name}", parameter.field_info
    for inner in dependant.dependencies:
        yield from _taken(inner)


def _holds(annotation: Any) -> bool:
    """A list, a tuple or a dictionary, not a union."""
    origin = get_origin(annotation)
    return isinstance(origin, type) and issubclass(origin, list | tuple | dict | set | frozenset)


def _held(metadata: tuple[Any, ...]) -> bool:
    for each in metadata:
        if isinstance(each, Incoming):
            return True
        pattern = getattr(each, "pattern", None) or ""
        for told in getattr(each, "metadata", ()):
            pattern = pattern or getattr(told, "pattern", None) or ""
        closed = pattern.startswith("^") and pattern.endswith("$")
        if closed and not _ANYTHING.search(pattern):
            return True
    return False
