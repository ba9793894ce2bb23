"""Names of the walls, and what to do where one is missing."""

from __future__ import annotations

import sys

LANDLOCK, SECCOMP, NETWORK = "Landlock", "seccomp", "network namespace"
OWN_USER, EMPTY_ROOT = "user of its own", "empty root folder"

_ADVICE = {
    LANDLOCK: "Use Linux 5.13 or newer with `landlock` among its `lsm=`; 6.12 closes signals too.",
    SECCOMP: "Use Linux on x86-64 or 64-bit ARM, with seccomp allowed to containers.",
    NETWORK: "Allow user namespaces to this user (kernel.unprivileged_userns_clone, AppArmor).",
    EMPTY_ROOT: "Allow user namespaces to this user (kernel.unprivileged_userns_clone, AppArmor).",
    OWN_USER: "Run as a plain user, or leave CAP_SETUID, CAP_SETGID and CAP_KILL to the superuser.",
}
_ELSEWHERE = "Only Linux has it: take files of strangers there."
# What does the same work: with one of these the other is not missed.
_INSTEAD = {NETWORK: (SECCOMP,), EMPTY_ROOT: (OWN_USER, LANDLOCK)}


def missing(isolation: str, *, superuser: bool) -> dict[str, str]:
    """Walls that are wanted and do not stand, with what to do. `isolation`: what a child gave up.

    A plain user cannot become another: there Landlock and the empty root keep its files apart.
    """
    standing = {step.split(" (")[0] for step in isolation.split(", ")}
    wanted = [wall for wall in _ADVICE if superuser or wall != OWN_USER]
    return {
        wall: _ADVICE[wall] if sys.platform == "linux" else _ELSEWHERE
        for wall in wanted
        if wall not in standing and not standing.intersection(_INSTEAD.get(wall, ()))
    }
