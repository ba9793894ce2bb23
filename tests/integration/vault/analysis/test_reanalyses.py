"""A whole vault measured again."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from typer.testing import CliRunner

from commands.unit import CommandContext
from commands.vault.reanalysing import StartReanalysisBatch
from events.ids import CommandId, CorrelationId, ReanalysisId
from runtime.areas import HANDLERS
from runtime.cli import analyse
from tests.integration.account.erasure.house import eventually
from tests.integration.vault.analysis.studio import Studio

RUNS = "/api/analysis/runs"


@pytest.fixture(autouse=True)
def analyser_as_ever(studio: Studio) -> None:
    studio.analyser.tempo_bpm, studio.analyser.crashes, studio.analyser.version = 120.0, 0, 1
    studio.analyser.open.set()


def over(client: Any, reanalysis_id: str) -> dict[str, Any]:
    path = f"{RUNS}/{reanalysis_id}"
    eventually(lambda: client.get(path).json().get("state") == "completed")
    found: dict[str, Any] = client.get(path).json()
    return found


def test_every_recording_is_measured_again_and_progress_is_told(studio: Studio):
    client = studio.musician()
    assets = [studio.analysed(client) for _ in range(3)]
    studio.analyser.version = 2
    answer = client.post(RUNS, json={})
    assert answer.status_code == 202, answer.text
    assert answer.json()["total"] == 3
    found = over(client, answer.json()["id"])
    assert (found["done"], found["measured"], found["failed"]) == (3, 3, 0)
    assert found["finished_at"]
    for asset_id in assets:
        assert client.get(f"/api/assets/{asset_id}").json()["analysis"]["analyser_version"] == 2
    older = {"filter": {"analyser_version_below": 2}}
    answer = client.post(RUNS, json=older).json()
    assert answer["total"] == 0
    assert over(client, answer["id"])["done"] == 0


def test_only_the_recordings_that_are_named(studio: Studio):
    client = studio.musician()
    chosen, other = studio.analysed(client), studio.analysed(client)
    foreign = studio.analysed(studio.musician())
    answer = client.post(RUNS, json={"filter": {"asset_ids": [chosen, foreign]}}).json()
    assert answer["total"] == 1
    over(client, answer["id"])
    assert [len(studio.runs(client, each)) for each in (chosen, other)] == [2, 1]


def test_one_at_a_time_and_it_can_be_cancelled(studio: Studio):
    client = studio.musician()
    studio.analysed(client)
    studio.analyser.open.clear()
    running = client.post(RUNS, json={}).json()["id"]
    second = client.post(RUNS, json={})
    assert (second.status_code, second.json()["code"]) == (409, "reanalysis-running")
    assert second.json()["id"] == running
    assert client.delete(f"{RUNS}/{running}").json() == {"id": running, "state": "cancelled"}
    assert client.delete(f"{RUNS}/{running}").status_code == 200
    studio.analyser.open.set()
    assert over(client, client.post(RUNS, json={}).json()["id"])["done"] == 1
    eventually(lambda: client.get(f"{RUNS}/{running}").json()["state"] == "cancelled")


def test_a_fresh_upload_goes_first(studio: Studio):
    client = studio.musician()
    names = [f"old {number} {client.account['id']}" for number in range(3)]
    for name in names:
        studio.analysed(client, name)
    studio.analyser.open.clear()
    del studio.analyser.measured[:]
    begun = client.post(RUNS, json={}).json()["id"]
    rows = "SELECT count(*) FROM effects WHERE effect = 'analyse'"
    eventually(lambda: studio.house.rows(rows)[0][0] == 3 and studio.analyser.measured)
    fresh = studio.verified(client, f"fresh {client.account['id']}")
    eventually(lambda: studio.house.rows(rows)[0][0] == 4)
    studio.analyser.open.set()
    over(client, begun)
    studio.until(client, fresh, "analysed")
    # The first was under way already.
    assert studio.analyser.measured[1].startswith("fresh")


def test_a_batch_sent_twice_is_asked_for_once(studio: Studio):
    """As by a dispatcher that was killed after its commit and before it said so."""
    client = studio.musician()
    asset_id = studio.analysed(client)
    begun = client.post(RUNS, json={}).json()["id"]
    over(client, begun)
    model, handler = HANDLERS["StartReanalysisBatch"]
    command = StartReanalysisBatch(reanalysis_id=ReanalysisId(begun), number=0)
    assert isinstance(command, model)
    context = CommandContext(
        None, client.account["workspace_id"], CommandId.new(), CorrelationId.new()
    )
    unit = studio.house.core.commands.unit(context, input=command)
    handler(unit, command)
    unit.commit()
    assert len(studio.runs(client, asset_id)) == 2


def test_a_recording_that_cannot_be_measured_does_not_hold_up_the_others(studio: Studio):
    client = studio.musician()
    assets = [studio.analysed(client) for _ in range(2)]
    studio.analyser.crashes = 4
    begun = client.post(RUNS, json={}).json()["id"]

    def completed() -> bool:
        studio.hurry()
        return bool(client.get(f"{RUNS}/{begun}").json().get("state") == "completed")

    eventually(completed)
    found = client.get(f"{RUNS}/{begun}").json()
    assert found["done"] == 2
    assert found["measured"] + found["failed"] == 2
    for asset_id in assets:
        assert client.get(f"/api/assets/{asset_id}").json()["state"] == "analysed"


def test_a_run_of_a_vault_that_is_erased_is_over(studio: Studio):
    """What is in hand is waited for, for it writes files; they are deleted too."""
    studio.musician()  # or the one who goes would be the only operator
    client, house = studio.musician(), studio.house
    studio.analysed(client)
    studio.analyser.open.clear()
    del studio.analyser.measured[:]
    running = client.post(RUNS, json={}).json()["id"]
    eventually(lambda: studio.analyser.measured)
    erasure_id = house.erase(client)
    eventually(lambda: "erasure.key_destroyed" in house.types())
    assert house.erasure(erasure_id)["certificate"] is None
    studio.analyser.open.set()
    house.erased(erasure_id)
    state = "SELECT state FROM views.reanalyses WHERE reanalysis_id = %s"
    assert house.rows(state, running) == [("cancelled",)]
    assert house.rows("SELECT 1 FROM claims WHERE kind = 'reanalysis'") == []
    assert not (house.settings.data / "blobs" / client.account["workspace_id"]).exists()


def test_the_page_asks_with_the_number_tells_how_far_it_is_and_stops(studio: Studio):
    client = studio.musician()

    def page(path: str = "/vault") -> str:
        return str(client.get(path, headers={"Accept": "text/html"}).text)

    assert "No track to re-analyse" in page("/vault/measuring")
    for _ in range(2):
        studio.analysed(client)
    studio.analyser.open.clear()
    question = page("/vault/measuring")
    assert "Re-analyse 2 tracks?" in question
    token = re.search(r'name="csrf_token" value="([^"]*)"', question)
    assert token
    form = {"csrf_token": token[1]}
    client.post("/vault/measuring", data=form)
    eventually(lambda: "0 of 2 tracks" in page())
    begun = re.search(r'action="(/vault/measuring/rea_\w+/stop)"', page())
    assert begun
    client.post("/vault/measuring", data=form)
    assert begun[1] in page(), "asked twice, begun once"
    client.post(begun[1], data=form)
    studio.analyser.open.set()
    eventually(lambda: "Stopped after " in page())
    client.post(begun[1], data=form)
    assert "Last time" in page("/vault/measuring")


def test_the_command_line_waits_until_all_are_measured(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    client = studio.musician()
    asset_id = studio.analysed(client)
    email = client.get("/api/me").json()["email"]
    settings = studio.house.settings
    monkeypatch.setattr(analyse, "load_settings", lambda: settings)
    run = CliRunner().invoke
    told = run(analyse.app, ["--as", email, "--all", "--wait", "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert (found["state"], found["total"], found["done"]) == ("completed", 1, 1)
    assert len(studio.runs(client, asset_id)) == 2
    assert run(analyse.app, ["--as", "nobody@example.com"]).exit_code == 2
