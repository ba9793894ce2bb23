"""Runs of one analysis as a program sees them: measured anew, waited for, overridden, given up."""

from __future__ import annotations

from typing import Any

import pytest

from commands.vault import analyses
from events.ids import AnalysisId
from tests.integration.account.erasure.house import eventually
from tests.integration.vault.analysis.studio import Studio

ENHANCED = "/api/analysis/enhanced"
SHAPE = {"audioFeatures", "genre", "instruments", "quality", "virality", "recommendations"}
AT_ONCE = {"Prefer": "wait=0"}


@pytest.fixture(autouse=True)
def analyser_as_ever(studio: Studio) -> None:
    studio.analyser.tempo_bpm, studio.analyser.crashes = 120.0, 0
    studio.analyser.open.set()


def ask(client: Any, asset_id: str, headers: Any = None, **more: Any) -> Any:
    return client.post(ENHANCED, json={"assetId": asset_id, **more}, headers=headers)


def test_the_answer_has_exactly_the_agreed_shape(studio: Studio):
    client = studio.musician()
    answer = ask(client, studio.analysed(client))
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == SHAPE
    tempo = answer.json()["audioFeatures"]["tempo"]
    assert (tempo["value"], tempo["overridden"], tempo["measured"]) == (120.0, False, None)


def test_a_recording_deleted_between_the_look_and_the_append_is_not_measured(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
):
    """The run was begun: it asked for the bytes of a recording that was gone."""
    client = studio.musician()
    asset_id = studio.analysed(client)
    look = analyses.reach

    def look_and_lose(*asked: Any) -> Any:
        seen = look(*asked)
        answer = client.delete(f"/api/assets/{asset_id}", headers={"If-Match": "*"})
        assert answer.status_code == 204
        return seen

    monkeypatch.setattr(analyses, "reach", look_and_lose)
    answer = ask(client, asset_id, refresh=True)
    events = studio.house.core.log.events.stream(AnalysisId.beside(asset_id))
    assert [event.type for event in events] == ["analysis.requested", "analysis.completed"]
    assert (answer.status_code, answer.json()["code"]) == (409, "asset-not-ready")


def test_whoever_asks_before_it_is_measured_waits_for_it(studio: Studio):
    client = studio.musician()
    assert ask(client, studio.verified(client)).status_code == 200


def test_what_takes_longer_is_asked_for_again_later(studio: Studio):
    client = studio.musician()
    studio.analyser.open.clear()
    asset_id = studio.verified(client)
    eventually(lambda: ask(client, asset_id, AT_ONCE).json() == {"state": "analysing", "run": 1})
    answer = ask(client, asset_id, AT_ONCE)
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "5")
    studio.analyser.open.set()
    assert ask(client, asset_id).status_code == 200


