"""The small rules of the HTTP kit."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import pytest
from fastapi import Request, Response
from hypothesis import given
from hypothesis import strategies as st

from kit import cookies
from kit.caller import Caller
from kit.conditions import (
    PreconditionFailed,
    PreconditionRequired,
    etag,
    expected_version,
    not_modified,
)
from kit.csrf import ForeignOrigin, FormTokenMismatch, check_form_token, refuse_foreign
from kit.idempotency import (
    IdempotencyKeyRequired,
    InvalidIdempotencyKey,
    checked,
    required_idempotency_key,
)
from kit.limits import client_address
from kit.paging import Cursors, InvalidCursor
from kit.positions import ProjectionLag, ReadAt, wait_s
from kit.tokens import Signer, random_token, token_hash


def request(
    method: str = "POST", scheme: str = "http", client: str = "127.0.0.1", **headers: str
) -> Request:
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    return Request(
        {
            "type": "http",
            "method": method,
            "scheme": scheme,
            "path": "/",
            "query_string": b"",
            "headers": raw,
            "server": ("studio", 80),
            "client": (client, 1),
            "state": {},
        }
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_reading_is_free_from_anywhere(method: str) -> None:
    refuse_foreign(request(method, host="a", origin="https://evil", sec_fetch_site="cross-site"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://studio:8420"},
        {"origin": "https://studio:8420", "sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
    ],
)
def test_ones_own_origin_may_change_things(headers: dict[str, str]) -> None:
    refuse_foreign(request(host="studio:8420", **headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://studio:8421"},
        {"origin": "http://studio"},
        {"origin": "http://studio:8420.evil"},
        {"origin": "file://studio:8420"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://studio:8420", "sec_fetch_site": "cross-site"},
    ],
)
def test_another_origin_may_not(headers: dict[str, str]) -> None:
    with pytest.raises(ForeignOrigin):
        refuse_foreign(request(host="studio:8420", **headers))


def test_a_form_needs_the_token_of_its_own_session() -> None:
    caller = Caller("acc", "wsp", session_id="s", csrf_token="right")
    check_form_token(caller, "right")
    for sent in (None, "", "wrong"):
        with pytest.raises(FormTokenMismatch):
            check_form_token(caller, sent)
    with pytest.raises(FormTokenMismatch):
        check_form_token(Caller("acc", "wsp"), "")


def test_the_cookie_is_named_by_the_scheme() -> None:
    response = Response()
    cookies.set_session(request(scheme="https"), response, "t", 60)
    secure = response.headers["set-cookie"]
    assert secure.startswith("__Host-noculture_session=t;")
    assert "Secure" in secure
    assert cookies.session_token(request(cookie="__Host-noculture_session=t")) is None
    assert cookies.session_token(request(cookie="noculture_session=t")) == "t"
    assert cookies.session_token(request(scheme="https", cookie="noculture_session=t")) is None


def test_if_match_reads_our_tags_only() -> None:
    assert expected_version(etag(7)) == 7
    assert expected_version("*") is None
    with pytest.raises(PreconditionRequired):
        expected_version(None)
    for foreign in ('W/"v7"', "v7", '"7"', '"v-1"', '"v7", "v8"', ""):
        with pytest.raises(PreconditionFailed):
            expected_version(foreign)


@pytest.mark.parametrize(
    ("asked", "unchanged"),
    [
        ('"v7"', True),
        ('W/"v7"', True),
        ('"v6", "v7"', True),
        ("*", True),
        ('"v6"', False),
        ("v7", False),
    ],
)
def test_if_none_match_compares_weakly(asked: str, unchanged: bool) -> None:
    assert not_modified(request("GET", if_none_match=asked), 7) is unchanged
    assert not not_modified(request("GET"), 7)


def test_idempotency_keys_are_short_printable_and_sometimes_required() -> None:
    assert checked(None) is None
    assert checked("k" * 255) == "k" * 255
    for bad in ("", "k" * 256, "tab\t", "ünicode"):
        with pytest.raises(InvalidIdempotencyKey):
            checked(bad)
    assert required_idempotency_key("k") == "k"
    with pytest.raises(IdempotencyKeyRequired):
        required_idempotency_key(None)


@pytest.mark.parametrize(
    ("prefer", "expected_s"),
    [
        (None, 2),
        ("", 2),
        ("wait=5", 5),
        ("respond-async, wait=0", 0),
        ("Wait = 7", 7),
        ("wait=900", 30),
        ("await=9", 2),
        ("wait=-1", 2),
    ],
)
def test_a_read_waits_two_seconds_and_never_over_thirty(
    prefer: str | None, expected_s: float
) -> None:
    assert wait_s(prefer) == expected_s


class Standing:
    """A consumer that stands still at 5."""

    def consumer_position(self, name: str) -> int:
        return 5

    def wait_until(self, name: str, position: int, timeout_s: float) -> bool:
        return position <= 5

    def telling(self, name: str, wake: Callable[[], None]) -> AbstractContextManager[float]:
        return nullcontext(0.001)


def test_a_read_answers_where_its_view_is_or_that_it_is_late() -> None:
    read_at, asked = ReadAt("vault", Standing()), request("GET")
    assert asyncio.run(read_at(asked, None, None)) == 5
    assert asyncio.run(read_at(asked, 5, None)) == 5
    with pytest.raises(ProjectionLag) as late:
        asyncio.run(read_at(asked, 6, "wait=0.1"))
    assert late.value.details == {"min_position": 6, "projection_position": 5}
    assert asked.state.answer_headers["Projection-Position"] == "5"


class Moving(Standing):
    """Moves on to the next position each time that somebody has looked, and says so."""

    def __init__(self) -> None:
        self.position, self.wake = 0, None

    def consumer_position(self, name: str) -> int:
        self.position += 1
        threading.Thread(target=self.wake).start()
        return self.position

    @contextmanager
    def telling(self, name: str, wake: Callable[[], None]) -> Iterator[float]:
        self.wake = wake
        yield 3_600.0


def test_a_read_that_waits_is_woken_by_the_word_alone() -> None:
    read_at = ReadAt("vault", Moving())
    assert asyncio.run(read_at(request("GET"), 3, "wait=30")) == 3


@given(st.lists(st.none() | st.integers() | st.text() | st.booleans(), max_size=4), st.text())
def test_a_cursor_gives_its_values_back_to_its_own_filters(values: list[object], q: str) -> None:
    cursors = Cursors(Signer(b"k" * 32))
    sealed = cursors.seal(values, {"q": q})
    assert cursors.open(sealed, {"q": q}) == values
    with pytest.raises(InvalidCursor):
        cursors.open(sealed, {"q": q + "x"})


@given(st.text())
def test_a_foreign_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursor):
        Cursors(Signer(b"k" * 32)).open(text, {})


def test_a_forged_or_foreign_cursor_is_refused() -> None:
    sealed = Cursors(Signer(b"k" * 32)).seal([1], {})
    with pytest.raises(InvalidCursor):
        Cursors(Signer(b"other" * 8)).open(sealed, {})
    body, _, tag = sealed.partition(".")
    flipped = ("A" if body[5] != "A" else "B").join((body[:5], body[6:]))
    with pytest.raises(InvalidCursor):
        Cursors(Signer(b"k" * 32)).open(f"{flipped}.{tag}", {})


def test_pages_end_where_rows_end() -> None:
    cursors = Cursors(Signer(b"k" * 32))
    full = cursors.page([1, 2, 3], 2, lambda row: [row], {})
    assert (full.data, full.has_more) == ([1, 2], True)
    assert cursors.open(full.next_cursor, {}) == [2]
    last = cursors.page([3], 2, lambda row: [row], {})
    assert (last.data, last.has_more, last.next_cursor) == ([3], False, None)


def test_a_tag_fits_its_purpose_and_text_only() -> None:
    signer = Signer(b"k" * 32)
    tag = signer.tag("csrf", "session")
    assert signer.fits("csrf", "session", tag)
    assert not signer.fits("cursor", "session", tag)
    assert not signer.fits("csrf", "other", tag)
    assert not signer.fits("csrf", "session", tag + "é")


def test_tokens_are_long_and_never_the_same() -> None:
    made = {random_token("nck_") for _ in range(100)}
    assert len(made) == 100
    assert all(token.startswith("nck_") and len(token) == 47 for token in made)
    assert len({token_hash(token) for token in made}) == 100


def test_one_customer_of_ipv6_is_one_address() -> None:
    assert client_address(request(client="203.0.113.9")) == "203.0.113.9"
    one = client_address(request(client="2001:db8:1:2::1"))
    assert one == client_address(request(client="2001:db8:1:2:ffff::9"))
    assert one != client_address(request(client="2001:db8:1:3::1"))
    assert client_address(request(client="testclient")) == "testclient"


def test_scopes_say_what_a_caller_may() -> None:
    session = Caller("acc", "wsp")
    assert session.may("assets:write")
    assert not session.may("operator")
    assert Caller("acc", "wsp", operator=True).may("operator")
    key = Caller("acc", "wsp", frozenset({"assets:read"}), operator=True)
    assert key.may("assets:read")
    assert not key.may("assets:write")
    assert not key.may("operator")
