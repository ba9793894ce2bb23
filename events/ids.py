"""Typed ids: a prefix and the 32 lower-case hex digits of a UUID, the same everywhere."""

from __future__ import annotations

import hashlib
import os
import re
import time
from functools import partial
from typing import Any, ClassVar, Self
from uuid import NAMESPACE_URL, UUID

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from events.errors import InvalidId

_NAMESPACE = NAMESPACE_URL.bytes


def uuid7() -> UUID:
    """A time-ordered UUID (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits."""
    return UUID(int=_uuid7())


def _uuid7() -> int:
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & (1 << 48) - 1) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    return value & ~(0x3 << 62) | 0x2 << 62


class Id(str):
    """`<prefix>_<32 hex>`; subclasses name their prefix. Raises InvalidId on anything else."""

    prefix: ClassVar[str] = ""
    _pattern: ClassVar[re.Pattern[str]] = re.compile(r"[a-z]{3}_[0-9a-f]{32}")
    kinds: ClassVar[dict[str, type[Id]]] = {}

    def __init_subclass__(cls, *, prefix: str) -> None:
        if prefix in Id.kinds:
            raise TypeError(f"{cls.__name__} and {Id.kinds[prefix].__name__} both begin {prefix}_")
        Id.kinds[prefix] = cls
        cls.prefix = prefix
        cls._pattern = re.compile(rf"{prefix}_[0-9a-f]{{32}}")

    def __new__(cls, value: str) -> Self:
        if not cls._pattern.fullmatch(value):
            raise InvalidId(f"{value!r:.60} is not of the form {cls.prefix}_ and 32 hex digits")
        return super().__new__(cls, value)

    @classmethod
    def new(cls) -> Self:
        # The check is skipped: an id takes 1.4 instead of 3.1 µs, three times a command.
        return str.__new__(cls, f"{cls.prefix}_{_uuid7():032x}")

    @classmethod
    def derived(cls, *parts: object) -> Self:
        """The same parts give the same id: uuid5 over their text."""
        name = _NAMESPACE + "\x1f".join(map(str, parts)).encode()
        # As uuid.uuid5 computes it (RFC 9562 §5.5), without a UUID object: 2.2 instead of 4.9 µs.
        value = int.from_bytes(hashlib.sha1(name, usedforsecurity=False).digest()[:16])
        value = value & ~(0xF << 76) | 5 << 76
        return str.__new__(cls, f"{cls.prefix}_{value & ~(0x3 << 62) | 0x2 << 62:032x}")

    @classmethod
    def beside(cls, other: str) -> Self:
        """The id of the thing that belongs one to one to `other`: the same hex, our prefix."""
        return cls(f"{cls.prefix}_{other[4:]}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        # Stored events are read from JSON. There the pattern is checked without a call into Python:
        # an event of three ids is decoded in 3.6 instead of 4.7 µs.
        pattern = core_schema.str_schema(pattern=f"^{cls._pattern.pattern}$")
        return core_schema.json_or_python_schema(
            core_schema.no_info_after_validator_function(partial(str.__new__, cls), pattern),
            core_schema.no_info_after_validator_function(cls, core_schema.str_schema()),
            serialization=core_schema.to_string_ser_schema(),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{cls._pattern.pattern}$"}


class AccountId(Id, prefix="acc"):
    """One person's login."""


class PartyId(Id, prefix="pty"):
    """A person without an account: somebody named in a sheet, a guest; one for each address."""


class WorkspaceId(Id, prefix="wsp"):
    """The tenant: every stream belongs to one workspace for ever."""


class KeyId(Id, prefix="key"):
    """An API key; the secret itself is never an id."""


class SignInsId(Id, prefix="sgn"):
    """The stream of an account's sign-ins, one to one with the account."""


class PasskeyId(Id, prefix="psk"):
    """One passkey of an account: a device that signs in without a password."""


class AssetId(Id, prefix="ast"):
    """One uploaded recording."""


class CollectionId(Id, prefix="col"):
    """One collection of recordings."""


class CommentId(Id, prefix="cmt"):
    """A comment on a moment in a recording."""


class AnalysisId(Id, prefix="ana"):
    """The measurements of one asset."""


class RemeasuringId(Id, prefix="rem"):
    """One run of the remeasuring saga, one to one with a run of an analysis after the first."""


class ReanalysisId(Id, prefix="rea"):
    """One measuring again of many recordings of a workspace."""


class ReanalysingId(Id, prefix="rep"):
    """One run of the reanalysing saga, one to one with its reanalysis."""


class IngestId(Id, prefix="ing"):
    """One run of the ingest saga, one to one with its asset."""


class EmptyingId(Id, prefix="emp"):
    """The emptying saga of one asset, one to one with it, however often it is in the trash."""


class ErasureId(Id, prefix="ers"):
    """One wish to be forgotten; whoever holds the id may watch it and fetch the certificate."""


class ErasingId(Id, prefix="erp"):
    """One run of the erasure saga, one to one with its erasure."""


class SubjectId(Id, prefix="sub"):
    """The stream that says what became of a person's key, one to one with account or party."""


# Whose values events may hold, and who may ask to be forgotten.
PersonId = AccountId | PartyId


def person_id(text: str) -> PersonId:
    """Raises InvalidId."""
    return PartyId(text) if text.startswith(f"{PartyId.prefix}_") else AccountId(text)


class OperationId(Id, prefix="opr"):
    """One thing an operator did by hand."""


class OutcomeId(Id, prefix="out"):
    """The stream of what the world outside answered to one intent of an effect."""


class EventId(Id, prefix="evt"):
    """One event."""


class CommandId(Id, prefix="cmd"):
    """One intent; the same id and input is answered once."""


class CorrelationId(Id, prefix="cor"):
    """Everything that followed from one request."""


class LogId(Id, prefix="log"):
    """One installation's log, for its whole life."""
