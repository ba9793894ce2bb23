"""The routes of assets and events as a program sees them."""

from __future__ import annotations

from starlette.testclient import TestClient

from tests.integration.library import Library

ASSET_FIELDS = {
    "shared",
    *("id", "version", "state", "rejection", "analysis_error", "filename", "sha256", "size_bytes"),
    *("uploaded_at", "has_cover", "has_waveform", "tags", "audio", "analysis", "effective"),
    *("file_tags", "original", "path", "cover_note", "trashed_at", "trashed_until"),
    *("marks", "from_name", "cover", "chosen_song"),
}
TAG_FIELDS = {
    *("title", "artist", "album", "year", "genre", "track", "tempo_bpm", "key", "isrc"),
    *("album_artist", "disc", "composer", "label", "copyright", "comment"),
    *("energy", "danceability", "valence", "instruments", "artists", "genres"),
}
UNMEASURED = {
    **dict.fromkeys(("loudness_range_lu", "danceability", "valence", "vocals", "speech")),
    **dict.fromkeys(("quality_score", "appeal_score")),
    **{name: [] for name in ("key_candidates", "genres", "instruments", "moods", "defects")},
}


def test_an_asset_has_every_field_of_the_contract_from_its_upload_on(
    library: Library, http: TestClient
):
    caller = library.caller()
    asset_id = library.upload(caller, "Song.wav")
    library.settle()
    asset = http.get(f"/api/assets/{asset_id}", headers=library.key(caller)).json()
    assert asset.keys() == ASSET_FIELDS
    assert (asset["state"], asset["version"], asset["filename"]) == ("uploaded", 1, "Song.wav")
    assert asset["tags"].keys() == TAG_FIELDS
    assert set(asset["tags"].values()) == {None}
    assert asset["audio"] is None
    assert asset["analysis"] is None
    assert asset["effective"] == {
        **dict.fromkeys(("tempo_bpm", "key", "genre", "energy", "danceability", "valence")),
        "instruments": [],
    }
    assert asset["uploaded_at"].endswith("Z")
    assert len(asset["uploaded_at"]) == len("2026-01-01T00:00:00.000000Z")


def test_an_analysed_asset_shows_what_is_said_what_is_measured_and_what_counts(
    library: Library, http: TestClient
):
    caller = library.caller()
    asset_id = library.add(
        caller,
        "Dawn",
        tempo_bpm=120.5,
        key="A minor",
        genre="House",
        isrc="USRC17607839",
        year=2024,
    )
    library.edit(caller, asset_id, key="C# major")
    library.settle()
    asset = http.get(f"/api/assets/{asset_id}", headers=library.key(caller)).json()
    assert asset["state"] == "analysed"
    assert asset["version"] == 3  # uploaded, verified, edited: the analysis is another stream
    assert asset["tags"]["key"] == "C# major"
    assert asset["tags"]["isrc"] == "USRC17607839"
    assert asset["analysis"] == {
        "id": asset_id.replace("ast_", "ana_"),
        "tempo_bpm": 120.5,
        "tempo_candidates": [{"bpm": 120.5, "confidence": 0.8}],
        "key": "A minor",
        "key_confidence": 0.7,
        "loudness_lufs": -9.25,
        "true_peak_dbtp": -0.3,
        "energy": 0.6,
        "analyser": "essentia",
        "analyser_version": 1,
        "degraded": [],
        "run": 1,
        "remeasuring": False,
        **UNMEASURED,
    }
    assert asset["effective"] == {
        "tempo_bpm": 120.5,
        "key": "C# major",
        "genre": "House",
        "energy": 0.6,
        "danceability": None,
        "valence": None,
        "instruments": [],
    }
    assert asset["audio"]["duration_s"] == 180.0


