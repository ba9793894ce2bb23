"""Between event models and the stored JSON bytes.

Personal fields are encrypted before anything is hashed.
"""

from __future__ import annotations

import base64
import json
import os
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel
from pydantic_core import from_json, to_json

from events.envelope import MAX_DATA_BYTES, Envelope, Recorded
from events.errors import EventTooLarge
from events.model import REGISTRY, Event
from events.personal import fields_with_parts, personal_fields, subject_field
from events.store.subject_keys import SubjectKeys

# Every encrypted value holds these bytes; where they are absent nothing is to be decrypted.
_PERSONAL = b'"personal"'
# A value is sealed for its event's id and field, and for its stream and tenant too.
BOUND = "stream tenant"
# Of an event: its id, stream and tenant.
Where = tuple[str, str, str]


class EventCodec:
    """Whoever decodes loads all event models and their upcasters first (`events/catalogue.py`).

    A personal value is stored as {"personal": "v1", "bound", "subject", "field", "ciphertext"}.

    `field` is its path in the event: a field's name, `parties/0/name` inside (as a JSON pointer).
    AES-256-GCM, AAD = subject, event id, stream, tenant and that path when it was encrypted: a
    ciphertext moved to another event, stream, workspace, place or person does not decrypt.
    Earlier values lack `bound`, and their AAD stream and tenant.
    """

    def __init__(self, keys: SubjectKeys) -> None:
        self._keys = keys

    @property
    def keys(self) -> SubjectKeys:
        return self._keys

    def encode(self, event: Event, event_id: str, stream_id: str, tenant: str) -> bytes:
        """The exact bytes to hash and store. Raises EventTooLarge (413) above 128 KiB."""
        if event.holds_personal:
            data = event.model_dump(mode="json")
            self._seal(event, data, (event_id, stream_id, tenant), "")
            stored = to_json(data)
        else:
            stored = event.model_dump_json().encode()
        if len(stored) > MAX_DATA_BYTES:
            raise EventTooLarge(event.type, len(stored), MAX_DATA_BYTES)
        return stored

    def decode(self, envelope: Envelope) -> Recorded | None:
        """The event in its newest form; None for a type this process does not know.

        Personal values of an erased subject read as None. Raises UnknownEventVersion.
        """
        model = REGISTRY.newest(envelope.type)
        if model is None:
            return None
        if envelope.version == model.version and _PERSONAL not in envelope.data:
            # Straight from the bytes: 4 us instead of 6.4 us by way of a dict.
            event = model.__pydantic_validator__.validate_json(envelope.data, extra="ignore")
            return Recorded(envelope, _of_its_tenant(event, envelope))
        data = from_json(envelope.data)
        if _PERSONAL in envelope.data:
            data = self.reveal(envelope.event_id, envelope.stream_id, envelope.tenant, data)
        event = REGISTRY.read(envelope.type, envelope.version, data)
        return None if event is None else Recorded(envelope, _of_its_tenant(event, envelope))

    def reveal(
        self, event_id: str, stream_id: str, tenant: str, data: dict[str, Any]
    ) -> dict[str, Any]:
        """Stored data with its personal values in plain: for those whose data it is."""
        where = (event_id, stream_id, tenant)
        return {field: self._opened(value, where, _step(field)) for field, value in data.items()}

    def _seal(self, model: BaseModel, data: dict[str, Any], where: Where, within: str) -> None:
        """Encrypt in `data`, the model's JSON, what is personal; `within` is the model's path."""
        form = type(model)
        if fields := personal_fields(form):
            subject = data[subject_field(form)]
            for field in sorted(fields):
                if data[field] is not None:
                    data[field] = self._encrypt(data[field], subject, where, within + _step(field))
        for field in fields_with_parts(form):
            self._seal_parts(getattr(model, field), data[field], where, within + _step(field))

    def _seal_parts(self, value: Any, data: Any, where: Where, path: str) -> None:
        match value:
            case BaseModel():
                self._seal(value, data, where, f"{path}/")
            case dict():
                for (key, inner), each in zip(data.items(), value.values(), strict=True):
                    self._seal_parts(each, inner, where, f"{path}/{_step(key)}")
            case list() | tuple():
                for index, (each, inner) in enumerate(zip(value, data, strict=True)):
                    self._seal_parts(each, inner, where, f"{path}/{index}")

    def _opened(self, value: Any, where: Where, path: str) -> Any:
        if isinstance(value, dict):
            if value.get("personal") == "v1":
                return self._decrypt(value, where, path)
            return {
                key: self._opened(inner, where, f"{path}/{_step(key)}")
                for key, inner in value.items()
            }
        if isinstance(value, list):
            return [
                self._opened(inner, where, f"{path}/{index}") for index, inner in enumerate(value)
            ]
        return value

    def _encrypt(self, value: Any, subject: str, where: Where, path: str) -> dict[str, str]:
        nonce = os.urandom(12)
        key = AESGCM(self._keys.obtain(subject))
        sealed = key.encrypt(nonce, json.dumps(value).encode(), _aad(subject, *where, path))
        return {
            "personal": "v1",
            "bound": BOUND,
            "subject": subject,
            "field": path,
            "ciphertext": base64.b64encode(nonce + sealed).decode(),
        }

    def _decrypt(self, value: dict[str, str], where: Where, path: str) -> Any:
        key = self._keys.find(value["subject"])
        if key is None:
            return None
        sealed = base64.b64decode(value["ciphertext"])
        bound = where if value.get("bound") == BOUND else where[:1]
        try:
            # The path where it lies, not the one it names: else two whole values could change
            # places.
            aad = _aad(value["subject"], *bound, path)
            return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad))
        except InvalidTag as error:
            raise ValueError(f"personal field {path} of {where[0]} was moved or changed") from error


def _step(name: str) -> str:
    """A field's or key's step in a path: a slash in it is no new step (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")


def _of_its_tenant(event: Event, envelope: Envelope) -> Event:
    """Folds take the workspace from the data, so what it says must be what was sealed.

    A forged record could otherwise open one workspace's values into the vault of another.
    """
    if getattr(event, "workspace_id", envelope.tenant) != envelope.tenant:
        raise ValueError(f"{envelope.event_id} speaks of another workspace than its own")
    return event


def _aad(*parts: str) -> bytes:
    return "\x1f".join(parts).encode()
