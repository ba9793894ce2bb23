"""`doctor` says which walls stand around what reads foreign files, and what to do about others."""

from __future__ import annotations

import os

import pytest

from gateways.audio.cage import walls
from gateways.audio.pool import AudioPool
from runtime.checks import audio_isolation

EVERYTHING = "network namespace, empty root folder, user of its own, Landlock (ABI 7), seccomp"


def findings(monkeypatch: pytest.MonkeyPatch, isolation: str, uid: int) -> dict[str, str | None]:
    monkeypatch.setattr(AudioPool, "isolation", lambda _: isolation)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    sandbox, *missing = audio_isolation()
    assert sandbox.name == "audio sandbox"
    assert all(finding.level == "advice" and finding.advice for finding in missing)
    return {finding.name.removeprefix("audio sandbox: "): finding.advice for finding in missing}


def test_where_every_wall_stands_nothing_is_advised(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, EVERYTHING, uid=0) == {}


def test_each_wall_that_is_missing_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nothing = findings(monkeypatch, "RLIMIT_FSIZE, RLIMIT_CPU", uid=0)
    assert set(nothing) == {
        walls.LANDLOCK,
        walls.SECCOMP,
        walls.NETWORK,
        walls.EMPTY_ROOT,
        walls.OWN_USER,
    }
    assert set(findings(monkeypatch, "", uid=1000)) == set(nothing) - {walls.OWN_USER}


def test_a_wall_whose_work_another_does_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert findings(monkeypatch, "Landlock (ABI 1), seccomp", uid=1000) == {}
    container = "user of its own, Landlock (ABI 5), seccomp"
    assert findings(monkeypatch, container, uid=0) == {}
