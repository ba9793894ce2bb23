"""What changes how one signs in is told by mail, and a new password asks which keys to revoke."""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.policy import default
from pathlib import Path

import pyotp
import pytest
from starlette.testclient import TestClient

from tests.conftest import Database
from tests.integration.account.erasure.house import PASSWORD, House, eventually, open_house

NEW = "another long password"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with open_house(database, tmp_path) as house, house.worker():
        yield house
        house.app.state.close()


def mails(house: House) -> dict[str, str]:
    """The newest text of each subject."""
    found = {}
    # A mail that is being written begins with a dot.
    for path in sorted(house.settings.outbox_dir.glob("[0-9]*.eml")):
        mail = email.message_from_bytes(path.read_bytes(), policy=default)
        assert mail["To"] == "ada@example.com"
        found[str(mail["Subject"])] = mail.get_content()
    return found


def new_key(client: TestClient, name: str) -> dict[str, str]:
    answer = client.post("/api/keys", json={"name": name, "scopes": ["*"]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(client: TestClient) -> list[str]:
    return [key["name"] for key in client.get("/api/keys").json()["data"]]


def test_each_change_is_mailed_in_plain_words_without_a_secret(house: House) -> None:
    ada: TestClient = house.signed_up("ada@example.com")
    key = new_key(ada, "Backup script")
    assert ada.delete(f"/api/keys/{key['id']}").status_code == 204
    begun = ada.post("/api/me/second-factor").json()
    phone = pyotp.TOTP(begun["secret"])
    codes = ada.post("/api/me/second-factor/confirm", json={"code": phone.now()}).json()["codes"]
    assert ada.post("/api/me/proof", json={"code": codes[0]}).status_code == 200
    codes += ada.post("/api/me/second-factor/recovery-codes").json()["codes"]
    assert ada.delete("/api/me/second-factor").status_code == 204
    change = {"password": NEW, "current_password": PASSWORD}
    assert ada.put("/api/me/password", json=change).status_code == 204
    expected = {
        "A key to your account was made": "“Backup script”",
        "A key to your account was revoked": "“Backup script”",
        "Two-step verification was turned on": "code from your device",
        "A recovery code was used": "recovery codes",
        "New recovery codes were made": "eight new",
        "Two-step verification was turned off": "password alone",
        "Your password was changed": "Keys of programs work as before",
    }
    eventually(lambda: mails(house).keys() == expected.keys())
    for subject, words in expected.items():
        text = mails(house)[subject]
        assert words in text
        assert "If that was not you" in text
        assert "/forgot-password" in text
        for secret in (key["key"], begun["secret"], NEW, PASSWORD, *codes):
            assert secret not in text


def test_a_new_password_revokes_the_keys_that_are_named_and_no_others(house: House) -> None:
    ada: TestClient = house.signed_up("ada@example.com")
    one, two = new_key(ada, "one"), new_key(ada, "two")
    new_key(ada, "three")
    change = {"password": NEW, "current_password": PASSWORD}
    unknown = ada.put("/api/me/password", json=change | {"revoke_keys": ["key_" + "0" * 32]})
    assert unknown.status_code == 404
    answer = ada.put("/api/me/password", json=change | {"revoke_keys": [one["id"]]})
    assert answer.status_code == 204
    assert names(ada) == ["two", "three"]
    told = "Your password was changed"
    eventually(lambda: "the key of a program stopped" in mails(house).get(told, ""))
    # One mail says it all.
    assert "A key to your account was revoked" not in mails(house)
    again = {"password": PASSWORD, "current_password": NEW, "revoke_keys": "all"}
    assert ada.put("/api/me/password", json=again).status_code == 204
    assert names(ada) == []
    program = house.browser()
    program.headers["Authorization"] = f"Bearer {two['key']}"
    assert program.get("/api/keys").status_code == 401


def test_anothers_key_is_not_revoked(house: House) -> None:
    ada: TestClient = house.signed_up("ada@example.com")
    eve = house.signed_up("eve@example.com")
    theirs = ada.post("/api/keys", json={"name": "k", "scopes": ["*"]}).json()["id"]
    change = {"password": NEW, "current_password": PASSWORD, "revoke_keys": [theirs]}
    assert eve.put("/api/me/password", json=change).status_code == 404
    assert names(ada) == ["k"]


@pytest.mark.parametrize(("said", "left"), [({}, []), ({"revoke_keys": []}, ["one", "two"])])
def test_a_reset_revokes_every_key_unless_told_else(
    house: House, said: dict[str, object], left: list[str]
) -> None:
    ada: TestClient = house.signed_up("ada@example.com")
    for name in ("one", "two"):
        new_key(ada, name)
    token = token_of_reset(house)
    page = house.browser().get(f"/reset-password/{token}").text
    assert page.count('name="revoke_keys"') == page.count("checked") == 2
    body = {"token": token, "password": NEW} | said
    assert house.browser().put("/api/password-resets", json=body).status_code == 204
    signing_in = {"email": "ada@example.com", "password": NEW}
    assert ada.post("/api/sessions", json=signing_in).status_code == 201
    assert names(ada) == left


def test_the_pages_revoke_what_is_ticked(house: House) -> None:
    ada: TestClient = house.signed_up("ada@example.com")
    one, _ = new_key(ada, "one"), new_key(ada, "two")
    token = token_of_reset(house)
    form = {"password": NEW, "revoke_keys": [one["id"]]}
    answer = house.browser().post(f"/reset-password/{token}", data=form)
    assert answer.status_code in (200, 303)
    assert ada.post("/api/sessions", json={"email": "ada@example.com", "password": NEW}).is_success
    assert names(ada) == ["two"]
    page = ada.get("/account").text
    assert page.count('name="revoke_keys"') == 1
    csrf = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert csrf is not None
    form = {"csrf_token": csrf[1], "current_password": NEW, "password": PASSWORD}
    assert ada.post("/account/password", data=form).status_code in (200, 303)
    assert names(ada) == ["two"]


def test_a_link_that_does_not_work_shows_no_keys(house: House) -> None:
    ada = house.signed_up("ada@example.com")
    new_key(ada, "one")
    assert "revoke_keys" not in house.browser().get("/reset-password/guess").text


def token_of_reset(house: House) -> str:
    house.browser().post("/api/password-resets", json={"email": "ada@example.com"})
    eventually(lambda: "Choose a new password" in mails(house))
    found = re.search(r"/reset-password/(\S+)", mails(house)["Choose a new password"])
    assert found is not None
    return found[1]
