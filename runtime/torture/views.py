"""Checks what readers see against the log: the API's lists, and the object store's files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import httpx2

from runtime.torture.checks import Fact
from runtime.torture.journal import Deed
from runtime.torture.musician import Musician

BLOB = re.compile(r"(wsp_[0-9a-f]{32})/[0-9a-f]{2}/([0-9a-f]{64})")


def expected_assets(facts: Iterable[Fact]) -> dict[str, dict[str, Any]]:
    """Per asset that is not deleted: tenant, version, state before the analysis, edited title."""
    assets: dict[str, dict[str, Any]] = {}
    for fact in facts:
        if not fact.type.startswith("asset."):
            continue
        if fact.type == "asset.deleted":
            assets.pop(fact.stream_id, None)
            continue
        asset = assets.setdefault(fact.stream_id, {"tenant": fact.tenant, "state": "uploaded"})
        asset["version"] = fact.stream_version
        match fact.type:
            case "asset.verified":
                asset["state"] = "verified"
            case "asset.rejected":
                asset["state"] = "rejected"
            case "asset.tags_edited":
                asset["title"] = (fact.data["tags"] or {}).get("title")
    return assets


def differing_assets(
    web: str, musicians: Sequence[Musician], facts: Sequence[Fact], head: int
) -> list[str]:
    """Every musician's vault as its API lists it, against the fold of the log."""
    wrong: list[str] = []
    expected = expected_assets(facts)
    for musician in (each for each in musicians if each.key):
        mine = {
            asset_id: asset
            for asset_id, asset in expected.items()
            if asset["tenant"] == musician.workspace_id
        }
        shown = {asset["id"]: asset for asset in _all_assets(web, musician.key, head)}
        wrong += [f"{asset_id} is missing in the list" for asset_id in mine.keys() - shown.keys()]
        wrong += [f"{asset_id} should not be listed" for asset_id in shown.keys() - mine.keys()]
        for asset_id in mine.keys() & shown.keys():
            wrong += _differences(asset_id, mine[asset_id], shown[asset_id])
    return wrong


def _differences(asset_id: str, log: dict[str, Any], shown: dict[str, Any]) -> list[str]:
    wrong = []
    state = "verified" if shown["state"] in ("analysed", "analysis_failed") else shown["state"]
    if shown["version"] != log["version"]:
        wrong.append(f"{asset_id} is shown at v{shown['version']}, the log has v{log['version']}")
    if state != log["state"]:
        wrong.append(f"{asset_id} is shown as {shown['state']}, the log has {log['state']}")
    if "title" in log and shown["tags"]["title"] != log["title"]:
        wrong.append(f"{asset_id} is called {shown['tags']['title']!r}, not {log['title']!r}")
    return wrong


def _all_assets(web: str, key: str, head: int) -> Iterable[dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {key}",
        "Min-Position": str(head),
        "Prefer": "wait=20",
    }
    parameters: dict[str, Any] = {"limit": 100}
    with httpx2.Client(base_url=web, headers=headers, timeout=60) as http:
        while True:
            page = http.get("/api/assets", params=parameters).raise_for_status().json()
            yield from page["data"]
            if not page["has_more"]:
                return
            parameters["cursor"] = page["next_cursor"]


def unfinished_erasures(web: str, deeds: Iterable[Deed]) -> list[str]:
    """Lists acknowledged erasures that have no certificate."""
    wrong = []
    with httpx2.Client(base_url=web, timeout=30) as http:
        for deed in deeds:
            if deed.kind == "erase" and deed.outcome == "acked":
                erasure = http.get(f"/api/erasures/{deed.stream_id}").raise_for_status().json()
                if not erasure["certificate"]:
                    wrong.append(f"{deed.stream_id} is {erasure['state']}, without a certificate")
    return wrong


def wrong_blobs(data: Path, facts: Sequence[Fact]) -> list[str]:
    """Bytes that an event names and are not there, and bytes that no event names."""
    there, named = blobs(data), named_blobs(facts)
    forgotten = {fact.tenant for fact in facts if fact.type == "erasure.requested"}
    named = {blob for blob in named if blob[0] not in forgotten}
    return [f"the bytes of {blob} are missing" for blob in sorted(named - there)] + [
        f"no event names the bytes of {blob}" for blob in sorted(there - named)
    ]


def blobs(data: Path) -> set[tuple[str, str]]:
    """(workspace, sha256) of every file of the folder object store."""
    folder = data / "blobs"
    found = (BLOB.fullmatch(str(path.relative_to(folder))) for path in folder.glob("wsp_*/*/*"))
    return {(match[1], match[2]) for match in found if match}


def named_blobs(facts: Iterable[Fact]) -> set[tuple[str, str]]:
    """(workspace, sha256) of everything that some event refers to."""
    named: set[tuple[str, str]] = set()
    for fact in facts:
        match fact.type:
            case "asset.uploaded" | "asset.file_rewritten":
                found = [fact.data["sha256"]]
            case "asset.verified":
                pictures = [each["image"] for each in fact.data.get("pictures", ())]
                blobs = [fact.data["cover"], fact.data["rendition"], *pictures]
                found = [blob["sha256"] for blob in blobs if blob]
            case "analysis.completed":
                blobs = [fact.data["peaks"], fact.data.get("report")]
                found = [blob["sha256"] for blob in blobs if blob]
            case _:
                continue
        named |= {(fact.tenant, sha256) for sha256 in found}
    return named
