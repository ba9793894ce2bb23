"""Every error that a process logs is told safely, whoever writes the line and whoever prints it."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from schemas.telling import safely, trace_of

# As asyncio writes a task into its message.
_QUOTED = re.compile(r"exception=.*", re.DOTALL)


class _Said(str):
    """Text that is shown as it is, also by `%r`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class SafeRecord(logging.LogRecord):
    """A line of the log in which every error is told safely."""

    def __init__(
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: Any,
        args: Any,
        exc_info: Any,
        func: str | None = None,
        sinfo: str | None = None,
        **more: Any,
    ) -> None:
        super().__init__(
            name, level, pathname, lineno, _told(msg), _told(args), None, func, sinfo, **more
        )
        if exc_info and isinstance(error := exc_info[1], BaseException):
            self.exc_text = trace_of(error)

    def getMessage(self) -> str:
        said = super().getMessage()
        return _QUOTED.sub("exception=…", said) if self.name == "asyncio" else said


def tell_safely() -> None:
    """From here on every logger of this process, and what ends a thread or the process."""
    logging.setLogRecordFactory(SafeRecord)
    last = logging.getLogger("runtime")

    def of_process(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            last.critical("this process ends", exc_info=(kind, error, trace))

    def of_thread(ended: threading.ExceptHookArgs) -> None:
        name = ended.thread.name if ended.thread else "a thread"
        if ended.exc_value is not None and ended.exc_type is not SystemExit:
            last.error("%s ended", name, exc_info=ended.exc_value)

    sys.excepthook, threading.excepthook = of_process, of_thread
    sys.unraisablehook = lambda hidden: last.error("in a finalizer", exc_info=hidden.exc_value)


def _told(value: Any) -> Any:
    if isinstance(value, BaseException):
        return _Said(safely(value))
    if isinstance(value, Mapping):
        return {name: _told(each) for name, each in value.items()}
    return tuple(map(_told, value)) if type(value) is tuple else value
