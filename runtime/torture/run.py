"""The story: start, load, strike round by round, stop, wait for the end of all work, check."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from commands.account.logins import Logins
from events.errors import NoCultureError
from runtime.installation import make_data_folder
from runtime.torture import kills, settling, views
from runtime.torture.checks import compare, read_facts
from runtime.torture.installation import Hung, Tortured
from runtime.torture.journal import Journal
from runtime.torture.kills import Striker
from runtime.torture.musician import Budget, Musician

MUSICIANS = 4
UPLOADS_A_ROUND = 3
CHECK_EVERY = 20
# A client gives a command up after two minutes; so long they may take to come to their end.
CLIENTS_PATIENCE_S = 150.0

Say = Callable[[str], None]
Moved = Callable[[int], None]


@dataclass(slots=True)
class Report:
    """`problems` is empty when everything that was promised is true."""

    seed: int
    rounds: int = 0
    kills: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    events: int = 0
    lost: int = 0
    duplicated: int = 0
    rebuild_identical: bool = False
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    data: str | None = None

    @property
    def ok(self) -> bool:
        return not self.problems and self.rebuild_identical

    def as_json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "rounds": self.rounds,
            "seed": self.seed,
            "kills": dict(self.kills),
            "ways": dict(self.ways),
            "acked": self.counts["acked"],
            "refused": self.counts["refused"],
            "unknown": self.counts["unknown"],
            "retried": self.counts["retried"],
            "replayed": self.counts["replayed"],
            "put_off": dict(self.reasons),
            "events": self.events,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "rebuild_identical": self.rebuild_identical,
            "seconds": round(self.seconds, 1),
            "problems": self.problems,
            "data": self.data,
        }


def torture(
    rounds: int, seed: int, event_log: str, *, keep: bool, say: Say, moved: Moved
) -> Report:
    """Everything it starts it stops, and its folder is deleted unless something is wrong or
    `keep` says so.
    """
    folder = Path(tempfile.mkdtemp(prefix="noculture-torture-"))
    data = folder / "data"
    make_data_folder(data)
    (data / "logs").mkdir()
    session = Session(Tortured(data, event_log), folder, rounds, seed, say, moved)
    began = time.monotonic()
    try:
        session.run()
    except NoCultureError as error:
        session.report.problems.append(str(error))
    except Exception:
        session.report.problems.append(traceback.format_exc())
    finally:
        session.end()
        session.report.seconds = time.monotonic() - began
        # An interrupted run has no problem to look at either.
        if keep or session.report.problems:
            session.report.data = str(data)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return session.report


class Session:
    """One run of the whole story."""

    def __init__(
        self, tortured: Tortured, folder: Path, rounds: int, seed: int, say: Say, moved: Moved
    ) -> None:
        self.report = Report(seed)
        self._tortured, self._rounds, self._say, self._moved = tortured, rounds, say, moved
        self._random = Random(seed)  # noqa: S311 - it must be repeatable
        self._journal = Journal(folder / "journal.jsonl")
        self._striker = Striker(tortured, self._random)
        self._budget = Budget()
        self._stop = threading.Event()
        self._musicians: list[Musician] = []
        self._threads: list[threading.Thread] = []

    def run(self) -> None:
        self._say(f"starting an installation in {self._tortured.data}")
        self._tortured.start()
        self._begin_load()
        for number in range(1, self._rounds + 1):
            self._round(number)
            if number % CHECK_EVERY == 0 and number < self._rounds:
                self._check_point(number)
        self._end_load()
        self._settle_and_check()

    def end(self) -> None:
        """Stops everything that was started, whatever happened."""
        self._stop.set()
        self._striker.wake(everything=True)
        self._tortured.stop()
        self._journal.close()
        self.report.kills, self.report.ways = self._striker.kills, self._striker.ways
        self.report.counts, self.report.reasons = self._journal.counts, self._journal.reasons
        self.report.problems += self._journal.surprises

    def _begin_load(self) -> None:
        logins = Logins(None, self._tortured.secrets.installation_key)  # type: ignore[arg-type]
        for number in range(1, MUSICIANS + 1):
            musician = Musician(
                f"musician-{number}",
                self._tortured.web,
                self._journal,
                str(self.report.seed),
                self._budget,
                logins.email_key,
            )
            thread = threading.Thread(
                target=self._work, args=(musician,), name=musician.name, daemon=True
            )
            self._musicians.append(musician)
            self._threads.append(thread)
            thread.start()

    def _work(self, musician: Musician) -> None:
        try:
            musician.work(self._stop)
        except Exception as error:
            self._journal.surprise(f"{musician.name} broke off: {error!r}")
            raise

    def _round(self, number: int) -> None:
        planned = kills.plan(self._random, self._victims())
        began = time.monotonic()
        self._budget.add(UPLOADS_A_ROUND)
        done = []
        for strike in planned.strikes:
            self._sleep_until(began + strike.at_s)
            struck = self._striker.strike(strike)
            done.append(str(strike) if struck else f"{strike} (was away)")
            if strike.victim == "supervisor" and struck:
                self._start_again()
        self._sleep_until(began + planned.length_s)
        self.report.rounds = number
        self._moved(number)
        counts = self._journal.counts
        self._say(
            f"round {number}/{self._rounds}  {time.monotonic() - began:.1f} s  {', '.join(done)}"
            f"  acked {counts['acked']}, retried {counts['retried']}"
        )

    def _victims(self) -> dict[str, int]:
        """Weights of the parts that live, as the supervisor sees it: the dead cannot be killed."""
        there = {part.name for part in self._tortured.parts() if part.state == "running"}
        there |= {"supervisor", "backend"} if "postgres" in there else {"supervisor"}
        return {name: weight for name, weight in kills.VICTIMS.items() if name in there}

    def _start_again(self) -> None:
        deadline = time.monotonic() + 60
        while not self._tortured.supervisor_ended():
            if time.monotonic() > deadline:
                raise Hung("the end of the supervisor", 60, self._tortured.describe())
            self._striker.wake()
            time.sleep(0.05)
        self._striker.wake(everything=True)
        self._tortured.start()

    def _sleep_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0:
            self._striker.wake()
            time.sleep(min(left, 0.1))

    def _check_point(self, number: int) -> None:
        """Checks under load, without kills: all recovers, verifies and is the same in Kafka."""
        began = time.monotonic()
        self._recover()
        settling.catch_up(self._tortured)
        self._verify()
        self._say(f"checked after round {number}: {time.monotonic() - began:.1f} s")

    def _recover(self) -> None:
        self._striker.wake(everything=True)
        self._tortured.wait_until_whole()

    def _verify(self) -> None:
        verified = self._tortured.json("log", "verify", codes=(0, 1))
        if not verified["ok"]:
            self.report.problems.append(f"log verify: {verified}")
        if self._tortured.event_log == "kafka":
            compared = self._tortured.json("log", "compare", codes=(0, 1))
            if not compared["ok"]:
                self.report.problems.append(f"log compare: {compared}")

    def _end_load(self) -> None:
        self._recover()
        self._stop.set()
        deadline = time.monotonic() + CLIENTS_PATIENCE_S
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        if working := [thread.name for thread in self._threads if thread.is_alive()]:
            raise Hung(f"the last answer to {', '.join(working)}", CLIENTS_PATIENCE_S)

    def _settle_and_check(self) -> None:
        report, problems = self.report, self.report.problems
        left = settling.settle(self._tortured, self._say)
        if left.parked:
            problems.append(f"{left.parked} streams are parked")
        problems += [f"{stream} waits for nothing" for stream in left.stuck]
        self._say("checking the log against the journal")
        facts = read_facts(self._tortured.lines("runtime.torture.readable"))
        report.events = len(facts)
        findings = compare(self._journal.deeds, facts)
        report.lost, report.duplicated = len(findings.lost), len(findings.duplicated)
        for name, found in findings.all().items():
            problems += [f"{name}: {text}" for text in found]
        self._verify()
        self._say("checking what readers see")
        problems += views.differing_assets(self._tortured.web, self._musicians, facts, len(facts))
        problems += views.unfinished_erasures(self._tortured.web, self._journal.deeds)
        problems += views.wrong_blobs(self._tortured.data, facts)
        self._say("rebuilding every read model")
        rebuilt = self._tortured.json("consumers", "rebuild", "--all", codes=(0, 1))["rebuilt"]
        report.rebuild_identical = bool(rebuilt) and all(each["identical"] for each in rebuilt)
        if not report.rebuild_identical:
            problems.append(f"rebuild: {rebuilt}")
