"""The walk through the pages: typed confirmation, fresh password, progress, certificate."""

from __future__ import annotations

import json
import re

from events.account.erasure import Certificate
from events.store.signing import is_signed
from tests.integration.account.erasure.house import PASSWORD, House, eventually


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found is not None
    return found[1]


def test_deleting_from_the_account_page_leads_to_the_certificate(house: House):
    with house.worker():
        ada = house.signed_up("ada@example.org")
        eventually(lambda: house.rows("SELECT 1 FROM views.accounts"))
        assert 'href="/account/delete"' in ada.get("/account").text
        page = ada.get("/account/delete").text
        form = {"csrf_token": token_of(page), "confirmation": "yes"}
        unconfirmed = ada.post("/account/delete", data=form)
        assert unconfirmed.status_code == 422
        assert "cannot be undone" in unconfirmed.text
        form |= {"confirmation": " Delete  my account ", "proof_password": "not hers"}
        assert ada.post("/account/delete", data=form).status_code == 401

        with house.core.pool.connection() as connection:
            connection.execute("UPDATE credentials_sessions SET proven_at = NULL")
            connection.execute("UPDATE credentials_sessions SET fully_proven_at = NULL")
        del form["proof_password"]
        asked = ada.post("/account/delete", data=form)
        assert asked.status_code == 403
        assert 'name="confirmation" value=" Delete  my account "' in asked.text
        deleted = ada.post("/account/delete", data=form | {"proof_password": PASSWORD})
        assert deleted.status_code == 303
        assert "noculture_session" not in ada.cookies
        follow, stranger = deleted.headers["Location"], house.browser()
        eventually(lambda: "certificate.json" in stranger.get(follow).text)
        certificate = Certificate.model_validate_json(
            stranger.get(f"{follow}/certificate.json").content
        )
    signature, key = bytes.fromhex(certificate.signature), bytes.fromhex(certificate.public_key)
    assert is_signed(certificate.signed_bytes(), signature, key)
    assert json.loads(certificate.signed_bytes())["erasure_id"] in follow
    signing_in = ada.post("/sign-in", data={"email": "ada@example.org", "password": PASSWORD})
    assert signing_in.status_code == 401
