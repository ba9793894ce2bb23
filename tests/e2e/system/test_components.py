"""The page of all shared parts, looked at in both themes, on a phone and a desk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site, Visit, noculture, open_visit
from tests.e2e.test_every_page import serious
from tests.fixtures.parts import all_macros

LAYOUT = (Path(__file__).parents[1] / "layout.js").read_text()
PAGE = "/system/components"
PHONE, DESK = 390, 1280
# WCAG 2.2: 2.5.5 for a finger, 2.5.8 for an arrow.
LEAST_PX = {PHONE: 44, DESK: 24}
SAMPLES = {"within": "#main", "boxes": ".sample-box"}
# What opens, by the name of its button.
OPENS = {
    "More for “Blackout”": "#sample-menu",
    "Sort by": "#sample-sort",
    "How it was found": "#sample-popover",
    "Rename “Blackout”": "#sample-dialog",
    "Show details": "#sample-sheet",
    "Revoke Backup script": "#sample-confirm",
}


@pytest.fixture(scope="module")
def operator(browser: Browser, site: Site) -> dict:
    """The storage state of an operator without any music: nothing here waits for an analysis."""
    context = browser.new_context()
    email = open_visit(context, site).sign_up()
    noculture("operator", "grant", email, data=site.data)
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture(params=[PHONE, DESK])
def viewer(
    browser: Browser, site: Site, operator: dict, request: pytest.FixtureRequest
) -> Iterator[Visit]:
    """An operator with a phone or at a desk."""
    width: int = request.param
    context = browser.new_context(
        storage_state=operator,
        viewport={"width": width, "height": 860},
        has_touch=width == PHONE,
        is_mobile=width == PHONE,
    )
    visit = open_visit(context, site)
    yield visit
    context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def faults(
    visit: Visit, least: int, within: str = "#main", boxes: str = ".sample-box"
) -> list[str]:
    asked = {"within": within, "boxes": boxes, "least": least}
    return list(visit.page.evaluate(LAYOUT, asked))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_part_fits_can_be_pressed_and_read(viewer: Visit, scheme: str, tmp_path: Path):
    page = viewer.page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    viewer.go(PAGE)
    page.locator("tab-set:defined").wait_for()
    width = page.viewport_size["width"]
    least = LEAST_PX[width]
    # As high as the page: a picture of a page that is scrolled together forgets that it is touched.
    height = page.evaluate("document.documentElement.scrollHeight")
    page.set_viewport_size({"width": width, "height": height})
    page.screenshot(path=tmp_path / f"components-{scheme}-{width}.png")
    named = page.locator("[data-parts]").evaluate_all(
        "(all) => all.flatMap((each) => each.dataset.parts.split(' '))"
    )
    assert {*named} == all_macros()
    assert faults(viewer, least) == []
    assert serious(viewer) == []
    page.set_viewport_size({"width": width, "height": 860})
    for name, opened in OPENS.items():
        page.get_by_role("button", name=name, exact=True).click()
        expect(page.locator(opened)).to_be_visible()
        page.screenshot(path=tmp_path / f"{opened[1:]}-{scheme}-{width}.png")
        assert faults(viewer, least, within=opened) == [], name
        page.keyboard.press("Escape")
        expect(page.locator(opened)).to_be_hidden()


BROKEN = """
<style>button { width: 90px; height: 50px }</style>
<meta name="viewport" content="width=device-width">
<main id="main">
  <div class="sample-box" style="width: 200px"><p style="width: 260px">Out</p></div>
  <div style="width: 1400px">Wide</div>
  <button style="width: 100px; height: 20px">Low</button>
  <div><button>One</button><button style="margin-left: -40px">Two</button></div>
  <div style="position: relative"><button>Below</button>
  <i style="position: absolute; inset: 0"></i></div>
  <button style="width: 60px; padding: 0; white-space: nowrap">Longer than that</button>
</main>
"""
SOUND = """
<style>button { width: 50px; height: 50px }</style>
<meta name="viewport" content="width=device-width">
<main id="main">
  <div class="sample-box" style="width: 200px; overflow: auto"><div style="overflow: auto">
  <p style="width: 260px">Scrolled</p></div></div>
  <p>A <a href="#x">word</a> of a sentence, <button>Go</button></p>
  <label style="display: block; padding: 20px"><input type="checkbox"> By its label</label>
</main>
"""


def test_each_fault_of_a_page_is_found(browser: Browser):
    page = browser.new_page(viewport={"width": DESK, "height": 860})
    page.set_content(BROKEN)
    assert page.evaluate(LAYOUT, SAMPLES | {"least": 24}) == [
        "the page is 1408 px wide",
        "p “Out” stands out of its box",
        "button “Longer than that” is wider than itself",
        "button “Low” is 100 × 20 px",
        "button “Below” is covered",
        "button “One” and button “Two” overlap",
    ]
    page.set_content(SOUND)
    assert page.evaluate(LAYOUT, SAMPLES | {"least": 44}) == []
    page.close()


def test_a_text_that_is_hard_to_read_is_found(browser: Browser, site: Site):
    page = browser.new_page()
    page.set_content("<p style='color: #999; background: #fff'>Pale</p>")
    assert "color-contrast: [['p']]" in serious(Visit(page, site))
    page.close()


@pytest.mark.parametrize("viewer", [DESK], indirect=True)
def test_tabs_menus_and_tables_work_by_keyboard(viewer: Visit):
    page, keys = viewer.page, viewer.page.keyboard
    viewer.go(PAGE)
    page.locator("tab-set:defined").wait_for()
    page.get_by_role("tab", name="Notes").focus()
    keys.press("ArrowRight")
    expect(page.get_by_role("tab", name="Mix check")).to_be_focused()
    expect(page.get_by_role("tabpanel")).to_have_text("The mix is ready to publish.")
    keys.press("End")
    page.reload()
    expect(page.get_by_role("tabpanel")).to_have_text("Title, artist, tempo and key.")
    page.locator("menu-items:defined").first.wait_for(state="attached")
    page.get_by_role("button", name="More for “Blackout”").focus()
    keys.press("Enter")
    expect(page.get_by_role("menuitem", name="Open")).to_be_focused()
    keys.press("ArrowUp")
    expect(page.get_by_role("menuitem", name="Delete")).to_be_focused()
    keys.press("r")
    expect(page.get_by_role("menuitem", name="Rename")).to_be_focused()
    keys.press("Escape")
    expect(page.get_by_role("button", name="More for “Blackout”")).to_be_focused()
    titles = page.get_by_role("region", name="Sample tracks").locator("tbody td:first-child")
    page.get_by_role("button", name="Plays").press("Enter")
    expect(titles.first).to_have_text("Blackout")
    page.get_by_role("button", name="Plays").press("Enter")
    expect(titles.last).to_have_text("Blackout")
    expect(page.get_by_role("columnheader", name="Plays")).to_have_attribute(
        "aria-sort", "ascending"
    )


@pytest.mark.parametrize("viewer", [DESK], indirect=True)
def test_a_question_is_answered_by_keys_and_nothing_happens_before(viewer: Visit):
    page = viewer.page
    viewer.go(PAGE)
    page.get_by_role("button", name="Revoke Backup script").press("Enter")
    question = page.get_by_role("alertdialog", name="Revoke “Backup script”?")
    expect(question.get_by_role("button", name="Keep it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(page.get_by_role("button", name="Revoke Backup script")).to_be_focused()
    assert [method for method, *_ in viewer.requests if method == "POST"] == []
