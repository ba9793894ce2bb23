"""A network namespace: the process has interfaces, ports and abstract sockets of nobody else."""

from __future__ import annotations

import os

from gateways.audio.cage.libc import libc

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


def leave_network(*, with_user_namespace: bool) -> bool:
    """While there is one thread: the kernel refuses a new user namespace to more.

    A plain user needs a user namespace for it; a superuser who will become another user must not
    have one, since no other user is mapped there.
    """
    if not with_user_namespace:
        return bool(libc().unshare(_CLONE_NEWNET) == 0)
    uid, gid = os.getuid(), os.getgid()
    if libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET) != 0:
        return bool(libc().unshare(_CLONE_NEWNET) == 0)  # root where there are no user namespaces
    # Without a mapping of the own ids the process is a stranger to its own files.
    own_ids = {"setgroups": "deny", "uid_map": f"{uid} {uid} 1", "gid_map": f"{gid} {gid} 1"}
    for name, line in own_ids.items():
        try:
            with open(f"/proc/self/{name}", "w") as file:
                file.write(line)
        except OSError:
            continue
    return True


def in_user_namespace_that_counts() -> bool:
    """Whether processes are counted in the own user namespace: since Linux 5.14. Before, they are
    counted for the user all over the machine, and a limit would stop our threads for others'."""
    major, minor = (int(part) for part in os.uname().release.split(".")[:2])
    with open("/proc/self/uid_map") as file:
        whole_machine = file.read().split() == ["0", "0", "4294967295"]
    return (major, minor) >= (5, 14) and not whole_machine
