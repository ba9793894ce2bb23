"""Names that rows, keys and command ids are made of: they outlive every renaming and every move.

What is stored under a name that is gone would be lost. A new name joins its list with the first
release that has it.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

import pytest

import aggregates
import commands
from events import catalogue
from events.ids import Id
from runtime.areas import ALL, HANDLERS, SAGAS, VIEWS
from sagas.saga import Ended

AGGREGATES = {
    *("aggregates.account", "aggregates.analysis", "aggregates.asset", "aggregates.collection"),
    *("aggregates.comment", "aggregates.erasure", "aggregates.key", "aggregates.reanalysis"),
    *("aggregates.sign_ins", "aggregates.subject", "aggregates.workspace"),
}
STATES = {
    "erasing": {"Erasing"},
    "ingest": {"Probing", "Analysing", "Pausing"},
    "reanalysing": {"Feeding"},
    "remeasuring": {"Measuring", "Resting"},
}
COMMANDS = {
    *("CancelReanalysis", "CertifyErasure", "CompleteAnalysis", "CompleteReanalysis"),
    *("EraseSubject", "FailAnalysisAttempt", "GiveUpAnalysis", "RecordContentsDeleted"),
    *("RejectAsset", "RequestAnalysis", "RequestErasureStep", "RequestProbe"),
    *("StartReanalysisBatch", "VerifyAsset"),
}
EFFECTS = {
    *("probe", "analyse", "erase-contents", "destroy-key", "certify-erasure"),
    *("mail-password-reset", "mail-address-code", "mail-security-notice"),
}
VIEW_NAMES = {
    *("accounts", "analyses", "collections", "comments", "erasures", "reanalyses", "sagas"),
    *("sounds", "timeline", "vault"),
}
ID_PREFIXES = {
    *("acc", "ana", "ast", "cmd", "cmt", "col", "cor", "erp", "ers", "evt", "ing", "key", "log"),
    *("opr", "psk", "rea", "rem", "rep", "ses", "sgn", "sub", "upl", "wsp"),
}
# Parts of the ids of commands that came with an Idempotency-Key.
ROUTES = {
    *("POST /api/accounts", "PUT /api/me/password", "PUT /api/password-resets", "DELETE /api/me"),
    *("POST /api/me/passkeys", "DELETE /api/me/passkeys/{id}", "DELETE /api/me/second-factor"),
    *("POST /api/me/second-factor/confirm", "POST /api/me/second-factor/recovery-codes"),
    *("POST /api/keys", "DELETE /api/keys/{id}"),
    *("POST /api/assets", "PATCH /api/assets/{id}", "DELETE /api/assets/{id}"),
    *("POST /api/assets/{id}/file", "POST /api/assets/edits", "POST /api/assets/deletions"),
    *("POST /api/assets/{id}/comments", "{} /api/comments/{id}"),
    *("POST /api/collections", "{} /api/collections/{id}"),
    *("POST /api/analysis/enhanced", "POST /api/analysis/runs", "DELETE /api/analysis/runs/{id}"),
    "POST /api/sagas/{id}/{}",
    "POST /api/test/clock",
}


def modules_of(package: ModuleType) -> list[ModuleType]:
    found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [importlib.import_module(each.name) for each in found]


def test_snapshots_are_stored_under_the_names_that_they_had():
    # Rules of one stream may lie in several modules.
    modules = [each for each in modules_of(aggregates) if hasattr(each, "evolve")]
    named = {each.evolve: each.STORED_AS for each in modules}
    assert len(named) == len({*named.values()})
    assert {*named.values()} >= AGGREGATES


def test_states_of_sagas_are_stored_under_the_names_that_they_had():
    assert {*SAGAS} >= {*STATES}
    assert all({*SAGAS[name].states} >= states for name, states in STATES.items())


@pytest.mark.parametrize("name", SAGAS)
def test_the_end_of_any_saga_is_stored_as_ended(name: str):
    ended = Ended("done")
    assert SAGAS[name].remember(ended) == ("Ended", {"outcome": "done"})
    assert SAGAS[name].recall("Ended", {"outcome": "done"}) == ended


def test_commands_of_sagas_and_effects_are_stored_under_the_names_that_they_had():
    assert {*HANDLERS} >= COMMANDS


def test_effects_are_stored_under_the_names_that_they_had():
    assert {effect.name for each in ALL.effects.values() for effect in each.effects} >= EFFECTS
    assert {*ALL.effects} >= {"audio-effects", "erasure-effects", "mail-effects"}


def test_views_are_stored_under_the_names_that_they_had():
    assert {view.name for view in VIEWS} >= VIEW_NAMES


def test_ids_begin_as_they_did():
    catalogue.load_all_events()
    modules_of(commands)
    assert {*Id.kinds} >= ID_PREFIXES


def test_a_prefix_of_ids_has_one_owner():
    with pytest.raises(TypeError, match="both begin ast_"):
        type("OtherId", (Id,), {}, prefix="ast")


def routes_in(module: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(module.read_text("utf-8"))):
        if isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            found.add("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
    return {
        text for text in found if text.partition(" /api/")[1] and " " not in text.split(" ", 1)[1]
    }


def test_routes_in_the_ids_of_commands_are_spelt_as_they_were():
    found = {
        route
        for module in Path(commands.__path__[0]).rglob("*.py")
        for route in routes_in(module)
        if route[0] != " " and "\n" not in route
    }
    assert found >= ROUTES
