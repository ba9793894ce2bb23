"""What a file's name says, where its tags are silent: shown, found, and made a tag."""

from __future__ import annotations

from typing import Any

from aggregates.vault import asset
from events.ids import AssetId
from events.vault.audio import Tags
from tests.integration.http.tenants import AUDIO, Installation, Tenant

NAME = "03 - Ona - Night_Bus (93bpm F#m).wav"


def named(owner: Tenant, tags: Tags) -> AssetId:
    """A verified file of this name whose tags say so much."""
    sent = owner.client.post("/api/assets", files={"file": (NAME, NAME.encode())})
    asset_id = AssetId(sent.json()["id"])
    owner._change(asset, asset_id, asset.verify, tags=tags, audio=AUDIO, cover=None)
    return asset_id


def found(owner: Tenant, query: str) -> list[dict[str, Any]]:
    answer = owner.client.get(f"/api/assets?{query}")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def test_a_name_counts_where_tags_are_silent_and_becomes_a_tag_with_one_press(
    tenants: Installation,
):
    tenants.forget_limits()
    owner = tenants.person()
    asset_id = named(owner, Tags(artist="Ona Ib"))
    tenants.settle()
    for query in ("tempo_min=92&tempo_max=94", "key=F%23 minor", "q=Night Bus 93 bpm"):
        (one,) = found(owner, query)
        assert one["from_name"] == {
            "title": "Night Bus",
            "artist": None,
            "tempo_bpm": 93.0,
            "key": "F# minor",
        }
    page = owner.client.get(f"/assets/{asset_id}").text
    assert "From the file name" in page
    assert ">Night Bus</h1>" in page
    token = page.partition('name="csrf_token" value="')[2].partition('"')[0]

    def press(field: str) -> dict[str, Any]:
        form = {"csrf_token": token, "field": field}
        assert owner.client.post(f"/assets/{asset_id}/from-name", data=form).status_code == 303
        tenants.settle()
        return found(owner, "")[0]

    one = press("key")
    assert (one["tags"]["key"], one["from_name"]["key"]) == ("F# minor", None)
    assert press("album")["version"] == one["version"]
    tags = press("all")["tags"]
    assert (tags["title"], tags["artist"], tags["tempo_bpm"]) == ("Night Bus", "Ona Ib", 93.0)
    assert "From the file name" not in owner.client.get(f"/assets/{asset_id}").text
