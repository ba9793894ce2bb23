"""Which bytes a page sends for which file, whatever else looks like it and whatever breaks off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx2
import numpy as np
import pytest
from playwright.sync_api import Response, Route, expect

from tests.e2e.conftest import Visit

MIB = 1024 * 1024
# Files as a drop finds them, made in the page: [path, name, size, seed]; all of one time.
ADD = """
(files) => document.querySelector("upload-panel").add(files.map(([path, name, size, seed]) => {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = (Math.imul(i, seed) >>> 9) & 255;
  return { file: new File([bytes], name, { lastModified: 1_262_304_000_000 }), path, handle: null };
}))
"""
# Entries and handles of a disk; None is what may not be opened.
DROP = """
([kind, tree]) => {
  const closed = () => Promise.reject(new DOMException("closed", "NotReadableError"));
  const fileOf = (name, text) => new File([text], name, { lastModified: 1 });
  const handle = (name, below) => below === null || typeof below === "string"
    ? { name, kind: "file", getFile: async () => below === null ? closed() : fileOf(name, below) }
    : { name, kind: "directory", async *values() {
        for (const [each, its] of Object.entries(below)) {
          if (each === "closed") await closed();
          yield handle(each, its);
        }
      } };
  const entry = (name, below) => below === null || typeof below === "string"
    ? {
        name, isFile: true,
        file: (done, failed) =>
          below === null ? failed(new DOMException()) : done(fileOf(name, below)),
      }
    : { name, isFile: false, createReader: () => {
        const left = Object.entries(below);
        return { readEntries: (done, failed) => {
          const [each, its] = left.shift() ?? [];
          if (each === "closed") failed(new DOMException());
          else done(each ? [entry(each, its)] : []);
        } };
      } };
  const items = Object.entries(tree).map(([name, below]) => ({
    kind: "file",
    webkitGetAsEntry: () => entry(name, below),
    ...(kind === "handles" && { getAsFileSystemHandle: async () => handle(name, below) }),
  }));
  const event = new Event("drop", { bubbles: true, cancelable: true });
  event.dataTransfer = { types: ["Files"], items, files: [] };
  document.body.dispatchEvent(event);
}
"""
AT_REST = """
() => {
  const { items } = document.querySelector("upload-panel");
  dispatchEvent(new Event("online"));
  const still = ["stored", "ready", "failed", "missing"];
  return items.length > 0 && items.every(({ state }) => still.includes(state));
}
"""


def made(size: int, seed: int) -> bytes:
    # 32 bits as Math.imul has them.
    numbers = np.arange(size, dtype=np.uint64) * np.uint64(seed) & np.uint64(0xFFFFFFFF)
    return (numbers >> np.uint64(9)).astype(np.uint8).tobytes()


def sha256_of(size: int, seed: int) -> str:
    return hashlib.sha256(made(size, seed)).hexdigest()


@dataclass
class Vault:
    """What is in the visitor's vault once the view has seen every upload that was answered."""

    visit: Visit
    position: int = 0

    def __post_init__(self) -> None:
        self.visit.sign_up()
        self.visit.page.on("response", self._answered)

    def _answered(self, response: Response) -> None:
        self.position = max(self.position, int(response.headers.get("event-position", 0)))

    def stored(self) -> list[tuple[str | None, str, str]]:
        """(path, name, SHA-256) of each asset."""
        cookies = {each["name"]: each["value"] for each in self.visit.page.context.cookies()}
        seen = {"Min-Position": str(self.position), "Prefer": "wait=20"}
        address = self.visit.site.path("/api/assets?limit=100")
        answer = httpx2.get(address, cookies=cookies, headers=seen, timeout=30)
        rows = answer.raise_for_status().json()["data"]
        return [(each["path"], each["filename"], each["sha256"]) for each in rows]


def sent(visit: Visit, since: int) -> list[str]:
    return [method for method, url, _ in visit.requests[since:] if "/api/uploads" in url]


def only_first_pieces(route: Route) -> None:
    """What was begun stays half done, as when a lid is closed."""
    request = route.request
    if request.method != "PATCH" or request.headers["upload-offset"] == "0":
        route.continue_()


def faults(random: Random) -> Callable[[Route], None]:
    """Requests that do not arrive, and such whose answer does not."""

    def decide(route: Route) -> None:
        match random.choice(["pass", "pass", "lost", "unanswered"]):
            case "lost":
                route.abort()
            case "unanswered":
                route.fetch()
                route.abort()
            case _:
                route.continue_()

    return decide


def reload(visit: Visit) -> None:
    visit.page.reload()
    visit.page.unroute_all(behavior="ignoreErrors")


SETS = {
    # Two takes of one name, size and time; one sound at two places; one file twice.
    "folders": [
        ("Song A/Kick.wav", "Kick.wav", 3 * MIB, 3),
        ("Song B/Kick.wav", "Kick.wav", 3 * MIB, 5),
        ("Song B/Copy.wav", "Copy.wav", 3 * MIB, 5),
        ("Song B/Snare.m4b", "Snare.m4b", 40_000, 7),
        ("Song B/Snare.m4b", "Snare.m4b", 40_000, 7),
        ("Song B/\N{MAN}\u200d\N{GIRL}", "\N{MAN}\u200d\N{GIRL}", 40_000, 9),
    ],
    # All look the same.
    "loose": [(None, "TR1.wav", 3 * MIB, seed) for seed in (11, 13, 13, 17)],
}


