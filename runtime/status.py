"""Gathers what `status` says. Imports little, so that it answers at once."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.errors import NothingRunning
from runtime.heartbeat import is_fresh, read_heartbeat
from runtime.installation import chosen_data, version
from runtime.state import STEADY_AFTER_S, DoubleState, PartState, RunState, is_running

if TYPE_CHECKING:
    from runtime.settings import Settings

__all__ = ["describe", "version"]
# A part that was killed once is back in half a second; one that cannot work ends again and again.
LOOPS_AFTER = 3
# The supervisor looks every five seconds; one look may fall into a pause.
SILENT_LOOKS = 2


def describe(data: Path) -> dict[str, Any]:
    """The object of `status --json`. Raises NothingRunning."""
    run_dir = data / "run"
    state = RunState.read(run_dir)
    if state is None or not is_running(run_dir):
        raise NothingRunning(data)
    head, measuring = _figures(state.database_url or external_database_url(data))
    return {
        "ready": state.ready,
        "web": state.web,
        "database_url": state.database_url,
        "kafka_bootstrap": state.kafka_bootstrap if state.event_log == "kafka" else None,
        "event_log": state.event_log,
        "data": state.data,
        "version": state.version,
        "head": head,
        "measuring": measuring,
        "parts": [describe_part(part, run_dir) for part in state.parts if part.state != "done"],
        "doubles": [describe_double(double) for double in state.doubles],
    }


def describe_secrets(data: Path) -> dict[str, Any]:
    """The `secrets` of `status --secrets`: how the database's owner and an auditor of Kafka sign
    in. Raises NothingRunning.
    """
    from runtime.owner import owner_database_url
    from runtime.settings import load_settings

    state = RunState.read(data / "run")
    if state is None:
        raise NothingRunning(data)
    settings = load_settings(data)
    kafka = _auditor(settings) if state.event_log == "kafka" else None
    return {"owner_database_url": owner_database_url(settings), "kafka": kafka}


def _auditor(settings: Settings) -> dict[str, str | None] | None:
    """A user who may read all topics; None before there is a broker."""
    from runtime.composition import kafka_config
    from runtime.engines.kafka_users import KafkaUser

    if not settings.kafka_bootstrap:
        return None
    auditor = kafka_config(settings, KafkaUser.AUDITOR)
    return {
        "bootstrap": auditor.bootstrap,
        "security_protocol": auditor.security_protocol,
        "sasl_mechanism": auditor.sasl_mechanism,
        "username": auditor.username,
        "password": auditor.password,
    }


def describe_part(part: PartState, run_dir: Path) -> dict[str, Any]:
    """Joins what the supervisor saw with what the part says of itself."""
    beat = read_heartbeat(run_dir, part.name)
    if beat and part.state == "running" and beat["pid"] == part.pid:
        fresh = is_fresh(beat, part.pid)
        part.state = beat["state"] if fresh else "stalled"
        part.lag = beat["lag"]
        part.detail = beat["detail"] if fresh else "it has not said anything for ten seconds"
    shown = asdict(part)
    del shown["started"], shown["failures"], shown["unanswered"]
    return shown


def describe_double(double: DoubleState) -> dict[str, Any]:
    return {
        "name": double.name,
        "pid": double.pid,
        "state": double.state,
        "url": f"http://127.0.0.1:{double.port}",
        "detail": double.detail,
    }


def parts_running() -> list[dict[str, object]]:
    """The processes of this installation, as `status --json` lists them."""
    try:
        described = describe(chosen_data())
    except NothingRunning:
        return []
    return list(described["parts"])


def failing_parts(run_dir: Path) -> str | None:
    """A readiness check: parts of this machine that are stalled, or end again and again."""
    state = RunState.read(run_dir)
    if state is None or not is_running(run_dir):
        return None
    wrong = []
    for part in state.parts:
        loops = part.failures >= LOOPS_AFTER and _is_young(part)
        shown = describe_part(part, run_dir)
        if loops:
            wrong.append(f"{part.name}: ends soon after each start, {part.failures} times")
        elif part.unanswered >= SILENT_LOOKS:
            wrong.append(f"{part.name}: does not answer")
        elif shown["state"] == "stalled":
            wrong.append(f"{part.name}: {shown['detail']}")
    return "; ".join(wrong) or None


def _is_young(part: PartState) -> bool:
    return not part.pid or not part.started or time.time() - part.started < STEADY_AFTER_S


def external_database_url(data: Path) -> str:
    """The DSN of the settings, when the database is not ours."""
    from runtime.settings import load_settings

    return load_settings(data).dsn("app")


def _figures(database_url: str) -> tuple[int | None, dict[str, Any] | None]:
    """The last position of the log, and how much waits to be measured; None while the database
    does not answer.
    """
    if not database_url:
        return None, None
    import psycopg

    from read_api.vault.queue import read_queue

    try:
        with psycopg.connect(database_url, connect_timeout=2) as connection:
            row = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
            queue = read_queue(connection)
    except psycopg.Error:
        return None, None
    seconds = queue.left_s(queue.waiting)
    left_s = None if seconds is None else round(seconds)
    return int(row[0]) if row else None, {"waiting": queue.waiting, "left_s": left_s}
