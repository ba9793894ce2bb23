"""What a musician does in the vault, with the real product behind it."""

from __future__ import annotations

import base64
import json
import shutil
import zipfile

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.test_every_page import serious

# Files dropped on the page, with the bytes that a test puts into the browser.
DROP = """
async ([files]) => {
  const transfer = new DataTransfer();
  for (const { name, bytes } of files) {
    const raw = Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0));
    transfer.items.add(new File([raw], name));
  }
  for (const type of ["dragenter", "dragover", "drop"]) {
    const how = { dataTransfer: transfer, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent(type, how));
  }
}
"""


def test_a_chosen_file_is_stored_and_analysed_before_ones_eyes(visit: Visit):
    track = visit.site.music[0]
    visit.sign_up()
    expect(visit.page.get_by_role("heading", name="Drop your music here")).to_be_visible()
    visit.choose(track.path)
    visit.wait_analysed(1)
    row = visit.row(track.title)
    expect(row).to_contain_text(track.artist)
    expect(row.locator(".cell-bpm")).to_contain_text(f"{track.tempo_bpm:.1f}")
    expect(row.locator(".cell-key")).to_contain_text(track.key)
    expect(visit.page.locator("upload-panel")).to_contain_text("Ready")
    expect(visit.page.locator("#vault-stats")).to_contain_text("1 track")


def test_dropped_files_are_uploaded_and_what_is_no_audio_is_skipped(visit: Visit):
    track = visit.site.music[1]
    visit.sign_up()
    files = [
        {"name": track.path.name, "bytes": base64.b64encode(track.path.read_bytes()).decode()},
        {"name": "notes.txt", "bytes": base64.b64encode(b"not music").decode()},
    ]
    visit.page.evaluate(DROP, [files])
    visit.wait_analysed(1)
    expect(visit.row(track.title)).to_be_visible()
    expect(visit.page.locator("upload-panel")).to_contain_text("1 skipped: not audio")


def test_a_folder_is_taken_with_the_folders_in_it(visit: Visit, tmp_path):
    first, second = visit.site.music[1], visit.site.music[4]
    album = tmp_path / "Album"
    (album / "Side B").mkdir(parents=True)
    shutil.copy(first.path, album)
    shutil.copy(second.path, album / "Side B")
    (album / "cover.txt").write_text("not music")
    visit.sign_up()
    with visit.page.expect_file_chooser() as chooser:
        visit.page.get_by_role("button", name="Add folder").click()
    chooser.value.set_files(album)
    expect(visit.page.locator("tr[data-asset]")).to_have_count(2)
    expect(visit.page.locator("upload-panel")).to_contain_text("1 skipped: not audio")


def test_the_same_file_again_is_recognised(visit: Visit):
    track = visit.site.music[1]
    visit.sign_up()
    visit.choose(track.path)
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)
    visit.choose(track.path)
    expect(visit.page.locator("upload-panel")).to_contain_text("Already in your vault")
    expect(visit.page.locator("tr[data-asset]")).to_have_count(1)


def test_a_file_that_is_no_recording_is_rejected_with_a_reason(visit: Visit, tmp_path):
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(b"this is a letter, not a song " * 400)
    visit.sign_up()
    visit.choose(broken)
    visit.page.locator("tr[data-state=rejected]").wait_for()
    visit.page.locator(".cell-title a").click()
    expect(visit.page.get_by_text("This file was not accepted.")).to_be_visible()
    visit.page.get_by_role("button", name="Delete it").click()
    expect(visit.page.get_by_role("heading", name="Drop your music here")).to_be_visible()


def test_a_misspelt_title_is_found(owner: Visit):
    track = owner.site.music[0]
    misspelt = track.title[:2] + track.title[3] + track.title[2] + track.title[4:]
    owner.go("/vault")
    owner.page.get_by_label("Search the vault").fill(misspelt)
    expect(owner.page.locator(".found")).to_be_visible()
    expect(owner.page.locator("tr[data-asset]").first).to_contain_text(track.title)
    assert "q=" in owner.page.url


def test_a_tempo_range_narrows_the_list_and_survives_a_reload(owner: Visit):
    tempos = sorted({track.tempo_bpm for track in owner.site.music})
    wanted = [track for track in owner.site.music if track.tempo_bpm == tempos[0]]
    owner.go("/vault")
    low, high = str(tempos[0] - 1), str(tempos[0] + 1)
    page, rows = owner.page, owner.page.locator("tr[data-asset]")
    page.locator("summary", has_text="Filter").click()
    page.locator(".filters summary", has_text="BPM").click()
    expect(page.get_by_label("BPM from")).to_be_focused()
    page.keyboard.type(low)
    page.get_by_label("BPM up to").fill(high)
    expect(rows).to_have_count(len(wanted))
    page.keyboard.press("Escape")
    expect(page.locator(".filters > summary")).to_be_focused()
    page.reload()
    expect(rows).to_have_count(len(wanted))
    expect(owner.row(wanted[0].title)).to_be_visible()
    chip = page.get_by_role("link", name=f"Remove BPM {low}–{high}")
    expect(chip).to_be_visible()
    page.get_by_label("Search the vault").press("Backspace")
    expect(rows).to_have_count(len(owner.site.music))
    expect(chip).to_have_count(0)
    expect(page.get_by_label("Search the vault")).to_be_focused()
    assert "tempo" not in page.url


