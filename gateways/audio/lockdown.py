"""Gives up the child's rights before it touches a foreign byte. Standard library only.

Four moments, each of which names what it achieved; what a platform lacks is missing from the list,
never assumed (`cage/walls.py` says what to do about it):

`before_imports`  one thread: die with the parent, leave every network, drop most capabilities
`step_back`       leave the processor to what people wait for
`only_code`       read nothing but code and models, write nothing
`before_files`    all is imported and warm: open nothing, be nobody, call only a few system calls
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from gateways.audio.cage import identity, landlock, network, system_calls, walls
from gateways.audio.cage.libc import libc, prctl

IS_LINUX = sys.platform == "linux"
MOST_THREADS = 256  # FFmpeg takes up to 17 for a file; those of a user id may be shared by a few

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
# What the loader, the C library and thread pools read beside Python's own folders.
_SYSTEM = (
    *("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib"),
    *("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo", "/usr/share/locale"),
    *("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat"),
    *("/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/urandom"),
)


def before_imports(parent_pid: int, link_fd: int) -> list[str]:
    """Keep one descriptor, die with the parent, gain no privileges, leave every network."""
    os.closerange(3, link_fd)
    os.closerange(link_fd + 1, 65536)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not IS_LINUX:
        return []
    achieved = []
    _die_with(parent_pid)
    if prctl(_PR_SET_NO_NEW_PRIVS, 1):
        achieved.append("no new privileges")
    if network.leave_network(with_user_namespace=not identity.may_change_user()):
        achieved.append(walls.NETWORK)
    identity.keep_what_imports_need()
    return achieved


def step_back(nice: int) -> None:
    """Leave the processor to what people wait for."""
    os.nice(nice)
    # A session is a group of its own to Linux' scheduler where `sched_autogroup_enabled` is 1, and
    # a process's niceness counts among its group only: the whole group must step back.
    with contextlib.suppress(OSError), open("/proc/self/autogroup", "w") as group:
        group.write(str(nice))


def only_code(rooms: Sequence[str], models_dir: str | None) -> None:
    """Read Python, its packages, `rooms` of ours and the models; no data, no secret, no socket.

    Threads that start while libraries warm up have this wall and those of the whole process.
    """
    if not IS_LINUX:
        return
    root = Path(__file__).resolve().parents[2]
    python = {sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix}
    packages = {path for path in sys.path if path and Path(path) != root}
    ours = [root / room for room in rooms]
    models = [Path(models_dir), *_what_it_links_to(Path(models_dir))] if models_dir else []
    folders: list[str | Path] = [*python, *packages, *_mapped_folders(), *_SYSTEM, *ours, *models]
    landlock.refuse_all_but(landlock.readable(folders, names_only=[root]))


def before_files(parent_pid: int, memory_bytes: int, jobs_cpu_s: int) -> list[str]:
    """Open, write, start and signal nothing from here on; be a user without files; cap the cost."""
    achieved = []
    if IS_LINUX:
        counted = network.in_user_namespace_that_counts()
        achieved += [walls.EMPTY_ROOT] if identity.see_no_folder() else []
        achieved += [walls.OWN_USER] if (alone := identity.become_a_user_of_its_own()) else []
        _die_with(parent_pid)  # the kernel forgets it when the user changes
        achieved += ["hidden from equals"] if identity.hide_from_equals() else []
        achieved += ["no capabilities"] if identity.drop_capabilities() else []
        achieved += _cap("RLIMIT_NPROC", MOST_THREADS) if alone or counted else []
    achieved += _cap("RLIMIT_FSIZE", 0)
    achieved += _cap("RLIMIT_NOFILE", 64)
    achieved += _cap("RLIMIT_CPU", jobs_cpu_s)
    achieved += _cap("RLIMIT_AS", memory_bytes)  # macOS has none that works
    if IS_LINUX:
        version = landlock.abi()
        achieved += [f"{walls.LANDLOCK} (ABI {version})"] if landlock.refuse_everything() else []
        achieved += [walls.SECCOMP] if system_calls.refuse_all_but_few() else []
    return achieved


def give_back_memory() -> None:
    """Gives back what glibc keeps of freed memory: after a long file an idle child has 373 MB
    instead of over 600."""
    if IS_LINUX and (trim := getattr(libc(), "malloc_trim", None)):
        trim(0)


def allow_cpu(more_s: float) -> None:
    """From here, this process may use so many seconds more before SIGXCPU ends it."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime + more_s) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard < 0 else min(soft, hard), hard))


def _die_with(parent_pid: int) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        sys.exit("the parent is gone")


def _cap(name: str, limit: int) -> list[str]:
    try:
        resource.setrlimit(getattr(resource, name), (limit, limit))
    except (ValueError, OSError):
        return []
    return [name]


def _what_it_links_to(folder: Path) -> list[Path]:
    """Caches of models keep files elsewhere and link to them; a wall judges where a file lies."""
    with contextlib.suppress(OSError):
        return [path.resolve() for path in folder.iterdir() if path.is_symlink()]
    return []


def _mapped_folders() -> set[str]:
    """Where the interpreter's own libraries lie, wherever this system keeps them."""
    with open("/proc/self/maps") as maps:
        paths = {line.rstrip("\n").split(maxsplit=5)[5] for line in maps if "/" in line}
    return {str(Path(path).parent) for path in paths if path.endswith(".so") or ".so." in path}
