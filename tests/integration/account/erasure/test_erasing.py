"""Deleting an account: what ends at once, what follows, and what proves it."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from commands.account.accounts import Accounts
from commands.account.leftovers import Leftovers
from commands.unit import Unit
from commands.vault.contents import VaultContents
from commands.vault.resumable import LIFE
from commands.vault.staged_uploads import UploadId
from events.account.erasure import Certificate
from events.store.signing import is_signed
from processors.account.acknowledgements import Acknowledgements
from processors.effects import runner
from processors.sagas import dispatcher
from runtime.erasure_register import ErasureRegister
from tests.integration.account.erasure.house import PASSWORD, House, delete_me, eventually

ADA = "ada@example.org"


def upload(client, name="song.wav", data=b"RIFF some bytes"):
    answer = client.post("/api/assets", files={"file": (name, data)})
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def test_the_certificate_is_signed_and_names_the_erasure_in_the_log(house: House):
    with house.worker():
        ada = house.signed_up(ADA)
        found = house.erased(house.erase(ada))
    certificate = Certificate.model_validate(found["certificate"])
    signature, key = bytes.fromhex(certificate.signature), bytes.fromhex(certificate.public_key)
    assert is_signed(certificate.signed_bytes(), signature, key)
    forged = certificate.model_copy(update={"assets_deleted": 1})
    assert not is_signed(forged.signed_bytes(), signature, key)

    (erased,) = [e for e in house.core.log.events.after(0, 1000) if e.type == "subject.erased"]
    assert certificate.event_position == erased.position
    assert certificate.event_hash == erased.hash.hex()
    assert certificate.subject_sha256 == hashlib.sha256(ada.account["id"].encode()).hexdigest()
    assert {each.name for each in certificate.consumers} == {
        name for (name,) in house.rows("SELECT name FROM consumers")
    }
    assert all(each.position >= erased.position for each in certificate.consumers)
    assert found["erased_at"] is not None


def test_the_answer_says_where_to_look_and_needs_no_session(house: House):
    ada = house.signed_up(ADA)
    answer = delete_me(ada)
    assert answer.status_code == 202
    erasure_id = answer.json()["id"]
    assert answer.json() == {"id": erasure_id, "state": "requested", "certificate": None}
    assert answer.headers["Location"] == f"/api/erasures/{erasure_id}"
    with house.worker():
        eventually(lambda: house.rows("SELECT 1 FROM consumers WHERE name = 'erasures'"))
        asked = {"Min-Position": answer.headers["Event-Position"]}
        found = house.browser().get(answer.headers["Location"], headers=asked)
        assert found.status_code == 200
        absent = house.browser().get("/api/erasures/ers_" + "0" * 32)
        assert (absent.status_code, absent.json()["code"]) == (404, "not-found")


def test_sessions_and_keys_end_at_once_and_the_address_is_free_for_somebody_new(house: House):
    ada = house.signed_up(ADA)
    key = ada.post("/api/keys", json={"name": "k", "scopes": ["*"]}).json()["key"]
    token = ada.cookies["noculture_session"]
    house.erase(ada)
    ada.cookies.set("noculture_session", token)
    assert ada.get("/api/keys").status_code == 401
    by_key = house.browser().get("/api/keys", headers={"Authorization": f"Bearer {key}"})
    assert by_key.status_code == 401
    signing_in = house.browser().post("/api/sessions", json={"email": ADA, "password": PASSWORD})
    assert signing_in.json()["code"] == "wrong-credentials"
    again = house.signed_up(ADA)
    assert again.account["id"] != ada.account["id"]
    assert again.account["workspace_id"] != ada.account["workspace_id"]


def test_a_wrong_password_changes_nothing(house: House):
    ada = house.signed_up(ADA)
    before = house.core.log.events.head()
    answer = delete_me(ada, "not her password")
    assert (answer.status_code, answer.json()["code"]) == (401, "wrong-credentials")
    assert house.core.log.events.head() == before
    assert ada.get("/api/keys").status_code == 200


def test_somebody_invited_is_told_to_choose_a_password_first(house: House):
    house.signed_up("founder@example.org")
    side = house.accounts()
    assert isinstance(side.accounts, Accounts)
    link = side.accounts.invite(ADA).link_token
    assert link is not None
    ada = house.browser()
    ada.cookies.set("noculture_session", side.sessions.redeem(link).token)
    answer = delete_me(ada, "")
    assert (answer.status_code, answer.json()["code"]) == (409, "password-needed")


def test_the_only_operator_stays_while_others_have_accounts(house: House):
    founder = house.signed_up("founder@example.org")
    house.signed_up(ADA)
    answer = delete_me(founder)
    assert (answer.status_code, answer.json()["code"]) == (409, "last-operator")
    house.accounts().accounts.grant_operator(ADA)
    assert delete_me(founder).status_code == 202


def test_when_the_only_account_is_erased_the_next_one_is_the_founder(house: House):
    house.erase(house.signed_up(ADA))
    assert house.signed_up("next@example.org").account["operator"] is True
    assert house.signed_up("other@example.org").account["operator"] is False


def test_recordings_blobs_and_half_received_uploads_are_gone(house: House):
    with house.worker():
        ada, eve = house.signed_up(ADA), house.signed_up("eve@example.org")
        house.accounts().accounts.grant_operator("eve@example.org")
        mine, other = upload(ada), upload(eve)
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "100"}
        headers["Upload-Metadata"] = "filename aGFsZi53YXY="
        assert ada.post("/api/uploads", headers=headers).status_code == 201
        staging = house.core.objects.staging
        assert list(staging.glob("upl_*"))
        found = house.erased(house.erase(ada))
    assert found["certificate"]["assets_deleted"] == 1
    assert found["certificate"]["blobs_deleted"] == 1
    blobs = house.settings.data / "blobs"
    assert not (blobs / ada.account["workspace_id"]).exists()
    assert (blobs / eve.account["workspace_id"]).exists()
    assert not list(staging.glob("upl_*"))
    assert house.rows("SELECT 1 FROM uploads") == []
    assert house.rows("SELECT asset_id FROM views.vault WHERE workspace_id IS NOT NULL") == [
        (other,)
    ]
    assert mine not in {row for (row,) in house.rows("SELECT stream_id FROM claims")}
    assert house.rows("SELECT email FROM views.accounts") == [("eve@example.org",)]


def test_work_that_nobody_has_begun_is_dropped(house: House):
    """Regression: where nobody looked into files an erasure waited for them for ever."""
    with house.worker():
        ada, eve = house.signed_up(ADA), house.signed_up("eve@example.org")
        house.accounts().accounts.grant_operator("eve@example.org")
        upload(ada)
        upload(eve)
        eventually(lambda: len(house.rows("SELECT 1 FROM effects WHERE effect = 'probe'")) == 2)
        house.erased(house.erase(ada))
    tenant = "SELECT e.tenant FROM effects f JOIN events e USING (event_id)"
    assert house.rows(tenant) == [(eve.account["workspace_id"],)]


def test_work_that_somebody_has_in_hand_holds_the_certificate_back(house: House):
    """It may write a file any moment; who died with it lets go when the lease is over."""
    held = "UPDATE effects SET leases = 1, due_at = now() + %s WHERE effect = 'probe' RETURNING 1"
    with house.worker():
        ada = house.signed_up(ADA)
        upload(ada)
        eventually(lambda: house.rows(held, timedelta(hours=1)))
        erasure_id = house.erase(ada)
        eventually(lambda: "erasure.key_destroyed" in house.types())
        asked = Acknowledgements(house.behind.pool, house.core.progress, lambda _: [])
        assert "probe" in asked.missing(ada.account["workspace_id"], 0)
        assert house.erasure(erasure_id)["certificate"] is None
        house.rows(held, timedelta(0))
        house.erased(erasure_id)


def test_an_address_of_the_store_that_was_given_holds_the_certificate_back(house: House):
    """It cannot be taken back: bytes may come to it until its time is over."""
    with house.worker():
        ada = house.signed_up(ADA)
        whose = (ada.account["id"], ada.account["workspace_id"])
        house.rows(
            "INSERT INTO uploads (upload_id, account_id, workspace_id, filename, size_bytes,"
            " promised_sha256, expires_at) VALUES (%s, %s, %s, 'a.wav', 9, 'aa', now() + %s)"
            " RETURNING 1",
            *(UploadId.new(), *whose, LIFE),
        )
        erasure_id = house.erase(ada)
        eventually(lambda: "erasure.key_destroyed" in house.types())
        arriving = VaultContents(house.behind.commands, house.behind.objects).arriving
        asked = Acknowledgements(house.behind.pool, house.core.progress, arriving)
        assert asked.missing(whose[1], 0) == ["direct uploads"]
        house.rows("UPDATE uploads SET expires_at = now() + interval '23 hours' RETURNING 1")
        house.erased(erasure_id)
    assert house.rows("SELECT 1 FROM uploads") == []


def test_what_nobody_could_read_any_more_is_deleted_in_its_own_streams(house: House):
    with house.worker():
        ada, eve = house.signed_up(ADA), house.signed_up("eve@example.org")
        house.accounts().accounts.grant_operator("eve@example.org")
        for client in (ada, eve):
            asset_id = upload(client)
            said = {"at_s": 1, "text": "The snare is late"}
            client.post(f"/api/assets/{asset_id}/comments", json=said)
            collected = {"name": "Friday", "kind": "manual", "assets": [asset_id]}
            client.post("/api/collections", json=collected)
        house.erased(house.erase(ada))
        for view in ("comments", "collections"):
            left = house.rows(f"SELECT workspace_id FROM views.{view}")
            assert left == [(eve.account["workspace_id"],)], view
        shown = eve.get("/api/collections").json()["data"]
        assert [each["name"] for each in shown] == ["Friday"]


def test_asked_for_twice_at_once_it_is_one_erasure(house: House):
    ada = house.signed_up(ADA)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _: delete_me(ada), range(4)))
    accepted = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    assert len(accepted) == 1
    assert {answer.status_code for answer in answers} <= {202, 401}
    assert house.types().count("erasure.requested") == 1


def test_an_upload_that_ends_after_the_erasure_is_refused(house: House):
    with house.worker():
        ada = house.signed_up(ADA)
        side = house.vault()
        caller = house.accounts().sessions.find(ada.cookies["noculture_session"])
        assert caller is not None
        house.erased(house.erase(ada))
    with pytest.raises(Exception, match="erased"):
        side.assets.upload(caller, "late.wav", [b"late"])
    assert not (house.settings.data / "blobs" / caller.workspace_id).exists()


POINTS = [
    (VaultContents, "_delete_assets"),
    (VaultContents, "_delete_words"),
    (VaultContents, "delete_files"),
    (Leftovers, "delete_rows"),
    (ErasureRegister, "add"),
    (Unit, "commit"),
]


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_part_may_fail_once_before_and_after_it_is_done(
    house: House, monkeypatch: pytest.MonkeyPatch, when: str
):
    """Each named part fails at each of its first calls; the work is done over, the result is one.

    `Unit.commit` after its commit is the lost answer of a crash.
    """
    monkeypatch.setattr(runner, "RETRY_S", 0.01)
    monkeypatch.setattr(runner, "LEASE_S", 0.3)
    monkeypatch.setattr(dispatcher, "LEASE_S", 0.3)
    ada = house.signed_up(ADA)
    erasure_id = house.erase(ada)
    failures = {name: 2 for _, name in POINTS}

    def flaky(owner: type, name: str) -> None:
        real = getattr(owner, name)

        def call(self, *arguments, **named):
            fails = failures[name] > 0
            failures[name] -= 1
            if fails and when == "before":
                raise psycopg.OperationalError(f"{name} fails")
            answer = real(self, *arguments, **named)
            if fails:
                raise psycopg.OperationalError(f"{name} fails")
            return answer

        monkeypatch.setattr(owner, name, call)

    for owner, name in POINTS:
        flaky(owner, name)
    with house.worker():
        house.erased(erasure_id)
    types = house.types()
    for once in ("account.erased", "subject.erased", "erasure.certified", "erasure.requested"):
        assert types.count(once) == 1, once
    assert max(failures.values()) <= 0
