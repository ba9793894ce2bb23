"""What fuzzing saved goes through its target again: see tests/fuzz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.fuzz.corpus import CORPUS
from tests.fuzz.targets import TARGETS

SAVED = sorted(path for path in CORPUS.rglob("*") if path.is_file())


def test_every_target_has_saved_inputs() -> None:
    assert {path.parent.name for path in SAVED} == set(TARGETS)


@pytest.mark.parametrize("path", SAVED, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_saved_input_and_what_damage_makes_of_it_break_nothing(path: Path) -> None:
    target, data = TARGETS[path.parent.name], path.read_bytes()
    target(data)
    random = np.random.default_rng(len(data))
    for _ in range(12):
        damaged = bytearray(data)
        for at in random.integers(0, len(data), 1 + len(data) // 500):
            damaged[at] = int(random.integers(256))
        target(bytes(damaged))
        target(data[: int(random.integers(1, len(data) + 1))])