def test_a_rejected_and_an_unmeasurable_file_say_why(library: Library, http: TestClient):
    caller = library.caller()
    rejected, unmeasured = library.upload(caller), library.upload(caller)
    library.reject(caller, rejected)
    library.verify(caller, unmeasured)
    library.fail_analysis(caller, unmeasured)
    library.settle()
    key = library.key(caller)
    answer = http.get(f"/api/assets/{rejected}", headers=key).json()
    assert answer["state"] == "rejected"
    assert answer["rejection"] == {"code": "not-audio", "reason": "No sound in it"}
    answer = http.get(f"/api/assets/{unmeasured}", headers=key).json()
    assert answer["state"] == "analysis_failed"
    assert answer["analysis_error"] == {"code": "timeout", "reason": "It took too long"}


def test_the_etag_is_the_version_and_answers_304_once_nothing_more_is_to_come(
    library: Library, http: TestClient
):
    caller = library.caller()
    key = library.key(caller)
    asset_id = library.upload(caller)
    library.verify(caller, asset_id)
    library.settle()
    path = f"/api/assets/{asset_id}"
    answer = http.get(path, headers=key)
    assert answer.headers["ETag"] == '"v2"'
    assert answer.headers["Cache-Control"] == "no-store"
    library.analyse(caller, asset_id)
    library.settle()
    # The measurement did not move the version: a poller with the old ETag still gets it.
    asked_early = http.get(path, headers=key)
    assert asked_early.headers["ETag"] == '"v2"'
    answer = http.get(path, headers={**key, "If-None-Match": '"v2"'})
    assert answer.status_code == 304
    assert answer.headers["ETag"] == '"v2"'
    assert not answer.content
    assert http.get(path, headers={**key, "If-None-Match": '"v1"'}).status_code == 200


def test_what_is_not_there_or_not_ours_or_deleted_is_404(library: Library, http: TestClient):
    owner, stranger = library.caller(), library.caller()
    asset_id, gone = library.add(owner, "Mine"), library.add(owner, "Gone")
    library.delete(owner, gone)
    library.settle()
    theirs, ours = library.key(stranger), library.key(owner)
    for what in ("", "/audio", "/waveform", "/cover", "/events"):
        answer = http.get(f"/api/assets/{asset_id}{what}", headers=theirs)
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    for name in (gone, "ast_" + "0" * 32, "nonsense", "%00", "ast_%27%20OR%201=1"):
        assert http.get(f"/api/assets/{name}", headers=ours).status_code == 404


def test_reading_needs_a_caller_with_the_scope(library: Library, http: TestClient):
    caller = library.caller()
    key = library.key(caller, "account:read")
    scopes = {
        "/api/assets": "assets:read",
        "/api/assets/x": "assets:read",
        "/api/assets/x/audio": "assets:read",
        "/api/assets/x/waveform": "assets:read",
        "/api/assets/x/cover": "assets:read",
        "/api/assets/x/events": "events:read",
        "/api/events": "events:read",
        "/api/events/stream": "events:read",
        "/api/system": "operator",
    }
    for path, scope in scopes.items():
        assert http.get(path).status_code == 401, path
        answer = http.get(path, headers=key)
        assert (answer.status_code, answer.json()["scope"]) == (403, scope), path


def test_an_export_holds_everything_so_it_needs_the_right_to_read_everything(
    library: Library, http: TestClient
):
    caller, rights = library.caller(), ["account:read"]
    while True:
        answer = http.get("/api/me/export", headers=library.key(caller, *rights))
        if answer.status_code != 403:
            break
        rights.append(answer.json()["scope"])
    assert answer.status_code == 200
    assert {*rights} >= {"account:read", "assets:read", "events:read"}
    assert rights[1] == "assets:read"


def test_a_read_can_wait_for_its_own_write_and_says_where_it_is(library: Library, http: TestClient):
    caller = library.caller()
    key = library.key(caller)
    library.add(caller, "Fresh")
    at = str(library.position)
    answer = http.get("/api/assets", headers={**key, "Min-Position": at, "Prefer": "wait=10"})
    assert [asset["tags"]["title"] for asset in answer.json()["data"]] == ["Fresh"]
    assert int(answer.headers["Projection-Position"]) >= library.position
    late = {**key, "Min-Position": "999999999", "Prefer": "wait=0"}
    answer = http.get("/api/assets", headers=late)
    assert (answer.status_code, answer.json()["code"]) == (503, "projection-lag")
    assert "Retry-After" in answer.headers


