"""Tells of an error only what may be told: in a log, in a row that stays, to an operator.

An error of a library quotes what it met: Postgres' DETAIL the whole row, pydantic the input, a mail
server the address, an HTTP client the address with its token. So an error is told by its class, by
what it says in codes and by where in our program it was, never by its text. Texts of our own are
told where they speak of us (status 500 and above); those that refuse an input may quote it.
"""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

from schemas.errors import NoCultureError

MAX_TOLD = 2_000
# SQLSTATE classes about the server, not a row: connections, resources, locks, a stop, a fault.
_ABOUT_ITSELF = ("08", "40", "53", "55", "57", "58", "XX")
_NAMES = ("schema_name", "table_name", "column_name", "datatype_name", "constraint_name")
_ROOT = str(Path(__file__).parent.parent) + os.sep


def safely(error: BaseException) -> str:
    """One line: `UniqueViolation [23505] table_name=logins at commands/account/logins.py:61`."""
    told = " ".join(filter(None, (type(error).__name__, _codes(error))))
    return f"{told}{_place(error)}"[:MAX_TOLD]


def trace_of(error: BaseException) -> str:
    """The traceback, and those of its causes, without what the errors say."""
    parts: list[str] = []
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        frames = "".join(traceback.format_tb(following.__traceback__))
        inner = [f"  | {safely(each)}\n" for each in getattr(following, "exceptions", ())]
        parts.append(f"{frames}{safely(following)}\n{''.join(inner)}")
        hidden = None if following.__suppress_context__ else following.__context__
        following = following.__cause__ or hidden
    return "\nwhich led to\n".join(
        f"Traceback (most recent call last):\n{part}" for part in reversed(parts)
    ).rstrip("\n")


def _codes(error: BaseException) -> str:
    if isinstance(error, NoCultureError):
        return str(error) if error.status >= 500 else f"({error.code})"
    if hasattr(error, "diag") and hasattr(error, "sqlstate"):
        return _of_postgres(error)
    if isinstance(error, OSError) and error.errno is not None:
        return f"[{error.errno}] {os.strerror(error.errno)}"
    for name in ("smtp_code", "status_code", "returncode"):
        if isinstance(code := getattr(error, name, None), int):
            return f"[{code}]"
    if callable(found := getattr(error, "errors", None)) and hasattr(error, "title"):
        return f"of {error.title}: {', '.join(sorted({each['type'] for each in found()}))}"
    # Kafka's errors name brokers, topics and times only: keys are ids, values are not printed.
    return str(error) if type(error).__module__.startswith("kafka.") else ""


def _of_postgres(error: Any) -> str:
    """Tells codes and names; for a client that got no answer, what it says of the connection."""
    state = error.diag.sqlstate
    if state is None:
        no_answer = type(error).__name__ in ("OperationalError", "PoolTimeout", "ConnectionTimeout")
        return str(error).strip() if no_answer else ""
    names = [f"{name}={value}" for name in _NAMES if (value := getattr(error.diag, name))]
    itself = [error.diag.message_primary or ""] if state.startswith(_ABOUT_ITSELF) else []
    return " ".join((f"[{state}]", *names, *itself))


def _place(error: BaseException) -> str:
    """Where in our own program it was met last."""
    if isinstance(error, NoCultureError):
        return ""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__, limit=200)
        if frame.filename.startswith(_ROOT) and "site-packages" not in frame.filename
    ]
    return f" at {ours[-1].filename.removeprefix(_ROOT)}:{ours[-1].lineno}" if ours else ""
