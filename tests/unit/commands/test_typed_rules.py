"""A wrong call of a rule fails before anything runs: in mypy, or where it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aggregates.vault import analysis, asset
from commands.command import Command
from commands.forwarding import forward
from commands.vault.ingest import CompleteAnalysis, RejectAsset
from events.ids import AssetId
from schemas.examples import example_of
from schemas.vault.examples import ASSET

ROOT = Path(__file__).parent.parent.parent.parent
CALLS = Path(__file__).with_name("calls_of_rules.py")


def test_mypy_refuses_each_wrong_call_and_no_right_one():
    """Takes 2.5 s where mypy has looked at the rooms before, 40 s where it has not."""
    done = subprocess.run(
        [sys.executable, "-m", "mypy", CALLS], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


class Staged:
    """What a handler asks of `commands.unit.Unit`."""

    def change(self, *named: Any, **said: Any) -> None:
        self.named, self.said = named, said


def test_what_is_forwarded_is_the_rule_with_the_commands_fields():
    unit: Any = Staged()
    model, handler = forward(RejectAsset, asset, asset.reject)
    handler(unit, RejectAsset(asset_id=ASSET, code="no-audio", reason="No sound in it"))
    assert model is RejectAsset
    assert unit.named == (asset, ASSET, asset.reject)
    assert unit.said == {"code": "no-audio", "reason": "No sound in it"}


def test_models_in_a_command_are_forwarded_as_they_are():
    unit: Any = Staged()
    measured = example_of("analysis.completed", 1)
    command = CompleteAnalysis(
        analysis_id=measured.analysis_id, measurement=measured.measurement, peaks=measured.peaks
    )
    forward(CompleteAnalysis, analysis, analysis.complete)[1](unit, command)
    assert unit.said["measurement"] is command.measurement
    assert unit.said["run"] == 1


class SaysLess(Command, name="SaysLess"):
    asset_id: AssetId
    code: str


class SaysMore(Command, name="SaysMore"):
    asset_id: AssetId
    code: str
    reason: str
    attempt: int


class SaysAnotherType(Command, name="SaysAnotherType"):
    asset_id: AssetId
    code: str
    reason: int


@pytest.mark.parametrize("model", [SaysLess, SaysMore, SaysAnotherType])
def test_a_command_that_says_anything_else_than_its_rule_asks_for_is_no_line(model: type[Command]):
    with pytest.raises(TypeError, match=f"{model.__name__} says .* reject asks for"):
        forward(model, asset, asset.reject)
