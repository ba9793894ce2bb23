"""Marks by keys and by pointer, what a file's name says, and a picture for the track."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.fixtures.pictures import from_a_telephone


def recording(path: Path) -> Path:
    """Three seconds of a tone, without a tag."""
    frames = (int(9000 * math.sin(at / 11)) for at in range(3 * 22050))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(22050)
        file.writeframes(b"".join(struct.pack("<h", frame) for frame in frames))
    return path


def test_a_track_is_marked_by_keys_and_its_names_become_tags(visit: Visit, tmp_path: Path):
    visit.sign_up()
    visit.choose(recording(tmp_path / "Ona - Night_Bus (92bpm F#m).wav"))
    visit.wait_analysed(1)
    page = visit.page
    visit.row("Night Bus").locator(".cell-title a").click()
    expect(page.get_by_role("heading", name="Night Bus", level=1)).to_be_visible()

    # Typed before the stars: they must not make this form a stranger to the track.
    page.get_by_role("tab", name="Details").click()
    page.get_by_label("Album", exact=True).fill("Depot")
    page.get_by_role("radio", name="Not rated").focus()
    page.keyboard.press("4")
    expect(page.get_by_role("radio", name="4 stars")).to_be_checked()
    page.get_by_label("Status").select_option("To finish")
    page.get_by_title("Teal").click()
    expect(page.locator(".timeline")).to_contain_text("To finish, 4 stars, teal")
    page.get_by_role("button", name="Save tags").click()
    expect(page.get_by_text("Saved as version")).to_be_visible()

    page.get_by_role("tab", name="Listen").click()
    page.get_by_role("button", name="Ona artist").click()
    expect(page.get_by_role("button", name="Ona artist")).to_have_count(0)
    page.reload()
    expect(page.get_by_label("Artist", exact=True)).to_have_value("Ona")

    artwork = page.locator("track-artwork")
    wrong = {"name": "a.svg", "mimeType": "image/svg+xml", "buffer": b"<svg/>"}
    artwork.locator("input").set_input_files(wrong)
    expect(page.locator(".toast", has_text="This picture was not taken")).to_be_visible()
    sent = {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": from_a_telephone()}
    artwork.locator("input").set_input_files(sent)
    visit.until("document.querySelector('track-artwork img')?.naturalHeight === 320")
    page.get_by_role("button", name="Remove the picture").click()
    expect(artwork.locator("img")).to_have_count(0)
    page.locator(".toast", has_text="Picture removed").get_by_role("button", name="Undo").click()
    expect(artwork.locator("img")).to_have_count(1)

    visit.go("/vault?q=rating:>=4 status:to-finish")
    row = visit.row("Night Bus")
    expect(row.locator(".marked")).to_contain_text("To finish")
    expect(row.locator(".marked .star")).to_have_count(4)
