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

import events.earlier  # noqa: F401 - its upcasters
from events.envelope import MAX_DATA_BYTES, Envelope, Recorded
from events.errors import EventTooLarge
from events.model import REGISTRY, Event
from events.store.subject_keys import SubjectKeys

# Every encrypted value holds these bytes; where they are absent nothing is to be decrypted.
_PERSONAL = b'"personal"'


class EventCodec:
    """A personal value is stored as {"personal": "v1", "subject", "field", "ciphertext"}.

    AES-256-GCM, AAD = subject, event id and the field's name when it was encrypted: a ciphertext
    moved to another event, field or person does not decrypt.
    """

    def __init__(self, keys: SubjectKeys) -> None:
        self._keys = keys

    @property
    def keys(self) -> SubjectKeys:
        return self._keys

    def encode(self, event: Event, event_id: str) -> bytes:
        """The exact bytes to hash and store. Raises EventTooLarge (413) above 128 KiB."""
        if event.personal_fields:
            assert event.subject_field is not None
            data = event.model_dump(mode="json")
            subject = data[event.subject_field]
            for field in sorted(event.personal_fields):
                if data[field] is not None:
                    data[field] = self._encrypt(data[field], subject, event_id, field)
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
            return Recorded(envelope, event)
        data: dict[str, Any] = from_json(envelope.data)
        event = REGISTRY.read(envelope.type, envelope.version, self.reveal(envelope.event_id, data))
        return None if event is None else Recorded(envelope, event)

    def reveal(self, event_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """Stored data with its personal values in plain: for those whose data it is."""
        return {
            field: self._decrypt(value, event_id)
            if isinstance(value, dict) and value.get("personal") == "v1"
            else value
            for field, value in data.items()
        }

    def _encrypt(self, value: Any, subject: str, event_id: str, field: str) -> dict[str, str]:
        nonce = os.urandom(12)
        sealed = AESGCM(self._keys.obtain(subject)).encrypt(
            nonce, json.dumps(value).encode(), _aad(subject, event_id, field)
        )
        return {
            "personal": "v1",
            "subject": subject,
            "field": field,
            "ciphertext": base64.b64encode(nonce + sealed).decode(),
        }

    def _decrypt(self, value: dict[str, str], event_id: str) -> Any:
        key = self._keys.find(value["subject"])
        if key is None:
            return None
        sealed = base64.b64decode(value["ciphertext"])
        aad = _aad(value["subject"], event_id, value["field"])
        try:
            return json.loads(AESGCM(key).decrypt(sealed[:12], sealed[12:], aad))
        except InvalidTag as error:
            raise ValueError(
                f"personal field {value['field']} of {event_id} was moved or changed"
            ) from error


def _aad(subject: str, event_id: str, field: str) -> bytes:
    return f"{subject}\x1f{event_id}\x1f{field}".encode()
