"""The vault's part of Home: what needs an ear, and what others have said and shared."""

from __future__ import annotations

import pytest

from events.vault.audio import TempoCandidate
from tests.fixtures.pages import PageSeen
from tests.integration.account.erasure.house import eventually
from tests.integration.http.tenants import SESSION, Installation, Tenant
from tests.integration.library import Library
from tests.integration.vault.test_sharing import grant
from web.pages.vault.home import what_is_wrong

HTML = {"Accept": "text/html"}


def unsure(tempo: float = 0.9, key: float = 0.9) -> dict[str, object]:
    return {"tempo_candidates": [TempoCandidate(bpm=120, confidence=tempo)], "key_confidence": key}


def test_tracks_that_failed_or_are_in_doubt_need_their_owner(library: Library) -> None:
    me, other = library.caller(), library.caller()
    library.add(me, "Sure", measured=unsure())
    said = library.add(me, "Corrected", measured=unsure(0.1, 0.1))
    library.edit(me, said, tempo_bpm=93.0, key="A minor")
    library.add(me, "Both", measured=unsure(0.1, 0.1))
    library.add(me, "Key", measured=unsure(key=0.1))
    library.reject(me, library.upload(me, "Noise.txt"))
    failed = library.upload(me, "Long.flac")
    library.verify(me, failed, title="Long")
    library.fail_analysis(me, failed)
    library.add(other, "Somebody else's", measured=unsure(0.1, 0.1))
    library.settle()
    found = library.assets.troubled(me, 0.5, 10)
    assert {each.tags.title or each.filename: what_is_wrong(each) for each in found} == {
        "Long": "Not analysed: It took too long",
        "Noise.txt": "Not taken: No sound in it",
        "Key": "Key uncertain: check by ear",
        "Both": "Tempo and key uncertain: check by ear",
    }
    assert len(library.assets.troubled(me, 0.5, 2)) == 2


@pytest.fixture
def mira(tenants: Installation) -> Tenant:
    tenants.forget_limits()
    person = tenants.person()
    person.asset = person.new_file()
    return person


def page(tenants: Installation, person: Tenant, path: str = "/") -> PageSeen:
    headers = {**HTML, "Cookie": f"{SESSION}={person.sign_in()[0]}"}
    return PageSeen(tenants.house.browser().get(path, headers=headers).text)


def test_home_tells_of_comments_and_shares_and_each_leads_to_its_track(
    tenants: Installation, mira: Tenant
) -> None:
    ada = tenants.person()
    grant(mira, ada, "comment")
    track = f"/assets/{mira.asset}"
    eventually(lambda: track in page(tenants, ada).html)
    body = {"at_s": 62.5, "text": "The snare is late"}
    answer = ada.client.post(f"/api{track}/comments", json=body)
    assert answer.status_code == 201, answer.text
    eventually(lambda: "The snare is late" in page(tenants, mira).text)
    assert f'href="{track}#comments"' in page(tenants, mira).html
    assert "The snare is late" not in page(tenants, ada).text


def test_an_empty_home_says_what_to_do_first(tenants: Installation) -> None:
    seen = page(tenants, tenants.person())
    [lead] = [e for e in seen.elements if e.attributes.get("class") == "button primary"]
    assert lead.attributes["href"] == "/vault"
    headings = [text for _, text in seen.headings]
    assert headings[:2] == ["Home", "Start here"]
    assert not {"Running", "New"} & {*headings}
