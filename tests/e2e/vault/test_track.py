"""One track's page: playing, tags, history, deleting."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect

from runtime.demo_music import render
from tests.e2e.conftest import Visit
from tests.e2e.test_every_page import serious

# What a live event does: the page as it is now is morphed into the one that is shown.
NEWS = """
htmx.ajax("GET", location.pathname, { target: "#track", select: "#track", swap: "outerMorph" })
    .then(() => { document.body.dataset.news = "in"; });
"""

TIME = "document.querySelector('player-bar audio').currentTime"
PLAYS = f"{TIME} > 0.2 && !document.querySelector('player-bar audio').paused"
NO_COMMENTS = """
fetch(`/api/assets/${document.getElementById("track").dataset.asset}/comments`)
  .then((answer) => answer.json())
  .then(({ data }) => data.length === 0)
"""
COUNT_RETURNS = """
let before = 0;
document.body.dataset.returns = 0;
document.querySelector("player-bar audio").addEventListener("timeupdate", ({ target }) => {
  if (target.currentTime < before) document.body.dataset.returns++;
  before = target.currentTime;
});
"""


def open_track(visit: Visit, title: str) -> None:
    visit.go("/vault")
    visit.row(title).locator(".cell-title a").click()
    expect(visit.page.get_by_role("heading", name=title, level=1)).to_be_visible()


def test_the_waveform_seeks_by_click_and_by_keys(owner: Visit):
    track = owner.site.music[0]
    open_track(owner, track.title)
    wave = owner.page.get_by_role("slider", name=f"Position in {track.title}")
    box = wave.bounding_box()
    assert box
    owner.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    owner.until("document.querySelector('audio').currentTime > 5")
    middle = owner.page.evaluate("document.querySelector('audio').currentTime")
    assert abs(middle - track.duration_s / 2) < 2.5
    wave.focus()
    owner.page.keyboard.press("Home")
    owner.until("document.querySelector('audio').currentTime < 3")
    expect(wave).to_have_attribute("aria-valuetext", f"0:0{0} of 0:{round(track.duration_s):02}")


def test_an_aiff_plays_and_its_original_is_kept(visit: Visit, tmp_path: Path):
    """No Chromium plays AIFF: what sounds is the rendition."""
    track = next(t for t in render(tmp_path, 7, duration_s=8.0) if t.path.suffix == ".aiff")
    page = visit.page
    visit.sign_up()
    visit.choose(track.path)
    visit.wait_analysed(1)
    open_track(visit, track.title)
    page.get_by_role("button", name=f"Play {track.title}").click()
    visit.until("document.querySelector('audio')?.currentTime > 0.5")
    assert page.evaluate("document.querySelector('audio').error") is None
    assert abs(page.evaluate("document.querySelector('audio').duration") - track.duration_s) < 0.1
    page.evaluate("document.querySelector('audio').currentTime = 5")
    visit.until("document.querySelector('audio').currentTime > 5.2")
    visit.part("Files")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the original").click()
    assert download.value.path().read_bytes() == track.path.read_bytes()
    expect(page.locator(".timeline")).to_contain_text("with an MP3 beside it for the browser")


def test_measurements_and_history_are_shown(owner: Visit):
    track = owner.site.music[1]
    open_track(owner, track.title)
    page = owner.page
    expect(page.locator(".readouts").first).to_contain_text(track.key)
    expect(page.locator(".readouts").first).to_contain_text("LUFS")
    expect(page.locator(".readout-tempo .chip").first).to_be_visible()
    expect(page.locator(".readouts").first).to_contain_text("From the tags.")
    expect(page.locator(".timeline li").last).to_contain_text("Uploaded")
    # Not the first of all: the owner's tracks are edited by other tests.
    expect(page.locator(".timeline")).to_contain_text("Analysed")


def test_an_edited_tag_is_saved_and_told_in_the_timeline(visit: Visit):
    track = visit.site.music[1]
    visit.sign_up()
    visit.choose(track.path)
    visit.wait_analysed(1)
    open_track(visit, track.title)
    visit.part("Details")
    visit.page.get_by_label("Genre", exact=True).fill("Night drive")
    visit.page.get_by_label("Tempo in BPM").fill("87.5")
    visit.page.get_by_role("button", name="Save tags").click()
    expect(visit.page.get_by_text("Saved as version 3.")).to_be_visible()
    edited = visit.page.locator(".timeline li", has_text="Tags edited")
    expect(edited).to_contain_text("Genre is now Night drive")
    expect(visit.page.locator(".readout").first).to_contain_text("87.5")
    visit.go("/vault")
    expect(visit.row(track.title).locator(".cell-bpm")).to_have_text("87.5")


def test_a_conflicting_edit_is_explained_and_keeps_what_was_typed(visit: Visit):
    track = visit.site.music[1]
    visit.sign_up()
    visit.choose(track.path)
    visit.wait_analysed(1)
    open_track(visit, track.title)
    visit.part("Details")
    visit.page.get_by_label("Album", exact=True).fill("Mine")
    other = visit.page.context.new_page()
    other.goto(visit.page.url)
    other.get_by_label("Album", exact=True).fill("Theirs")
    other.get_by_role("button", name="Save tags").click()
    expect(other.get_by_text("Saved as version 3.")).to_be_visible()
    visit.page.get_by_role("button", name="Save tags").click()
    expect(visit.page.get_by_text("This track changed while you were editing.")).to_be_visible()
    expect(visit.page.get_by_label("Album", exact=True)).to_have_value("Mine")
    visit.page.get_by_role("button", name="Save tags").click()
    expect(visit.page.get_by_text("Saved as version 4.")).to_be_visible()


def test_a_track_is_deleted_and_that_is_taken_back(visit: Visit):
    track = visit.site.music[1]
    visit.sign_up()
    visit.choose(track.path)
    expect(visit.page.locator("tr[data-asset]")).to_contain_text(track.title, timeout=60_000)
    open_track(visit, track.title)
    visit.page.get_by_label(f"More for {track.title}").first.click()
    visit.page.get_by_role("button", name="Delete", exact=True).click()
    told = visit.page.locator(".toast")
    expect(told).to_contain_text(f"{track.title}” to the trash.")
    expect(visit.page.get_by_role("heading", name="Drop your music here")).to_be_visible()
    told.get_by_role("button", name="Undo").click()
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)
    open_track(visit, track.title)
    visit.page.get_by_label(f"More for {track.title}").first.click()
    visit.page.get_by_role("button", name="Delete", exact=True).click()
    expect(visit.page.get_by_role("heading", name="Drop your music here")).to_be_visible()
    visit.page.get_by_role("link", name="Trash").click()
    expect(visit.page.get_by_text("30 days left")).to_be_visible()
    visit.page.get_by_text("Delete now").click()
    visit.page.get_by_role("button", name=f"{track.title}” for good").click()
    expect(visit.page.get_by_role("heading", name="The trash is empty")).to_be_visible()


def test_a_refusal_is_told_and_leaves_the_page_as_it_is(owner: Visit):
    """The page of a problem has no part that fits: swapped in, it once emptied the track's."""
    track = owner.site.music[1]
    open_track(owner, track.title)
    owner.page.get_by_label("Comment", exact=True).fill("   ")
    owner.page.get_by_role("button", name="Comment", exact=True).click()
    expect(owner.page.locator(".toast")).to_contain_text("A comment has a text")
    expect(owner.page.get_by_role("heading", name=track.title, level=1)).to_be_visible()


