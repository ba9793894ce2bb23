"""What goes on without loss: many tabs, a session that ends, a network that is away."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from tests.e2e.conftest import Site, Visit, new_address, open_visit
from tests.e2e.test_every_page import serious

PASSWORD = "one sentence that is long"
TABS = 12
HEAR = """
window.heard = [];
document.addEventListener("noculture:event", ({ detail }) => window.heard.push(detail.position));
"""
# A headless browser shows all of its tabs: a test says itself which of them are seen.
MAY_HIDE = """
let hidden = false;
Object.defineProperty(document, "hidden", { get: () => hidden });
Object.defineProperty(document, "visibilityState", { get: () => (hidden ? "hidden" : "visible") });
window.see = (seen) => {
  hidden = !seen;
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


class Tabs:
    """Tabs of one browser on one track, and which of them hold a stream."""

    def __init__(self, visit: Visit, track: str) -> None:
        self.visit, self.track = visit, track
        self.context: BrowserContext = visit.page.context
        self.context.add_init_script(MAY_HIDE)
        self.context.add_init_script(HEAR)
        self.streams: dict[Page, int] = {}
        self.said: list[int] = []

    def open(self) -> Page:
        page = self.context.new_page()
        page.set_default_timeout(15_000)
        self.streams[page] = 0
        is_stream = lambda request: "/api/events/stream" in request.url  # noqa: E731
        count = lambda by: lambda request: is_stream(request) and self._add(page, by)  # noqa: E731
        page.on("request", count(1))
        page.on("requestfinished", count(-1))
        page.on("requestfailed", count(-1))
        page.goto(self.visit.site.path(self.track))
        return page

    def _add(self, page: Page, by: int) -> None:
        self.streams[page] += by

    def leaders(self) -> list[Page]:
        self.visit.page.wait_for_timeout(1)
        return [page for page, count in self.streams.items() if count and not page.is_closed()]

    def leader(self) -> Page:
        """Waits until there is one."""
        deadline = time.monotonic() + 15
        while len(found := self.leaders()) != 1:
            assert time.monotonic() < deadline, len(found)
            self.visit.page.wait_for_timeout(20)
        return found[0]

    def nobody_reads(self) -> None:
        deadline = time.monotonic() + 15
        while self.leaders():
            assert time.monotonic() < deadline

    def comment(self) -> int:
        """Something happens; its position."""
        answer = self.context.request.post(
            self.visit.site.path(f"/api{self.track}/comments"),
            data={"at_s": 1.0, "text": "louder"},
            headers={"Idempotency-Key": secrets.token_hex()},
            max_retries=2,
        )
        assert answer.status == 201, answer.text()
        self.said.append(int(answer.headers["event-position"]))
        return self.said[-1]

    def heard(self, page: Page, *positions: int) -> None:
        """Waits for the last of them; all were heard once, in order."""
        deadline = time.monotonic() + 15
        while positions[-1] not in (heard := page.evaluate("window.heard")):
            assert time.monotonic() < deadline, (heard, positions)
            page.wait_for_timeout(20)
        assert [each for each in heard if each in positions] == list(positions)


@dataclass
class Studio:
    """Somebody with one track that is checked; nothing here waits until it is measured."""

    email: str
    track: str


@pytest.fixture(scope="module")
def studio(browser: Browser, site: Site) -> Studio:
    context = browser.new_context()
    visit = open_visit(context, site)
    email = visit.sign_up("Ines Duarte")
    visit.choose(site.music[0].path)
    visit.page.locator("tr:is([data-state=verified], [data-state=analysed])").wait_for(
        timeout=60_000
    )
    track = visit.page.locator(".cell-title a").first.get_attribute("href")
    assert track
    context.close()
    return Studio(email, track)


@pytest.fixture
def here(browser: Browser, site: Site, studio: Studio) -> Iterator[Visit]:
    """They, in a browser whose session is its own: a test may end it."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    visit = open_visit(context, site)
    _signed_in(visit, studio.email)
    yield visit
    context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def _signed_in(visit: Visit, email: str) -> None:
    person = {"email": email, "password": PASSWORD}
    assert visit.page.request.post(visit.site.path("/api/sessions"), data=person).status == 201


@pytest.fixture
def tabs(here: Visit, studio: Studio) -> Tabs:
    return Tabs(here, studio.track)


def test_twelve_tabs_hold_one_stream_and_each_of_them_hears_and_loads(tabs: Tabs):
    pages = [tabs.open() for _ in range(TABS)]
    leader = tabs.leader()
    position = tabs.comment()
    for page in pages:
        tabs.heard(page, position)
    assert tabs.leaders() == [leader]
    pages[-1].get_by_role("link", name="Collections").click()
    expect(pages[-1].get_by_role("heading", name="Collections", level=1)).to_be_visible()


def test_whoever_takes_over_the_stream_leaves_out_no_event_and_repeats_none(tabs: Tabs):
    first, second, third = (tabs.open() for _ in range(3))
    assert tabs.leader() == first
    positions = [tabs.comment()]
    tabs.heard(third, *positions)
    first.close()
    positions.append(tabs.comment())
    tabs.heard(second, *positions)
    tabs.heard(third, *positions)
    leader = tabs.leader()
    other = third if leader == second else second
    leader.evaluate("see(false)")
    positions.append(tabs.comment())
    tabs.heard(other, *positions)
    assert tabs.leader() == other
    other.evaluate("see(false)")
    tabs.nobody_reads()
    positions += [tabs.comment(), tabs.comment()]
    # Both come back, the one that has heard less second.
    other.evaluate("see(true)")
    tabs.heard(other, *positions)
    leader.evaluate("see(true)")
    tabs.heard(leader, *positions)
    assert tabs.leader() == other


def test_a_frozen_tab_leaves_the_stream_to_another(tabs: Tabs):
    first, second = tabs.open(), tabs.open()
    assert tabs.leader() == first
    session = tabs.context.new_cdp_session(first)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    position = tabs.comment()
    tabs.heard(second, position)
    session.send("Page.setWebLifecycleState", {"state": "active"})
    tabs.heard(first, position)


def test_without_web_locks_each_tab_that_is_seen_has_a_stream_of_its_own(tabs: Tabs):
    """So it is on an address of the local network without https."""
    tabs.context.add_init_script("Object.defineProperty(navigator, 'locks', { value: undefined })")
    pages = [tabs.open(), tabs.open()]
    while len(tabs.leaders()) < len(pages):
        pass
    positions = [tabs.comment()]
    tabs.heard(pages[1], *positions)
    pages[0].evaluate("see(false)")
    assert tabs.leader() == pages[1]
    positions.append(tabs.comment())
    pages[0].evaluate("see(true)")
    for page in pages:
        tabs.heard(page, *positions)


def test_tabs_of_another_account_hear_nothing_of_the_first(tabs: Tabs):
    page = tabs.open()
    assert tabs.leader() == page
    tabs.context.clear_cookies()
    visit = open_visit(tabs.context, tabs.visit.site)
    visit.sign_up("Somebody Else")
    # The page of the first account is not left there for the second.
    page.wait_for_url("**/assets/*")
    expect(page.get_by_role("button", name="Account menu")).to_be_visible()
    account = "document.querySelector('live-feed').dataset.account"
    deadline = time.monotonic() + 10
    while page.evaluate(account) != visit.page.evaluate(account):
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    assert page.evaluate("window.heard") == []


def sign_in_again(page: Page, password: str = PASSWORD) -> None:
    dialog = page.get_by_role("dialog", name="You were signed out")
    dialog.get_by_label("Password").fill(password)
    dialog.get_by_role("button", name="Sign in", exact=True).click()


def comments_with(page: Page, text: str):
    return page.locator(".comments li:not(.pending) .text", has_text=text)


def write(page: Page, text: str) -> None:
    page.get_by_label("Comment", exact=True).fill(text)
    page.get_by_role("button", name="Comment", exact=True).click()


def test_an_expired_session_loses_no_comment_and_stops_no_music(here: Visit, studio: Studio):
    page = here.page
    here.go(studio.track)
    page.get_by_role("button", name="Play", exact=False).first.click()
    here.until("document.querySelector('player-bar audio').currentTime > 0.1")
    page.context.clear_cookies()
    write(page, "the snare is late")
    dialog = page.get_by_role("dialog", name="You were signed out")
    expect(dialog.get_by_label("E-mail")).to_have_value(re.compile("@example.org"))
    expect(dialog.get_by_label("Password")).to_be_focused()
    assert serious(here) == []
    sign_in_again(page, "not the sentence")
    expect(dialog.get_by_role("alert").first).to_contain_text("wrong")
    sign_in_again(page)
    expect(dialog).to_be_hidden()
    expect(comments_with(page, "the snare is late")).to_have_count(1)
    assert page.evaluate("!document.querySelector('player-bar audio').paused")


def test_another_account_gets_no_request_of_the_first_one(here: Visit, studio: Studio):
    page = here.page
    other = new_address()
    person = {"email": other, "password": PASSWORD, "name": "Somebody Else"}
    assert page.request.post(here.site.path("/api/accounts"), data=person).status == 201
    page.context.clear_cookies()
    _signed_in(here, studio.email)
    here.go("/collections")
    page.context.clear_cookies()
    here.requests.clear()
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("link", name="Account").click()
    dialog = page.get_by_role("dialog", name="You were signed out")
    dialog.get_by_label("E-mail").fill(other)
    with page.expect_event("load"):
        sign_in_again(page)
    expect(page).to_have_url(here.site.path("/collections"))
    assert len([url for _, url, _ in here.requests if url.endswith("/account")]) == 1


def test_signing_in_by_another_way_in_another_tab_goes_on_in_this_one(here: Visit, studio: Studio):
    page = here.page
    here.go("/vault")
    page.context.clear_cookies()
    page.get_by_role("link", name="Collections").click()
    dialog = page.get_by_role("dialog", name="You were signed out")
    with page.context.expect_page() as opened:
        dialog.get_by_role("link", name="Other ways to sign in").click()
    tab = opened.value
    expect(tab.get_by_role("status").first).to_contain_text("You were signed out")
    tab.get_by_label("E-mail").fill(studio.email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_url("**/vault")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()
    # The form tokens of the page that stayed are of the earlier session.
    tab.goto(here.site.path(studio.track))
    page.context.clear_cookies()
    _signed_in(here, studio.email)
    write(tab, "heard in the other tab")
    expect(comments_with(tab, "heard in the other tab")).to_have_count(1)


def test_the_second_factor_is_asked_for_in_the_dialog(visit: Visit):
    page = visit.page
    visit.sign_up("Careful Owner")
    factor = visit.site.path("/api/me/second-factor")
    secret = page.request.post(factor, data={"password": PASSWORD}).json()["secret"]
    code = pyotp.TOTP(secret)
    confirmed = page.request.post(f"{factor}/confirm", data={"code": code.now()})
    recovery = confirmed.json()["codes"][0]
    visit.go("/vault")
    page.context.clear_cookies()
    page.get_by_role("link", name="Collections").click()
    sign_in_again(page)
    field = page.get_by_label("Code from your app")
    expect(field).to_be_focused()
    field.fill(recovery)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()


def test_a_form_that_leaves_the_page_waits_for_signing_in_too(here: Visit):
    """And a wrong password in it, which is a 401 as well, asks nobody to sign in."""
    page = here.page
    here.go("/account")
    page.context.clear_cookies()
    page.get_by_label("Current password").fill("not the one")
    page.get_by_label("New password").fill("another sentence, also long")
    page.get_by_role("button", name="Change password").click()
    sign_in_again(page)
    expect(page.get_by_role("alert").first).to_contain_text("wrong")


def test_a_stream_that_ends_with_the_session_interrupts_nobody_who_types(
    here: Visit, studio: Studio
):
    page = here.page
    page.context.clear_cookies()
    page.route("**/api/events/stream*", lambda route: route.fulfill(status=401))
    _signed_in(here, studio.email)
    here.go(studio.track)
    page.get_by_label("Comment", exact=True).fill("half a sen")
    page.context.clear_cookies()
    page.unroute_all()
    expect(page.get_by_text("You are signed out.")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Sign in").click()
    with page.expect_request("**/api/events/stream*"):
        sign_in_again(page)
    expect(page.get_by_label("Comment", exact=True)).to_have_value("half a sen")


def test_whoever_does_not_sign_in_keeps_the_page_and_the_draft(here: Visit, studio: Studio):
    page = here.page
    here.go(studio.track)
    page.context.clear_cookies()
    write(page, "not lost")
    page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    expect(page.get_by_label("Comment", exact=True)).to_have_value("not lost")
    page.get_by_role("button", name="Sign in").click()
    sign_in_again(page)
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(comments_with(page, "not lost")).to_have_count(1)


def test_an_upload_waits_for_signing_in_and_goes_on(here: Visit, tmp_path: Path):
    page = here.page
    here.go("/vault")
    song = tmp_path / "later.flac"
    song.write_bytes(here.site.music[1].path.read_bytes())
    page.context.clear_cookies()
    here.choose(song)
    panel = page.get_by_role("region", name="Uploads")
    expect(panel).to_contain_text("Sign in again")
    sign_in_again(page)
    expect(panel.locator("li")).to_contain_text(re.compile("Checking|Analysing|vault|Ready"))


def test_a_page_that_is_opened_without_a_session_comes_back_after_signing_in(
    here: Visit, studio: Studio
):
    page = here.page
    page.context.clear_cookies()
    here.go(f"{studio.track}?from=mail")
    expect(page.get_by_role("status").first).to_contain_text("You were signed out")
    page.get_by_label("E-mail").fill(studio.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{studio.track}?from=mail")


def test_offline_one_is_told_and_gets_the_page_once_the_network_is_back(here: Visit):
    page = here.page
    here.go("/vault")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    assert serious(here) == []
    page.get_by_role("button", name="Account menu").click()
    page.get_by_role("link", name="Account").click()
    page.get_by_label("Search the vault").fill("nothing like it")
    page.get_by_role("link", name="Collections").click()
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_a_search_that_was_typed_offline_is_answered_later(here: Visit):
    page = here.page
    here.go("/vault")
    page.context.set_offline(True)
    page.get_by_label("Search the vault").fill("nothing like it")
    with page.expect_request("**/vault?q=nothing*"):
        pass
    page.context.set_offline(False)
    expect(page.locator("#tracks tr[data-asset]")).to_have_count(0)


def test_a_comment_that_was_not_sent_stays_and_is_sent_once(here: Visit, studio: Studio):
    """Also if it had arrived and only the answer was lost."""
    page = here.page
    here.go(studio.track)
    sent = []

    def lose_the_answer(route: Route) -> None:
        sent.append(route.request.headers["idempotency-key"])
        if len(sent) == 1:
            route.fetch(max_redirects=0)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/assets/*/comments", lose_the_answer)
    write(page, "said once")
    expect(page.get_by_text("That was not sent")).to_be_visible()
    expect(page.get_by_label("Comment", exact=True)).to_have_value("said once")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_label("Comment", exact=True)).to_have_value("")
    expect(comments_with(page, "said once")).to_have_count(1)
    assert len(set(sent)) == 1
    assert len(sent) == 2
    page.context.set_offline(True)
    write(page, "said later")
    expect(page.get_by_text("Nothing was sent")).to_be_visible()
    page.context.set_offline(False)
    page.get_by_role("button", name="Send again").click()
    expect(comments_with(page, "said later")).to_have_count(1)
    assert len(set(sent)) == 2


def test_what_takes_longer_than_a_moment_shows_a_bar(here: Visit):
    page = here.page
    here.go("/vault")
    held: list[Route] = []
    page.route("**/collections", lambda route: held.append(route))
    page.get_by_role("link", name="Collections").click()
    bar = page.get_by_role("progressbar", name="Loading")
    expect(bar).to_be_visible()
    expect(page.locator("#main")).to_have_attribute("aria-busy", "true")
    assert serious(here) == []
    page.emulate_media(reduced_motion="reduce")
    bar_style = "getComputedStyle(document.querySelector('.progress-bar'), '::before')"
    assert page.evaluate(f"{bar_style}.animationName") == "none"
    held[0].continue_()
    expect(page.get_by_role("heading", name="Collections", level=1)).to_be_visible()
    expect(bar).to_have_count(0)
    assert not page.locator("#main[aria-busy]").count()
