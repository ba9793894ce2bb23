"""The audio gateway: a few warm children for each kind of job, mended when they die."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateways.audio.errors import AnalyserCrashed, AnalyserStopped, AudioRefused, OverCpuLimit
from gateways.audio.facts import (
    Accepted,
    Analysis,
    Artwork,
    Drawn,
    Probe,
    Refused,
    Rendition,
    Rewritten,
)
from gateways.audio.sandbox import (
    ANALYSE_LIMITS,
    PICTURE_LIMITS,
    PROBE_LIMITS,
    RENDER_LIMITS,
    REWRITE_LIMITS,
    AnalyserChoice,
    Hearing,
    Job,
    Limits,
    Sandbox,
)

T = TypeVar("T")
_PROBE: TypeAdapter[Accepted | Refused] = TypeAdapter(Probe)


class AudioPool:
    """Thread-safe. Up to `size` children of each kind, started at first use, so that a probe
    (under a second) never waits behind an analysis (several).

    `models`: with the neural networks (genre, instruments, voices), a third of a gigabyte for each
    child that analyses. `models_dir`: where others lie that take their place; the report says so
    when one of `models_wanted` is not among them.
    """

    def __init__(
        self,
        size: int = 1,
        *,
        analyser: AnalyserChoice = "auto",
        models: bool = True,
        models_dir: Path | None = None,
        models_wanted: Sequence[str] = (),
        probe_limits: Limits = PROBE_LIMITS,
        render_limits: Limits = RENDER_LIMITS,
        analyse_limits: Limits = ANALYSE_LIMITS,
    ) -> None:
        hearing = Hearing(
            analyser, models, str(models_dir) if models_dir else None, tuple(models_wanted)
        )
        # The kernel kills a child when the *thread* that started it ends, not the process: all
        # are started by one thread that lives as long as the pool.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="audio-children")
        limits: dict[Job, Limits] = {
            "probe": probe_limits,
            "draw": probe_limits,
            "render": render_limits,
            "rewrite": REWRITE_LIMITS,
            "picture": PICTURE_LIMITS,
            "analyse": analyse_limits,
        }
        self._lanes = {
            job: _Lane(job, size, may_cost, hearing, self._starter)
            for job, may_cost in limits.items()
        }

    def probe(self, path: Path) -> Accepted | Refused:
        """Is this file sound, and what does it say? Decodes it whole.

        Raises OSError, AnalyserCrashed or AnalyserTimedOut (both retryable).
        """
        try:
            result = self._lanes["probe"].run(path)
        except OverCpuLimit as error:
            return Refused(code="limits-exceeded", reason=str(error))
        return _validated(_PROBE, result)

    def draw(self, path: Path) -> Drawn:
        """The waveform of an accepted file. Raises like `analyse`."""
        return _unless_refused(Drawn, self._lanes["draw"].run(path))

    def render(self, path: Path, sink: Callable[[bytes], object]) -> Rendition:
        """An accepted file as an MP3 that browsers play: 256 kbit/s, at most 480 MB, to `sink`.

        What the sink was given counts only if this returns. Raises like `analyse`, and what the
        sink raises.
        """
        return _unless_refused(Rendition, self._lanes["render"].run(path, sink))

    def rewrite(
        self, path: Path, changes: Mapping[str, object], sink: Callable[[bytes], object]
    ) -> Rewritten:
        """An accepted file with other tags, the sound in it untouched, to `sink`.

        `changes` maps names of `FileTags` to values, None takes one out. What the sink was given
        counts only if this returns. Raises like `analyse`, and what the sink raises.
        """
        given = {"changes": changes}
        return _unless_refused(Rewritten, self._lanes["rewrite"].run(path, sink, given))

    def picture(self, path: Path) -> Artwork:
        """A picture that somebody chose, made anew. Raises like `analyse`."""
        return _unless_refused(Artwork, self._lanes["picture"].run(path))

    def analyse(self, path: Path) -> Analysis:
        """Measure a file that was accepted.

        Raises OSError, AudioRefused, OverCpuLimit, and the retryable AnalyserCrashed and
        AnalyserTimedOut.
        """
        return _unless_refused(Analysis, self._lanes["analyse"].run(path))

    def isolation(self) -> str:
        """Names what the children give up, as seen on a started one, for `doctor`."""
        with self._lanes["probe"].child() as child:
            return child.isolation

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.close()
        self._starter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Lane:
    """At most `size` children for one job; idle ones are kept warm."""

    def __init__(
        self,
        job: Job,
        size: int,
        limits: Limits,
        hearing: Hearing,
        starter: ThreadPoolExecutor,
    ) -> None:
        self._start = partial(Sandbox, job, limits, hearing)
        self._starter = starter
        self._free = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[Sandbox] = []
        self._all: set[Sandbox] = set()
        self._closed = False

    def run(
        self,
        path: Path,
        sink: Callable[[bytes], object] | None = None,
        given: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        path.stat()  # what is missing costs no child
        try:
            with self.child() as child:
                return child.run(path, sink, given)
        except AnalyserCrashed:
            if self._closed:
                raise AnalyserStopped from None
            raise

    @contextmanager
    def child(self) -> Iterator[Sandbox]:
        """A living child for the caller alone, waiting for one if all are busy."""
        with self._free:
            child = self._take()
            try:
                yield child
            except BaseException:
                child.close()
                raise
            finally:
                self._give_back(child)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            idle, busy = self._idle, self._all.difference(self._idle)
            self._all, self._idle = set(), []
        for child in busy:  # whoever waits for it sees it gone, and closes it
            child.kill()
        for child in idle:
            child.close()

    def _take(self) -> Sandbox:
        with self._lock:
            if self._closed:
                raise AnalyserStopped
            while self._idle:
                child = self._idle.pop()
                if child.is_open:
                    return child
                self._forget(child)
        try:
            child = self._starter.submit(self._start).result()
        except RuntimeError:
            if self._closed:  # since we looked, and its starter with it
                raise AnalyserStopped from None
            raise
        with self._lock:
            self._all.add(child)
        return child

    def _give_back(self, child: Sandbox) -> None:
        with self._lock:
            if not self._closed and child.is_open and child.jobs_left > 0:
                self._idle.append(child)
                return
            self._forget(child)

    def _forget(self, child: Sandbox) -> None:
        child.close()
        self._all.discard(child)


def _unless_refused(model: type[T], result: dict[str, Any]) -> T:
    """Raises AudioRefused."""
    if result.get("verdict") == "refused":
        raise AudioRefused(_validated(TypeAdapter(Refused), result))
    return _validated(TypeAdapter(model), result)


def _validated(adapter: TypeAdapter[T], result: dict[str, Any]) -> T:
    """The child has read hostile bytes: what it answers is checked like any other input."""
    try:
        return adapter.validate_json(json.dumps(result))  # bytes travel as base64
    except ValidationError as error:
        raise AnalyserCrashed(f"its answer makes no sense: {error.error_count()} faults") from None
