"""The C library's door to system calls that Python has no name for."""

from __future__ import annotations

import ctypes
from functools import cache


@cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def system_call(number: int, *arguments: object) -> int:
    """Its answer, -1 where it is refused."""
    return int(libc().syscall(ctypes.c_long(number), *arguments))


def prctl(option: int, value: int) -> bool:
    nothing = ctypes.c_ulong(0)
    answer = libc().prctl(option, ctypes.c_ulong(value), nothing, nothing, nothing)
    return bool(answer == 0)
