"""The filter of system calls, run as the kernel runs it, for both machines."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateways.audio.cage import landlock
from gateways.audio.cage.system_calls import (
    ALLOW,
    ALWAYS,
    CLONE3,
    FIRST_UNKNOWN,
    KILL,
    MACHINES,
    NOT_THERE,
    REFUSE,
    conditions,
    program,
)

OWN_PID = 4711
machines = st.sampled_from(sorted(MACHINES))
words = st.integers(0, 2**64 - 1)


def verdict(machine: str, number: int, *arguments: int, architecture: int | None = None) -> int:
    """What the program answers for `struct seccomp_data`."""
    audit = MACHINES[machine][1] if architecture is None else architecture
    data = struct.pack(
        "<iIQ6Q", number - (number >> 31 << 32), audit, 0, *(*arguments, *[0] * 6)[:6]
    )
    lines, at, held = program(machine, OWN_PID), 0, 0
    while True:
        what, if_true, if_false, value = lines[at]
        at += 1
        if what == 0x20:
            (held,) = struct.unpack_from("<I", data, value)
        elif what == 0x54:
            held &= value
        elif what == 0x15:
            at += if_true if held == value else if_false
        elif what == 0x35:
            at += if_true if held >= value else if_false
        else:
            return value


@given(machines, st.integers(0, 2**32 - 1), st.tuples(*[words] * 6))
def test_whatever_is_called_with_whatever_only_what_is_listed_is_allowed(
    machine: str, number: int, arguments: tuple[int, ...]
) -> None:
    column = MACHINES[machine][0]
    always = {numbers[column] for numbers in ALWAYS.values()}
    sometimes = {c.numbers[column]: c for c in conditions(OWN_PID).values()}
    answer = verdict(machine, number, *arguments)
    if number in always:
        assert answer == ALLOW
    elif number in sometimes:
        condition = sometimes[number]
        meant = arguments[condition.argument] & 0xFFFFFFFF & condition.mask
        assert answer == (ALLOW if meant in condition.values else REFUSE)
    elif number == CLONE3 or number >= FIRST_UNKNOWN:
        assert answer == NOT_THERE
    else:
        assert answer == REFUSE


@given(machines, st.integers(0, 600), st.tuples(*[words] * 6))
def test_every_call_below_600_is_judged(
    machine: str, number: int, arguments: tuple[int, ...]
) -> None:
    assert verdict(machine, number, *arguments) in {ALLOW, REFUSE, NOT_THERE}


@given(machines, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_a_call_in_another_machines_tongue_ends_the_process(
    machine: str, number: int, architecture: int
) -> None:
    if architecture != MACHINES[machine][1]:
        assert verdict(machine, number, architecture=architecture) == KILL


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_threads_are_allowed_and_processes_and_namespaces_are_not(machine: str) -> None:
    clone = conditions(OWN_PID)["clone"].numbers[MACHINES[machine][0]]
    of_glibc = 0x3D0F00  # VM, FS, FILES, SIGHAND, THREAD, SYSVSEM, SETTLS, PARENT_SETTID, …
    assert verdict(machine, clone, of_glibc) == ALLOW
    assert verdict(machine, clone, 17) == REFUSE  # fork
    assert verdict(machine, clone, 0x4111) == REFUSE  # vfork
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert verdict(machine, clone, of_glibc | 1 << bit) == REFUSE


@pytest.mark.parametrize("machine", sorted(MACHINES))
def test_the_process_may_end_itself_and_signal_nobody_else(machine: str) -> None:
    tgkill = conditions(OWN_PID)["tgkill"].numbers[MACHINES[machine][0]]
    assert verdict(machine, tgkill, OWN_PID, OWN_PID, 6) == ALLOW
    assert verdict(machine, tgkill, OWN_PID + 1, OWN_PID, 6) == REFUSE
    assert verdict(machine, tgkill, 2**32 - 1, OWN_PID, 6) == REFUSE


@pytest.mark.parametrize(
    ("abi", "files", "network", "scopes"),
    [
        (1, 13, None, None),
        (2, 14, None, None),
        (3, 15, None, None),
        (4, 15, 0b11, None),
        (5, 16, 0b11, None),
        (6, 16, 0b11, 0b11),
        (7, 16, 0b11, 0b11),
        (8, 16, 0b11, 0b11),
        (9, 17, 0b11, 0b11),
        (12, 17, 0b11, 0b11),
    ],
)
def test_landlock_is_asked_for_all_that_its_version_knows_and_nothing_more(
    abi: int, files: int, network: int | None, scopes: int | None
) -> None:
    wanted = [(1 << files) - 1, *(part for part in (network, scopes) if part is not None)]
    found = landlock.ruleset(abi)
    assert struct.unpack(f"={len(found) // 8}Q", found) == tuple(wanted)