def test_a_head_sorts_up_then_down_then_not(owner: Visit):
    owner.go("/vault")
    page, titles = owner.page, sorted(track.title for track in owner.site.music)
    head, first = page.locator("th.col-title"), page.locator(".cell-title b").first
    for said, title, asked in (
        ("ascending", titles[0], "sort=title"),
        ("descending", titles[-1], "sort=-title"),
    ):
        head.get_by_role("link").press("Enter")
        expect(head).to_have_attribute("aria-sort", said)
        expect(first).to_have_text(title)
        expect(head.get_by_role("link")).to_be_focused()
        assert page.url.endswith(asked)
    page.reload()
    expect(first).to_have_text(titles[-1])
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "none")
    assert "sort" not in page.url


def test_the_columns_of_a_browser_are_kept(owner: Visit):
    owner.go("/vault")
    page = owner.page
    page.locator("summary", has_text="View").click()
    page.locator("[data-column=genre]").uncheck()
    page.locator("[data-column=uploaded]").check()
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("th.col-genre")).to_be_hidden()
    expect(page.locator("td.cell-genre").first).to_be_hidden()
    expect(page.locator("th.col-uploaded")).to_be_visible()
    assert serious(owner) == []


def test_the_head_of_the_list_stays_in_sight(owner: Visit):
    owner.page.set_viewport_size({"width": 1280, "height": 200})
    owner.go("/vault")
    owner.page.mouse.move(640, 150)
    owner.page.mouse.wheel(0, 300)
    owner.until("scrollY > 150")
    top = owner.page.locator("th.col-title").evaluate("(e) => e.getBoundingClientRect().top")
    assert abs(top) < 1


def test_selected_tracks_are_downloaded_as_one_zip(owner: Visit):
    owner.go("/vault")
    page = owner.page
    page.locator("[data-select]").nth(0).click()
    page.locator("[data-select]").nth(1).click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download").click()
    assert downloading.value.suggested_filename == "tracks.zip"
    with zipfile.ZipFile(downloading.value.path()) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 2


def test_search_works_without_scripts(owner: Visit, browser, library):
    track = owner.site.music[2]
    context = browser.new_context(java_script_enabled=False, storage_state=library)
    page = context.new_page()
    page.goto(owner.site.path("/vault"))
    page.get_by_label("Search the vault").fill(track.title)
    page.get_by_label("Search the vault").press("Enter")
    expect(page.locator("tr[data-asset]").first).to_contain_text(track.title)
    context.close()


def test_a_form_uploads_without_scripts(visit: Visit, browser):
    track = visit.site.music[4]
    visit.sign_up()
    state = visit.page.context.storage_state()
    context = browser.new_context(java_script_enabled=False, storage_state=state)
    page = context.new_page()
    page.goto(visit.site.path("/vault"))
    page.get_by_label("Audio files").first.set_input_files(track.path)
    page.get_by_role("button", name="Upload").first.click()
    expect(page.get_by_text("Uploaded. Analysing…")).to_be_visible()
    expect(page.locator("tr[data-asset]")).to_have_count(1)
    context.close()


def test_a_cut_upload_goes_on_where_it_stopped(visit: Visit, tmp_path):
    """The connection breaks in the first PATCH; the client asks and sends the rest."""
    track = visit.site.music[2]
    visit.sign_up()
    cut = {"done": 0}

    def cut_once(route):
        if route.request.method == "PATCH" and not cut["done"]:
            cut["done"] = 1
            route.abort("connectionreset")
        else:
            route.continue_()

    visit.page.route("**/api/uploads/*", cut_once)
    visit.choose(track.path)
    visit.wait_analysed(1)
    methods = [method for method, url, _ in visit.requests if "/api/uploads" in url]
    assert methods[:4] == ["POST", "PATCH", "HEAD", "PATCH"]
    visit.complaints[:] = [c for c in visit.complaints if "ERR_CONNECTION_RESET" not in c]


def test_playing_from_the_list_goes_on_while_pages_change(owner: Visit):
    track = owner.site.music[3]
    owner.go("/vault")
    assert not [url for _, url, _ in owner.requests if "/audio?rendition=playable" in url]
    owner.row(track.title).get_by_role("button", name=f"Play {track.title}").click()
    owner.until("document.querySelector('audio').currentTime > 0.3")
    owner.row(track.title).locator(".cell-title a").click()
    expect(owner.page.get_by_role("heading", name=track.title)).to_be_visible()
    before = owner.page.evaluate("document.querySelector('audio').currentTime")
    owner.until(f"document.querySelector('audio').currentTime > {before + 0.3}")
    owner.page.go_back()
    expect(owner.page.locator("tr[data-asset]").first).to_be_visible()
    playing = owner.page.evaluate("!document.querySelector('audio').paused")
    assert playing
    audio = [headers for _, url, headers in owner.requests if "/audio?rendition=playable" in url]
    assert audio
    assert all("range" in headers for headers in audio), json.dumps(audio)
