"""Problems of starting and running; each says what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from events.errors import NoCultureError


class RuntimeProblem(NoCultureError):
    """A problem of this installation; `exit_code` is what the command line ends with."""

    status = 503
    code = "installation-problem"
    exit_code = 1


class EngineBusy(RuntimeProblem):
    """Another live process owns this engine's data folder."""

    code = "engine-busy"

    def __init__(self, lock: Path) -> None:
        super().__init__(
            f"Another process is using {lock.parent}. Stop it with `./noculture down`, or choose "
            "another installation with --data DIR."
        )


class EngineFailed(RuntimeProblem):
    """An embedded server did not start."""

    code = "engine-failed"

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} did not start: {reason}. Its log says why: {log}")


class PartUnavailable(RuntimeProblem):
    """A needed part cannot be had here."""

    code = "part-unavailable"
    exit_code = 4


class KafkaUnavailable(PartUnavailable):
    """The broker cannot be had on this machine; there is a way without it."""

    code = "kafka-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Apache Kafka cannot be had here: {reason}. Start without a broker with "
            "`./noculture up --event-log postgres`, or name your own in NOCULTURE_KAFKA_BOOTSTRAP."
        )


class KafkaRefused(RuntimeProblem):
    """The broker did not do what it was asked for."""

    code = "kafka-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(f"Kafka refused: {reason}. `./noculture kafka --help` lists what it can")


class PostgresUnavailable(PartUnavailable):
    """The embedded Postgres cannot run on this machine; an external one can."""

    code = "postgres-unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"The embedded Postgres cannot run here: {reason}. Use your own with "
            "NOCULTURE_DATABASE_URL and NOCULTURE_APP_DATABASE_URL."
        )


class PortTaken(RuntimeProblem):
    """The port that was asked for is in use."""

    code = "port-taken"

    def __init__(self, host: str, port: int) -> None:
        super().__init__(
            f"Port {port} on {host} is taken. Choose another with --port N (0 picks a free one)."
        )


class DoubleIsHeld(RuntimeProblem):
    """The supervisor has this double already."""

    code = "double-is-held"
    exit_code = 2

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The supervisor that runs here starts the {name} double when somebody uses it: you"
            " need not start it."
        )


class FolderNotText(RuntimeProblem):
    """Settings, logs and engines name the data folder as text."""

    code = "folder-not-text"
    exit_code = 2

    def __init__(self, data: Path) -> None:
        super().__init__(
            f"The name of {data} is no text in UTF-8, which the engines need: choose another"
            " folder with --data DIR."
        )


class StartFailed(RuntimeProblem):
    """A part ended again and again while starting."""

    code = "start-failed"

    def __init__(self, part: str, detail: str | None, log: Path) -> None:
        super().__init__(f"{part} did not become ready: {detail or 'no reason given'}. Log: {log}")


class ClockWasAdvanced(RuntimeProblem):
    """Live credentials on a log of which the clock was advanced: its times are invented."""

    code = "clock-was-advanced"

    def __init__(self, live: Sequence[str]) -> None:
        super().__init__(
            f"The clock of this log was advanced in test mode, and {', '.join(live)} would be live:"
            " its times are not real. Remove the settings of the live services, or begin a new"
            " installation with --data DIR and a database of its own."
        )


class ClockIsReal(RuntimeProblem):
    """The domain's clock moves on by hand in test mode only."""

    code = "clock-is-real"
    exit_code = 2

    def __init__(self, live: Sequence[str]) -> None:
        super().__init__(
            f"The clock cannot be advanced where {', '.join(live)} is live: use an installation"
            " without live services, with --data DIR."
        )


class NothingRunning(RuntimeProblem):
    """The command needs a running installation."""

    code = "nothing-running"
    exit_code = 3

    def __init__(self, data: Path) -> None:
        super().__init__(f"Nothing is running for {data}. Start it with `./noculture up`.")
