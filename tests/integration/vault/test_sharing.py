"""A track shared with other accounts: who may do what on every route, live, taken back, erased."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient

from aggregates.vault import asset
from commands.unit import Unit
from events.ids import AssetId
from events.store.pending import Committed
from events.vault.audio import Tags
from processors.consumers.projection import ProjectionConsumer
from read_api import sharing
from read_api.system import events_http
from runtime.consumers import rebuilder, views
from tests.integration.account.erasure.house import eventually
from tests.integration.http.every_route import ROUTES
from tests.integration.http.tenants import AUDIO, SESSION, Installation, Tenant
from tests.integration.http.test_tenancy_matrix import Asking, Role, _told

RIGHTS = ("listen", "comment", "edit")
# The right that somebody of another workspace needs; all else of a track is its owner's.
ALLOWED = {
    ("GET", "/api/assets/{asset_id}"): "listen",
    ("GET", "/api/assets/{asset_id}/audio"): "listen",
    ("HEAD", "/api/assets/{asset_id}/audio"): "listen",
    ("GET", "/api/assets/{asset_id}/cover"): "listen",
    ("HEAD", "/api/assets/{asset_id}/cover"): "listen",
    ("GET", "/api/assets/{asset_id}/waveform"): "listen",
    ("GET", "/api/assets/{asset_id}/events"): "listen",
    ("GET", "/api/assets/{asset_id}/comments"): "comment",
    ("POST", "/api/assets/{asset_id}/comments"): "comment",
    ("PATCH", "/api/assets/{asset_id}"): "edit",
    ("POST", "/api/comments/{comment_id}/resolve"): "edit",
    ("POST", "/api/comments/{comment_id}/reopen"): "edit",
    ("GET", "/assets/{asset_id}"): "listen",
    ("GET", "/assets/{asset_id}/peaks"): "listen",
    ("GET", "/assets/{asset_id}/lanes"): "listen",
    ("GET", "/assets/{asset_id}/waveform"): "listen",
    ("POST", "/assets/{asset_id}/comments"): "comment",
    ("POST", "/assets/{asset_id}/tags"): "edit",
    ("POST", "/assets/{asset_id}/said"): "edit",
    ("POST", "/comments/{comment_id}"): "edit",
}
# Routes of one grant name a person too: test_whoever_it_is_shared_with_may_leave_it.
OF_A_TRACK = sorted(
    named
    for named, route in ROUTES.items()
    if route.kind in ("asset", "file", "comment") and "{account_id}" not in named[1]
)


def grant(owner: Tenant, other: Tenant, right: str, status: int = 201, **headers: str) -> Any:
    body = {"account_id": other.account_id, "right": right}
    url = f"/api/assets/{owner.asset}/grants"
    answer = owner.client.post(url, json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def revoke(owner: Tenant, other: Tenant) -> str:
    """The position from which on it is gone."""
    answer = owner.client.delete(f"/api/assets/{owner.asset}/grants/{other.account_id}")
    assert answer.status_code == 204, answer.text
    return str(answer.headers["Event-Position"])


def at(position: str) -> dict[str, str]:
    return {"Min-Position": position, "Prefer": "wait=20"}


def shared_with(person: Tenant, position: str) -> list[dict[str, Any]]:
    answer = person.client.get("/api/assets?shared=true", headers=at(position))
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


@dataclass
class Studio:
    """An owner with a measured track and a comment on it, and everybody else there is."""

    world: Installation
    owner: Tenant
    people: dict[str, Tenant]
    roles: dict[str, Role] = field(default_factory=dict)

    def role(self, name: str) -> Role:
        if name not in self.roles:
            tenant = self.people[name]
            everything = frozenset({"*"})
            self.roles[name] = Role(name, tenant, everything, tenant.sign_in())
        return self.roles[name]


@pytest.fixture(scope="module")
def studio(tenants: Installation) -> Studio:
    tenants.forget_limits()
    owner = tenants.person()
    owner.asset = owner.new_asset()
    owner.comment = owner.new_comment()
    people = {name: tenants.person() for name in (*RIGHTS, "outsider", "ex-holder")}
    for right in RIGHTS:
        grant(owner, people[right], right)
    grant(owner, people["ex-holder"], "edit")
    revoke(owner, people["ex-holder"])
    tenants.settle()
    return Studio(tenants, owner, {**people, "operator": tenants.operator})


@pytest.fixture
def mira(tenants: Installation) -> Tenant:
    tenants.forget_limits()
    person = tenants.person()
    person.asset = person.new_asset()
    return person


@pytest.mark.parametrize(("method", "path"), OF_A_TRACK, ids=lambda part: str(part))
def test_each_role_may_do_what_its_right_says_and_nothing_else(
    studio: Studio, visitor: TestClient, method: str, path: str
) -> None:
    route = ROUTES[method, path]
    asking = Asking(studio.world, visitor, method, path, route)
    studio.world.forget_limits()
    owner, wanted = studio.owner, ALLOWED.get((method, path))
    thing = owner.comment if route.kind == "comment" else owner.asset
    seen = 0
    for name in ("outsider", "ex-holder", "operator"):
        answer = asking.ask(studio.role(name), thing)
        assert answer.status_code == 404, f"{name}: {answer.text}"
        absent = asking.ask(studio.role(name), asking.absent())
        assert _told(answer) == _told(absent), name
    for right in RIGHTS:
        may = wanted is not None and RIGHTS.index(right) >= RIGHTS.index(wanted)
        version = owner.client.get(f"/api/assets/{owner.asset}").json()["version"]
        answer = asking.ask(studio.role(right), thing, str(version if "assets" in path else 1))
        # A form that comes late is told so, which only those may be who may send it.
        expected = {route.answer, 409} if may else {403}
        assert answer.status_code in expected, f"{right}: {answer.status_code} {answer.text}"
        seen += may
    assert seen == (len(RIGHTS) - RIGHTS.index(wanted) if wanted else 0)


def test_a_shared_track_shows_what_is_published_and_whose_it_is(mira: Tenant, tenants) -> None:
    ben = tenants.person()
    position = grant(mira, ben, "listen").headers["Event-Position"]
    [track] = shared_with(ben, position)
    assert track["id"] == mira.asset
    owner = {"account_id": mira.account_id, "name": mira.name, "handle": None}
    assert track["shared"] == {"right": "listen", "owner": owner}
    assert track["tags"]["title"] == f"Title of {mira.name}"
    assert (track["path"], track["file_tags"]) == (None, None)
    assert mira.email not in json.dumps(track)
    people = mira.client.get(f"/api/assets/{mira.asset}/grants", headers=at(position))
    ben_is = {"account_id": ben.account_id, "name": ben.name, "handle": None}
    assert people.json()["data"] == [{**ben_is, "right": "listen"}]
    mine = mira.client.get("/api/assets?shared=true", headers=at(position))
    assert mine.json()["data"] == []
    refused = ben.client.get("/api/assets?shared=true&q=bus")
    assert refused.status_code == 422


def test_it_is_shared_by_address_with_whoever_has_proven_it(mira: Tenant, tenants) -> None:
    ben, url = tenants.person(), f"/api/assets/{mira.asset}/grants"
    answer = mira.client.post(url, json={"email": ben.email.upper(), "right": "comment"})
    assert answer.status_code == 201, answer.text
    assert answer.json()["account_id"] == ben.account_id
    unknown = mira.client.post(url, json={"email": "nobody@example.com", "right": "listen"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "person-unknown")
    own = mira.client.post(url, json={"email": mira.email, "right": "listen"})
    assert (own.status_code, own.json()["code"]) == (422, "own-thing")
    for body in ({"right": "listen"}, {"email": ben.email, "right": "own"}, {"email": ben.email}):
        assert mira.client.post(url, json=body).status_code == 422
    mira.client.delete(f"/api/assets/{mira.asset}", headers={"If-Match": "*"})
    assert grant(mira, ben, "listen", 404).json()["code"] == "not-found"


def test_a_repeated_grant_gets_its_first_answer_also_when_it_is_over(mira: Tenant, tenants) -> None:
    ben, key = tenants.person(), {"Idempotency-Key": "once"}
    first = grant(mira, ben, "comment", **key)
    revoke(mira, ben)
    again = grant(mira, ben, "comment", **key)
    assert (again.json(), again.headers["ETag"]) == (first.json(), first.headers["ETag"])
    assert again.headers["Idempotent-Replayed"] == "true"


def test_whoever_it_is_shared_with_may_leave_it(mira: Tenant, tenants) -> None:
    ben, eva = tenants.person(), tenants.person()
    grant(mira, ben, "edit")
    tenants.settle()
    url = f"/api/assets/{mira.asset}/grants"
    assert ben.client.delete(f"{url}/{eva.account_id}").status_code == 403
    assert eva.client.delete(f"{url}/{eva.account_id}").status_code == 404
    left = ben.client.delete(f"{url}/{ben.account_id}")
    assert left.status_code == 204
    assert shared_with(ben, left.headers["Event-Position"]) == []


def removed(owner: Tenant, other: Tenant, by: Tenant) -> Any:
    """The answer to the button of the dialog."""
    token, csrf = by.sign_in()
    return by.house.browser().post(
        f"/assets/{owner.asset}/grants/{other.account_id}/end",
        data={"csrf_token": csrf},
        headers={"Cookie": f"{SESSION}={token}", "HX-Request-Type": "partial"},
    )


def test_removing_somebody_who_has_left_shows_in_the_dialog_who_is_left(
    mira: Tenant, tenants
) -> None:
    """The dialog showed the page of an unknown address."""
    ben, eva = tenants.person(), tenants.person()
    for person in (ben, eva):
        grant(mira, person, "listen")
    position = revoke(mira, ben)
    tenants.house.core.progress.wait_until("grants", int(position), 20)
    shown = removed(mira, ben, by=mira)
    assert (shown.status_code, eva.name in shown.text, ben.name in shown.text) == (200, True, False)
    # Whoever uses the keyboard goes on in the dialog.
    assert "autofocus" in shown.text
    assert removed(mira, ben, by=eva).status_code == 403
    assert removed(mira, ben, by=ben).status_code == 404


def test_words_and_tags_of_another_belong_to_the_tracks_workspace(mira: Tenant, tenants) -> None:
    ben = tenants.person()
    grant(mira, ben, "edit")
    tenants.settle()
    url = f"/api/assets/{mira.asset}"
    said = ben.client.post(f"{url}/comments", json={"at_s": 1, "text": "Louder"})
    edited = ben.client.patch(url, json={"genre": "Dub"}, headers={"If-Match": "*"})
    assert (said.status_code, edited.status_code) == (201, 200)
    streams = tenants.house.core.log.events.stream
    stored = [streams(said.json()["id"])[-1], streams(mira.asset)[-1]]
    assert [(e.actor, e.tenant) for e in stored] == [(ben.account_id, mira.workspace_id)] * 2
    position = edited.headers["Event-Position"]
    [comment] = mira.client.get(f"{url}/comments", headers=at(position)).json()["data"]
    assert (comment["text"], comment["author"]["name"]) == ("Louder", ben.name)
    mine = ben.client.get(f"{url}/comments", headers=at(position)).json()["data"]
    assert mine == [comment]
    own = f"/api/comments/{comment['id']}"
    changed = ben.client.patch(own, json={"text": "Softer"}, headers={"If-Match": "*"})
    assert changed.status_code == 200
    assert ben.client.delete(own, headers={"If-Match": "*"}).status_code == 204


@pytest.mark.parametrize("by", ["words", "tags"])
def test_nothing_is_said_or_edited_behind_the_end_of_a_grant(
    mira: Tenant, tenants, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    """The grant ends between the look at the right and the commit."""
    ben, url, commit = tenants.person(), f"/api/assets/{mira.asset}", Unit.commit
    grant(mira, ben, "edit")
    tenants.settle()

    def revoked_before(unit: Unit) -> Committed:
        monkeypatch.setattr(Unit, "commit", commit)
        revoke(mira, ben)
        return commit(unit)

    monkeypatch.setattr(Unit, "commit", revoked_before)
    if by == "words":
        answer = ben.client.post(f"{url}/comments", json={"at_s": 1, "text": "Too late"})
    else:
        answer = ben.client.patch(url, json={"genre": "Late"}, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert tenants.house.core.log.events.stream(mira.asset)[-1].type == "asset.unshared"


def test_what_somebody_said_of_others_tracks_is_in_their_own_export(mira: Tenant, tenants) -> None:
    ben, eva = tenants.person(), tenants.person()
    for person, text in ((ben, "Louder"), (eva, "Softer")):
        grant(mira, person, "comment")
        tenants.settle()
        url = f"/api/assets/{mira.asset}/comments"
        assert person.client.post(url, json={"at_s": 1, "text": text}).status_code == 201
    revoke(mira, ben)
    tenants.settle()
    exported = ben.client.get("/api/me/export").json()["comments"]
    assert [(each["asset_id"], each["text"]) for each in exported] == [(mira.asset, "Louder")]


def test_a_browser_keeps_no_waveform_of_somebody_elses(mira: Tenant, tenants) -> None:
    ben = tenants.person()
    grant(mira, ben, "listen")
    tenants.settle()
    for path in ("peaks", "waveform"):
        url = f"/assets/{mira.asset}/{path}"
        assert mira.client.get(url).headers["Cache-Control"] == "private, max-age=3600"
        assert ben.client.get(url).headers["Cache-Control"] == "private, no-cache"


def test_a_revocation_ends_the_sound_at_once_for_who_knows_its_position_and_soon_for_all(
    mira: Tenant, tenants
) -> None:
    """How soon is measured by benchmark P17."""
    ben = tenants.person()
    grant(mira, ben, "listen")
    tenants.settle()
    url = f"/api/assets/{mira.asset}/audio"
    assert ben.client.get(url).status_code == 200
    revoke(mira, ben)
    eventually(lambda: ben.client.get(url).status_code == 404)
    grant(mira, ben, "listen")
    position = revoke(mira, ben)
    # At once with its position, however far the view of the grants was.
    assert ben.client.get(url, headers=at(position)).status_code == 404


def test_bytes_under_way_end_with_the_right(
    mira: Tenant, tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The right is looked at after each MiB."""
    ben, core = tenants.person(), tenants.house.core
    sent = mira.client.post("/api/assets", files={"file": ("long.flac", bytes(3 << 20))})
    mira.asset = AssetId(sent.json()["id"])
    mira._change(asset, mira.asset, asset.verify, tags=Tags(), audio=AUDIO, cover=None)
    grant(mira, ben, "listen")
    tenants.settle()
    looks, right = [], sharing.Sharing.right

    def revoked_at_the_second(self: sharing.Sharing, caller: Any, thing: str) -> str | None:
        looks.append(thing)
        if len(looks) == 2:
            position = revoke(mira, ben)
            core.progress.wait_until("grants", int(position), 20)
        return right(self, caller, thing)

    monkeypatch.setattr(sharing.Sharing, "right", revoked_at_the_second)
    answer = ben.client.get(f"/api/assets/{mira.asset}/audio")
    assert (answer.headers["Content-Length"], len(answer.content)) == (str(3 << 20), 2 << 20)
    assert looks == [mira.asset] * 2


