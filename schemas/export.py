"""Writes what is published of the events: JSON Schemas, AsyncAPI, the glossary.

`python -m schemas.export` after any change of an event model. It refuses what breaks
readers.
"""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

from events.catalogue import load_all_events
from events.ids import Id
from events.model import REGISTRY, Event
from events.personal import SCHEMA_MARK
from schemas.compatibility import breaking_changes
from schemas.examples import example_of

ROOT = Path(__file__).parent.parent
JSON_SCHEMAS = ROOT / "schemas" / "json"
ASYNCAPI = ROOT / "schemas" / "asyncapi.yaml"
GLOSSARY = ROOT / "docs" / "glossary.md"
PARTITIONS = 12

# How EventCodec stores a personal value; null is what was null when it was written.
ENCRYPTED: dict[str, Any] = {
    "type": "object",
    "title": "Encrypted",
    "description": "AES-256-GCM under the subject's own key; unreadable once they are erased.",
    "properties": {
        "personal": {"const": "v1"},
        "bound": {
            "const": "stream tenant",
            "description": "Sealed for its stream and tenant too; earlier values lack it.",
        },
        "subject": {"type": "string"},
        "field": {"type": "string"},
        "ciphertext": {"type": "string", "contentEncoding": "base64"},
    },
    "required": ["personal", "subject", "field", "ciphertext"],
}
HEADERS = {
    "content-type": "always application/json",
    "ce_specversion": "always 1.0",
    "ce_id": "event_id",
    "ce_type": "the event's type, for example asset.uploaded",
    "ce_source": "/noculture/<log id>/<epoch>",
    "ce_subject": "stream_id",
    "ce_time": "recorded_at",
    "ce_dataschema": "$id of the JSON Schema of this type and version, urn:noculture:event:…",
    "ce_eventversion": "version of the type",
    "ce_position": "position in the log, from 1",
    "ce_streamversion": "version of the stream, from 1",
    "ce_effectiveat": "when it counts",
    "ce_actor": "account that wanted it; absent when the system did",
    "ce_tenant": "workspace",
    "ce_correlationid": "everything that followed from one request",
    "ce_causationid": "the event it followed from; absent at a beginning",
    "ce_commandid": "the command that was answered with it",
    "ce_hash": "hex of the hash chain at this position",
    "noculture_mac": "for our own readers, under a key of theirs; absent before it was made",
}
OPTIONAL_HEADERS = {"ce_actor", "ce_causationid", "noculture_mac"}


def schema_of(model: type[Event]) -> dict[str, Any]:
    """JSON Schema (2020-12) of the stored data of one event version."""
    schema = model.model_json_schema()
    # Readers are tolerant: a later optional field must not fail them.
    for described in (schema, *schema.get("$defs", {}).values()):
        if described.get("additionalProperties") is False:
            del described["additionalProperties"]
        _say_encrypted(described.get("properties", {}))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:noculture:event:{model.type}:{model.version}",
        **schema,
        "title": model.type,
        "description": inspect.cleandoc(model.__doc__ or ""),
    }


def _say_encrypted(properties: dict[str, Any]) -> None:
    for name, plain in properties.items():
        if plain.get(SCHEMA_MARK):
            title = {"title": plain["title"]} if "title" in plain else {}
            properties[name] = {**title, "anyOf": [ENCRYPTED, *plain["anyOf"]]}


def schema_path(model: type[Event]) -> Path:
    return JSON_SCHEMAS / f"{model.type}.v{model.version}.json"


def asyncapi() -> dict[str, Any]:
    """AsyncAPI 3: one Kafka topic per category, one message per event version."""
    models = load_all_events()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "NoCulture OS events",
            "version": "1",
            "description": (
                "Every change, once, in order per stream, for ever. The key is the stream id, the"
                " value the exact bytes of `data` that were hashed. Skip types you do not know."
            ),
        },
        "defaultContentType": "application/json",
        "channels": {c: _channel(c, models) for c in REGISTRY.categories()},
        "operations": {
            f"receive-{category}": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{category}"},
            }
            for category in REGISTRY.categories()
        },
        "components": {
            "messages": {_message_name(model): _message(model) for model in models},
            "messageTraits": {"envelope": {"headers": _headers()}},
        },
    }


