"""Threads that keep to one core, and those that compute elsewhere meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from runtime.installation import ROOT
from runtime.supervised import core_of

pytestmark = pytest.mark.skipif(
    not hasattr(os, "sched_setaffinity"), reason="only Linux binds threads to cores"
)

# In a process of its own: the tests' own threads stay where they are.
KEPT = """
import os, threading
from kit.cores import every_core, keep_to

def seen():
    found = []
    thread = threading.Thread(target=lambda: found.append(os.sched_getaffinity(0)))
    thread.start()
    thread.join()
    return found[0]

everywhere = os.sched_getaffinity(0)
with every_core():
    assert os.sched_getaffinity(0) == everywhere
keep_to(None)
assert seen() == everywhere
core = max(everywhere)
keep_to(core)
assert seen() == {core}
with every_core():
    assert seen() == everywhere
assert seen() == {core}
keep_to(100_000)
assert seen() == {core}
print("all of it")
"""


def test_a_thread_and_those_it_starts_keep_to_a_core_but_for_long_work() -> None:
    done = subprocess.run([sys.executable, "-c", KEPT], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == "all of it\n", done.stderr


def test_api_and_worker_get_a_core_each_and_one_core_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 9})
    assert [core_of(part) for part in ("api", "worker", "relay", "analysis")] == [9, 3, None, None]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert [core_of(part) for part in ("api", "worker")] == [None, None]
