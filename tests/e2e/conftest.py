"""The real product in a real browser: one installation for all, started as a user would."""

from __future__ import annotations

import itertools
import json
import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from runtime.browser import installed_browser
from runtime.demo_music.files import TrackTruth, render
from runtime.settings import load_settings

ROOT = Path(__file__).parents[2]
START_S = 240
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
)
_people = itertools.count(1)


@dataclass(frozen=True)
class Site:
    """A running installation and the music that is on the visitor's disk."""

    base_url: str
    data: Path
    music: list[TrackTruth]
    library: dict = field(default_factory=dict)

    def path(self, name: str) -> str:
        return self.base_url + name


@dataclass
class Visit:
    """One browser of one person, and everything it complained of."""

    page: Page
    site: Site
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def go(self, path: str) -> None:
        self.page.goto(self.site.path(path))

    def sign_up(self, name: str = "Mira Okafor") -> str:
        """The e-mail address of a new account whose vault is open now."""
        email = new_address()
        self.go("/sign-up")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill("one sentence that is long")
        self.page.get_by_role("button", name="Create account").click()
        self.page.wait_for_url(self.site.path("/"))
        self.go("/vault")
        return email

    def choose(self, *files: Path) -> None:
        with self.page.expect_file_chooser() as chooser:
            self.page.get_by_role("button", name="Add music").click()
        chooser.value.set_files(list(files))

    def until(self, expression: str, timeout_s: float = 20.0) -> None:
        """Wait for a JavaScript condition; Playwright's own way needs eval, which pages forbid."""
        deadline = time.monotonic() + timeout_s
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            self.page.wait_for_timeout(40)

    def part(self, name: str) -> None:
        """Opens one of the parts of a track's page."""
        self.page.get_by_role("tab", name=name).click()

    def row(self, title: str):
        return self.page.locator("tr[data-asset]", has_text=title)

    def wait_analysed(self, count: int, timeout_ms: float = 60_000) -> None:
        """Without a reload: the page itself has to follow."""
        ready = self.page.locator("tr[data-state=analysed]")
        ready.nth(count - 1).wait_for(timeout=timeout_ms)


# Of this folder only: an installation that idles costs the tests behind it a quarter of a core.
@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """`NOCULTURE_E2E_DATA` names an installation that runs already: quicker while one writes."""
    music = render(tmp_path_factory.mktemp("music"), count=5, duration_s=14.0)
    running = os.environ.get("NOCULTURE_E2E_DATA")
    if running:
        yield Site(noculture("status", "--json", data=Path(running))["web"], Path(running), music)
        return
    data = tmp_path_factory.mktemp("installation") / "noculture data"
    noculture("up", "--detach", "--port", "0", data=data)
    try:
        yield Site(noculture("status", "--json", data=data)["web"], data, music)
    finally:
        noculture("down", data=data)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One a file: while it is open its driver's event loop runs in this thread, and whatever test
    comes behind can start none of its own.
    """
    path = installed_browser(os.environ.get("NOCULTURE_BROWSER", ""))
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(path) if path else None, args=list(QUIET)
        )
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    """A new visitor; afterwards nothing may have left the origin or offended the policy."""
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    visit = open_visit(context, site)
    yield visit
    context.close()
    assert visit.foreign == []
    assert visit.complaints == []


@pytest.fixture(scope="module")
def library(browser: Browser, site: Site) -> dict:
    """The storage state of an operator with five analysed tracks, for tests that only look. Made
    once.
    """
    if not site.library:
        site.library.update(make_library(browser, site))
    return site.library


def make_library(browser: Browser, site: Site) -> dict:
    context = browser.new_context()
    visit = open_visit(context, site)
    email = visit.sign_up("Library Owner")
    # Whoever signed up first has the right; which test that is depends on their order.
    noculture("operator", "grant", email, data=site.data)
    visit.choose(*(track.path for track in site.music))
    # One mail, for the pages of mails; it arrives while the tracks are measured.
    visit.page.request.post(site.path("/api/password-resets"), data={"email": email})
    visit.wait_analysed(len(site.music))
    visit.page.get_by_label("Select all shown").check()
    visit.page.get_by_role("button", name="Add to collection…").click()
    visit.page.get_by_role("combobox", name="Find a collection").fill("For every page")
    visit.page.get_by_role("option", name="New collection “For every page”").click()
    visit.page.locator(".toast").get_by_role("link", name="Open").wait_for()
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def owner(browser: Browser, site: Site, library: dict) -> Iterator[Visit]:
    """The visitor whose vault holds the five tracks."""
    context = browser.new_context(storage_state=library, viewport={"width": 1280, "height": 860})
    visit = open_visit(context, site)
    yield visit
    context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def open_visit(context: BrowserContext, site: Site) -> Visit:
    page = context.new_page()
    page.set_default_timeout(15_000)
    visit = Visit(page, site)
    home = urlsplit(site.base_url).netloc

    def requested(request) -> None:
        visit.requests.append((request.method, request.url, request.headers))
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https") and parts.netloc != home:
            visit.foreign.append(request.url)

    def said(message) -> None:
        # What the browser logs of a refused form (409, 422) is no fault of the page.
        if message.type == "error" and "Failed to load resource" not in message.text:
            visit.complaints.append(message.text)

    # From now on, and not only when a test waits for it: asked for at the moment of a key press, it
    # came too late once in seven times on a busy machine, and the dialogue opened unseen.
    page.on("filechooser", lambda _: None)
    page.on("request", requested)
    page.on("console", said)
    page.on("pageerror", lambda error: visit.complaints.append(str(error)))
    return visit


def noculture(command: str, *options: str, data: Path) -> dict:
    """One command of the installation; what it says with `--json`."""
    run = [str(ROOT / "noculture"), command, "--data", str(data), *options]
    told = subprocess.run(run, check=True, timeout=START_S, stdout=subprocess.PIPE)
    return json.loads(told.stdout) if "--json" in options else {}


def six_minutes_go_by(site: Site) -> None:
    """Every proof that anybody has given is too old."""
    with psycopg.connect(load_settings(site.data).app_database_url) as connection:
        connection.execute(
            "UPDATE credentials_sessions SET proven_at = proven_at - interval '6 minutes',"
            " fully_proven_at = fully_proven_at - interval '6 minutes'"
        )


def new_address() -> str:
    return f"person{next(_people)}-{secrets.token_hex(4)}@example.org"
