"""Many tracks at once, by keyboard and mouse; the palette; the list as a grid."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit, open_visit
from tests.e2e.test_every_page import serious

SELECTED = "tr[aria-selected=true]"
# Where text begins in each card, from its left edge.
STARTS = """(rows) => {
  const left = (element) => element.getBoundingClientRect().left;
  const cells = [".cell-title b", ".cell-bpm", ".cell-key"];
  const begin = (row, cell) => Math.round(left(row.querySelector(cell)) - left(row));
  return rows.map((row) => cells.map((cell) => begin(row, cell)));
}"""


# What the tracks say of themselves now. Reads follow a change: whoever asks once asks too early.
LABELS = (
    "fetch('/api/assets?limit=50').then((a) => a.json())"
    ".then(({data}) => data.map(({tags}) => tags.label))"
)


def test_the_keyboard_selects_edits_and_takes_back(owner: Visit):
    owner.go("/vault")
    page, keys = owner.page, owner.page.keyboard
    rows = page.locator("tr[data-asset]")
    keys.press("ArrowDown")
    expect(rows.first).to_be_focused()
    keys.press("ArrowDown")
    expect(rows.nth(1)).to_be_focused()
    keys.press("x")
    keys.press("Shift+ArrowDown")
    keys.press("Shift+ArrowDown")
    expect(page.locator(SELECTED)).to_have_count(3)
    expect(page.get_by_role("region", name="Selected tracks")).to_contain_text("3 selected")
    keys.press("e")
    expect(page.get_by_role("heading", name="Edit 3 tracks")).to_be_visible()
    assert serious(owner) == []
    page.get_by_label("Label", exact=True).last.fill("Night Records")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("3 tracks edited")
    owner.until(f"{LABELS}.then((all) => all.filter((l) => l === 'Night Records').length === 3)")
    page.locator(".toast").get_by_role("button", name="Undo").hover()
    keys.press("Control+z")
    expect(page.locator(".toast")).to_have_count(0)
    owner.until(f"{LABELS}.then((all) => !all.includes('Night Records'))")
    keys.press("Escape")
    expect(page.locator(SELECTED)).to_have_count(0)


def test_escape_in_the_bulk_bar_lets_all_go_and_gives_the_focus_back(owner: Visit):
    """It did nothing there: whoever then chose one more track deleted all of them."""
    owner.go("/vault")
    page, keys = owner.page, owner.page.keyboard
    rows, bar = page.locator("tr[data-asset]"), page.get_by_role("region", name="Selected tracks")
    for button in ("Edit", "Delete", "Clear"):
        page.locator("[data-select]").nth(1).click()
        page.locator("[data-select]").nth(3).click()
        bar.get_by_role("button", name=button).focus()
        keys.press("Escape")
        expect(page.locator(SELECTED)).to_have_count(0)
        expect(bar).to_be_hidden()
        expect(rows.nth(3)).to_be_focused()
    page.get_by_label("Select all shown").click()
    keys.press("Escape")
    expect(page.locator(SELECTED)).to_have_count(0)
    page.locator("[data-select]").nth(2).click()
    bar.get_by_role("button", name="Clear").click()
    expect(rows.nth(2)).to_be_focused()


def test_what_is_edited_or_deleted_together_is_named(owner: Visit):
    owner.go("/vault")
    page, keys = owner.page, owner.page.keyboard
    titles = page.locator("tr[data-asset] .cell-title b").all_inner_texts()
    named = ", ".join(f"“{title}”" for title in titles[:3]) + " and 2 more"
    page.get_by_label("Select all shown").check()
    bar = page.get_by_role("region", name="Selected tracks")
    expect(bar).to_contain_text(named)
    bar.get_by_role("button", name="Edit").click()
    expect(page.locator("#bulk-edit")).to_contain_text(named)
    keys.press("Escape")
    expect(bar.get_by_role("button", name="Edit")).to_be_focused()
    page.locator("[data-select]").nth(0).click()
    page.locator("[data-select]").nth(1).click()
    bar.get_by_role("button", name="Delete").click()
    left = f"“{titles[2]}”, “{titles[3]}” and “{titles[4]}”"
    expect(page.locator(".toast")).to_contain_text(f"Moved {left} to the trash")
    expect(page.locator("tr[data-asset]").nth(1)).to_be_focused()
    keys.press("Control+z")
    expect(page.locator("tr[data-asset]:visible")).to_have_count(len(titles))
    owner.until(f"{LABELS}.then((all) => all.length === {len(titles)})")


def test_keys_work_while_a_button_has_the_focus(owner: Visit):
    """Only Space, Enter and arrows are a button's own."""
    owner.go("/vault")
    page = owner.page
    page.get_by_role("button", name="Account menu").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("heading", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.get_by_label("Search the vault")).to_be_focused()


