"""docs/alarms.yml: a rule that names a figure wrongly never rings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

import yaml

from kit.security_log import Outcome, What
from tests.integration.http.app import Installation

RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load(Path("docs/alarms.yml").read_text())["groups"]
    for rule in group["rules"]
]


def test_every_figure_that_an_alarm_rests_on_is_there(installation: Installation) -> None:
    shown = installation.browser().get("/metrics").text
    named = {name for rule in RULES for name in re.findall(r"noculture_\w+", rule["expr"])}
    assert "noculture_security_events_total" in named
    assert {name for name in named if f"# TYPE {name} " not in shown} == set()


def test_every_label_that_an_alarm_asks_for_can_be() -> None:
    asked = [label for rule in RULES for label in re.findall(r'(\w+)="([^"]*)"', rule["expr"])]
    assert {value for name, value in asked if name == "what"} <= set(get_args(What))
    assert {value for name, value in asked if name == "outcome"} <= set(get_args(Outcome))
    assert {name for name, _ in asked} <= {"what", "outcome", "status"}


def test_an_alarm_has_a_name_of_its_own_and_says_what_is_wrong() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    assert all(rule["annotations"]["summary"] for rule in RULES)