@pytest.mark.parametrize("name", SETS)
def test_whatever_breaks_off_each_file_is_stored_as_it_was_chosen(visit: Visit, name: str):
    random, files = Random(name), SETS[name]
    vault = Vault(visit)
    visit.page.on("dialog", lambda dialog: dialog.accept())
    visit.page.route("**/api/uploads/*", only_first_pieces)
    visit.page.evaluate(ADD, files)
    visit.until(f"document.querySelector('upload-panel').items.some((i) => i.sent >= {2 * MIB})")
    reload(visit)
    expect(visit.page.locator("upload-panel")).to_contain_text("Choose this file again")
    visit.page.route("**/api/uploads/*", faults(random))
    visit.page.evaluate(ADD, random.sample(files, len(files)))
    visit.until(AT_REST, 60)
    found = vault.stored()
    assert sorted(sha256 for _, _, sha256 in found) == sorted(
        {sha256_of(size, seed) for _, _, size, seed in files}
    )
    chosen = {(path, name, sha256_of(size, seed)) for path, name, size, seed in files}
    assert set(found) <= chosen


def test_one_recording_is_never_continued_with_anothers_bytes(visit: Visit):
    """Both are TR1.wav of one size and time; of the first 2 MiB have arrived."""
    first, other = (None, "TR1.wav", 3 * MIB, 19), (None, "TR1.wav", 3 * MIB, 23)
    vault = Vault(visit)
    visit.page.on("dialog", lambda dialog: dialog.accept())
    visit.page.route("**/api/uploads/*", only_first_pieces)
    visit.page.evaluate(ADD, [first])
    visit.until(f"document.querySelector('upload-panel').items[0].sent >= {2 * MIB}")
    reload(visit)
    panel = visit.page.locator("upload-panel")
    expect(panel).to_contain_text("Choose this file again")
    began = len(visit.requests)
    visit.page.evaluate(ADD, [other])
    visit.until(AT_REST)
    assert sent(visit, began)[:3] == ["HEAD", "POST", "PATCH"]
    assert vault.stored() == [(None, "TR1.wav", sha256_of(3 * MIB, 23))]
    # The first still waits for its own file, and goes on where it was.
    expect(panel.locator("li", has_text="Choose this file again")).to_have_count(1)
    began = len(visit.requests)
    visit.page.evaluate(ADD, [first])
    visit.until(AT_REST)
    assert sent(visit, began)[:2] == ["HEAD", "PATCH"]
    assert "POST" not in sent(visit, began)
    expect(panel).not_to_contain_text("Choose this file again")
    hashes = {sha256 for _, _, sha256 in vault.stored()}
    assert hashes == {sha256_of(3 * MIB, seed) for seed in (19, 23)}


@pytest.mark.parametrize("kind", ["entries", "handles"])
def test_what_cannot_be_read_is_refused_by_name_and_the_rest_goes_on(visit: Visit, kind: str):
    tree = {
        "U2": {
            "0.wav": "sound 0",
            "part": {"1.wav": "sound 1", "closed": {}, "never.wav": "behind what is closed"},
            "gone.wav": None,
            "notes.TXT": "words",
            ".DS_Store": "a view",
            "._0.wav": "a fork",
            "Take 2": "sound 2",
        },
        "3.BWF": "sound 3",
        "lost.wav": None,
    }
    vault = Vault(visit)
    visit.page.evaluate(DROP, [kind, tree])
    panel = visit.page.locator("upload-panel")
    expect(panel.locator("ol li")).to_have_count(4)
    lines = panel.locator(".refused li")
    expect(lines).to_have_text(
        [
            "U2/part This folder, or a part of it, cannot be read",
            "U2/gone.wav This file cannot be read",
            "lost.wav This file cannot be read",
            "U2/notes.TXT Not audio",
            "U2/.DS_Store Not audio",
            "U2/._0.wav Hidden file",
        ]
    )
    expect(lines.first).to_be_visible()
    expect(panel.locator(".refused summary")).to_have_text("3 skipped, 3 cannot be read")
    visit.until(AT_REST)
    kept = {(path, name) for path, name, _ in vault.stored()}
    assert kept == {
        ("U2/0.wav", "0.wav"),
        ("U2/part/1.wav", "1.wav"),
        ("U2/Take 2", "Take 2"),
        (None, "3.BWF"),
    }


def test_a_file_that_changes_or_goes_while_it_is_sent_is_refused(visit: Visit, tmp_path: Path):
    """To the browser that is a lost connection; the page waited for the network for ever."""
    changed, gone, whole = (tmp_path / f"{name}.wav" for name in ("changed", "gone", "whole"))
    for seed, path in enumerate((changed, gone, whole), 29):
        path.write_bytes(made(5 * MIB, seed))
    vault = Vault(visit)
    held: list[Route] = []
    released: list[bool] = []
    visit.page.route(
        "**/api/uploads/*", lambda route: route.continue_() if released else held.append(route)
    )
    visit.choose(changed, gone, whole)
    visit.until("document.querySelector('upload-panel').items.every((i) => i.state === 'sending')")
    while len(held) < 3:
        visit.page.wait_for_timeout(20)
    os.utime(changed, (1, 1))
    gone.unlink()
    released.append(True)
    for route in held:
        route.continue_()
    panel = visit.page.locator("upload-panel")
    for name in ("changed", "gone"):
        row = panel.locator("li", has_text=f"{name}.wav")
        expect(row).to_contain_text("This file was changed, moved or locked.")
    visit.until(AT_REST)
    assert [name for _, name, _ in vault.stored()] == ["whole.wav"]