def test_what_is_wrong_with_an_edit_is_said_and_nothing_is_changed(owner: Visit):
    owner.go("/vault")
    page = owner.page
    page.get_by_label("Select all shown").check()
    expect(page.locator(SELECTED)).to_have_count(len(owner.site.music))
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.locator("#bulk-edit [name=artist]")).to_have_attribute("placeholder", "Unchanged")
    page.get_by_label("Key", exact=True).last.fill("H sharp")
    page.get_by_role("button", name="Save").click()
    alert = page.locator("#bulk-edit [role=alert]")
    expect(alert).to_contain_text("is no key")
    page.get_by_role("button", name="Cancel").click()


def test_a_range_goes_into_the_trash_and_comes_back(owner: Visit):
    owner.go("/vault")
    page = owner.page
    rows, count = page.locator("tr[data-asset]:visible"), len(owner.site.music)
    boxes = page.locator("[data-select]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(rows).to_have_count(count - 3)
    expect(page.locator(".toast")).to_contain_text("to the trash")
    page.get_by_role("button", name="Undo").click()
    expect(rows).to_have_count(count)
    owner.until(f"{LABELS}.then((all) => all.length === {count})")


def test_the_palette_finds_tracks_pages_and_what_can_be_done(owner: Visit):
    track = owner.site.music[1]
    owner.go("/account")
    page, keys = owner.page, owner.page.keyboard
    keys.press("Control+k")
    box = page.get_by_role("combobox", name="Jump to a page, track or action")
    expect(box).to_be_focused()
    assert serious(owner) == []
    keys.type(track.title)
    option = page.get_by_role("option", name=track.title)
    expect(option).to_be_visible()
    while option.first.get_attribute("aria-selected") != "true":
        keys.press("ArrowDown")
    keys.press("Enter")
    expect(page.get_by_role("heading", name=track.title, level=1)).to_be_visible()
    keys.press("Control+k")
    keys.type("tracks")
    keys.press("Enter")
    page.wait_for_url("**/vault")
    keys.press("Control+k")
    keys.type("select all")
    keys.press("Enter")
    expect(page.locator(SELECTED)).to_have_count(len(owner.site.music))


def test_nothing_typed_behind_the_palettes_keys_is_lost(owner: Visit):
    """Neither while it is on its way, nor before what it was asked is answered."""
    track = owner.site.music[1]
    owner.go("/vault")
    page, keys = owner.page, owner.page.keyboard

    def late(route):
        page.wait_for_timeout(150)
        route.continue_()

    page.route("**/palette*.js", late)
    page.route("**/api/assets?q=*", late)
    keys.press("Control+k")
    keys.type(track.title)
    keys.press("Enter")
    expect(page.get_by_role("heading", name=track.title, level=1)).to_be_visible()


def test_keys_behind_the_palettes_are_no_rows_keys(owner: Visit):
    """Regression: the row that had the focus heard them first, and E and X acted on it."""
    owner.go("/vault")
    page, keys = owner.page, owner.page.keyboard

    def late(route):
        page.wait_for_timeout(300)
        route.continue_()

    page.route("**/palette*.js", late)
    page.locator("tr[data-asset]").first.focus()
    keys.press("Control+k")
    keys.type("xe")
    box = page.get_by_role("combobox", name="Jump to a page, track or action")
    expect(box).to_have_value("xe")
    expect(page.locator(SELECTED)).to_have_count(0)
    expect(page.locator("dialog[open]")).to_have_count(1)


def test_the_palette_begins_with_what_was_opened_last_and_forgets_it_with_signing_out(visit: Visit):
    visit.sign_up()
    visit.choose(visit.site.music[0].path)
    page, keys = visit.page, visit.page.keyboard
    page.locator(".cell-title a").first.click()
    page.get_by_role("heading", level=1, name=visit.site.music[0].title).wait_for()
    visit.go("/account")
    keys.press("Control+k")
    expect(page.get_by_role("option").first).to_contain_text(visit.site.music[0].title)
    keys.type("sign out")
    keys.press("Enter")
    page.wait_for_url("**/sign-in")
    assert page.evaluate("localStorage.getItem('noculture:recent')") is None


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_the_grid_is_kept_and_fits(browser, site, library, width: int):
    size = {"width": width, "height": 844}
    context = browser.new_context(storage_state=library, viewport=size)
    visit = open_visit(context, site)
    visit.go("/vault")
    visit.page.locator("summary", has_text="View").click()
    visit.page.get_by_role("link", name="Grid").click()
    visit.page.reload()
    rows = visit.page.locator("tr[data-asset]")
    expect(visit.page.locator("table.tracks")).to_have_attribute("data-view", "grid")
    expect(rows).to_have_count(len(site.music))
    tall = rows.first.locator("mini-wave canvas").evaluate("(canvas) => canvas.clientHeight")
    assert tall > 60
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    starts = rows.evaluate_all(STARTS)
    assert all(card == starts[0] for card in starts), starts
    assert serious(visit) == []
    if width > 1000:
        visit.page.keyboard.press("ArrowDown")
        visit.page.keyboard.press("ArrowRight")
        expect(rows.nth(1)).to_be_focused()
    context.close()
    assert visit.complaints == []
