"""P12: pages and answers while two hundred tracks are measured on all cores.

The product's parts run as `up` starts them. One musician sends the tracks, and meanwhile looks at
pages, searches and uploads at a steady rate. A request's time counts from when it was due, not from
when the one before it was answered: what waits in line has waited too.
"""

from __future__ import annotations

import io
import itertools
import statistics
import threading
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import psutil
import psycopg

from benchmarks.product import Answer, Client, post_wav, running, sign_up, tone
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig
from runtime.demo_music import SAMPLE_RATE_HZ, catalogue, compose

TRACKS, QUICK_TRACKS = 200, 2
TRACK_S, QUICK_TRACK_S = 25.0, 6.0
# The wait ends here, with tracks left to measure: a rate needs no more.
LONGEST_S = 240.0
PATIENCE_S = 180.0
VISITS_PER_S = 5.0
LINES = 4
GOAL_MS, CORES_GOAL = 200.0, 0.8
LOOK_S = 1.0
# The visits upload one file after so many rounds of everything else.
ROUNDS_TO_UPLOAD = 6
SONGS = 6
MEASURED = "SELECT count(*) FROM views.vault WHERE state = 'analysed' AND duration_s > 2"
Visit = Callable[[Client, Client], Answer]


@dataclass
class Seen:
    """Results: milliseconds by kind of request, and what the processors did meanwhile."""

    waits_ms: dict[str, list[float]] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    tracks: int = 0
    seconds: float = 0.0
    sent_s: float = 0.0
    measuring_cores: float = 0.0
    busy_cores: float = 0.0


def measure(rig: Rig) -> list[Result]:
    count, seconds = (QUICK_TRACKS, QUICK_TRACK_S) if rig.quick else (TRACKS, TRACK_S)
    database = rig.database()
    parts = ("api", "relay", "worker", "analysis")
    with (
        running(rig, rig.folder / "p12", *parts, database=database) as port,
        psycopg.connect(database.owner_url, autocommit=True) as connection,
    ):
        musician, passages = sign_up(port, "p12"), _passages(seconds)
        # The first one brings the models into memory, and gives the visits a track to look at.
        asset = str(post_wav(musician, "first.wav", next(passages)).json()["id"])
        _until(lambda: _measured(connection) == 1, PATIENCE_S)
        visits = _visits(asset)
        for visit in visits.values():
            visit(musician, musician.visitor())
        rig.say(f"P12 measures {count} tracks, for {LONGEST_S:.0f} s at most")
        seen = _meanwhile(musician, visits, passages, count, connection)
    return _results(count, seconds, seen)


def _meanwhile(
    musician: Client,
    visits: dict[str, Visit],
    passages: Iterator[bytes],
    count: int,
    connection: psycopg.Connection,
) -> Seen:
    seen, over = Seen({name: [] for name in visits}), threading.Event()
    began, before = time.monotonic(), _measured(connection)
    work = Work()

    def send() -> None:
        client = musician.again()
        for number in range(count):
            if over.is_set():
                return
            post_wav(client, f"track {number}.wav", next(passages))
        seen.sent_s = time.monotonic() - began

    threads = [threading.Thread(target=send)]
    *looks, upload = visits
    turns = itertools.cycle([*looks * ROUNDS_TO_UPLOAD, upload])
    threads += [
        threading.Thread(target=_visit, args=(musician, visits, turns, line, seen, over))
        for line in range(LINES)
    ]
    for thread in threads:
        thread.start()

    def done() -> bool:
        work.look()
        return _measured(connection) - before >= count

    with suppress(TimeoutError):
        _until(done, LONGEST_S)
    seen.tracks, seen.seconds = _measured(connection) - before, time.monotonic() - began
    seen.measuring_cores, seen.busy_cores = work.cores()
    over.set()
    for thread in threads:
        thread.join()
    return seen


def _visit(
    musician: Client,
    visits: dict[str, Visit],
    turns: Iterator[str],
    line: int,
    seen: Seen,
    over: threading.Event,
) -> None:
    """Keeps up one line's share of the rate; all LINES draw requests from the same `turns`."""
    program, visitor = musician.again(), musician.visitor()
    due = time.monotonic() + line / VISITS_PER_S
    while not over.wait(max(0.0, due - time.monotonic())):
        name = next(turns)
        answer = visits[name](program, visitor)
        seen.waits_ms[name].append((time.monotonic() - due) * 1000)
        if answer.status >= 400:
            seen.refused.append(answer.status)
        due += LINES / VISITS_PER_S


