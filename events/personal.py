"""Personal values in event models: which fields hold them, and of whom.

A field of `Personal[...]` is stored encrypted under the key of its model's subject. An event names
one subject; a `Part` inside an event, in a list, a mapping or alone, names its own.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from typing import (
    Annotated,
    Any,
    ClassVar,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic_core import CoreSchema

T = TypeVar("T")
# The field's place in published schemas, until they say how it is stored (`schemas/export.py`).
SCHEMA_MARK = "x-personal"
# Through these the place of a value is the same each time it is written.
_WAYS_IN = (Union, types.UnionType, Annotated, list, tuple, dict)


class PersonalMarker:
    """Marks a field that is stored encrypted under its subject's key."""

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**handler(schema), SCHEMA_MARK: True}


# None is what is left after the subject was erased.
Personal = Annotated[T | None, PersonalMarker()]


class Part(BaseModel):
    """Base of what an event says of a person beside its own subject.

    `class Party(Part, subject="party_id")`: its personal values are encrypted under the key of
    whom its field `party_id` names.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    subject_field: ClassVar[str]

    def __init_subclass__(cls, *, subject: str, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.subject_field = subject

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        if cls.subject_field not in cls.model_fields:
            raise TypeError(f"{cls.__name__} has no field {cls.subject_field} for its subject")
        fields_with_parts(cls)


@cache
def personal_fields(model: type[BaseModel]) -> frozenset[str]:
    """The model's own fields that are encrypted."""
    return frozenset(
        name
        for name, field in model.model_fields.items()
        if any(isinstance(mark, PersonalMarker) for mark in field.metadata)
    )


@cache
def fields_with_parts(model: type[BaseModel]) -> frozenset[str]:
    """Fields below which other models hold personal values.

    Raises TypeError where a value would be stored in plain, for it is no field of a model with a
    subject, or could not be erased alone.
    """
    if not model.__pydantic_complete__:
        raise TypeError(f"{model.__name__} names a type that is declared after it")
    found = frozenset(
        name
        for name, field in model.model_fields.items()
        # A list, so that each of them is looked at.
        if any([_holds(each, frozenset()) for each in _models_in(field.annotation, name)])
    )
    if found & personal_fields(model):
        raise TypeError(f"{model.__name__}: a personal value holds others, under another's key")
    return found


def fields_holding_personal(model: type[BaseModel]) -> frozenset[str]:
    """The model's fields that are encrypted, or below which values are."""
    return personal_fields(model) | fields_with_parts(model)


def subjects_of(model: BaseModel) -> frozenset[str]:
    """The people whose values the event holds; without those that were erased."""
    form = type(model)
    found = frozenset[str]()
    if any(getattr(model, name) is not None for name in personal_fields(form)):
        subject = getattr(model, subject_field(form))
        # Plain values of an earlier version may have no subject to be encrypted for.
        found |= frozenset[str]() if subject is None else {str(subject)}
    for name in fields_with_parts(form):
        for part in _parts_of(getattr(model, name)):
            found |= subjects_of(part)
    return found


def _parts_of(value: Any) -> Iterator[BaseModel]:
    match value:
        case BaseModel():
            yield value
        case dict():
            for each in value.values():
                yield from _parts_of(each)
        case list() | tuple():
            for each in value:
                yield from _parts_of(each)


def subject_field(model: type[BaseModel]) -> str:
    subject: str | None = getattr(model, "subject_field", None)
    if subject is None or subject not in model.model_fields:
        raise TypeError(f"{model.__name__} has personal fields but names no subject field")
    return subject


def _holds(model: type[BaseModel], inside: frozenset[type[BaseModel]]) -> bool:
    """Whether personal values are in the model or below it; `inside` are those around it."""
    if model in inside:
        return False
    own = bool(personal_fields(model))
    if own:
        subject_field(model)
    below = [
        _holds(each, inside | {model})
        for name, field in model.model_fields.items()
        for each in _models_in(field.annotation, name)
    ]
    return own or any(below)


def _models_in(annotation: Any, field: str) -> list[type[BaseModel]]:
    """Models that a value of this type may be or hold."""
    # `type Name = …` hides what it stands for.
    annotation = getattr(annotation, "__value__", annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated and any(isinstance(m, PersonalMarker) for m in annotation.__metadata__):
        raise TypeError(f"{field}: Personal[...] is the type of a whole field, not of a part of it")
    if origin is Annotated:
        inner = inner[:1]
    elif isinstance(annotation, type) and (
        is_dataclass(annotation) or is_typeddict(annotation) or hasattr(annotation, "_fields")
    ):
        inner = tuple(get_type_hints(annotation, include_extras=True).values())
    found = [_models_in(each, field) for each in inner]
    # Of a mapping the keys, of a way in nothing, of anything else all.
    hidden = found[:1] if origin is dict else [] if origin in _WAYS_IN else found
    if any(_holds(model, frozenset()) for models in hidden for model in models):
        raise TypeError(f"{field}: personal values lie in a list, a tuple or a mapping's values")
    return [model for models in found for model in models]
