"""Versions of a song: put together on a track's page, folded in the list, undone."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.test_every_page import serious


def test_two_tracks_become_one_song_and_two_again(owner: Visit):
    page, (one, two) = owner.page, [track.title for track in owner.site.music[:2]]
    owner.go("/vault")
    tracks = page.locator("tr[data-asset]").count()
    owner.row(one).locator(".cell-title a").click()
    versions = page.locator("song-versions")
    expect(versions).to_contain_text("This song has one version.")

    versions.get_by_role("button", name="Add a version…").click()
    dialog = page.get_by_role("dialog", name="Add a version")
    dialog.get_by_label("Find one of your tracks").fill(two)
    dialog.get_by_role("button", name=two).press("Enter")
    rows = versions.locator("li")
    expect(rows).to_have_count(2)
    page.locator(".toast", has_text="is a version of this song now").get_by_role(
        "button", name="Undo"
    ).click()
    expect(rows).to_have_count(0)
    versions.get_by_role("button", name="Add a version…").click()
    dialog.get_by_label("Find one of your tracks").fill(two)
    dialog.get_by_role("button", name=two).click()
    expect(rows).to_have_count(2)

    former = rows.first.locator("a, b").inner_text()
    other = one if former == two else two
    versions.get_by_role("button", name=f"Make current: {other}").click()
    expect(rows.first).to_contain_text(other)
    expect(rows.first).to_contain_text("Current version")
    versions.get_by_role("button", name=f"A / B with {two}").click()
    expect(page.locator("ab-compare .flip")).to_have_text("Hearing B: switch")
    assert serious(owner) == []

    page.set_viewport_size({"width": 390, "height": 844})
    owner.go("/vault")
    expect(page.locator("tr[data-asset]")).to_have_count(tracks - 1)
    unfold = page.get_by_role("button", name=f"2 versions of {other}")
    unfold.press("Enter")
    expect(unfold).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("link", name=former, exact=True)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert unfold.bounding_box()["height"] >= 44
    assert serious(owner) == []

    owner.go(f"/vault?q={former}")
    expect(owner.row(other)).to_contain_text(f"Found: {former}")
    page.locator(".song > p a").click()
    versions.get_by_role("button", name=f"Not a version: {former}").click()
    expect(versions).to_contain_text("This song has one version.")
    owner.go("/vault")
    expect(page.locator("tr[data-asset]")).to_have_count(tracks)
