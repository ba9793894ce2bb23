"""docs/operations.md, done: the fenced `sh` blocks of a section run as they stand."""

from __future__ import annotations

import os
import re
import subprocess
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import httpx2
import psycopg

from processors.consumers.projection import ProjectionConsumer
from runtime.composition import Core, new_wakes, open_core
from runtime.consumers import consumers, rebuilder
from runtime.installation import ROOT
from runtime.settings import load_settings
from tests.installation import Installation, eventually

PAGE = ROOT / "docs" / "operations.md"
PASSWORD = "a long enough password"
_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)
_BLOCK = re.compile(r"^```sh\n(?P<commands>.*?)^```$", re.MULTILINE | re.DOTALL)


def sections() -> dict[str, str]:
    """Title → text, of the whole page."""
    _, *rest = _SECTION.split(PAGE.read_text())
    return dict(zip(rest[::2], rest[1::2], strict=True))


def commands(title: str) -> list[str]:
    """The `sh` blocks of a section, in order."""
    return _BLOCK.findall(sections()[title])


@dataclass
class Operator:
    """Somebody at a shell. `variables` are those that the page's blocks name."""

    installation: Installation
    variables: dict[str, str] = field(default_factory=dict)

    def does(self, title: str, number: int = 0, code: int = 0) -> str:
        """Run one block of a section, expecting that exit code; answers what was printed."""
        done = subprocess.run(
            ["sh", "-eu", "-c", commands(title)[number]],
            cwd=ROOT,
            env={
                # Networks that nothing here looks at: 5 s of start and work a track.
                "NOCULTURE_ANALYSIS_MODELS": "off",
                **os.environ,
                "NOCULTURE_DATA": str(self.installation.data),
                **self.variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def events(self) -> int:
        return int(self.installation.status()["head"])

    def at_head(self) -> None:
        """Waits until every consumer has read the whole log, as `consumers wait` does in a process
        of its own: 0.8 s of processor time to load it.
        """
        position = self.events()
        with self._core() as core:
            eventually(
                lambda: all(each.position >= position for each in core.progress.all()),
                f"every consumer at {position}",
            )

    def every_view_is_what_the_log_says(self) -> bool:
        """Makes each read model anew beside the live one, as `consumers rebuild --all` does."""
        with self._core() as core:
            made_anew = [
                rebuilder(core).rebuild(consumer).identical
                for consumer in consumers(core, new_wakes())
                if isinstance(consumer, ProjectionConsumer)
            ]
        return len(made_anew) > 5 and set(made_anew) == {True}

    def _core(self) -> AbstractContextManager[Core]:
        settings = load_settings(self.installation.data)
        return open_core(settings, acting="worker", connections=8)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """As whoever administers the database."""
        with psycopg.connect(self.installation.postgres.admin_url(), autocommit=True) as connection:
            cursor = connection.execute(statement)  # type: ignore[arg-type]
            return cursor.fetchall() if cursor.description else []


class Visitor:
    """A person with a browser's cookies."""

    def __init__(self, web: str) -> None:
        self.http = httpx2.Client(base_url=web, headers={"Origin": web}, timeout=60)

    def __call__(self, method: str, path: str, *, expect: int, **more: Any) -> httpx2.Response:
        answer = self.http.request(method, path, **more)
        assert answer.status_code == expect, answer.text
        return answer

    def signs_up(self, name: str) -> str:
        person = {"email": f"{name}@example.org", "password": PASSWORD, "name": name}
        account: str = self("POST", "/api/accounts", json=person, expect=201).json()["id"]
        return account

    def signs_in(self, name: str, *, expect: int = 201) -> None:
        person = {"email": f"{name}@example.org", "password": PASSWORD}
        self("POST", "/api/sessions", json=person, expect=expect)

    def uploads(self, name: str, content: bytes) -> str:
        files = {"file": (name, content)}
        asset: str = self("POST", "/api/assets", files=files, expect=202).json()["id"]
        return asset


def readiness(web: str) -> dict[str, str]:
    """What /readyz complains of."""
    reasons: dict[str, str] = httpx2.get(f"{web}/readyz", timeout=30).json()["reasons"]
    return reasons
