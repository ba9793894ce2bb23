"""Whose rights the process has: its user, its capabilities, its root folder, who may look inside.

A process of the superuser becomes a user of its own that owns no file and no other process: neither
the one that Postgres runs as, nor `nobody`, whom other services may be.
"""

from __future__ import annotations

import ctypes
import os
import struct

from gateways.audio.cage.libc import libc, prctl

# systemd's table of user ids calls 65520-65533 unused; a container maps them, as they are below
# 65536. Several of them, so that one child may hardly ever signal another.
_FIRST_UID, _UIDS = 65520, 14

_DAC_OVERRIDE, _DAC_READ_SEARCH, _KILL, _SETGID, _SETUID, _SYS_CHROOT = 1, 2, 5, 6, 7, 18
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_DUMPABLE = 4
# Shows to whoever stands in it the own descriptors' positions, and nothing else.
_NEARLY_EMPTY = "/proc/self/fdinfo"


def may_change_user() -> bool:
    """Whether the superuser's rights are there, and the parent's to end a child of another user."""
    held = effective_capabilities()
    return os.geteuid() == 0 and all(held >> one & 1 for one in (_SETUID, _SETGID, _KILL))


def keep_what_imports_need() -> bool:
    """Drop all capabilities but those that reading our own code and the last walls take.

    Done while there is one thread, since each thread has capabilities of its own.
    """
    kept = [_SYS_CHROOT]
    if may_change_user():
        kept += [_SETUID, _SETGID, _DAC_OVERRIDE, _DAC_READ_SEARCH]
    return _set_capabilities(sum(1 << one for one in kept) & effective_capabilities())


def become_a_user_of_its_own() -> bool:
    """Changes all threads. False where we are no superuser, or such a user is not mapped."""
    if os.geteuid() != 0 or not effective_capabilities() >> _SETUID & 1:
        return False
    own = _FIRST_UID + os.getpid() % _UIDS
    try:
        os.setgroups([])
        os.setresgid(own, own, own)
        os.setresuid(own, own, own)
    except OSError:
        return False
    return True


def see_no_folder() -> bool:
    """Make a folder without files the root, for all threads, so that no path leads anywhere."""
    try:
        os.chroot(_NEARLY_EMPTY)
        os.chdir("/")
    except OSError:
        return False
    return True


def hide_from_equals() -> bool:
    """Processes of the same user may not attach, nor read memory and descriptors."""
    return prctl(_PR_SET_DUMPABLE, 0)


def drop_capabilities() -> bool:
    return _set_capabilities(0)


def effective_capabilities() -> int:
    data = ctypes.create_string_buffer(24)
    if libc().capget(_capability_header(), data) != 0:
        return 0
    low, _, _, high, _, _ = struct.unpack("=6I", data.raw)
    return int(low | high << 32)


def _set_capabilities(kept: int) -> bool:
    low, high = kept & 0xFFFFFFFF, kept >> 32
    data = ctypes.create_string_buffer(struct.pack("=6I", low, low, 0, high, high, 0))
    return bool(libc().capset(_capability_header(), data) == 0)


def _capability_header() -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(struct.pack("=Ii", _CAPABILITY_VERSION_3, 0))
