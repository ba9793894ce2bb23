"""Whoever comes first runs the installation: that is said, once, and to nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from commands.account.keys import IssueKey
from kit.caller import Caller
from runtime.areas import SCOPES
from tests.conftest import Database
from tests.integration.account.erasure.house import House, open_house

TOLD = "You are the operator here"


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[House]:
    with open_house(database, tmp_path) as house, house.worker():
        house.wait_for_views()
        yield house
        house.app.state.close()


def sign_up(client: TestClient, email: str, password: str = "a long enough password") -> str:
    form = {"email": email, "password": password, "name": "Ada"}
    return client.post("/sign-up", data=form, follow_redirects=True).text


def test_the_first_account_is_told_once_that_it_is_the_operator(house: House) -> None:
    first, second = house.browser(), house.browser()
    assert "most common ones" in sign_up(first, "ada@example.com", "password")
    assert TOLD in sign_up(first, "ada@example.com")
    assert TOLD not in first.get("/vault").text
    assert TOLD not in sign_up(second, "ben@example.com")
    second.cookies.set("noculture_welcome", "operator")
    assert TOLD not in second.get("/vault").text


def test_an_operator_who_was_made_by_an_import_is_told_after_the_link(house: House) -> None:
    accounts = house.accounts().accounts
    first, again = accounts.invite("ada@example.com"), accounts.invite("ada@example.com")
    other = accounts.invite("ben@example.com")
    assert [each.founded for each in (first, again, other)] == [True, False, False]
    for invitation, told in ((first, True), (other, False)):
        page = house.browser().post(f"/sign-in/{invitation.link_token}", follow_redirects=True).text
        assert "<h1>Home</h1>" in page
        assert (TOLD in page) is told


def test_a_key_may_be_issued_over_a_core_alone_with_every_scope_of_every_area(house: House) -> None:
    """Where nothing serves HTTP, as at the command line, no scope was known: each was refused."""
    commands = house.accounts()
    invited = commands.accounts.invite("ada@example.com")
    owner = Caller(invited.account_id, invited.workspace_id, operator=True)
    issued, _ = commands.keys.issue(owner, IssueKey(name="all", scopes=[*SCOPES]))
    assert {*issued.scopes} == {*SCOPES}
