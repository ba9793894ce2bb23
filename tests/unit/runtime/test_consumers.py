"""The consumers of a worker are what its areas say."""

from __future__ import annotations

from dataclasses import replace
from unittest.mock import Mock

import pytest

from runtime import consumers as module
from runtime.areas import ALL
from runtime.composition import new_wakes


def of_money() -> set[str]:
    return {each.name for each in module.consumers(Mock(), new_wakes()) if each.money}


def test_sagas_and_groups_of_effects_say_whether_they_are_of_money(monkeypatch: pytest.MonkeyPatch):
    before = of_money()
    ingest = replace(ALL.sagas["ingest"], money=True)
    mails = replace(ALL.effects["mail-effects"], money=True)
    more = replace(
        ALL,
        sagas={**ALL.sagas, "ingest": ingest},
        effects={**ALL.effects, "mail-effects": mails},
    )
    monkeypatch.setattr(module, "ALL", more)
    assert of_money() == before | {"ingest", "mail-effects"}