def test_news_of_a_track_take_nothing_away_that_was_opened_or_chosen(owner: Visit):
    track, other = owner.site.music[1], owner.site.music[2]
    open_track(owner, track.title)
    page = owner.page
    page.locator(".readout-loudness summary").click()
    page.get_by_role("button", name="A / B").click()
    choice = page.get_by_label("Other version or track")
    choice.focus()
    choice.select_option(label=other.title)
    page.evaluate(NEWS)
    owner.until("document.body.dataset.news === 'in'")
    expect(page.locator(".readout-loudness details")).to_have_attribute("open", "")
    expect(page.get_by_role("button", name="Hearing A: switch")).to_be_enabled()
    expect(choice).to_have_value(
        choice.locator("option", has_text=other.title).get_attribute("value")
    )


def test_a_part_of_the_page_stays_open_and_keeps_what_was_typed(owner: Visit):
    """By keys, over news of the track and over a reload; the words that nobody has sent too."""
    track = owner.site.music[1]
    open_track(owner, track.title)
    page = owner.page
    part = page.get_by_role("tabpanel")
    expect(part).to_have_accessible_name("Listen")
    page.get_by_role("tab", name="Listen").focus()
    for key, name in (("End", "Files"), ("ArrowRight", "Listen"), ("ArrowLeft", "Files")):
        page.keyboard.press(key)
        expect(part).to_have_accessible_name(name)
    page.keyboard.press("ArrowLeft")
    expect(part).to_have_accessible_name("Details")
    page.get_by_label("Album", exact=True).fill("Half an al")
    page.get_by_label("Comment", exact=True).fill("half a sen")
    page.evaluate(NEWS)
    owner.until("document.body.dataset.news === 'in'")
    expect(part).to_have_accessible_name("Details")
    expect(page.get_by_label("Album", exact=True)).to_have_value("Half an al")
    expect(page.get_by_label("Comment", exact=True)).to_have_value("half a sen")
    page.reload()
    expect(part).to_have_accessible_name("Details")
    for name in ("Notes", "Mix check", "Details", "Files"):
        owner.part(name)
        assert serious(owner) == [], name