def test_what_the_musician_says_survives_measuring_again(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    said = {"tempo_bpm": 98.0, "key": "Bbm", "genre": "Dub", "energy": 0.1}
    said |= {"danceability": 0.2, "valence": 0.3, "instruments": ["Kora", "piano"]}
    answer = client.patch(f"/api/assets/{asset_id}", json=said, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    studio.analyser.tempo_bpm = 140.0
    seen = {"Min-Position": answer.headers["Event-Position"]}
    answer = ask(client, asset_id, seen, refresh=True).json()
    features = answer["audioFeatures"]
    tempo = features["tempo"]
    assert (tempo["value"], tempo["measured"], tempo["method"]) == (98.0, 140.0, "musician")
    assert (tempo["overridden"], tempo["confidence"]) == (True, 1.0)
    assert (features["key"]["value"], features["key"]["camelot"]) == ("A# minor", "3A")
    assert [features[name]["value"] for name in ("energy", "danceability", "valence")] == [
        *(0.1, 0.2, 0.3)
    ]
    assert (answer["genre"]["primary"], answer["genre"]["overridden"]) == ("Dub", True)
    detected = answer["instruments"]["detected"]
    assert [(each["name"], each["certainty"]) for each in detected] == [
        *(("kora", "said"), ("piano", "said"))
    ]
    effective = client.get(f"/api/assets/{asset_id}").json()["effective"]
    assert effective["tempo_bpm"] == 98.0
    assert effective["instruments"] == ["kora", "piano"]


def test_what_is_taken_back_is_as_it_was_measured(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    for energy in (0.1, None):
        answer = client.patch(
            f"/api/assets/{asset_id}", json={"energy": energy}, headers={"If-Match": "*"}
        )
    seen = {"Min-Position": answer.headers["Event-Position"]}
    found = ask(client, asset_id, seen).json()["audioFeatures"]["energy"]
    assert (found["overridden"], found["measured"]) == (False, None)


def test_old_and_new_runs_are_comparable(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    studio.analyser.tempo_bpm = 60.0
    assert ask(client, asset_id, refresh=True).status_code == 200
    newest, first = studio.runs(client, asset_id)
    assert [(each["run"], each["state"]) for each in (newest, first)] == [
        *((2, "completed"), (1, "completed"))
    ]
    compared = client.get(f"/api/assets/{asset_id}/analyses/compare").json()
    changed = {each["name"]: (each["old"], each["new"]) for each in compared["figures"]}
    assert changed["tempo_bpm"] == (120.0, 60.0)
    assert [each["name"] for each in compared["figures"] if each["changed"]] == ["tempo_bpm"]
    old = client.get(f"/api/assets/{asset_id}/analysis?run=1").json()
    assert old["audioFeatures"]["tempo"]["value"] == 120.0
    missing = client.get(f"/api/assets/{asset_id}/analysis?run=3")
    assert missing.status_code == 404


def test_a_report_is_sent_once(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    path = f"/api/assets/{asset_id}/analysis"
    first = client.get(path)
    again = {"If-None-Match": first.headers["ETag"]}
    assert client.get(path, headers=again).status_code == 304
    said = client.patch(f"/api/assets/{asset_id}", json={"key": "Em"}, headers={"If-Match": "*"})
    seen = {"Min-Position": said.headers["Event-Position"]}
    assert client.get(path, headers=again | seen).status_code == 200


def test_a_crash_costs_one_retry_and_nothing_of_what_there_was(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    studio.analyser.crashes, studio.analyser.tempo_bpm = 1, 90.0
    assert ask(client, asset_id, AT_ONCE, refresh=True).status_code == 202
    path = f"/api/assets/{asset_id}"
    eventually(lambda: not studio.analyser.crashes)
    before = client.get(path).json()
    assert (before["state"], before["analysis"]["tempo_bpm"]) == ("analysed", 120.0)
    assert before["analysis"]["remeasuring"]

    def measured() -> bool:
        studio.hurry()
        return bool(client.get(path).json()["analysis"]["tempo_bpm"] == 90.0)

    eventually(measured)
    assert not client.get(path).json()["analysis"]["remeasuring"]


def test_a_run_that_is_given_up_leaves_what_was_measured(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    studio.analyser.crashes = 3
    assert ask(client, asset_id, AT_ONCE, refresh=True).status_code == 202

    def failed() -> bool:
        studio.hurry()
        return bool(studio.runs(client, asset_id)[0]["state"] == "failed")

    eventually(failed)
    found = client.get(f"/api/assets/{asset_id}").json()
    assert (found["state"], found["analysis"]["run"]) == ("analysed", 1)
    assert found["analysis_error"]["code"] == "crashed"
    assert not found["analysis"]["remeasuring"]
    assert ask(client, asset_id).status_code == 200


def test_a_recording_deleted_between_two_attempts_is_not_measured_again(studio: Studio):
    """Regression: it was asked for until its attempts were over, also in an erased workspace."""
    client = studio.musician()
    asset_id = studio.analysed(client)
    studio.analyser.crashes = 1
    assert ask(client, asset_id, AT_ONCE, refresh=True).status_code == 202
    eventually(lambda: not studio.analyser.crashes)
    path = f"/api/assets/{asset_id}"
    assert client.delete(path, headers={"If-Match": "*"}).status_code == 204
    stream = AnalysisId.beside(asset_id)

    def ended() -> Any:
        studio.hurry()
        return studio.house.core.log.events.stream(stream, newest_first=True, limit=1)[0]

    eventually(lambda: ended().type == "analysis.failed")
    assert ended().to_json()["data"]["code"] == "deleted"


def test_what_was_never_measured_says_why(studio: Studio):
    client = studio.musician()
    studio.analyser.crashes = 3
    asset_id = studio.verified(client)

    def failed() -> bool:
        studio.hurry()
        return bool(client.get(f"/api/assets/{asset_id}").json()["state"] == "analysis_failed")

    eventually(failed)
    answer = ask(client, asset_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "analysis-failed")
    assert answer.json()["reason_code"] == "crashed"
    assert ask(client, asset_id, refresh=True).status_code == 200
    studio.until(client, asset_id, "analysed")


def test_a_file_that_nobody_looked_into_yet_is_waited_for(studio: Studio):
    client = studio.musician()
    uploaded = client.post("/api/assets", files={"file": ("a.flac", b"a new file")}).json()["id"]
    at_once = {"Prefer": "wait=0"}
    answer = ask(client, uploaded, at_once)
    while answer.status_code == 404:
        answer = ask(client, uploaded, at_once)
    assert (answer.status_code, answer.json()) == (202, {"state": "analysing", "run": None})


def test_who_keeps_an_asset_by_its_etag_is_told_of_a_new_measurement(studio: Studio):
    """The version is that of the asset's own stream: no measurement moves it."""
    client = studio.musician()
    asset_id = studio.analysed(client)
    path = f"/api/assets/{asset_id}"
    kept = {"If-None-Match": client.get(path).headers["ETag"]}
    assert client.get(path, headers=kept).status_code == 304
    studio.analyser.tempo_bpm = 75.0
    assert ask(client, asset_id, refresh=True).status_code == 200
    eventually(lambda: client.get(path).json()["analysis"]["run"] == 2)
    answer = client.get(path, headers=kept)
    assert (answer.status_code, answer.json()["analysis"]["tempo_bpm"]) == (200, 75.0)


def test_what_others_have_does_not_exist(studio: Studio):
    client, stranger = studio.musician(), studio.musician()
    asset_id = studio.analysed(client)
    for refresh in (False, True):
        answer = ask(stranger, asset_id, refresh=refresh)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert len(studio.runs(client, asset_id)) == 1


def test_measuring_anew_needs_the_right_to_write(studio: Studio):
    client = studio.musician()
    asset_id = studio.analysed(client)
    key = client.post("/api/keys", json={"name": "reader", "scopes": ["assets:read"]}).json()["key"]
    reader = studio.house.browser()
    headers = {"Authorization": f"Bearer {key}"}
    assert ask(reader, asset_id, headers).status_code == 200
    answer = ask(reader, asset_id, headers, refresh=True)
    assert (answer.status_code, answer.json()["code"]) == (403, "missing-scope")
