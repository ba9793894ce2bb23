"""Says in plain words what is wrong with a field: pydantic's own are for programmers."""

from __future__ import annotations

from typing import Any

# By pydantic's type of error; what stands in braces is what it says of the limit.
WORDS = {
    "missing": "This is needed",
    "extra_forbidden": "There is no such field here: leave it out",
    "json_invalid": "This is no JSON",
    "bool_parsing": "Say true or false",
    "bool_type": "Say true or false",
    "int_parsing": "Send a whole number",
    "int_parsing_size": "This number is too large",
    "int_from_float": "Send a whole number",
    "int_type": "Send a whole number",
    "float_parsing": "Send a number",
    "float_type": "Send a number",
    "finite_number": "Send a number that is not infinite",
    "multiple_of": "Send a multiple of {multiple_of}",
    "greater_than": "Send more than {gt}",
    "greater_than_equal": "Send {ge} or more",
    "less_than": "Send less than {lt}",
    "less_than_equal": "Send {le} or less",
    "string_type": "Send text",
    "string_unicode": "Send text in UTF-8",
    "string_pattern_mismatch": "This is not written as it must be: /openapi.json says how",
    "list_type": "Send a list",
    "tuple_type": "Send a list",
    "set_type": "Send a list",
    "frozen_set_type": "Send a list",
    "dict_type": "Send an object with fields",
    "model_type": "Send an object with fields",
    "model_attributes_type": "Send an object with fields",
    "dataclass_type": "Send an object with fields",
    "literal_error": "Send one of {expected}",
    "enum": "Send one of {expected}",
    "union_tag_invalid": "Send one of {expected_tags}",
    "datetime_type": "Send a time as in 2026-01-31T12:00:00Z",
    "datetime_parsing": "Send a time as in 2026-01-31T12:00:00Z",
    "datetime_from_date_parsing": "Send a time as in 2026-01-31T12:00:00Z",
    "datetime_object_invalid": "Send a time as in 2026-01-31T12:00:00Z",
    "timezone_aware": "Send a time with its zone, as in 2026-01-31T12:00:00Z",
    "date_type": "Send a day as in 2026-01-31",
    "date_parsing": "Send a day as in 2026-01-31",
    "date_from_datetime_parsing": "Send a day as in 2026-01-31",
}
# How many: one of something is not spoken of as several.
COUNTS = {
    "string_too_short": ("Write {min_length} {characters} or more", "min_length"),
    "string_too_long": ("Write {max_length} {characters} at most", "max_length"),
    "too_short": ("Send {min_length} {entries} or more", "min_length"),
    "too_long": ("Send {max_length} {entries} at most", "max_length"),
}


def in_words(found: dict[str, Any]) -> str:
    """`found` is one of pydantic's errors. Our own types' words stay as they are."""
    kind, said = found["type"], found.get("ctx") or {}
    if kind in COUNTS:
        words, limit = COUNTS[kind]
        one = said.get(limit) == 1
        said = said | {
            "characters": "character" if one else "characters",
            "entries": "entry" if one else "entries",
        }
    else:
        words = WORDS.get(kind, "")
    try:
        return words.format(**said) or _own(found)
    except KeyError:
        return _own(found)


def _own(found: dict[str, Any]) -> str:
    return str(found["msg"]).removeprefix("Value error, ")
