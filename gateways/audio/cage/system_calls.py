"""The few system calls that a warm child needs; the kernel refuses all others.

Measured with every job on every format under glibc: what decoding, numpy, onnxruntime, essentia and
their threads call once nothing is opened any more. Numbers are those of x86-64 and 64-bit ARM.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
from dataclasses import dataclass

from gateways.audio.cage.libc import system_call

ALWAYS: dict[str, tuple[int | None, int | None]] = {
    # The file, the link to the parent
    "read": (0, 63),
    "pread64": (17, 67),
    "readv": (19, 65),
    "preadv": (295, 69),
    "lseek": (8, 62),
    "fstat": (5, 80),
    "newfstatat": (262, 79),  # glibc's fstat
    "fadvise64": (221, 223),
    "write": (1, 64),
    "writev": (20, 66),
    "close": (3, 57),
    "dup": (32, 23),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "shutdown": (48, 210),
    "getsockopt": (55, 209),
    "poll": (7, None),
    "ppoll": (271, 73),
    # Memory
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mremap": (25, 216),
    "mprotect": (10, 226),
    "madvise": (28, 233),
    # Threads and signals of its own
    "futex": (202, 98),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "membarrier": (324, 283),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "getcpu": (309, 168),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "restart_syscall": (219, 128),
    "setitimer": (38, 103),
    "exit": (60, 93),
    "exit_group": (231, 94),
    # Time, chance, and what it is itself
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getrandom": (318, 278),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "setrlimit": (160, 164),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getpriority": (140, 141),
}


@dataclass(frozen=True)
class Condition:
    """A call that is allowed if this argument, masked, is one of these values."""

    numbers: tuple[int, int]
    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF


_A_THREAD = 0x10000
_NEW_NAMESPACES = 0x7E020000
_SET_NAME, _GET_NAME, _NAME_MEMORY = 15, 16, 0x53564D41
_IS_TERMINAL, _SET_BLOCKING, _NO_CLOEXEC, _CLOEXEC = 0x5401, 0x5421, 0x5450, 0x5451
_DUPFD, _GETFD, _SETFD, _GETFL, _SETFL, _DUPFD_CLOEXEC = 0, 1, 2, 3, 4, 1030


def conditions(own_pid: int) -> dict[str, Condition]:
    return {
        "clone": Condition((56, 220), 0, (_A_THREAD,), mask=_A_THREAD | _NEW_NAMESPACES),
        "tgkill": Condition((234, 131), 0, (own_pid,)),  # how `abort` ends its own process
        "prctl": Condition((157, 167), 0, (_SET_NAME, _GET_NAME, _NAME_MEMORY)),
        "prlimit64": Condition((302, 261), 0, (0,)),  # its own; hard limits only go down
        "ioctl": Condition((16, 29), 1, (_IS_TERMINAL, _SET_BLOCKING, _NO_CLOEXEC, _CLOEXEC)),
        "fcntl": Condition((72, 25), 1, (_DUPFD, _GETFD, _SETFD, _GETFL, _SETFL, _DUPFD_CLOEXEC)),
    }


# clone3 takes its flags in memory, which a filter cannot read: glibc then takes clone for threads.
CLONE3 = 435
# What a newer kernel adds, and on x86-64 the calls of its 32-bit twin, are "not implemented".
FIRST_UNKNOWN = 470

MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
_LOAD, _AND, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
ALLOW, KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
REFUSE, NOT_THERE = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_SET_MODE_FILTER, _ALL_THREADS = 1, 1

Line = tuple[int, int, int, int]  # what to do, jump if true, jump if false, value


def refuse_all_but_few() -> bool:
    """For every thread, for ever. False on a machine or kernel that cannot."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        return False
    lines = program(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    header = struct.pack("H6xP", len(lines), ctypes.addressof(code))
    seccomp = machine[2]
    mode, flags = ctypes.c_uint(_SET_MODE_FILTER), ctypes.c_uint(_ALL_THREADS)
    return system_call(seccomp, mode, flags, ctypes.create_string_buffer(header)) == 0


def program(machine: str, own_pid: int) -> list[Line]:
    """Classic BPF over `struct seccomp_data`, read from top to bottom."""
    column, architecture, _ = MACHINES[machine]
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARCHITECTURE_AT),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_JUMP_AT_LEAST, 0, 1, FIRST_UNKNOWN),
        (_RETURN, 0, 0, NOT_THERE),
        *_if_equal(CLONE3, NOT_THERE),
    ]
    for numbers in ALWAYS.values():
        if (number := numbers[column]) is not None:
            lines += _if_equal(number, ALLOW)
    for condition in conditions(own_pid).values():
        block = _block(condition)
        lines += [(_JUMP_EQUAL, 0, len(block), condition.numbers[column]), *block]
    return [*lines, (_RETURN, 0, 0, REFUSE)]


def _block(condition: Condition) -> list[Line]:
    lines: list[Line] = [
        (_LOAD, 0, 0, _ARGUMENTS_AT + 8 * condition.argument),  # its low half: both are little
        (_AND, 0, 0, condition.mask),
    ]
    for value in condition.values:
        lines += _if_equal(value, ALLOW)
    return [*lines, (_RETURN, 0, 0, REFUSE)]


def _if_equal(value: int, answer: int) -> list[Line]:
    return [(_JUMP_EQUAL, 0, 1, value), (_RETURN, 0, 0, answer)]
