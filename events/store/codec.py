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
from pydantic_core import from_json, to_json

from events.envelope import MAX_DATA_BYTES, Envelope, Recorded
from events.errors import EventTooLarge
from events.model import REGISTRY, Event
from events.store.subject_keys import SubjectKeys

# Every encrypted value holds these bytes; where they are absent nothing is to be decrypted.
_PERSONAL = b'"personal"'
# A value is sealed for its event's id and field, and for its stream and tenant too.
BOUND = "stream tenant"


class EventCodec:
    """Whoever decodes loads all event models and their upcasters first (`events/catalogue.py`).

    A personal value is stored as {"personal": "v1", "bound", "subject", "field", "ciphertext"}.

    AES-256-GCM, AAD = subject, event id, stream, tenant and the field's name when it was encrypted:
    a ciphertext moved to another event, stream, workspace, field or person does not decrypt.
    Earlier values lack `bound`, and their AAD stream and tenant.
    """

    def __init__(self, keys: SubjectKeys) -> None:
        self._keys = keys

    @property
    def keys(self) -> SubjectKeys:
        return self._keys

    def encode(self, event: Event, event_id: str, stream_id: str, tenant: str) -> bytes:
        """The exact bytes to hash and store. Raises EventTooLarge (413) above 128 KiB."""
        if event.personal_fields:
            assert event.subject_field is not None
            data = event.model_dump(mode="json")
            subject = data[event.subject_field]
            for field in sorted(event.personal_fields):
                if data[field] is not None:
                    aad = _aad(subject, event_id, stream_id, tenant, field)
                    data[field] = self._encrypt(data[field], subject, field, aad)
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
        data = self.reveal(
            envelope.event_id, envelope.stream_id, envelope.tenant, from_json(envelope.data)
        )
        event = REGISTRY.read(envelope.type, envelope.version, data)
        return None if event is None else Recorded(envelope, _of_its_tenant(event, envelope))

    def reveal(
        self, event_id: str, stream_id: str, tenant: str, data: dict[str, Any]
    ) -> dict[str, Any]:
        """Stored data with its personal values in plain: for those whose data it is."""
        return {
            field: self._decrypt(value, event_id, stream_id, tenant)
            if isinstance(value, dict) and value.get("personal") == "v1"
            else value
            for field, value in data.items()
        }

    def _encrypt(self, value: Any, subject: str, field: str, aad: bytes) -> dict[str, str]:
        nonce = os.urandom(12)
        key = AESGCM(self._keys.obtain(subject))
        sealed = key.encrypt(nonce, json.dumps(value).encode(), aad)
        return {
            "personal": "v1",
            "bound": BOUND,
            "subject": subject,
            "field": field,
            "ciphertext": base64.b64encode(nonce + sealed).decode(),
        }

    def _decrypt(self, value: dict[str, str], event_id: str, stream_id: str, tenant: str) -> Any:
        key = self._keys.find(value["subject"])
        if key is None:
            return None
        sealed = base64.b64decode(value["ciphertext"])
        where = (stream_id, tenant) if value.get("bound") == BOUND else ()
        aad = _aad(value["subject"], event_id, *where, value["field"])
        try:
            return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad))
        except InvalidTag as error:
            raise ValueError(
                f"personal field {value['field']} of {event_id} was moved or changed"
            ) from error


def _of_its_tenant(event: Event, envelope: Envelope) -> Event:
    """Folds take the workspace from the data, so what it says must be what was sealed.

    A forged record could otherwise open one workspace's values into the vault of another.
    """
    if getattr(event, "workspace_id", envelope.tenant) != envelope.tenant:
        raise ValueError(f"{envelope.event_id} speaks of another workspace than its own")
    return event


def _aad(*parts: str) -> bytes:
    return "\x1f".join(parts).encode()
