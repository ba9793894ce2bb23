"""Golden events: each version ever stored, as it was stored. `python -m tests.golden` adds some.

A golden file is made once and never again: it stands for events that lie in somebody's log.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from events.envelope import Envelope
from events.ids import CommandId, CorrelationId, EventId
from events.model import Event
from events.store.codec import EventCodec
from events.times import from_micros, parse_rfc3339
from schemas.examples import ACCOUNT, WORKSPACE, all_examples, fixed
from schemas.golden_lock import lock_new

GOLDEN = Path(__file__).parent.parent / "schemas" / "golden"
RECORDED_AT = from_micros(1_767_225_600_123_456)


class FixedKeys:
    """The same key for every subject, so that golden ciphertexts open for ever."""

    def find(self, subject: str) -> bytes | None:
        return hashlib.sha256(subject.encode()).digest()

    def obtain(self, subject: str) -> bytes:
        return hashlib.sha256(subject.encode()).digest()

    def forget(self, subject: str) -> None:
        """Nothing is remembered."""


class NoKeys(FixedKeys):
    """Everybody was erased."""

    def find(self, subject: str) -> bytes | None:
        return None


CODEC, AFTER_ALL_ERASURES = EventCodec(FixedKeys()), EventCodec(NoKeys())


def golden_path(event_type: str, version: int) -> Path:
    return GOLDEN / f"{event_type}.v{version}.json"


def make(event: Event) -> dict[str, Any]:
    """The stored envelope, its data as the exact text that was hashed, and what it reads as."""
    event_id = fixed(EventId)
    fields = event.model_dump(mode="json")
    stream_id = fields.get(f"{event.category}_id") or f"{event.category[:3]}_{event_id[4:]}"
    data = CODEC.encode(event, event_id, stream_id, WORKSPACE)
    envelope = Envelope(
        position=1,
        event_id=event_id,
        stream_id=stream_id,
        stream_version=1,
        category=event.category,
        type=event.type,
        version=event.version,
        recorded_at=RECORDED_AT,
        effective_at=RECORDED_AT,
        actor=ACCOUNT,
        tenant=WORKSPACE,
        correlation_id=fixed(CorrelationId),
        causation_id=None,
        command_id=fixed(CommandId),
        hash=hashlib.sha256(data).digest(),
        data=data,
    )
    return {"envelope": {**envelope.to_json(), "data": data.decode()}, "reads_as": fields}


def stored_envelope(golden: dict[str, Any]) -> Envelope:
    """The envelope as the log hands it out."""
    fields = dict(golden["envelope"])
    for name in ("recorded_at", "effective_at"):
        fields[name] = parse_rfc3339(fields[name])
    fields["hash"] = bytes.fromhex(fields["hash"])
    fields["data"] = fields["data"].encode()
    return Envelope(**fields)


if __name__ == "__main__":
    for example in all_examples():
        path = golden_path(example.type, example.version)
        if not path.exists():
            path.write_text(json.dumps(make(example), indent=2, ensure_ascii=False) + "\n", "utf-8")
            print(path.name)
    lock_new()
