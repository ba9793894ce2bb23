"""The mail double: what it refuses, what its troubles do, what an operator reads in it."""

from __future__ import annotations

import time
from email.message import EmailMessage
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from gateways.doubles.frame import Double
from gateways.mail.double.app import MAX_BYTES, MESSAGE
from gateways.mail.message import message_of
from tests.fixtures.doubles import KEY, browser_of, mails_in


@pytest.fixture
def double(tmp_path: Path) -> Double:
    return mails_in(tmp_path)


@pytest.fixture
def http(double: Double) -> TestClient:
    return browser_of(double)


def letter(to: str = "ada@example.org", subject: str = "Hello", text: str = "you") -> EmailMessage:
    return message_of("noculture@localhost", to, subject, text)


def post(http: TestClient, content: EmailMessage | bytes, media_type: str = MESSAGE) -> int:
    body = content if isinstance(content, bytes) else content.as_bytes()
    headers = {"Content-Type": media_type}
    return http.post("/messages", content=body, headers=headers).status_code


def arrived(http: TestClient) -> list[str]:
    """Subjects, the oldest first."""
    return [mail["subject"] for mail in reversed(http.get("/messages").json()["data"])]


def script(http: TestClient, *troubles: dict[str, object]) -> None:
    assert http.put("/control/troubles", json={"troubles": troubles}).status_code == 200


# --- strict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "wrong", f"{KEY}x", KEY.upper()])
@pytest.mark.parametrize("path", ["/messages", "/control/troubles", "/nowhere"])
def test_whoever_has_not_the_key_is_told_nothing(double: Double, key: str | None, path: str):
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    answer = TestClient(double.app).get(path, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "key-needed")


def without(header: str) -> EmailMessage:
    mail = letter()
    del mail[header]
    return mail


def twice(header: str) -> bytes:
    return f"{header}: x\r\n".encode() + letter().as_bytes()


def of(raw_to: str, raw_from: str = "a@example.org") -> bytes:
    mail = letter().as_bytes()
    mail = mail.replace(b"To: ada@example.org", f"To: {raw_to}".encode())
    return mail.replace(b"From: noculture@localhost", f"From: {raw_from}".encode())


@pytest.mark.parametrize(
    "content",
    [
        *(without(header) for header in ("From", "To", "Date", "Subject", "Message-ID")),
        *(twice(header) for header in ("From", "To", "Subject")),
        *(of(raw) for raw in ("", "ada", "ada@", "@example.org", "a b@example.org")),
        *(of(raw) for raw in ("ada@nowhere", "ada@example..org", "a@example.org, b@example.org")),
        *(of(f"{'a' * 65}@example.org"), of("ada@-example.org")),
        of("ada@example.org", raw_from="nobody at all"),
        letter().as_bytes().replace(b"\r\n", b"\n"),
        letter().as_bytes() + b"bare\nline\r\n",
        letter().as_bytes() + b"nul\0\r\n",
        letter().as_bytes() + b"x" * 999 + b"\r\n",
        b"",
        b"no mail at all",
    ],
    ids=lambda content: None,
)
def test_what_a_server_would_refuse_is_refused_and_costs_no_trouble(
    http: TestClient, content: EmailMessage | bytes
):
    script(http, {"kind": "lost"})
    assert post(http, content) == 422
    assert len(http.get("/control/troubles").json()["troubles"]) == 1
    assert arrived(http) == []


def test_what_is_too_large_or_no_mail_is_refused(http: TestClient):
    assert post(http, b"x" * (MAX_BYTES + 1)) == 413
    assert post(http, letter(), "application/json") == 415


def test_a_server_within_a_house_is_believed(http: TestClient):
    assert post(http, letter("ada@studio.local")) == 202


def test_a_refusal_does_not_quote_the_address(http: TestClient):
    answer = http.post("/messages", content=of("ada@nowhere"), headers={"Content-Type": MESSAGE})
    assert "ada" not in answer.text


