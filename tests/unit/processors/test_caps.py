"""An effect has no more work under way than its cap says, and leaves a runner to the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.effects.caps import Caps, WrongCap
from runtime.areas import AREAS
from runtime.parts import RUNNERS


def effect(name: str, cap: int = 1, server: str | None = None) -> Any:
    return SimpleNamespace(name=name, cap=cap, server=server)


@dataclass(frozen=True)
class Work:
    effect: str


def leasing(name: str) -> Callable[[Sequence[str]], Work | None]:
    """There is work of this effect only."""
    return lambda free: Work(name) if name in free else None


def test_an_effect_at_its_cap_is_left_out_until_one_of_its_works_ends():
    caps = Caps([effect("mail", cap=2), effect("probe")], 3)
    first = caps.take(leasing("mail"))
    assert first
    assert caps.take(leasing("mail"))
    assert caps.take(leasing("mail")) is None
    assert caps.free() == ["probe"]
    caps.end(first)
    assert caps.take(leasing("mail"))


def test_effects_of_one_server_are_counted_together():
    caps = Caps([effect("code", 1, "mail"), effect("news", 1, "mail"), effect("probe")], 2)
    work = caps.take(leasing("news"))
    assert work
    assert caps.free() == ["probe"]
    caps.end(work)
    assert caps.free() == ["code", "news", "probe"]


def test_nothing_is_asked_for_while_all_effects_are_at_their_caps():
    caps = Caps([effect("analyse", cap=2)], 2)
    for _ in range(2):
        assert caps.take(leasing("analyse"))

    def asked(free: Sequence[str]) -> Work | None:
        raise AssertionError("nobody may be asked")

    assert caps.take(asked) is None


def test_a_lease_that_fails_takes_no_place():
    caps = Caps([effect("analyse")], 1)

    def broken(free: Sequence[str]) -> Work | None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        caps.take(broken)
    assert caps.take(leasing("analyse"))


@pytest.mark.parametrize("cap", [-1, 0, 3, 4])
def test_an_effect_that_could_hold_all_runners_or_none_is_refused_at_start(cap: int):
    with pytest.raises(WrongCap, match=f"mail has a cap of {cap}, and 1 to 2 are allowed"):
        Caps([effect("mail", cap), effect("probe")], 3)


def test_an_effect_that_has_a_process_for_itself_may_hold_all_its_runners():
    assert Caps([effect("analyse", 3)], 3).free() == ["analyse"]
    with pytest.raises(WrongCap):
        Caps([effect("analyse", 4)], 3)


@given(
    works=st.lists(st.sampled_from(["code", "news", "probe", "erase"]), max_size=30),
    ends=st.lists(st.integers(0, 9), max_size=30),
)
def test_no_server_ever_holds_all_runners(works: list[str], ends: list[int]):
    effects = [effect("code", 2, "mail"), effect("news", 1, "mail"), effect("probe", 2)]
    caps, under_way = Caps([*effects, effect("erase")], 3), []
    for name, end in zip(works, ends, strict=False):
        if work := caps.take(leasing(name)):
            under_way.append(work)
        names = [each.effect for each in under_way]
        assert names.count("code") + names.count("news") <= 2
        assert names.count("probe") <= 2
        assert names.count("erase") <= 1
        if end < len(under_way):
            caps.end(under_way.pop(end))


def test_the_effects_of_all_areas_leave_a_runner_of_the_worker_to_the_others():
    kinds = [each for area in AREAS for group in area.effects for each in group.effects]
    assert Caps(kinds, RUNNERS).free()  # type: ignore[arg-type]