def _visits(asset: str) -> dict[str, Visit]:
    """Requests of a musician, by name; the program's carry a key, the visitor's a cookie."""
    takes = itertools.count(1)

    def upload(program: Client, _: Client) -> Answer:
        number = next(takes)
        return post_wav(program, f"take-{number}.wav", tone(number))

    return {
        "the vault's page": lambda _, visitor: visitor.call("GET", "/vault"),
        "a track's page": lambda _, visitor: visitor.call("GET", f"/assets/{asset}"),
        "what is like it": lambda _, visitor: visitor.call("GET", f"/assets/{asset}/alike"),
        "a search's page": lambda _, visitor: visitor.call("GET", "/vault?q=first+around+120"),
        "the list": lambda program, _: program.call("GET", "/api/assets?limit=50"),
        "a search": lambda program, _: program.call("GET", "/api/assets?q=frist"),
        "a track": lambda program, _: program.call("GET", f"/api/assets/{asset}"),
        "a small upload": upload,
    }


class Work:
    """Processor time of everything since now, and of the children that measure."""

    def __init__(self) -> None:
        self._began, self._idle_s = time.monotonic(), _idle_s()
        self._first: dict[int, float] = {}
        self._last: dict[int, float] = {}

    def look(self) -> None:
        """Notes what each measuring child has used so far, as children come and go."""
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if "gateways.audio.child" in process.cmdline() and _measures(process):
                    used = process.cpu_times()
                    self._last[process.pid] = used.user + used.system
                    self._first.setdefault(process.pid, used.user + used.system)

    def cores(self) -> tuple[float, float]:
        """(cores that measured, cores that did anything), on average."""
        took_s = time.monotonic() - self._began
        measured_s = sum(self._last[pid] - self._first[pid] for pid in self._last)
        cores = psutil.cpu_count() or 1
        return measured_s / took_s, cores - (_idle_s() - self._idle_s) / took_s


def _measures(process: psutil.Process) -> bool:
    return '"job": "analyse"' in process.cmdline()[-1]


def _idle_s() -> float:
    times = psutil.cpu_times()
    return float(times.idle) + float(getattr(times, "iowait", 0.0))


def _passages(seconds: float) -> Iterator[bytes]:
    """WAV, stereo at 44.1 kHz, no two alike: parts of a few composed pieces."""
    songs = [compose(spec) for spec in catalogue(SONGS, duration_s=2 * seconds)]
    length, number = int(seconds * SAMPLE_RATE_HZ), 0
    while True:
        song = songs[number % SONGS]
        begin = number * 4_999 % (len(song) - length)
        content = io.BytesIO()
        with wave.open(content, "wb") as file:
            file.setnchannels(2)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            passage = np.clip(song[begin : begin + length], -1, 1)
            file.writeframes((passage * 32_767).astype("<i2").tobytes())
        yield content.getvalue()
        number += 1


def _measured(connection: psycopg.Connection) -> int:
    row = connection.execute(MEASURED).fetchone()
    assert row is not None
    return int(row[0])


def _until(condition: Callable[[], bool], longest_s: float) -> None:
    deadline = time.monotonic() + longest_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {longest_s:.0f} s")
        time.sleep(LOOK_S)


def _results(count: int, seconds: float, seen: Seen) -> list[Result]:
    every = [wait for kind in seen.waits_ms.values() for wait in kind]
    p95 = _p95(every)
    cores = psutil.cpu_count() or 1
    about = {
        "tracks_measured": seen.tracks,
        "of": count,
        "track_s": seconds,
        "seconds": round(seen.seconds, 1),
        "tracks_per_minute": round(seen.tracks / seen.seconds * 60, 1),
        "all_sent_after_s": round(seen.sent_s, 1),
    }
    pages = Result(
        name="P12",
        title=f"95 of 100 pages and answers while {count} tracks are measured",
        ours=round(p95, 1),
        peer="the promise",
        theirs=GOAL_MS,
        ratio=p95 / GOAL_MS,
        goal=1.0,
        unit="ms",
        at_most=True,
        details=about
        | {
            "all_ms": percentiles(every),
            "kinds_ms": {name: _kind(waits) for name, waits in seen.waits_ms.items() if waits},
            "refused": seen.refused,
            "visits_per_s": VISITS_PER_S,
        },
    )
    measuring = Result(
        name="P12",
        title="Cores busy meanwhile",
        ours=round(seen.busy_cores, 2),
        peer="all there are",
        theirs=float(cores),
        ratio=seen.busy_cores / cores,
        goal=CORES_GOAL,
        unit="cores",
        details=about | {"measuring_cores": round(seen.measuring_cores, 2)},
    )
    return [pages, measuring]


def _kind(waits: list[float]) -> dict[str, float]:
    return {
        "p50": round(statistics.median(waits), 1),
        "p95": round(_p95(waits), 1),
        "max": round(max(waits), 1),
        "n": len(waits),
    }


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[18] if values[1:] else values[0]
