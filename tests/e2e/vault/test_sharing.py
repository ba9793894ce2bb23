"""One track between two browsers: shared, seen live, heard, commented, taken back."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Site, Visit, open_visit


def show(visit: Visit, *, seen: bool) -> None:
    """As if somebody turned to the tab or away from it."""
    visit.page.evaluate(
        "hidden => {"
        " Object.defineProperty(document, 'hidden', { value: hidden, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')); }",
        not seen,
    )


def test_a_track_goes_to_another_browser_and_back(visit: Visit, browser: Browser, site: Site):
    track = site.music[2]
    visit.sign_up("Mira Okafor")
    visit.choose(track.path)
    # It is heard before it is measured.
    visit.row(track.title).get_by_role("button", name="Play").wait_for(timeout=60_000)
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    other = open_visit(context, site)
    email = other.sign_up("Ben Adeyemi")
    other.page.get_by_role("link", name="Shared with me").click()
    expect(other.page.get_by_role("heading", name="Nothing shared with you yet")).to_be_visible()

    visit.row(track.title).locator(".cell-title a").click()
    visit.page.get_by_role("button", name="Share", exact=True).first.click()
    sharing = visit.page.get_by_role("dialog", name=f"Share “{track.title}”")
    expect(sharing).to_contain_text("Only you can hear this track.")
    address = sharing.get_by_label("E-mail address")
    for typed, answer in (("nobody@example.com", "verified this address"), (email, "Ben Adeyemi")):
        address.fill(typed)
        sharing.get_by_label("They can").select_option("comment")
        sharing.get_by_role("button", name="Share").click()
        expect(sharing).to_contain_text(answer)
    sharing.get_by_role("button", name="Close").click()

    # Live: nobody has reloaded this page.
    shared = other.page.locator("#shared").get_by_role("link", name=track.title)
    expect(shared).to_contain_text("From Mira Okafor")
    expect(other.page.locator("#shared .icon-pause")).to_be_hidden()
    other.page.get_by_role("button", name=f"Play {track.title}").click()
    other.until("document.querySelector('audio')?.currentTime > 0.5")
    shared.click()
    expect(other.page.get_by_role("heading", name=track.title, level=1)).to_be_visible()
    expect(other.page.get_by_role("heading", name="Tags")).to_have_count(0)
    other.page.get_by_label("Comment", exact=True).fill("The bass could be louder")
    other.page.get_by_role("button", name="Comment", exact=True).click()
    comments = visit.page.locator("#comments")
    expect(comments).to_contain_text("The bass could be louder")
    expect(comments).to_contain_text("Ben Adeyemi")

    visit.page.get_by_role("button", name="Share (1)").click()
    sharing.get_by_role("button", name="Remove Ben Adeyemi").click()
    expect(sharing).to_contain_text("Only you can hear this track.")
    expect(other.page.get_by_role("heading", name="Nothing shared with you yet")).to_be_visible()

    # Taken back while nobody sees the other's tab, which hears nothing then.
    address.fill(email)
    sharing.get_by_role("button", name="Share").click()
    shared.click()
    expect(other.page.get_by_role("heading", name=track.title, level=1)).to_be_visible()
    show(other, seen=False)
    expect(address).to_be_focused()
    sharing.get_by_role("button", name="Remove Ben Adeyemi").click()
    expect(sharing).to_contain_text("Only you can hear this track.")
    show(other, seen=True)
    expect(other.page.get_by_role("heading", name="Nothing shared with you yet")).to_be_visible()
    context.close()
    assert other.foreign == []
    # Asking whether the track is still shared is answered 404, which browsers log.
    assert [each for each in other.complaints if "404" not in each] == []
