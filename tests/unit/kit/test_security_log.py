"""Lines of the security log: no personal data, and no flood."""

from __future__ import annotations

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit import security_log
from kit.security_log import Lines, beginning_of
from runtime.observability.logs import json_lines


def test_a_network_is_named_by_its_beginning_only() -> None:
    assert beginning_of("203.0.113.77") == "203.0.113.0/24"
    assert beginning_of("2001:db8:1:2:3::4") == "2001:db8:1::/48"
    assert beginning_of("::ffff:203.0.113.77") == "203.0.113.0/24"
    for none in ("testclient", "", None):
        assert beginning_of(none) is None


def test_a_line_has_its_facts_as_fields_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "noculture.security")
    security_log.begin("203.0.113.77")
    counted = security_log.COUNTED.labels("key", "issued")._value.get()
    security_log.note("key", "issued", account_id="acc_1", key_id="key_1", scopes=["*", "a:b"])
    assert security_log.COUNTED.labels("key", "issued")._value.get() == counted + 1
    record = caplog.records[-1]
    line = json.loads(json_lines().format(record))
    assert {name: line[name] for name in security_log.FIELDS if name in line} == {
        "what": "key",
        "outcome": "issued",
        "account_id": "acc_1",
        "key_id": "key_1",
        "scopes": "*,a:b",
        "network": "203.0.113.0/24",
    }
    told = "key issued account_id=acc_1 key_id=key_1 scopes=*,a:b network=203.0.113.0/24"
    assert record.getMessage() == told


@given(st.emails() | st.just("Ada Lovelace") | st.just("a\nb") | st.just("Mozilla/5.0 (X11)"))
def test_what_came_by_mistake_is_not_written(said: str) -> None:
    written: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: written.append(record.getMessage())  # type: ignore[method-assign]
    security_log.log.addHandler(handler)
    try:
        security_log._write({"what": "sign-in", "outcome": "refused", "reason": _told(said)})
    finally:
        security_log.log.removeHandler(handler)
    assert said not in "".join(written)


def _told(said: str) -> str:
    return security_log._safe(said)


def test_a_flood_is_a_few_lines_and_a_count() -> None:
    written: list[dict[str, object]] = []
    moment = 0.0
    lines = Lines(written.append, now=lambda: moment, a_minute=3)
    for _ in range(1_000):
        lines.write(("sign-in", "refused"), {"account_id": "acc_1"})
    lines.write(("key", "issued"), {"key_id": "key_1"})
    assert len(written) == 4, "another kind has lines of its own"
    moment = 60.0
    lines.say_left_out()
    assert written[4:] == [{"what": "sign-in", "outcome": "refused", "count": 997}]
    lines.write(("sign-in", "refused"), {"account_id": "acc_2"})
    lines.say_left_out()
    assert written[5:] == [{"what": "sign-in", "outcome": "refused", "account_id": "acc_2"}]
