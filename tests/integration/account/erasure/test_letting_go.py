"""What holds a certificate back, and what every process forgets."""

from __future__ import annotations

import json

import pyotp

from aggregates.account import account
from processors.consumers.projection import ProjectionConsumer
from runtime.areas import VIEWS
from runtime.consumers import rebuilder
from tests.conftest import Database
from tests.integration.account.erasure.house import PASSWORD, House, eventually, open_house

ADA = "ada@example.org"


def test_a_parked_stream_of_the_workspace_holds_the_certificate_back(house: House):
    with house.worker():
        ada = house.signed_up(ADA)
        eventually(lambda: house.rows("SELECT 1 FROM consumers WHERE name = 'vault'"))
        house.rows(
            "INSERT INTO parked_streams (consumer, stream_id, position, error)"
            " VALUES ('vault', %s, 1, 'indigestible') RETURNING 1",
            ada.account["id"],
        )
        erasure_id = house.erase(ada)
        eventually(
            lambda: (
                "waiting for vault"
                in str(house.rows("SELECT error FROM effects WHERE effect = 'certify-erasure'"))
            )
        )
        assert house.erasure(erasure_id)["certificate"] is None
        house.rows("DELETE FROM parked_streams RETURNING 1")
        house.erased(erasure_id)


def test_a_replaced_build_that_is_kept_is_dropped(house: House):
    with house.worker():
        ada = house.signed_up(ADA)
        eventually(lambda: house.rows("SELECT 1 FROM views.accounts"))
        accounts = next(view for view in VIEWS if view.name == "accounts")
        assert rebuilder(house.behind).rebuild(ProjectionConsumer(accounts())).identical
        assert house.rows("SELECT email FROM view_accounts_1_1.accounts") == [(ADA,)]
        house.erased(house.erase(ada))
    schemas = house.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'view_accounts%%'")
    assert schemas == [("view_accounts_1_2",)]
    assert house.rows("SELECT * FROM views.accounts") == []


def test_another_process_forgets_keys_and_states_within_a_moment(house: House, database: Database):
    with open_house(database, house.settings.data) as other, house.worker():
        ada = house.signed_up(ADA)
        keys, subject = other.core.codec.keys, ada.account["id"]
        assert keys.find(subject) is not None
        other.core.commands.load(account, subject)
        cached = other.core.commands.aggregates._cache
        assert any(stream == subject for _, stream in cached)
        house.erased(house.erase(ada))
        eventually(lambda: not any(stream == subject for _, stream in cached), within_s=5)
        assert keys.find(subject) is None


def test_all_that_signs_in_is_gone_and_so_are_mails_that_were_kept(house: House) -> None:
    ada, eve = house.signed_up("ada@example.org"), house.signed_up("eve@example.org")
    house.accounts().accounts.grant_operator("eve@example.org")
    with house.worker():
        for client in (ada, eve):
            begun = client.post("/api/me/second-factor", json={"password": PASSWORD}).json()
            code = {"code": pyotp.TOTP(begun["secret"]).now()}
            assert client.post("/api/me/second-factor/confirm", json=code).status_code == 200
            proof = {"password": PASSWORD}
            assert client.post("/api/me/passkeys/options", json=proof).status_code == 200
        # The export reads views, and says 503 while the worker has not built them.
        eventually(lambda: ada.get("/api/me/export").status_code == 200)
        told = json.loads(ada.get("/api/me/export").text)["signing_in"]
        assert [len(told[each]) for each in ("sessions", "second_factor", "passkeys")] == [1, 1, 0]
        assert begun["secret"] not in json.dumps(told)
        for address in ("ada@example.org", "eve@example.org"):
            house.browser().post("/api/password-resets", json={"email": address})
        # A link for each, and the news that each has a second factor now.
        eventually(lambda: len(list(house.settings.outbox_dir.glob("*.eml"))) == 4)
        house.erased(house.erase(ada))
    for table in ("second_factors", "recovery_codes", "challenges", "resets"):
        left = house.rows(f"SELECT DISTINCT account_id FROM credentials_{table}")
        assert left == [(eve.account["id"],)], table
    kept = [path.read_bytes() for path in house.settings.outbox_dir.glob("*.eml")]
    assert len(kept) == 2
    assert all(b"To: eve@example.org" in mail for mail in kept)
