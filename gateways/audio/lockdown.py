"""What the child gives up before it touches a foreign byte. Standard library only.

Two moments: `before_imports` while there is one thread (the kernel refuses a new user namespace
to more), `before_files` when everything is imported and warm and nothing needs to be opened.
Each step names what it achieved; what a platform lacks is missing from the list, never assumed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import signal
import struct
import sys

IS_LINUX = sys.platform == "linux"

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CAPABILITY_VERSION_3 = 0x20080522


def before_imports(parent_pid: int) -> list[str]:
    """Die with the parent, gain no privileges, leave every network."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not IS_LINUX:
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    achieved = []
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:
        sys.exit("the parent is gone")
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        achieved.append("no new privileges")
    if _leave_network(libc):
        achieved.append("network namespace")
    return achieved


def step_back(nice: int) -> None:
    """Leave the processor to what people wait for."""
    os.nice(nice)
    # A session is a group of its own to Linux' scheduler where `sched_autogroup_enabled` is 1, and
    # a process's niceness counts among its group only: the whole group must step back.
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(nice))


def before_files(memory_bytes: int, jobs_cpu_s: int) -> list[str]:
    """Cap memory, processor time, open files; write nothing; drop capabilities; filter calls."""
    achieved = []
    for name, limit in (
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_NOFILE", 64),
        ("RLIMIT_CPU", jobs_cpu_s),
        ("RLIMIT_AS", memory_bytes),
    ):
        try:
            resource.setrlimit(getattr(resource, name), (limit, limit))
        except (ValueError, OSError):  # macOS has no working RLIMIT_AS
            continue
        achieved.append(name)
    if IS_LINUX:
        libc = ctypes.CDLL(None, use_errno=True)
        achieved += ["no capabilities"] if _drop_capabilities(libc) else []
        achieved += ["seccomp"] if _filter_system_calls(libc) else []
    return achieved


def give_back_memory() -> None:
    """What glibc keeps of what was freed: an idle child has 373 MB after a long file instead of
    over 600."""
    if IS_LINUX and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def allow_cpu(more_s: float) -> None:
    """From here, this process may use so many seconds more before SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + more_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _leave_network(libc: ctypes.CDLL) -> bool:
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return bool(libc.unshare(_CLONE_NEWNET) == 0)  # root in a container without user namespaces
    # Without a mapping of the own ids no file can be made, and libraries may keep a cache in one.
    own_ids = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for name, line in own_ids.items():
        try:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
        except OSError:
            continue
    return True


def _drop_capabilities(libc: ctypes.CDLL) -> bool:
    header = ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
    nothing = ctypes.create_string_buffer(struct.pack("=6I", *[0] * 6))
    return bool(libc.capset(header, nothing) == 0)


# Calls by name: their numbers on x86-64 and on 64-bit ARM. Making a socket is what a container
# without namespaces would otherwise allow; io_uring would be a way round the filter.
_DENIED_CALLS = {
    "socket": (41, 198),
    "connect": (42, 203),
    "accept": (43, 202),
    "bind": (49, 200),
    "listen": (50, 201),
    "execve": (59, 221),
    "execveat": (322, 281),
    "kill": (62, 129),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "mount": (165, 40),
    "unshare": (272, 97),
    "setns": (308, 268),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}
# Machine: column above, audit architecture, number of the seccomp call itself.
_MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}
_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _KILL, _REFUSE = 0x7FFF0000, 0x80000000, 0x00050001  # refuse = EPERM
_FIRST_X32_CALL = 0x40000000
_SET_MODE_FILTER, _ALL_THREADS = 1, 1


def _filter_system_calls(libc: ctypes.CDLL) -> bool:
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    column, architecture, seccomp_call = machine
    program = _filter_program(architecture, [numbers[column] for numbers in _DENIED_CALLS.values()])
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("H6xP", len(program) // 8, ctypes.addressof(code))
    return bool(
        libc.syscall(
            seccomp_call, _SET_MODE_FILTER, _ALL_THREADS, ctypes.create_string_buffer(header)
        )
        == 0
    )


def _filter_program(architecture: int, denied: list[int]) -> bytes:
    """Classic BPF over `struct seccomp_data`: the call's number is at 0, the architecture at 4."""
    first = 4
    allow = first + len(denied)
    refuse, kill = allow + 1, allow + 2

    def jump(here: int, target: int) -> int:
        return target - here - 1

    lines = [
        (_LOAD, 0, 0, 4),
        (_JUMP_EQUAL, 0, jump(1, kill), architecture),
        (_LOAD, 0, 0, 0),
        (_JUMP_AT_LEAST, jump(3, refuse), 0, _FIRST_X32_CALL),
    ]
    lines += [
        (_JUMP_EQUAL, jump(here, refuse), 0, number) for here, number in enumerate(denied, first)
    ]
    lines += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _KILL)]
    return b"".join(struct.pack("=HBBI", *line) for line in lines)
