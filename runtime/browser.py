"""Finds a browser for the tests that need one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from runtime.errors import PartUnavailable

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "chrome",
    "microsoft-edge",
)
MACOS_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
DOWNLOAD_LIMIT_S = 300


class BrowserUnavailable(PartUnavailable):
    """The tests in a browser cannot run; they are never skipped in silence."""

    code = "browser-unavailable"

    def __init__(self) -> None:
        super().__init__(
            "No browser for the e2e tests. Install Chromium or Chrome, or name one in "
            "NOCULTURE_BROWSER; or run the other levels: `./noculture test unit integration`."
        )


def installed_browser(chosen: str = "") -> Path | None:
    """The one that was chosen, else one on the machine, else Playwright's own if it is there."""
    if chosen:
        return Path(chosen) if os.access(chosen, os.X_OK) else None
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found:
        return Path(found)
    if os.access(MACOS_CHROME, os.X_OK):
        return Path(MACOS_CHROME)
    return _playwrights_own()


def get_browser(chosen: str, said: Callable[[str], None]) -> Path:
    """Like `installed_browser`, else install one. Raises BrowserUnavailable (exit code 4)."""
    if found := installed_browser(chosen):
        return found
    if chosen:
        raise BrowserUnavailable
    said("no browser found; trying Playwright's own download")
    _run([sys.executable, "-m", "playwright", "install", "chromium"])
    if found := installed_browser():
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        said("trying the Debian package chromium")
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        _run(["apt-get", "update", "-qq"], environment)
        _run(["apt-get", "install", "-y", "-qq", "chromium"], environment)
        if found := installed_browser():
            return found
    raise BrowserUnavailable


def _playwrights_own() -> Path | None:
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            path = Path(playwright.chromium.executable_path)
    except Exception:  # not installed, or its driver does not run here
        return None
    return path if os.access(path, os.X_OK) else None


def _run(command: list[str], environment: dict[str, str] | None = None) -> None:
    """Run an installer; what matters is whether there is a browser afterwards."""
    try:
        subprocess.run(
            command, env=environment, stdout=sys.stderr, timeout=DOWNLOAD_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return
