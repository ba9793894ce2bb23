"""Becomes another program after the steps a plain `exec` cannot do. Standard library only.

Usage: `python -I -S launch.py [--user UID:GID] [--nice N] [--signal-on-orphan N --parent PID] --
program args…`. It runs as a small program of its own because code between fork and exec in a
threaded parent can hang.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def drop_privileges(uid: int, gid: int) -> None:
    """Become the unprivileged user for good; the working directory is kept open by the kernel."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def end_with_parent(signal_number: int, parent_pid: int) -> None:
    """Ask Linux to send the signal when the thread that started us ends; elsewhere do nothing."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before we had asked
        sys.exit(1)


def main(arguments: list[str]) -> None:
    options, program = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    chosen = dict(zip(options[::2], options[1::2], strict=True))
    if "--nice" in chosen:
        os.nice(int(chosen["--nice"]))
    if user := chosen.get("--user"):
        uid, gid = user.split(":")
        drop_privileges(int(uid), int(gid))
    # After setuid: changing the user id clears the request (prctl(2)).
    if "--signal-on-orphan" in chosen:
        end_with_parent(int(chosen["--signal-on-orphan"]), int(chosen["--parent"]))
    os.execv(program[0], program)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
