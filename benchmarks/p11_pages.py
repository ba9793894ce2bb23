"""P11: pages over a slow line in a real browser: when they are ready, and how much moves for them.

Slow 4G as browsers' tools name it: 1.6 Mbit/s down, 750 kbit/s up, 150 ms, a processor four times
slower; nothing is cached. Ready is when the page's scripts have run (DOMContentLoaded). The track
is one that the product itself has analysed, so that the page shows all that there is.
"""

from __future__ import annotations

import os
import statistics
import time
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks.product import Client, running, sign_up
from benchmarks.result import Result
from benchmarks.rig import Rig
from runtime.browser import installed_browser
from runtime.demo_music.files import render

ROUNDS = 7
LIMIT_S, LIMIT_KB = 1.3, 120.0
PATIENCE_S = 300.0
DURATION_S = 180.0
PASSWORD = "a long password of theirs"  # noqa: S105 - of an account of this run only
SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
CPU_SLOWER = 4
DRAWN = {
    "vault": "document.querySelector('tr[data-asset]') !== null",
    "track": "document.querySelector('track-stage canvas.drawn')?.width > 300",
}


@dataclass(frozen=True)
class View:
    """One cold visit: seconds from the navigation's start, bytes over the wire."""

    ready_s: float
    drawn_s: float
    moved_kb: float


def measure(rig: Rig) -> list[Result]:
    rounds, duration_s = (1, 6.0) if rig.quick else (ROUNDS, DURATION_S)
    with running(rig, rig.folder / "p11", "api", "relay", "worker", "analysis") as port:
        musician = sign_up(port, "p11")
        track = _analysed(rig, musician, duration_s)
        pages = {"vault": "/vault", "track": f"/assets/{track}"}
        found: dict[str, list[View]] = {name: [] for name in pages}
        path = installed_browser(os.environ.get("NOCULTURE_BROWSER", ""))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=str(path) if path else None,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
            )
            state = _signed_in(browser, port)
            for _ in range(rounds):
                for name, address in pages.items():
                    found[name].append(_visit(browser, state, port, address, DRAWN[name]))
            browser.close()
    return [result for name, views in found.items() for result in _results(name, views)]


def _analysed(rig: Rig, musician: Client, duration_s: float) -> str:
    [track] = render(rig.folder / "p11-music", count=1, duration_s=duration_s)
    edge = "p11"
    head = (
        f"--{edge}\r\nContent-Disposition: form-data; name=file; filename={track.path.suffix[1:]}"
        f"{track.path.suffix}\r\nContent-Type: application/octet-stream\r\n\r\n"
    )
    body = head.encode() + track.path.read_bytes() + f"\r\n--{edge}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    asset = str(musician.call("POST", "/api/assets", body, kind).json()["id"])
    deadline = time.monotonic() + PATIENCE_S
    while musician.call("GET", f"/api/assets/{asset}").json().get("state") != "analysed":
        if time.monotonic() > deadline:
            raise TimeoutError(f"the track was not analysed in {PATIENCE_S:.0f} s")
        time.sleep(0.3)
    return asset


def _signed_in(browser: Browser, port: int) -> Any:
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{port}/sign-in")
    page.get_by_label("E-mail").fill("p11@example.org")
    page.get_by_label("Password").first.fill(PASSWORD)
    page.get_by_role("button", name="Sign in").first.click()
    page.wait_for_url(f"http://127.0.0.1:{port}/")
    state = context.storage_state()
    context.close()
    return state


def _visit(browser: Browser, state: Any, port: int, address: str, drawn: str) -> View:
    context = browser.new_context(storage_state=state, viewport={"width": 1280, "height": 860})
    page = context.new_page()
    session = context.new_cdp_session(page)
    moved: dict[str, float] = {}
    pictures: set[str] = set()
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", SLOW_4G)
    session.send("Emulation.setCPUThrottlingRate", {"rate": CPU_SLOWER})
    session.on(
        "Network.responseReceived",
        lambda event: pictures.update({event["requestId"]} if event["type"] == "Image" else ()),
    )
    session.on(
        "Network.loadingFinished",
        lambda event: moved.update({event["requestId"]: event["encodedDataLength"]}),
    )
    page.goto(f"http://127.0.0.1:{port}{address}", wait_until="domcontentloaded")
    deadline = time.monotonic() + 20
    while not page.evaluate(drawn) and time.monotonic() < deadline:
        page.wait_for_timeout(20)
    drawn_s = page.evaluate("performance.now()") / 1000
    page.wait_for_timeout(1500)
    ready = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
    # The cover is the musician's own picture, of any size; the page does not wait for it.
    own = sum(size for request, size in moved.items() if request not in pictures)
    view = View(page.evaluate(ready) / 1000, drawn_s, own / 1000)
    context.close()
    return view


def _results(name: str, views: list[View]) -> list[Result]:
    ready = statistics.median(view.ready_s for view in views)
    moved = statistics.median(view.moved_kb for view in views)
    drawn = statistics.median(view.drawn_s for view in views)
    return [
        Result(
            name="P11",
            title=f"The {name}'s page over slow 4G, cold, until it is ready",
            ours=ready,
            peer="the limit",
            theirs=LIMIT_S,
            ratio=ready / LIMIT_S,
            goal=1.0,
            unit="s",
            at_most=True,
            details={"ready_s": [view.ready_s for view in views], "drawn_s": drawn},
        ),
        Result(
            name="P11",
            title=f"All that moves for the {name}'s page but its cover, cold",
            ours=moved,
            peer="the limit",
            theirs=LIMIT_KB,
            ratio=moved / LIMIT_KB,
            goal=1.0,
            unit="kB",
            at_most=True,
            details={"moved_kb": [view.moved_kb for view in views]},
        ),
    ]
