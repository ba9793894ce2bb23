"""Landlock: the kernel refuses files, TCP ports, signals and abstract sockets to this process.

A restriction holds for the calling thread and all that it starts, for ever; from ABI 8 on for the
threads that are there already too. Linux 5.13 brought it; each later ABI knows more rights.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
from collections.abc import Iterable
from pathlib import Path

from gateways.audio.cage.libc import system_call

# These numbers are the same on every machine.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH = 1, 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
# Each ABI with the rights that it was the first to know. A kernel before ABI 2 refuses every REFER
# (rename or link to another folder) anyway.
_FILE_RIGHTS = {
    1: (1 << 13) - 1,
    2: 1 << 13,  # REFER
    3: 1 << 14,  # TRUNCATE
    5: 1 << 15,  # IOCTL_DEV
    9: 1 << 16,  # RESOLVE_UNIX
}
_NETWORK_RIGHTS = {4: 0b11}  # BIND_TCP, CONNECT_TCP
_SCOPES = {6: 0b11}  # ABSTRACT_UNIX_SOCKET, SIGNAL
_ALL_THREADS = {8: 1 << 3}  # RESTRICT_SELF_TSYNC


def abi() -> int:
    """The kernel's version of it; 0 where there is none."""
    nothing = ctypes.c_size_t(0)
    return max(0, system_call(_CREATE_RULESET, None, nothing, ctypes.c_uint32(_ASK_VERSION)))


def ruleset(version: int) -> bytes:
    """`struct landlock_ruleset_attr` that handles all that this ABI knows, thus refuses it."""
    parts = [_known(_FILE_RIGHTS, version)]
    if version >= min(_NETWORK_RIGHTS):
        parts.append(_known(_NETWORK_RIGHTS, version))
    if version >= min(_SCOPES):
        parts.append(_known(_SCOPES, version))
    return struct.pack(f"={len(parts)}Q", *parts)


def refuse_everything() -> bool:
    """Open, make, rename, remove nothing from here on. False where the kernel has no Landlock."""
    return refuse_all_but({})


def refuse_all_but(allowed: dict[Path, int]) -> bool:
    """Refuse everything but these rights below these folders or on these files.

    What is not there is left out. False where the kernel has no Landlock.
    """
    version = abi()
    if version == 0:
        return False
    attributes = ruleset(version)
    rules = system_call(
        _CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)
    )
    if rules < 0:
        return False
    try:
        for path, rights in allowed.items():
            _allow(rules, path, rights)
        flags = ctypes.c_uint32(_known(_ALL_THREADS, version))
        return system_call(_RESTRICT_SELF, ctypes.c_int(rules), flags) == 0
    finally:
        os.close(rules)


def readable(folders: Iterable[Path | str], names_only: Iterable[Path | str]) -> dict[Path, int]:
    """Rights to read (and to map as code) what is in `folders`, and the names in `names_only`."""
    return dict.fromkeys(map(Path, names_only), READ_DIR) | dict.fromkeys(
        map(Path, folders), EXECUTE | READ_FILE | READ_DIR
    )


def _allow(rules: int, path: Path, rights: int) -> None:
    with contextlib.suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            if not path.is_dir():
                rights &= ~READ_DIR  # the kernel refuses a folder's rights for a file
            rule = struct.pack("=Qi", rights, place)
            system_call(
                _ADD_RULE,
                ctypes.c_int(rules),
                ctypes.c_int(_PATH_BENEATH),
                rule,
                ctypes.c_uint32(0),
            )
        finally:
            os.close(place)


def _known(rights: dict[int, int], version: int) -> int:
    return sum(bits for since, bits in rights.items() if since <= version)
