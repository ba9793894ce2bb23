"""Upload, analysis, override, search, playing: by mouse, by keys alone, and on a phone.

What is said is a tempo, so that what is found by it afterwards can only be found by the override.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from runtime.demo_music.files import TrackTruth, render
from tests.e2e.conftest import Site, Visit, open_visit
from tests.e2e.test_every_page import serious

SAID_BPM = "201.5"


@pytest.fixture(scope="module")
def piece(tmp_path_factory: pytest.TempPathFactory) -> TrackTruth:
    return render(tmp_path_factory.mktemp("piece"), count=3, duration_s=12.0)[2]


def plays(visit: Visit, track: TrackTruth) -> None:
    audio = "document.querySelector('player-bar audio')"
    visit.until(f"{audio}?.currentTime > 0.3 && !{audio}.paused")
    expect(visit.page.get_by_role("region", name="Player")).to_contain_text(track.title)


def test_by_mouse(visit: Visit, piece: TrackTruth):
    page = visit.page
    visit.sign_up()
    visit.choose(piece.path)
    visit.wait_analysed(1)
    visit.row(piece.title).locator(".cell-title a").click()
    tempo = page.locator(".readout-tempo")
    tempo.get_by_role("group", name="Set another tempo").get_by_role("button").first.click()
    expect(tempo).to_contain_text("Set by you.", timeout=20_000)
    said = tempo.locator(".value").inner_text().removesuffix("BPM").strip()
    tempo.get_by_role("button", name="Undo").click()
    expect(tempo).not_to_contain_text("Set by you.", timeout=20_000)
    assert tempo.locator(".value").inner_text().removesuffix("BPM").strip() != said
    visit.part("Details")
    page.get_by_label("Tempo in BPM").fill(SAID_BPM)
    page.get_by_role("button", name="Save tags").click()
    visit.part("Listen")
    expect(tempo.locator(".value")).to_contain_text(SAID_BPM, timeout=20_000)
    comment_on_a_moment(visit)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert serious(visit) == [], scheme
    finds_and_plays(visit, piece)
    measures_all_again(visit)


def comment_on_a_moment(visit: Visit) -> None:
    """Where the player stands; it is a pin, a line, and gone when it is settled and deleted."""
    page = visit.page
    stage = page.locator("track-stage [role=slider]")
    page.evaluate("scrollTo(0, 0)")
    box = stage.bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 60)
    visit.until("document.querySelector('audio')?.currentTime > 4")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("c")
    expect(page.get_by_label("Comment", exact=True)).to_be_focused()
    page.keyboard.type("The snare is late")
    page.get_by_role("button", name="Comment", exact=True).click()
    visit.part("Notes")
    line = page.locator(".comments li:not(.pending)", has_text="The snare is late")
    expect(line).to_be_visible(timeout=20_000)
    assert float(line.get_attribute("data-at") or 0) > 4
    expect(page.get_by_label("Comment", exact=True)).to_have_value("")
    expect(page.locator(".pin")).to_have_count(1)
    line.get_by_role("button", name="Resolve").click()
    expect(line).to_have_class("resolved", timeout=20_000)


def finds_and_plays(visit: Visit, piece: TrackTruth) -> None:
    """Among the five others, which another visitor owns, it would be the only one at this tempo."""
    page = visit.page
    visit.go("/vault?tempo_min=200&tempo_max=203")
    expect(page.locator("tr[data-asset]")).to_have_count(1)
    page.get_by_role("button", name=f"Play {piece.title}").click()
    plays(visit, piece)
    visit.go("/vault?tempo_min=60&tempo_max=62")
    expect(page.locator("tr[data-asset]")).to_have_count(0)


def measures_all_again(visit: Visit) -> None:
    """By its button, after a question with the number; the bar is there until it is over."""
    page = visit.page
    visit.go("/vault")
    page.locator("summary", has_text="View").click()
    page.get_by_role("link", name="Re-analyse all").click()
    expect(page.get_by_role("heading", name="Re-analyse 1 track?")).to_be_visible()
    page.get_by_role("button", name="Re-analyse it").click()
    expect(page.get_by_role("progressbar", name="Re-analysing")).to_be_visible()
    expect(page.get_by_text("1 of 1 track re-analysed.")).to_be_visible(timeout=60_000)


def test_by_keys_alone(visit: Visit, piece: TrackTruth):
    """Files are chosen in the browser's own dialogue; all else is keys."""
    page = visit.page
    visit.sign_up()
    visit.until("customElements.get('file-drop') !== undefined")
    add = page.get_by_role("button", name="Add music").first
    add.focus()
    expect(add).to_be_focused()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files([piece.path])
    visit.wait_analysed(1)
    page.keyboard.press("/")
    page.keyboard.type(piece.title)
    expect(page.locator("tr[data-asset]").first).to_contain_text(piece.title)
    link = visit.row(piece.title).locator(".cell-title a")
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=piece.title, level=1)).to_be_visible()
    button = page.locator(".readout-tempo .chip").first
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".readout-tempo")).to_contain_text("Set by you.", timeout=20_000)
    stage = page.locator("track-stage [role=slider]")
    stage.focus()
    page.keyboard.press("Enter")
    plays(visit, piece)
    page.keyboard.press("ArrowRight")
    visit.until("document.querySelector('audio').currentTime > 5")
    page.keyboard.press("+")
    page.keyboard.press("Home")
    visit.until("document.querySelector('audio').currentTime < 3")
    page.get_by_role("heading", level=1).click()
    page.keyboard.press("9")
    visit.until("document.querySelector('audio').currentTime > 10")
    page.keyboard.press(" ")
    visit.until("document.querySelector('audio').paused")


def test_on_a_phone(browser: Browser, site: Site, piece: TrackTruth):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    visit = open_visit(context, site)
    page = visit.page
    visit.sign_up()
    visit.choose(piece.path)
    visit.wait_analysed(1)
    visit.row(piece.title).locator(".cell-title a").tap()
    page.locator(".readout-key .chip").first.tap()
    expect(page.locator(".readout-key")).to_contain_text("Set by you.", timeout=20_000)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert serious(visit) == []
    page.evaluate("scrollTo(0, 0)")
    box = page.locator("track-stage [role=slider]").bounding_box()
    assert box
    page.touchscreen.tap(box["x"] + box["width"] * 0.6, box["y"] + 60)
    plays(visit, piece)
    visit.until("document.querySelector('audio').currentTime > 6")
    visit.go(f"/vault?q={piece.title.split()[0]}")
    expect(page.locator("tr[data-asset]").first).to_contain_text(piece.title)
    context.close()
    assert visit.foreign == []
    assert visit.complaints == []
