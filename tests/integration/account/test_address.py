"""An address is verified by a mailed code before anything is mailed in its owner's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Depends
from starlette.testclient import TestClient

from commands.account.address_codes import MAX_GUESSES, AddressCodes
from commands.account.address_codes_http import RequireVerifiedAddress
from events.account.account import AddressCodeRequested, AddressVerified
from kit.auth import Authenticate
from kit.caller import Caller
from processors.account.mail import AddressCodeMail
from processors.account.notices import SecurityNoticeMail
from tests.conftest import Database
from tests.integration.http.app import PASSWORD, Installation, open_installation

KEY = b"k" * 32


class Post:
    """Keeps what was sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def send(self, to: str, subject: str, text: str) -> None:
        self.sent.append((to, subject, text))

    def forget(self, address: str) -> None:
        raise NotImplementedError


@pytest.fixture
def live(database: Database, tmp_path: Path) -> Iterator[Installation]:
    """One with a mail server."""
    folder = tmp_path / "live"
    with open_installation(database, folder, mail_server="mail.example:25") as opened:
        yield opened


def codes_of(installation: Installation) -> AddressCodes:
    return AddressCodes(installation.commands, installation.logins._key, test_mode=False)


def deliver(installation: Installation, post: Post) -> None:
    """What the worker does with all that has happened."""
    codes = codes_of(installation)
    effects = (
        AddressCodeMail(codes, post, lambda: "https://studio.example/"),
        SecurityNoticeMail(installation.commands, codes, post, lambda: "https://studio.example/"),
    )
    for event in installation.events():
        for effect in effects:
            if effect.wants(event):
                effect.perform(event)


def mailed_code(post: Post) -> str:
    found = re.search(r"^    (\d{8})$", post.sent[-1][2], re.MULTILINE)
    assert found is not None
    return found[1]


def verify(client: TestClient, code: str):
    return client.post("/api/me/address/verify", json={"code": code})


def test_without_a_mail_server_an_address_counts_as_verified(
    installation: Installation, musician: TestClient
) -> None:
    assert musician.account["address_verified"] is True
    assert verify(musician, "12345678").json() == {"address_verified": True}
    assert musician.post("/api/me/address/code").json() == {"address_verified": True}
    assert installation.scalar("SELECT verified_at FROM credentials_logins") is None


def test_the_code_of_the_mail_verifies_and_is_spent(live: Installation) -> None:
    ada, post = live.signed_up(), Post()
    assert ada.account["address_verified"] is False
    deliver(live, post)
    (mail,) = post.sent
    assert mail[0] == ada.email
    code = mailed_code(post)
    assert code.encode() not in live.scalar("SELECT code_hash FROM credentials_address_codes")
    verified = verify(ada, f" {code[:4]} {code[4:]} ")
    assert (verified.status_code, verified.json()) == (200, {"address_verified": True})
    assert int(verified.headers["Event-Position"]) == live.log.events.head()
    assert isinstance(live.events()[-1].data, AddressVerified)
    stored = b"".join(envelope.data for envelope in live.log.events.after(0, 100))
    assert code.encode() not in stored
    assert live.scalar("SELECT count(*) FROM credentials_address_codes") == 0
    deliver(live, post)
    assert len(post.sent) == 1


def test_a_few_wrong_guesses_spend_the_code_and_a_new_one_can_be_had(live: Installation) -> None:
    ada, post = live.signed_up(), Post()
    deliver(live, post)
    code = mailed_code(post)
    wrong = "0" * 8 if code != "0" * 8 else "1" * 8
    for _ in range(MAX_GUESSES):
        refused = verify(ada, wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "wrong-address-code")
    spent = verify(ada, code)
    assert (spent.status_code, spent.json()["code"]) == (410, "address-code-spent")
    assert ada.post("/api/me/address/code").status_code == 202
    assert isinstance(live.events()[-1].data, AddressCodeRequested)
    deliver(live, post)
    assert verify(ada, mailed_code(post)).status_code == 200


def test_an_old_code_and_anothers_code_verify_nothing(live: Installation) -> None:
    ada, eve, post = live.signed_up(), live.signed_up(), Post()
    deliver(live, post)
    assert [mail[0] for mail in post.sent] == [ada.email, eve.email]
    assert verify(ada, mailed_code(post)).status_code == 422
    with live.pool.connection() as connection:
        connection.execute("UPDATE credentials_address_codes SET expires_at = now()")
    assert verify(eve, mailed_code(post)).status_code == 410


def test_nobodys_mailbox_is_filled_with_codes(live: Installation) -> None:
    ada = live.signed_up()
    answers = [ada.post("/api/me/address/code").status_code for _ in range(6)]
    assert answers == [202] * 5 + [429]


def test_nothing_is_mailed_in_the_name_of_an_unverified_address(live: Installation) -> None:
    ada, post = live.signed_up(), Post()
    authenticated = _authenticated(live)
    verified = RequireVerifiedAddress(authenticated, codes_of(live))

    def invite(caller: Caller = Depends(verified("assets:write"))) -> str:
        return caller.account_id

    live.app.add_api_route("/api/invitations", invite, methods=["POST"])
    refused = ada.post("/api/invitations")
    assert (refused.status_code, refused.json()["code"]) == (403, "address-unverified")
    assert "/api/me/address/verify" in refused.json()["detail"]
    # Nor is a stranger's mailbox filled with news of what somebody does with an account.
    ada.post("/api/keys", json={"name": "k", "scopes": ["*"]})
    deliver(live, post)
    assert [subject for _, subject, _ in post.sent] == ["Your code for NoCulture"]
    assert verify(ada, mailed_code(post)).status_code == 200
    assert ada.post("/api/invitations").status_code == 200
    deliver(live, post)
    assert post.sent[-1][:2] == (ada.email, "A key to your account was made")


def test_the_code_dies_with_the_account(live: Installation) -> None:
    live.signed_up()
    eve, post = live.signed_up(), Post()
    deliver(live, post)
    assert eve.request("DELETE", "/api/me", json={"password": PASSWORD}).status_code == 202
    left = "SELECT count(*) FROM credentials_address_codes WHERE account_id = %s"
    assert live.scalar(left, eve.account["id"]) == 0
    sent = len(post.sent)
    deliver(live, post)
    assert [mail[0] for mail in post.sent[sent:]].count(eve.email) == 0


def _authenticated(installation: Installation) -> Authenticate:
    from commands.account.authentication import Credentials
    from kit.limits import RateLimits
    from kit.policies import POLICIES

    credentials = Credentials(installation.sessions, installation.pool, two_factors=False)
    return Authenticate(credentials, RateLimits(installation.pool, POLICIES))


def test_operators_see_whether_mail_is_a_double(
    installation: Installation, musician: TestClient, live: Installation
) -> None:
    operator = live.signed_up()
    assert musician.get("/api/system").json()["mail"] == "test"
    assert operator.get("/api/system").json()["mail"] == "live"
    html = {"Accept": "text/html"}
    assert "test mode" in musician.get("/system", headers=html).text
    assert "test mode" not in operator.get("/system", headers=html).text
    for path in ("/system/mails", "/system/doubles/mail"):
        assert operator.get(path, headers=html).status_code == 404
        unreached = musician.get(path, headers=html)
        assert unreached.status_code == 503
        assert "This double does not run" in unreached.text