def _channel(category: str, models: list[type[Event]]) -> dict[str, Any]:
    names = [_message_name(m) for m in models if m.type.partition(".")[0] == category]
    return {
        "address": f"noculture.events.{category}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {
            "kafka": {"partitions": PARTITIONS, "topicConfiguration": {"retention.ms": -1}}
        },
    }


def _message(model: type[Event]) -> dict[str, Any]:
    message: dict[str, Any] = {
        "name": model.type,
        "title": f"{model.type} version {model.version}",
        "summary": " ".join(inspect.cleandoc(model.__doc__ or "").split()),
        "contentType": "application/json",
        "traits": [{"$ref": "#/components/messageTraits/envelope"}],
        "payload": {"$ref": f"./json/{schema_path(model).name}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": "stream id"}}},
    }
    if not model.holds_personal:
        payload = example_of(model.type, model.version).model_dump(mode="json")
        message["examples"] = [{"payload": payload}]
    return message


def _headers() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "UTF-8 text. A header whose field is null is absent.",
        "properties": {
            name: {"type": "string", "description": meaning} for name, meaning in HEADERS.items()
        },
        "required": [name for name in HEADERS if name not in OPTIONAL_HEADERS],
    }


def _message_name(model: type[Event]) -> str:
    return f"{model.type}.v{model.version}"


def asyncapi_text() -> str:
    # Imported here, because it is a development dependency that only the export needs.
    import yaml

    text: str = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100)
    return text


def glossary_text() -> str:
    """The business in the words of its events: one section per context, from the docstrings."""
    lines = [
        "# Glossary",
        "",
        "Written by `python -m schemas.export` from the event models. What happened, in past",
        "tense, is all that is ever stored; everything else can be made again from it.",
    ]
    models = load_all_events()
    for module_name in sorted({model.__module__ for model in models}):
        module = sys.modules[module_name]
        lines += ["", f"## {module_name.removeprefix('events.')}", ""]
        lines += [_one_line(module.__doc__), "", "| event | what happened |", "|---|---|"]
        for model in models:
            if model.__module__ == module_name:
                lines.append(f"| `{_message_name(model)}` | {_one_line(model.__doc__)} |")
    lines += ["", "## Ids", "", "| prefix | of what |", "|---|---|"]
    kinds = [kind for kind in Id.__subclasses__() if kind.__module__ == Id.__module__]
    lines += [f"| `{kind.prefix}_` | {_one_line(kind.__doc__)} |" for kind in kinds]
    return "\n".join(lines) + "\n"


def _one_line(docstring: str | None) -> str:
    return " ".join(inspect.cleandoc(docstring or "").split())


def outdated() -> dict[Path, str]:
    """Files whose text is not what the models say, with the text they should have."""
    texts = {
        schema_path(m): json.dumps(schema_of(m), indent=2, ensure_ascii=False) + "\n"
        for m in load_all_events()
    }
    texts |= {ASYNCAPI: asyncapi_text(), GLOSSARY: glossary_text()}
    return {p: t for p, t in texts.items() if not p.exists() or p.read_text("utf-8") != t}


def published_and_broken() -> dict[str, list[str]]:
    """Per checked-in event schema: how today's model breaks it. A vanished model breaks it too."""
    models = {schema_path(model).name: model for model in load_all_events()}
    broken: dict[str, list[str]] = {}
    for path in sorted(JSON_SCHEMAS.glob("*.json")):
        model = models.get(path.name)
        if model is None:
            broken[path.name] = ["its event model is gone: versions once stored stay readable"]
            continue
        changes = breaking_changes(json.loads(path.read_text("utf-8")), schema_of(model))
        if changes:
            broken[path.name] = changes
    return broken


def main() -> int:
    broken = published_and_broken()
    for name, reasons in broken.items():
        print(f"{name}: {'; '.join(reasons)}", file=sys.stderr)
    if broken:
        print("Make it a new version with an upcaster; see docs/development.md.", file=sys.stderr)
        return 1
    for path, text in outdated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        print(path.relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
