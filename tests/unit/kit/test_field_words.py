"""What a refusal says of each field: plain words, whatever the type of its error."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from kit.field_words import in_words
from schemas.text import Text

OTHERS_WORDS = ("should", "Input", "Tuple", "String", "Field required", "Extra inputs", "pattern")


class Told(BaseModel, extra="forbid"):
    needed: int
    text: Annotated[str, Text(3)] = ""
    number: Annotated[float, Field(ge=0, lt=10, allow_inf_nan=False)] = 0
    names: Annotated[tuple[str, ...], Field(max_length=1)] = ()
    key: Annotated[str, Field(pattern="^[A-G]$")] = "A"
    sort: Literal["up", "down"] = "up"
    at: datetime | None = None
    on: date | None = None
    yes: bool = True

    @field_validator("number")
    @classmethod
    def _odd(cls, value: float) -> float:
        if value == 2:
            raise ValueError("2 is no number for this")
        return value


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "missing": ({}, "This is needed"),
    "extra": ({"needed": 1, "more": 1}, "There is no such field here: leave it out"),
    "whole": ({"needed": 1.5}, "Send a whole number"),
    "size": ({"needed": "9" * 5_000}, "This number is too large"),
    "long": ({"needed": 1, "text": "four"}, "Write 3 characters at most"),
    "short": ({"needed": 1, "text": " "}, "Write 1 character or more"),
    "range": ({"needed": 1, "number": -1}, "Send 0.0 or more"),
    "above": ({"needed": 1, "number": 10}, "Send less than 10.0"),
    "infinite": ({"needed": 1, "number": float("inf")}, "Send a number that is not infinite"),
    "list": ({"needed": 1, "names": ["a", "b"]}, "Send 1 entry at most"),
    "no list": ({"needed": 1, "names": 1}, "Send a list"),
    "pattern": (
        {"needed": 1, "key": "H"},
        "This is not written as it must be: /openapi.json says how",
    ),
    "choice": ({"needed": 1, "sort": "left"}, "Send one of 'up' or 'down'"),
    "time": ({"needed": 1, "at": "yesterday"}, "Send a time as in 2026-01-31T12:00:00Z"),
    "day": ({"needed": 1, "on": "yesterday"}, "Send a day as in 2026-01-31"),
    "bool": ({"needed": 1, "yes": "perhaps"}, "Say true or false"),
    "own": ({"needed": 1, "number": 2}, "2 is no number for this"),
}


@pytest.mark.parametrize("what", CASES)
def test_pydantic_spoke_of_inputs_tuples_and_patterns(what: str):
    sent, words = CASES[what]
    with pytest.raises(ValidationError) as refused:
        Told.model_validate(sent)
    (found,) = refused.value.errors()
    assert in_words(dict(found)) == words
    assert not any(each in words for each in OTHERS_WORDS)


def test_an_error_that_is_not_in_the_table_says_what_it_says():
    assert in_words({"type": "new", "msg": "Value error, so it is"}) == "so it is"
    assert in_words({"type": "less_than", "msg": "without its limit"}) == "without its limit"
