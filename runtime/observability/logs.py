"""Log lines of a process, on stderr: as text, or as JSON for a collector.

A line of a request carries its id and the correlation id of its events. No line holds what people
wrote or sent; a test says so.
"""

from __future__ import annotations

import logging
import threading

import structlog
from structlog.typing import EventDict, WrappedLogger

from kit import correlation, security_log
from runtime.observability.safe_lines import tell_safely
from runtime.settings import Settings

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def start_logging(settings: Settings) -> None:
    tell_safely()
    handler = logging.StreamHandler()
    handler.setFormatter(json_lines() if settings.log_format == "json" else logging.Formatter(TEXT))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # A client library's connection chatter is not ours to tell.
    logging.getLogger("psycopg.pool").setLevel(max(logging.ERROR, root.level))
    # A stranger's broken form is answered; a line for each would fill the log.
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
    # While the broker is away its client says so many times a second; our own lines say it once.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    # Whoever wants to hear little still hears who came in.
    security_log.log.setLevel(logging.INFO)
    threading.current_thread().name = "main"


def json_lines() -> logging.Formatter:
    """{"timestamp", "level", "logger", "thread", "event", "request_id"?, "correlation_id"?,
    "exception"?}
    """
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.stdlib.ExtraAdder(allow=security_log.FIELDS),
            _thread,
            _request,
            _exception,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


def _thread(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    line["thread"] = line["_record"].threadName
    return line


def _exception(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    """As `SafeRecord` has told it."""
    if told := line["_record"].exc_text:
        line["exception"], line["_record"].exc_text = told, None
    return line


def _request(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    request_id = correlation.request_id()
    if request_id is not None:
        line["request_id"], line["correlation_id"] = request_id, f"cor{request_id[3:]}"
    return line