def test_a_comment_is_sent_by_enter_and_its_deletion_taken_back(owner: Visit):
    track = owner.site.music[1]
    open_track(owner, track.title)
    page = owner.page
    words = page.get_by_label("Comment", exact=True)
    words.press_sequentially("Louder")
    words.press("Shift+Enter")
    words.press_sequentially("and longer")
    words.press("Enter")
    owner.part("Notes")
    line = page.locator(".comments li:not(.pending)", has_text="Louder\nand longer")
    expect(line).to_be_visible()
    expect(words).to_have_value("")
    for taken_back in (True, False):
        line.get_by_role("button", name="Delete").click()
        expect(line).to_be_hidden()
        expect(page.locator(".pin")).to_have_count(0)
        if taken_back:
            page.locator(".toast").get_by_role("button", name="Undo").click()
            expect(line).to_be_visible()
            expect(page.locator(".pin")).to_have_count(1)
    # Leaving the page is no way to keep it.
    page.reload()
    expect(page.get_by_text("No comments yet.")).to_be_visible()
    owner.until(NO_COMMENTS)


def test_the_queue_is_put_in_order_and_outlives_a_reload(owner: Visit):
    page, keys = owner.page, owner.page.keyboard
    owner.go("/vault")
    names = page.locator("tr[data-asset] .cell-title b").all_inner_texts()
    page.get_by_role("button", name=f"Play {names[0]}", exact=True).click()
    owner.until(PLAYS)
    next_ones = page.locator("queue-panel li b")
    keys.press("q")
    expect(next_ones).to_have_text(names[1:])
    page.get_by_role("button", name=f"Move {names[1]}", exact=True).focus()
    keys.press("End")
    order = [*names[2:], names[1]]
    expect(next_ones).to_have_text(order)
    page.get_by_role("button", name=f"Remove {names[2]} from the queue").click()
    expect(next_ones).to_have_text(order[1:])
    panel = page.locator("queue-panel")
    panel.get_by_role("button", name="Shuffle").click()
    panel.get_by_role("button", name="Shuffle").click()
    expect(next_ones).to_have_text(order[1:])
    panel.get_by_role("button", name="Repeat: off").click()
    assert serious(owner) == []
    keys.press("Escape")
    expect(panel).to_be_hidden()

    owner.row(names[2]).focus()
    keys.press("n")
    open_track(owner, names[2])
    page.reload()
    expect(page.locator("player-bar .what b")).to_have_text(names[0])
    assert page.evaluate("document.querySelector('player-bar audio').paused")
    keys.press("q")
    expect(next_ones).to_have_text(order)
    expect(panel.get_by_role("button", name="Repeat: the whole queue")).to_be_visible()
    panel.get_by_role("button", name="Clear").click()
    expect(next_ones).to_have_count(0)


def test_a_part_of_the_track_is_looped_until_escape(owner: Visit):
    track = owner.site.music[0]
    open_track(owner, track.title)
    page = owner.page
    wave = page.get_by_role("slider", name=f"Position in {track.title}")
    box = wave.bounding_box()
    assert box
    across = [box["x"] + box["width"] * share for share in (0.5, 0.55)]
    page.keyboard.down("Shift")
    page.mouse.move(across[0], box["y"] + 60)
    page.mouse.down()
    page.mouse.move(across[1], box["y"] + 60, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    looped = page.get_by_role("button", name="stop looping")
    expect(looped).to_be_visible()
    page.evaluate(COUNT_RETURNS)
    owner.until("Number(document.body.dataset.returns) >= 2")
    assert track.duration_s * 0.45 < page.evaluate(TIME) < track.duration_s * 0.6
    page.keyboard.press("Escape")
    expect(looped).to_be_hidden()
    owner.until(f"{TIME} > {track.duration_s * 0.62}")
