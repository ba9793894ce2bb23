"""People without an account: known by an address, named by others, forgotten by a mailed link."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from email import message_from_bytes, policy

import pytest

from commands.account import party_erasures
from commands.account.parties import Parties
from commands.account.recovery import ANSWERED_AFTER_S
from commands.house import house_of
from events.account.erasure import Certificate
from events.ids import CorrelationId, PartyId, WorkspaceId
from events.store.signing import is_signed
from events.store.subject_keys import SubjectGone
from processors.account.acknowledgements import Acknowledgements
from runtime.erasure_register import register_of
from tests.integration.account.erasure.house import House, eventually
from tests.specimens import Named, name_them, read

BO, CY = "bo@example.org", "cy@example.org"


def parties_of(house: House) -> Parties:
    return Parties(house.core.commands, house.accounts().logins)


def known(house: House, email: str) -> PartyId:
    return parties_of(house).know(email, CorrelationId.new())


def mails(house: House) -> list[str]:
    files = sorted(house.settings.outbox_dir.glob("*.eml"))
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    return [mail.get_content() for mail in found if mail["Subject"] == "Be forgotten"]


def asked(house: House, email: str = BO) -> str:
    """The token of the link that was mailed."""
    before = len(mails(house))
    assert house.browser().post("/api/erasures", json={"email": email}).status_code == 202
    eventually(lambda: len(mails(house)) > before)
    found = re.search(r"/forget-me/(\S+)", mails(house)[-1])
    assert found is not None
    return found[1]


def test_somebody_without_an_account_is_forgotten_by_a_mailed_link(house: House):
    with house.worker():
        eve = house.signed_up("eve@example.org")
        workspace = WorkspaceId(eve.account["workspace_id"])
        bo, cy = known(house, BO), known(house, CY)
        assert known(house, "Bo@Example.org") == bo, "one for each address"
        named = name_them(
            house.core.commands,
            workspace,
            *(Named(who=bo, name="Bo"), Named(who=cy, name="Cy")),
            bass=Named(who=bo, name="Bo again"),
        )
        eve.post("/api/assets", files={"file": ("a.wav", b"RIFF")})
        eventually(lambda: house.rows("SELECT 1 FROM effects WHERE effect = 'probe'"))
        stranger, token = house.browser(), asked(house)

        page = stranger.get(f"/forget-me/{token}")
        assert "Forget me" in page.text
        assert stranger.get(f"/forget-me/{token}").status_code == 200, "a look leaves it unused"
        confirmed = stranger.post(f"/forget-me/{token}")
        assert confirmed.status_code == 303
        follow = confirmed.headers["Location"]
        assert stranger.post(f"/forget-me/{token}").status_code == 410
        assert "was used" in stranger.get(f"/forget-me/{token}").text
        found = house.erased(follow.rpartition("/")[2])
        assert "You are erased" in stranger.get(follow).text

    assert found["subject"] == "person"
    certificate = Certificate.model_validate(found["certificate"])
    signature, key = bytes.fromhex(certificate.signature), bytes.fromhex(certificate.public_key)
    assert is_signed(certificate.signed_bytes(), signature, key)
    assert certificate.subject_sha256 == hashlib.sha256(bo.encode()).hexdigest()
    assert (certificate.assets_deleted, certificate.blobs_deleted) == (0, 0)

    house.core.codec.keys.forget(bo)
    left = read(house.core.commands, named)
    assert [party.name for party in left.parties] == [None, "Cy"]
    assert left.by_part["bass"].name is None
    assert mails(house) == []
    assert house.rows("SELECT 1 FROM credentials_erasure_links") == []
    assert house.rows("SELECT 1 FROM effects WHERE effect = 'probe'"), "others' work stays"
    assert [each.subject_id for each in register_of(house.settings).entries()] == [bo]
    with pytest.raises(SubjectGone):
        name_them(house.core.commands, workspace, Named(who=bo, name="Bo"))
    again = known(house, BO)
    assert again != bo, "the address is free for somebody new"
    (first,) = house.core.log.events.stream(again)
    assert first.tenant == house_of(house.core.log), "the house is not closed by it"


def test_every_address_gets_the_same_answer_after_the_same_time(house: House):
    house.signed_up("eve@example.org")
    known(house, BO)
    answers = set()
    for email in (BO, "eve@example.org", "nobody@example.org", "no address"):
        for path, form in (("/api/erasures", "json"), ("/forget-me", "data")):
            began = time.monotonic()
            answer = house.browser().post(path, **{form: {"email": email}})
            assert time.monotonic() - began >= ANSWERED_AFTER_S
            answers.add((path, answer.status_code, re.sub("nonce[^ ]*", "", answer.text)))
    assert {(path, status) for path, status, _ in answers} == {
        ("/api/erasures", 202),
        ("/forget-me", 200),
    }
    assert len(answers) == 2
    asked_of = [e.stream_id for e in house.core.log.events.after(0, 1000) if "link" in e.type]
    assert len(asked_of) == 2, "of the party, and of nobody else"


@pytest.mark.parametrize("email", [BO, "nobody@example.org"])
def test_nobodys_mailbox_is_filled(house: House, email: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(party_erasures, "ANSWERED_AFTER_S", 0)
    known(house, BO)
    spelled: list[Callable[[], str]] = [email.upper, email.lower, email.title] * 2
    codes = [
        house.browser().post("/api/erasures", json={"email": spell()}).status_code
        for spell in spelled
    ]
    assert codes == [202] * 5 + [429]


def test_a_link_works_for_a_day_and_only_the_newest(house: House):
    with house.worker():
        known(house, BO)
        older, newer = asked(house), asked(house)
        put = house.browser().put("/api/erasures", json={"token": older})
        assert (put.status_code, put.json()["code"]) == (410, "erasure-link-spent")
        house.rows("UPDATE credentials_erasure_links SET expires_at = now() RETURNING 1")
        assert house.browser().put("/api/erasures", json={"token": newer}).status_code == 410
        assert "erasure.requested" not in house.types()
        put = house.browser().put("/api/erasures", json={"token": asked(house)})
        assert (put.status_code, put.json()["state"]) == (202, "requested")
        house.erased(put.headers["Location"].rpartition("/")[2])


def test_work_in_hand_and_streams_aside_that_name_a_party_hold_its_certificate_back(house: House):
    bo, cy = known(house, BO), known(house, CY)
    workspace = WorkspaceId.new()
    of_bo = name_them(house.core.commands, workspace, Named(who=bo, name="Bo"))
    waiting = Acknowledgements(house.behind.pool, house.core.progress, lambda _: [])

    def missing(party: PartyId) -> list[str]:
        return waiting.missing_of_person(party, 0)

    work = "INSERT INTO effects (effect, event_id, position, due_at, leases) VALUES (%s, %s, %s,"
    place = (of_bo.event_id, of_bo.position)
    house.rows(f"{work} now(), 0) RETURNING 1", "mail-invitation", *place)
    assert missing(bo) == [], "who begins it finds no value any more"
    assert waiting.mails_of_person(bo) == ["mail-invitation"]
    assert waiting.mails_of_person(cy) == []
    house.rows(f"{work} now() + interval '1 hour', 1) RETURNING 1", "transfer", *place)
    house.rows(
        "INSERT INTO consumers (name, kind, version, categories)"
        " VALUES ('accounts', 'projection', 1, '{account}') RETURNING 1"
    )
    house.rows(
        "INSERT INTO parked_streams (consumer, stream_id, position, error)"
        " VALUES ('accounts', %s, %s, 'KeyError') RETURNING 1",
        of_bo.stream_id,
        of_bo.position,
    )
    assert missing(bo) == ["accounts", "transfer"]
    assert missing(cy) == []
