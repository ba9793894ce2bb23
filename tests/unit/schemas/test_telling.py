"""An error is told by class, codes and place: nothing that it quotes gets into a log or a row."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import smtplib
import threading
from collections.abc import Callable, Iterator

import httpx2
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from events.errors import EventTooLarge, InvalidId, NoCultureError
from events.ids import AccountId
from runtime.observability import safe_lines
from runtime.observability.logs import TEXT, json_lines
from schemas.telling import safely, trace_of

CANARY = "canaryqx90@example.org"


class Person(BaseModel):
    email: int = Field(alias=CANARY)


def refused_by_mail_server() -> None:
    raise smtplib.SMTPRecipientsRefused({CANARY: (550, f"{CANARY} unknown".encode())})


def answered_by_mail_server() -> None:
    raise smtplib.SMTPSenderRefused(553, CANARY.encode(), CANARY)


def not_validated() -> None:
    Person.model_validate({CANARY: CANARY})


def not_decoded() -> None:
    json.loads(f'{{"{CANARY}')


def not_encoded() -> None:
    f"{CANARY}\udcff".encode()


def not_there() -> None:
    open(f"/nowhere/{CANARY}")  # noqa: SIM115


def not_found() -> None:
    _ = {}[CANARY]


def no_id() -> None:
    AccountId(CANARY)


def not_reached() -> None:
    request = httpx2.Request("GET", f"https://example.org/?token={CANARY}")
    raise httpx2.HTTPStatusError(
        f"Client error for {request.url}", request=request, response=httpx2.Response(403)
    )


def caused() -> None:
    try:
        not_found()
    except KeyError as error:
        raise RuntimeError(f"it was {CANARY}") from error


def grouped() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY), KeyError(CANARY)])


FAILURES = [
    refused_by_mail_server,
    answered_by_mail_server,
    not_validated,
    not_decoded,
    not_encoded,
    not_there,
    not_found,
    no_id,
    not_reached,
    caused,
    grouped,
]


def raised(fail: Callable[[], None]) -> Exception:
    try:
        fail()
    except Exception as error:
        return error
    raise AssertionError("it did not fail")


@pytest.mark.parametrize("fail", FAILURES)
def test_no_error_quotes_what_it_met(fail: Callable[[], None]):
    error = raised(fail)
    assert "canaryqx90" in f"{error!r} {error} {error.__cause__!r} {vars(error)}"
    for told in (safely(error), trace_of(error)):
        assert "canaryqx90" not in told
        assert type(error).__name__ in told


def test_it_says_where_in_our_program_and_by_which_codes():
    assert "at tests/unit/schemas/test_telling.py:" in safely(raised(not_found))
    assert safely(raised(not_reached)).startswith("HTTPStatusError")
    assert "[553]" in safely(raised(answered_by_mail_server))
    assert "int_parsing" in safely(raised(not_validated))
    assert "[2] No such file or directory" in safely(raised(not_there))
    assert safely(raised(no_id)) == "InvalidId (invalid-id)"


def test_our_own_texts_about_ourselves_are_told_and_refusals_by_their_code():
    class Broken(NoCultureError):
        status, code = 503, "broken"

    assert safely(Broken("Ask the operator")) == "Broken Ask the operator"
    assert safely(EventTooLarge("a.b", 9, 8)) == "EventTooLarge (event-too-large)"
    assert isinstance(raised(no_id), InvalidId)


@given(st.text(min_size=8))
def test_no_text_of_a_foreign_error_is_ever_told(text: str):
    frames = safely(ValueError()) + trace_of(ValueError())
    if text not in frames:
        assert text not in safely(ValueError(text)) + trace_of(ValueError(text))


@pytest.fixture(params=["text", "json"])
def lines(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """What this process logs, as its handler writes it."""
    out, before = io.StringIO(), logging.getLogRecordFactory()
    handler = logging.StreamHandler(out)
    handler.setFormatter(json_lines() if request.param == "json" else logging.Formatter(TEXT))
    root = logging.getLogger()
    root.addHandler(handler)
    hooks = threading.excepthook
    safe_lines.tell_safely()
    try:
        yield out.getvalue
    finally:
        logging.setLogRecordFactory(before)
        root.removeHandler(handler)
        threading.excepthook = hooks


@pytest.mark.parametrize("fail", FAILURES)
def test_no_line_of_any_logger_quotes_an_error(lines: Callable[[], str], fail: Callable[[], None]):
    log, error = logging.getLogger("somebody.elses"), raised(fail)
    log.error("it failed: %s", error)
    log.error("it failed: %r, %s", error, "again")
    log.error("it failed: %(error)s", {"error": error})
    log.error(error)
    log.error("it failed", exc_info=error)
    try:
        fail()
    except Exception:
        log.exception("it failed")
    assert "canaryqx90" not in lines()
    assert lines().count("it failed") == 5
    assert lines().count(type(error).__name__) >= 6
    assert "Traceback" in lines()


def test_what_ends_a_thread_is_told_safely_too(lines: Callable[[], str]):
    thread = threading.Thread(target=not_found, name="lease")
    thread.start()
    thread.join()
    assert "lease ended" in lines()
    assert "KeyError" in lines()
    assert "canaryqx90" not in lines()


def test_a_task_that_nobody_asked_is_told_safely(lines: Callable[[], str]):
    async def fails() -> None:
        not_found()

    async def forget() -> None:
        task = asyncio.ensure_future(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task

    asyncio.run(forget())
    assert "never retrieved" in lines()
    assert "canaryqx90" not in lines()


def test_a_connection_that_failed_says_why():
    told = safely(psycopg.OperationalError("connection to server failed: Connection refused"))
    assert "Connection refused" in told
