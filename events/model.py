"""The base of event models: frozen, past tense, named `context.happened`, versioned, registered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from events.access import Declared, fields_of
from events.errors import MissingUpcaster, UnknownEventVersion
from events.personal import Part as Part
from events.personal import Personal as Personal
from events.personal import fields_holding_personal, personal_fields

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


class Event(BaseModel):
    """Base of all events. Strict when written, tolerant of more fields when read.

    `access` is what it grants or revokes, if it does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    type: ClassVar[str]
    version: ClassVar[int]
    subject_field: ClassVar[str | None]
    personal_fields: ClassVar[frozenset[str]]
    holds_personal: ClassVar[bool]
    access: ClassVar[Declared | None]

    def __init_subclass__(
        cls,
        *,
        type: str,
        version: int,
        subject: str | None = None,
        access: Declared | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        cls.type, cls.version, cls.subject_field = type, version, subject
        cls.access = access

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        cls.personal_fields = personal_fields(cls)
        if cls.personal_fields and cls.subject_field not in cls.model_fields:
            raise TypeError(f"{cls.type} has personal fields but names no subject field")
        cls.holds_personal = bool(fields_holding_personal(cls))
        if cls.access is not None and not cls.model_fields.keys() >= set(fields_of(cls.access)):
            raise TypeError(f"{cls.type} declares access by fields that it does not have")
        REGISTRY.add(cls)

    @property
    def category(self) -> str:
        return self.type.partition(".")[0]


class Registry:
    """Every event model by (type, version), and the upcasters between versions."""

    def __init__(self) -> None:
        self._models: dict[tuple[str, int], type[Event]] = {}
        self._newest: dict[str, int] = {}
        self._upcasters: dict[tuple[str, int], Upcaster] = {}

    def add(self, model: type[Event]) -> None:
        key = (model.type, model.version)
        if key in self._models:
            raise TypeError(f"{model.type} version {model.version} is declared twice")
        self._models[key] = model
        self._newest[model.type] = max(model.version, self._newest.get(model.type, 0))

    def upcast(self, type: str, from_version: int) -> Callable[[Upcaster], Upcaster]:
        """Decorator: `@REGISTRY.upcast("loan.opened", 1)` turns JSON of version 1 into 2."""

        def register(upcaster: Upcaster) -> Upcaster:
            self._upcasters[type, from_version] = upcaster
            return upcaster

        return register

    def check(self) -> None:
        """Raises MissingUpcaster when an old version of a type could not be read today."""
        for type, version in sorted(self._models):
            newest = self._newest[type]
            for step in range(version, newest):
                if (type, step) not in self._upcasters:
                    raise MissingUpcaster(type, step, newest)

    def newest(self, type: str) -> type[Event] | None:
        """The model to read `type` with; None if this process does not know the type."""
        version = self._newest.get(type)
        return None if version is None else self._models[type, version]

    def read(self, type: str, version: int, data: dict[str, Any]) -> Event | None:
        """Upcast and validate; None for an unknown type.

        Raises UnknownEventVersion when the version is newer than the newest known one.
        """
        model = self.newest(type)
        if model is None:
            return None
        if version > model.version:
            raise UnknownEventVersion(type, version, model.version)
        for step in range(version, model.version):
            data = self._upcasters[type, step](data)
        return model.model_validate(data, extra="ignore")

    def all(self) -> list[type[Event]]:
        return [self._models[key] for key in sorted(self._models)]

    def categories(self) -> list[str]:
        return sorted({type.partition(".")[0] for type, _ in self._models})


REGISTRY = Registry()
