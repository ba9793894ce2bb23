"""Numbers and times that nobody means, in every parameter, field and header that takes one: they
are refused, never a server error, and never answered as if they had not been sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel

from tests.integration.http.every_route import ROUTES
from tests.integration.http.test_text import (
    JSON,
    UNAVAILABLE,
    Door,
    House,
    _is_text,
    _quick,
    house,
)

__all__ = ["_quick", "house"]
HUGE, LONG = str(10**23), "9" * 5_000
NONSENSE = (LONG, HUGE, "-" + HUGE, "nan", "inf", "1e400", "0x10", "\uff11\u00b2", "a\x00")
# What JSON, or Python's reading of it, has words for.
LITERALS = (LONG, HUGE, "-" + HUGE, "NaN", "Infinity", "-Infinity", "1e400", "-1e400", '"1e400"')
TIMES = ("99999-01-01", "0000-00-00", "2026-02-30", "24:00", LONG, "nan", "1e400")
# A header that is no number names another version (412), or asks for what is not there (416).
HEADERS = (
    ("GET", "/api/assets", "Min-Position", (422,)),
    ("POST", "/api/uploads", "Upload-Length", (422,)),
    ("PATCH", "/api/uploads/{upload_id}", "Upload-Offset", (422,)),
    ("HEAD", "/api/uploads/{upload_id}", "NoCulture-Digest-From", (422,)),
    ("PATCH", "/api/comments/{comment_id}", "If-Match", (412,)),
    ("GET", "/api/events/stream", "Last-Event-ID", (422,)),
)


def numbers(app: Any) -> list[Door]:
    """Every number and every time that a route declares."""
    found = set()
    for context in iter_route_contexts(app.routes):
        if isinstance(context.original_route, APIRoute):
            for method in set(context.methods or ()) - {"HEAD"}:
                for place, name in _declared(context.dependant):
                    found.add(Door(method, context.path, place, name))
    return sorted(found, key=str)


def _declared(dependant: Dependant) -> Iterator[tuple[str, str]]:
    for place in ("path", "query", "body"):
        for parameter in getattr(dependant, f"{place}_params"):
            model = parameter.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel):
                for name, each in model.model_fields.items():
                    if not _is_text(each.annotation):
                        yield place, name
            elif not _is_text(model):
                yield place, parameter.alias
    for inner in dependant.dependencies:
        yield from _declared(inner)


def _is_time(door: Door) -> bool:
    return door.name in ("since", "until")


def _expect_refusal(door: Door, sent: str, answer: Any) -> None:
    if answer.status_code == 503 and answer.json()["code"] in UNAVAILABLE:
        return
    assert 400 <= answer.status_code < 500, f"{door} {sent[:40]!a}: {answer.status_code}"


def test_no_parameter_takes_a_number_that_is_none(house: House):
    for number, door in enumerate(numbers(house.world.house.app)):
        if "json" in ROUTES[door.method, door.path].told(_KNOWN) and door.place == "body":
            continue
        if number % 10 == 0:
            house.world.forget_limits()
        for sent in TIMES if _is_time(door) else NONSENSE:
            answer = house.ask(door, sent)
            if ROUTES[door.method, door.path].page and door.method == "GET":
                assert answer.status_code < 500, f"{door} {sent[:40]!a}"
            else:
                _expect_refusal(door, sent, answer)


_KNOWN = {"email": "new@example.com", "csrf": "", "version": "1"}


def test_no_json_takes_a_number_that_is_none(house: House):
    house.world.forget_limits()
    mark = "where the number goes"
    key = {"Authorization": f"Bearer {house.key}", **JSON}
    for door in numbers(house.world.house.app):
        route = ROUTES[door.method, door.path]
        told = route.told(_KNOWN)
        if door.place != "body" or "json" not in told:
            continue
        path = re.sub(r"\{\w+\}", house.world.named(house.somebody, route), door.path)
        said = json.dumps(told["json"] | {door.name: mark})
        for literal in LITERALS:
            content = said.replace(json.dumps(mark), literal).encode()
            headers = {**key, **route.headers}
            answer = house.http.request(door.method, path, content=content, headers=headers)
            _expect_refusal(door, literal, answer)


@pytest.mark.parametrize(("method", "path", "name", "statuses"), HEADERS, ids=lambda v: str(v)[:30])
@pytest.mark.parametrize("sent", [*NONSENSE[:-1], "abc", "-1"], ids=lambda v: ascii(v)[:12])
def test_no_header_takes_a_number_that_is_none(
    house: House, method: str, path: str, name: str, statuses: tuple[int, ...], sent: str
):
    house.world.forget_limits()
    answer = house.ask(Door(method, path, "header", name), sent)
    assert answer.status_code in statuses


@pytest.mark.parametrize("first", [HUGE, "9" * 20, LONG], ids=len)
def test_a_range_of_20_digits_was_answered_with_the_whole(house: House, first: str):
    house.world.forget_limits()
    door = Door("GET", "/api/assets/{asset_id}/audio", "header", "Range")
    assert house.ask(door, f"bytes={first}-").status_code == 416
    assert house.ask(door, f"bytes={first}-{first}").status_code == 416
    assert house.ask(door, f"bytes=0-{first}").status_code == 206
    assert house.ask(door, f"bytes=-{first}").status_code == 206


@pytest.mark.parametrize("shown", [LONG, HUGE, "\u00b2", "-1", "nan"], ids=lambda v: ascii(v)[:12])
def test_a_page_that_shows_5_000_digits_of_rows_was_a_server_error(house: House, shown: str):
    assert house.ask(Door("GET", "/vault", "query", "shown"), shown).status_code == 200


@pytest.mark.parametrize("announced", [LONG, HUGE, "\u00b2", "-1"], ids=lambda v: ascii(v)[:12])
@pytest.mark.parametrize("path", ["/api/assets", "/api/uploads"])
def test_an_announced_length_that_is_no_number_is_no_server_error(
    house: House, path: str, announced: str
):
    house.world.forget_limits()
    door = Door("POST", path, "header", "Content-Length")
    assert house.ask(door, announced).status_code < 500


QUESTIONS = (
    *("last {} days", "uploaded in the last {} years", "around {} bpm", "over {} bpm"),
    *("between {} and {} bpm", "longer than {}:{}", "under {} minutes", "{}"),
)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_with_a_number_of_900_digits_is_answered(house: House, question: str):
    house.world.forget_limits()
    for digits in ("9" * 12, "9" * 400, "0" * 400 + "1", "9" * 300 + "." + "9" * 100):
        asked = question.format(digits, digits)[:1_000]
        answer = house.ask(Door("GET", "/api/assets", "query", "q"), asked)
        assert answer.status_code in (200, 422), f"{asked[:60]}: {answer.text}"


ONCE = ("Authorization", "Content-Type", "Min-Position", "Idempotency-Key", "Range")


@pytest.mark.parametrize("name", ONCE)
def test_a_header_that_is_sent_twice_means_nothing(house: House, name: str):
    sent = [(name.encode(), b"1"), (name.encode(), b"2"), (b"Accept", b"application/json")]
    answer = house.http.get("/api/assets", headers=sent)
    assert (answer.status_code, answer.json()["code"]) == (400, "repeated-header")


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "PROPFIND", "OPTIONS"])
def test_other_methods_are_refused_and_no_other_site_is_let_in(house: House, method: str):
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    answer = house.http.request(method, "/api/assets", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control-")]


MARK = "m4rk%3Cb%3Ed"


@pytest.mark.parametrize("path", [f"/{MARK}", f"/api/{MARK}", f"/assets/{MARK}", "/%00", "/%ff%fe"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
def test_an_error_says_nothing_of_what_was_asked(house: House, path: str, accept: str):
    answer = house.http.get(f"{path}?x={MARK}", headers={"Accept": accept, "X-Mark": MARK})
    assert answer.status_code in (404, 303, 401)
    assert "m4rk" not in answer.text
