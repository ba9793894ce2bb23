"""Runners outlive the weather; a fault of ours that lasts ends its process."""

from __future__ import annotations

import threading

import psycopg
import pytest

from processors import pace
from processors.wake import Wake


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "LONGEST_PAUSE_S", 0.0)


def run(*answers: Exception | bool) -> int:
    """How often work was asked for until `stop`."""
    stop, left = threading.Event(), list(answers)

    def work_one() -> bool:
        answer = left.pop(0)
        if not left:
            stop.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    pace.work_until(stop, "work", Wake(), work_one, lambda: 0.001)
    return len(answers) - len(left)


def test_the_weather_never_ends_a_runner():
    assert run(*[psycopg.OperationalError()] * 50) == 50


def test_a_fault_that_passes_ends_no_runner():
    """One that a row brings with it, for one: the others succeed in between."""
    assert run(*[TypeError(), True] * 50) == 100


def test_a_fault_that_lasts_ends_the_process():
    with pytest.raises(TypeError):
        run(*[TypeError()] * 50)


def test_a_database_that_is_read_only_is_the_weather():
    """After a fail-over: the runners ended, and consumers parked what they read."""
    assert run(*[psycopg.errors.ReadOnlySqlTransaction()] * 50) == 50