# --- troubles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "status", "arrive"),
    [
        ("none", 202, 1),
        ("500", 500, 0),
        ("500-but-done", 500, 1),
        ("duplicate", 202, 2),
        ("lost", 202, 0),
    ],
)
def test_a_trouble_comes_as_often_as_the_script_says_and_then_all_is_well(
    http: TestClient, kind: str, status: int, arrive: int
):
    script(http, {"kind": kind, "times": 2})
    assert [post(http, letter()) for _ in range(3)] == [status, status, 202]
    assert len(arrived(http)) == 2 * arrive + 1
    assert http.get("/control/troubles").json() == {"troubles": []}


def test_troubles_come_in_the_order_of_the_script(http: TestClient):
    script(http, {"kind": "none"}, {"kind": "500"}, {"kind": "lost"})
    assert [post(http, letter(subject=name)) for name in "abcd"] == [202, 500, 202, 202]
    assert arrived(http) == ["a", "d"]


def test_a_slow_answer_comes_after_what_was_done(http: TestClient):
    script(http, {"kind": "slow", "seconds": 0.1})
    before = time.monotonic()
    assert post(http, letter()) == 202
    assert time.monotonic() - before >= 0.1
    assert arrived(http) == ["Hello"]


def test_one_out_of_order_arrives_behind_the_next(http: TestClient):
    script(http, {"kind": "reordered"})
    assert post(http, letter(subject="first")) == 202
    assert arrived(http) == []
    assert post(http, letter(subject="second")) == 202
    assert arrived(http) == ["second", "first"]


def test_a_late_one_arrives_in_its_time_also_in_another_process(http: TestClient, tmp_path: Path):
    script(http, {"kind": "late", "seconds": 60}, {"kind": "late"})
    post(http, letter(subject="in a minute"))
    post(http, letter(subject="at once"))
    assert arrived(http) == []
    another = mails_in(tmp_path)
    another.deliveries.release_due()
    assert arrived(http) == ["at once"]
    assert another.deliveries.are_waiting()


@pytest.mark.parametrize(
    "troubles",
    [
        [{"kind": "fire"}],
        [{"kind": "slow", "seconds": -1}],
        [{"kind": "lost", "times": 0}],
        [{"kind": "lost", "often": 2}],
        [{"kind": "lost"}] * 101,
    ],
)
def test_a_script_that_makes_no_sense_is_refused(http: TestClient, troubles: list[object]):
    assert http.put("/control/troubles", json={"troubles": troubles}).status_code == 422


# --- reading --------------------------------------------------------------------------------------


def test_mails_are_listed_newest_first_page_by_page_and_by_address(http: TestClient):
    for number in range(3):
        post(http, letter("ada@example.org", f"to ada {number}"))
        post(http, letter("eve@example.org", f"to eve {number}"))
    first = http.get("/messages?to=ADA&limit=2").json()
    assert [mail["subject"] for mail in first["data"]] == ["to ada 2", "to ada 1"]
    assert first["has_more"]
    rest = http.get(f"/messages?to=ADA&limit=2&before={first['next_cursor']}").json()
    assert [mail["subject"] for mail in rest["data"]] == ["to ada 0"]
    assert not rest["has_more"]


def test_a_mail_is_read_as_text_and_as_it_travels(http: TestClient):
    post(http, letter(subject="Grüße", text="Der Link: http://x/y\nMit ü\n"))
    (listed,) = http.get("/messages").json()["data"]
    mail = http.get(f"/messages/{listed['id']}").json()
    assert mail["text"].splitlines() == ["Der Link: http://x/y", "Mit ü"]
    assert (mail["to"], mail["subject"]) == ("ada@example.org", "Grüße")
    assert "Message-ID: <" in mail["source"]


@pytest.mark.parametrize("mail_id", ["1-00000000", "..%2fown%2ftroubles", "x"])
def test_what_is_no_mail_is_not_found(http: TestClient, mail_id: str):
    assert http.get(f"/messages/{mail_id}").status_code == 404
