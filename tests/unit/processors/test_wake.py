"""Who waits for work sleeps until it is told or until the next is due, and misses nothing."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from processors.effects.runner import LEASE_S as EFFECT_LEASE_S
from processors.sagas.dispatcher import LEASE_S as COMMAND_LEASE_S
from processors.wake import LOOK_S, Wake, pause_s

LONG_S = 60.0


def asleep(wake: Wake, seen: int) -> threading.Thread:
    thread = threading.Thread(target=wake.wait, args=(seen, LONG_S), daemon=True)
    thread.start()
    return thread


def woken(thread: threading.Thread) -> bool:
    thread.join(LONG_S / 2)
    return not thread.is_alive()


def test_what_came_between_the_look_and_the_sleep_is_not_missed():
    wake = Wake()
    seen = wake.sets
    wake.set()
    assert woken(asleep(wake, seen))


def test_one_that_wakes_takes_the_word_from_no_other():
    """Regression: of two runners the one that slept had its word cleared by the one that worked."""
    wake = Wake()
    seen = wake.sets
    sleeping = [asleep(wake, seen), asleep(wake, seen)]
    wake.set()
    late = asleep(wake, seen)
    assert all(woken(thread) for thread in (*sleeping, late))


def test_what_was_told_before_the_look_does_not_end_the_next_sleep():
    wake = Wake()
    wake.set()
    seen = wake.sets
    wake.wait(seen, 0.01)
    assert wake.sets == seen


@given(st.none() | st.floats(min_value=-1e9, max_value=1e9))
def test_a_sleep_ends_when_the_next_work_is_due_and_after_a_while_in_any_case(due_in_s):
    pause = pause_s(due_in_s)
    assert 0 < pause <= LOOK_S
    if due_in_s is not None and due_in_s > 0:
        assert pause <= due_in_s


def test_a_lease_that_was_taken_while_one_slept_is_known_before_it_ends():
    assert min(EFFECT_LEASE_S, COMMAND_LEASE_S) > LOOK_S
