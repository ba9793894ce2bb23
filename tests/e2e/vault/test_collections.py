"""A collection from its name to its end: filled from the vault, put in order, played, deleted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visit
from tests.e2e.test_every_page import serious

# The server has heard of all that the page shows.
HEARD = """
fetch(`/api/collections/${document.getElementById("collection").dataset.collection}`)
  .then((answer) => answer.json())
  .then(({ assets }) => String(assets) === String(
    [...document.querySelectorAll(".collected > li")].map((row) => row.dataset.asset)))
"""
GONE = """
fetch("/api/collections?kind=manual")
  .then((answer) => answer.json())
  .then(({{ data }}) => !data.some(({{ name }}) => name === "{name}"))
"""


def titles(page: Page) -> Locator:
    return page.locator(".collected b")


def add(page: Page, name: str, told: str) -> Locator:
    """Adds what is selected to the collection that is found by its name; the toast that tells."""
    page.get_by_role("button", name="Add to collection…").click()
    page.get_by_role("combobox", name="Find a collection").fill(name)
    page.keyboard.press("Enter")
    toast = page.locator(".toast", has_text=told)
    expect(toast).to_be_visible()
    return toast


@pytest.mark.parametrize("width", [1280, 390])
def test_a_collection_is_made_filled_put_in_order_played_and_deleted(owner: Visit, width: int):
    name, page, keys = f"Summer EP {width}", owner.page, owner.page.keyboard
    page.set_viewport_size({"width": width, "height": 844})
    owner.go("/collections")
    page.get_by_label("Name of the new collection").fill(name)
    page.get_by_role("button", name="New collection").click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing in it yet")).to_be_visible()

    owner.go("/vault")
    one, two, three = page.locator("tr[data-asset] .cell-title b").all_inner_texts()[:3]
    for number in range(3):
        page.locator("[data-select]").nth(number).click()
    added = f"Added 3 tracks to “{name}”."
    add(page, name, added).get_by_role("button", name="Undo").click()
    expect(page.locator("#announce")).to_have_text("Undone")
    add(page, name, added)
    add(page, name, f"3 tracks are in “{name}” already.")
    page.get_by_role("link", name="Open").last.click()
    expect(titles(page)).to_have_text([one, two, three])
    assert serious(owner) == []

    page.get_by_role("button", name=f"Move {one}").focus()
    keys.press("Alt+ArrowDown")
    expect(page.get_by_role("button", name=f"Move {one}")).to_be_focused()
    expect(page.locator("#announce")).to_have_text(f"{one}: 2 of 3")
    keys.press("End")
    expect(titles(page)).to_have_text([two, three, one])
    handle = page.get_by_role("button", name=f"Move {one}").bounding_box()
    top = page.get_by_role("button", name=f"Move {two}").bounding_box()
    page.mouse.move(handle["x"] + 20, handle["y"] + 20)
    page.mouse.down()
    page.mouse.move(top["x"] + 20, top["y"] + 5, steps=5)
    page.mouse.up()
    expect(titles(page)).to_have_text([one, two, three])
    page.get_by_label(f"More for {three}").click()
    page.get_by_role("button", name="Move up").locator("visible=true").click()
    expect(titles(page)).to_have_text([one, three, two])

    page.get_by_role("button", name="Play all").click()
    owner.until("document.querySelector('audio')?.currentTime > 0.2")
    page.get_by_role("button", name="Next track").click()
    expect(page.locator("player-bar .what b")).to_have_text(three)

    page.get_by_label(f"More for {three}").click()
    page.get_by_role("button", name="Remove from collection").locator("visible=true").click()
    expect(titles(page)).to_have_text([one, two])
    owner.until(HEARD)
    page.locator(".toast", has_text="is out of").get_by_role("button", name="Undo").click()
    expect(titles(page)).to_have_text([one, three, two])
    expect(page.locator("[data-summary]")).to_contain_text("3 tracks")
    owner.until(HEARD)
    page.reload()
    expect(titles(page)).to_have_text([one, three, two])
    assert page.evaluate("document.documentElement.scrollWidth") <= width

    card = page.locator(".collection-cards li", has_text=name)
    page.get_by_role("button", name="Delete", exact=True).click()
    told = page.locator(".toast", has_text="Its 3 tracks stay in your vault.")
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()
    expect(card).to_be_hidden()
    told.get_by_role("button", name="Undo").click()
    card.get_by_role("link").click()
    expect(titles(page)).to_have_text([one, three, two])
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()
    expect(card).to_be_hidden()
    # Leaving the page is no way to keep it.
    page.reload()
    expect(page.locator(".collection-cards").first).to_be_visible()
    expect(card).to_be_hidden()
    owner.until(GONE.format(name=name))
