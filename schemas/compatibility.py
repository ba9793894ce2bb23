"""The gate before a published schema changes: yesterday's readers understand tomorrow's events."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

# Limits of a value: a changed or added one refuses what was allowed, or allows what was refused.
_LIMITS = (
    "pattern",
    "format",
    "const",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
)
# Forms of what a list and a mapping hold.
_INNER = (("items", "[]"), ("additionalProperties", ".*"))


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """Why `new` cannot stand for `old` under the same event version; empty when it can.

    Refused: another type name, a removed or renamed field, a changed type or limit, a narrowed or
    widened enum, a new required field, a field no longer required. Allowed: a new optional field,
    other titles and descriptions. Anything else is a new version and an upcaster.
    """
    if old.get("title") != new.get("title"):
        return [f"the type is renamed from {old.get('title')} to {new.get('title')}"]
    return _differences(old, new, old, new, "$")


def _differences(
    old: Schema, new: Schema, root_old: Schema, root_new: Schema, at: str
) -> list[str]:
    old, new = _resolved(old, root_old), _resolved(new, root_new)
    found = _alternatives(old, new, root_old, root_new, at)
    if old.get("type") != new.get("type"):
        found.append(f"{at}: type {old.get('type')} became {new.get('type')}")
    if old.get("enum") != new.get("enum"):
        found.append(f"{at}: allowed values {old.get('enum')} became {new.get('enum')}")
    found += [
        f"{at}: {limit} {old.get(limit)!r} became {new.get(limit)!r}"
        for limit in _LIMITS
        if old.get(limit) != new.get(limit)
    ]
    found += _fields(old, new, root_old, root_new, at)
    found += _inner(old, new, root_old, root_new, at)
    return found


def _inner(old: Schema, new: Schema, root_old: Schema, root_new: Schema, at: str) -> list[str]:
    found = []
    for name, step in _INNER:
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            found += _differences(before, after, root_old, root_new, at + step)
        elif before != after:
            found.append(f"{at}: the form of its {name} changed from {before!r} to {after!r}")
    before, after = old.get("prefixItems", []), new.get("prefixItems", [])
    if len(before) != len(after):
        found.append(f"{at}: {len(before)} items became {len(after)}")
    for number, (one, other) in enumerate(zip(before, after, strict=False)):
        found += _differences(one, other, root_old, root_new, f"{at}[{number}]")
    return found


def _fields(old: Schema, new: Schema, root_old: Schema, root_new: Schema, at: str) -> list[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    required_before, required_after = set(old.get("required", ())), set(new.get("required", ()))
    found = [f"{at}.{name} was removed" for name in before if name not in after]
    found += [f"{at}.{name} is required now" for name in sorted(required_after - required_before)]
    found += [
        f"{at}.{name} is no longer required"
        for name in sorted(required_before - required_after)
        if name in after
    ]
    for name in before.keys() & after.keys():
        found += _differences(before[name], after[name], root_old, root_new, f"{at}.{name}")
    return sorted(found)


def _alternatives(
    old: Schema, new: Schema, root_old: Schema, root_new: Schema, at: str
) -> list[str]:
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        return [f"{at}: {len(before)} alternative forms became {len(after)}"]
    return [
        difference
        for number, (one, other) in enumerate(zip(before, after, strict=True), 1)
        for difference in _differences(one, other, root_old, root_new, f"{at}(form {number})")
    ]


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        schema = target
    return schema