def test_the_list_has_the_contracts_form_and_pages(library: Library, http: TestClient):
    caller = library.caller()
    key = library.key(caller)
    library.settle()
    assert http.get("/api/assets", headers=key).json() == {
        "data": [],
        "next_cursor": None,
        "has_more": False,
        "understood": [],
        **dict.fromkeys(("words", "spelling", "unmatched")),
    }
    for title in ("A", "B", "C"):
        library.add(caller, title)
    library.settle()
    first = http.get("/api/assets?sort=title&limit=2", headers=key).json()
    assert first["has_more"]
    query = {"sort": "title", "limit": 2, "cursor": first["next_cursor"]}
    second = http.get("/api/assets", params=query, headers=key).json()
    titles = [asset["tags"]["title"] for asset in first["data"] + second["data"]]
    assert titles == ["A", "B", "C"]
    assert (second["next_cursor"], second["has_more"]) == (None, False)
    # The filters of the contract, all of them blank.
    blank = (
        "/api/assets?q=&state=&genre=&key=&tempo_min=&tempo_max=&duration_min=&duration_max="
        "&since=&sort=&limit=&cursor="
    )
    assert len(http.get(blank, headers=key).json()["data"]) == 3


def test_senseless_queries_are_422_problems(library: Library, http: TestClient):
    key = library.key(library.caller())
    for query in ("limit=0", "key=H", "tempo_min=x", "sort=best", "cursor=zzz", "since=never"):
        answer = http.get(f"/api/assets?{query}", headers=key)
        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"


def test_an_assets_events_are_its_whole_story_in_order(library: Library, http: TestClient):
    caller = library.caller()
    key = library.key(caller)
    asset_id = library.add(caller, "Dawn")
    library.edit(caller, asset_id, title="Dusk")
    other = library.add(caller, "Another")
    library.delete(caller, asset_id)
    library.settle()
    page = http.get(f"/api/assets/{asset_id}/events", headers=key).json()
    assert [event["type"] for event in page["data"]] == [
        "asset.uploaded",
        "asset.verified",
        "analysis.requested",
        "analysis.completed",
        "asset.tags_edited",
        "asset.deleted",
    ]
    positions = [event["position"] for event in page["data"]]
    assert positions == sorted(positions)
    stored = library.commands.log.events.stream(asset_id)
    of_asset = [event for event in page["data"] if event["stream_id"] == asset_id]
    assert of_asset == [library.shown(envelope) for envelope in stored]

    walked, cursor = [], None
    while True:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = http.get(f"/api/assets/{asset_id}/events", params=query, headers=key).json()
        walked += [event["position"] for event in page["data"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert walked == positions
    answer = http.get(f"/api/assets/{other}/events?limit=1", headers=key).json()
    query = {"cursor": answer["next_cursor"]}
    foreign = http.get(f"/api/assets/{asset_id}/events", params=query, headers=key)
    assert foreign.json()["code"] == "invalid-cursor"


def test_the_workspaces_events_are_all_its_events_and_no_others(library: Library, http: TestClient):
    caller, stranger = library.caller(), library.caller()
    asset_id = library.add(caller, "Mine")
    library.add(stranger, "Theirs")
    library.settle()
    events = http.get("/api/events", headers=library.key(caller)).json()["data"]
    # The key was issued just now: it may or may not be in the view yet.
    types = [event["type"] for event in events if event["type"] != "key.issued"]
    assert types == [
        "account.registered",
        "workspace.created",
        "asset.uploaded",
        "asset.verified",
        "analysis.requested",
        "analysis.completed",
    ]
    assert {event["tenant"] for event in events} == {caller.workspace_id}
    query = {"type": "asset.verified", "after": events[2]["position"]}
    only = http.get("/api/events", params=query, headers=library.key(caller)).json()["data"]
    assert [(event["type"], event["stream_id"]) for event in only] == [("asset.verified", asset_id)]