def test_what_others_share_is_refused_while_the_grants_are_behind(
    mira: Tenant, tenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    ben = tenants.person()
    ben.asset = ben.new_file()
    grant(mira, ben, "listen")
    tenants.settle()
    monkeypatch.setattr(sharing, "MOST_BEHIND_S", -1.0)
    for path in (f"/api/assets/{mira.asset}", "/api/assets?shared=true"):
        refused = ben.client.get(path)
        assert (refused.status_code, refused.json()["code"]) == (503, "grants-behind")
        assert refused.headers["Retry-After"] == "1"
    assert ben.client.get(f"/api/assets/{ben.asset}").status_code == 200


def test_the_grants_are_as_old_as_what_they_have_not_seen(mira: Tenant, tenants) -> None:
    tenants.settle()
    assert tenants.house.core.progress.behind_s("grants") == 0.0


def frames(person: Tenant, after: str) -> list[dict[str, Any]]:
    answer = person.client.get(f"/api/events/stream?after={after}")
    lines = [line for line in answer.text.splitlines() if line.startswith("data: ")]
    return [json.loads(line.removeprefix("data: ")) for line in lines]


@pytest.fixture
def one_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream ends after its first batch."""
    monkeypatch.setattr(events_http, "LIFE_S", 0.0)


@pytest.mark.usefixtures("one_batch")
def test_the_live_feed_tells_from_the_grant_on_what_the_right_allows(mira: Tenant, tenants) -> None:
    ben, eva, eve = tenants.person(), tenants.person(), tenants.person()
    tenants.settle()
    start = str(tenants.house.core.log.events.head())
    for person, right in ((ben, "listen"), (eva, "comment")):
        grant(mira, person, right)
    url = f"/api/assets/{mira.asset}"
    mira.client.post(f"{url}/comments", json={"at_s": 1, "text": "Only for commenters"})
    mira.client.patch(url, json={"title": "Hidden title"}, headers={"If-Match": "*"})
    tenants.settle()
    heard = frames(ben, start)
    assert [e["type"] for e in heard] == ["asset.shared", "asset.tags_edited"]
    assert heard[0]["data"]["account_id"] == ben.account_id
    assert heard[1]["data"]["tags"] is None
    heard = frames(eva, start)
    assert [e["type"] for e in heard] == ["asset.shared", "comment.added", "asset.tags_edited"]
    assert heard[1]["data"]["text"] == "Only for commenters"
    assert mira.client.get(f"{url}/events").json()["data"][0]["type"] == "asset.uploaded"
    told = eva.client.get(f"{url}/events").json()["data"]
    assert [e["position"] for e in told] == [e["position"] for e in heard]
    own = [e for e in frames(eve, start) if e["tenant"] != eve.workspace_id]
    assert own == []


def rows_naming(tenants: Installation, account_id: str) -> list[str]:
    """Views, and claims, that still say the account."""
    views = tenants.house.rows(
        "SELECT table_name FROM information_schema.views WHERE table_schema = 'views'"
    )
    found = [
        view
        for (view,) in views
        if view not in ("timeline", "comments")
        and tenants.house.rows(
            f"SELECT 1 FROM views.{view} v WHERE v::text LIKE '%%' || %s || '%%'", account_id
        )
    ]
    held = tenants.house.rows(
        "SELECT 1 FROM claims WHERE kind = 'asset-shared' AND key LIKE %s || '%%'", account_id
    )
    return found + ["claims"] * len(held)


def are_as_rebuilt(tenants: Installation) -> bool:
    """The views that a grant and an erasure touch: live, and made anew from the log."""
    touched = {"grants", "vault", "comments", "accounts"}
    rebuild = rebuilder(tenants.house.behind).rebuild
    rebuilt = [rebuild(ProjectionConsumer(view)) for view in views() if view.name in touched]
    return len(rebuilt) == len(touched) and all(each.identical for each in rebuilt)


def test_an_erasure_of_either_side_leaves_nothing_of_the_grant(mira: Tenant, tenants) -> None:
    ben, eva = tenants.person(), tenants.person()
    for person in (ben, eva):
        grant(mira, person, "edit")
    tenants.settle()
    url = f"/api/assets/{mira.asset}"
    ben.client.post(f"{url}/comments", json={"at_s": 1, "text": "Said by one who leaves"})
    edited = ben.client.patch(url, json={"album": "Kept"}, headers={"If-Match": "*"})
    assert edited.status_code == 200
    tenants.settle()
    tenants.house.erased(tenants.house.erase(ben.client))
    tenants.settle()
    assert rows_naming(tenants, ben.account_id) == []
    seen = mira.client.get(url).json()
    assert seen["tags"]["album"] == "Kept", "the tags are the owner's"
    eventually(lambda: comment_of(mira)["text"] is None)
    assert comment_of(mira)["author"]["name"] is None
    people = mira.client.get(f"{url}/grants").json()["data"]
    assert [each["account_id"] for each in people] == [eva.account_id]
    assert grant(mira, ben, "listen", 422).json()["code"] == "person-unknown"
    assert are_as_rebuilt(tenants)

    tenants.house.erased(tenants.house.erase(mira.client))
    tenants.settle()
    assert eva.client.get("/api/assets?shared=true").json()["data"] == []
    assert eva.client.get(url).status_code == 404
    assert rows_naming(tenants, mira.account_id) == []
    assert are_as_rebuilt(tenants)


def comment_of(person: Tenant) -> dict[str, Any]:
    [comment] = person.client.get(f"/api/assets/{person.asset}/comments").json()["data"]
    return dict(comment)
