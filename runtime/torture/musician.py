"""Somebody who uses the installation while its parts die: signs up, uploads, edits, deletes."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random

from kit.conditions import etag
from runtime.torture.account import Account
from runtime.torture.client import Call, Client, Unanswered
from runtime.torture.journal import Deed, Journal
from runtime.torture.music import Recording, recording
from runtime.torture.tus import upload_in_pieces

EDIT, DELETE = "PATCH /api/assets/{id}", "DELETE /api/assets/{id}"
# Conflicts that the musician provokes on purpose.
REFUSED_ON_PURPOSE = frozenset({409, 412, 422})
THINK_S = 0.08
SENT_TWICE = 0.05


class Budget:
    """Uploads that may still be made: measuring is the one thing that cannot be hurried."""

    def __init__(self) -> None:
        self._left = 0
        self._lock = threading.Lock()

    def add(self, uploads: int) -> None:
        with self._lock:
            self._left = min(self._left + uploads, 3 * uploads)

    def take(self) -> bool:
        with self._lock:
            if self._left <= 0:
                return False
            self._left -= 1
            return True


@dataclass(slots=True)
class Track:
    """Knowledge of one recording. `version` is None until the file was looked into,
    and after a command whose fate is unknown.
    """

    asset_id: str
    data: bytes
    position: int
    version: int | None = None
    titles: list[str] = field(default_factory=list)


class Musician:
    """Each has an account and a workspace of its own: nobody else moves its streams' versions,
    but for the worker's one verdict on a file.
    """

    def __init__(
        self,
        name: str,
        web: str,
        journal: Journal,
        seed: str,
        budget: Budget,
        email_key: Callable[[str], str],
    ) -> None:
        self.name = name
        self.key = ""
        self._random = Random(f"{seed} {name}")  # noqa: S311 - it must be repeatable
        self._client = Client(web, journal, self._random)
        self._twin = Client(web, journal, Random(f"{seed} {name} twin"))  # noqa: S311
        self._journal, self._budget, self._email_key = journal, budget, email_key
        self._account = Account(self._client, journal, self._mark, email_key)
        self._number = itertools.count(1)
        self._tracks: list[Track] = []

    def work(self, stop: threading.Event) -> None:
        """Works until told to stop; a command under way is brought to its end."""
        self._open_account()
        while self.key and not stop.is_set():
            try:
                self._choose()()
            except Unanswered:
                continue
            stop.wait(self._random.expovariate(1 / THINK_S))
        self._client.close()
        self._twin.close()

    def _choose(self) -> Callable[[], object]:
        if self._budget.take():
            return self._upload
        weights: dict[Callable[[], object], float] = {
            self._edit: 60,
            self._look: 12,
            self._edit_out_of_date: 3,
            self._say_something_else_with_the_same_key: 2,
            self._account.issue_key: 3,
            self._revoke_key: 2,
            self._delete: 1,
            self._somebody_else_signs_up: 1,
        }
        return self._random.choices([*weights], weights=[*weights.values()])[0]

    def _mark(self) -> str:
        """A text that no other command says."""
        return f"{self.name} {next(self._number)}"

    # Accounts

    def _open_account(self) -> None:
        """Signs up and takes a key for everything, which from then on replaces the cookie."""
        if self._account.sign_up(f"{self.name}@torture.example").outcome != "acked":
            return
        while not self.key:
            self.key = self._account.issue_key(scopes=["*"]) or ""
        self._client.sign_out()
        self._client.use_key(self.key)
        self._twin.use_key(self.key)

    @property
    def workspace_id(self) -> str:
        return self._account.workspace_id

    def _revoke_key(self) -> None:
        self._account.revoke_key(self._random)

    def _somebody_else_signs_up(self) -> None:
        """Signs another account up; every other one may upload, and wants to be forgotten again."""
        client = Client(self._client.web, self._journal, self._random)
        other = Account(client, self._journal, self._mark, self._email_key)
        try:
            deed = other.sign_up(f"{self.name}-{next(self._number)}@torture.example")
            if deed.outcome == "acked" and self._random.random() < 0.5:
                if self._budget.take():
                    other.upload(recording(self._random, self._mark()))
                other.erase()
        finally:
            client.close()

    # Recordings

    def _upload(self) -> None:
        """New bytes, or now and then some that are already there."""
        again = self._random.random() < 0.1 and bool(self._tracks)
        known = self._random.choice(self._tracks) if again else None
        made = recording(self._random, self._mark())
        if known is not None:
            made = Recording(made.filename, known.data)
        if self._random.random() < 0.4:
            deed = upload_in_pieces(self._client, self._random, made, "upload")
        else:
            deed = self._account.upload(made)
        if deed is None or deed.outcome != "acked":
            return
        if bool(deed.content.get("duplicate")) != again:
            self._journal.surprise(f"{deed.command_id}: a duplicate was expected: {again}")
        if known is not None and deed.stream_id != known.asset_id:
            self._journal.surprise(f"{deed.command_id}: {deed.stream_id} is not {known.asset_id}")
        if not again:
            self._tracks.append(Track(deed.stream_id or "", made.data, deed.position or 0))

    def _look(self) -> None:
        """Read one's own write: what was acknowledged is visible at its position."""
        if not self._tracks:
            return
        track = self._random.choice(self._tracks)
        headers = {"Min-Position": str(track.position), "Prefer": "wait=3"}
        answer = self._client.try_to_read(
            lambda http: http.get(f"/api/assets/{track.asset_id}", headers=headers)
        )
        # At no known position (the answer was lost, tus told the asset later) the view may lag.
        if answer is None or (answer.status_code == 404 and not track.position):
            return
        if answer.status_code != 200:
            told = f"{answer.status_code} {answer.text[:200]}"
            self._journal.surprise(f"{track.asset_id} at {track.position} answered {told}")
            return
        asset = answer.json()
        if asset["state"] == "rejected":
            self._tracks.remove(track)
        elif asset["state"] != "uploaded":
            if track.version is not None and track.version != asset["version"]:
                known = f"not the acknowledged {track.version}"
                self._journal.surprise(f"{track.asset_id} is at {asset['version']}, {known}")
            if track.titles and asset["tags"]["title"] != track.titles[-1]:
                told = f"{asset['tags']['title']!r}, not {track.titles[-1]!r}"
                self._journal.surprise(f"{track.asset_id} is called {told}")
            track.version = asset["version"]

    def _edit(self) -> None:
        ready = [track for track in self._tracks if track.version is not None]
        if not ready:
            self._look()
            return
        track = self._random.choice(ready)
        assert track.version is not None
        title = self._mark()
        deed = self._account.begin(
            "edit", EDIT, title, asset_id=track.asset_id, tags={"title": title}
        )
        deed.stream_id = track.asset_id
        call = self._patch(track.asset_id, title, title, track.version)
        if self._random.random() < SENT_TWICE:
            self._command_twice(deed, call)
        else:
            self._client.command(deed, call)
        if deed.outcome == "acked":
            track.version, track.position = track.version + 1, deed.position or 0
            deed.version = track.version
            track.titles.append(title)
        else:
            track.version = None

    def _command_twice(self, deed: Deed, call: Call) -> None:
        """Sends a command from two places at once: it is done once, and both get its one answer."""
        with ThreadPoolExecutor(1) as elsewhere:
            other = elsewhere.submit(self._twin.ask, call)
            self._client.command(deed, call)
            answer = other.result()
        position = answer.headers.get("Event-Position")
        if deed.outcome == "acked" and position != str(deed.position):
            told = f"{answer.status_code} at {position}"
            self._journal.surprise(f"{deed.command_id}: {deed.position}, and elsewhere {told}")

    def _patch(self, asset_id: str, title: str, key: str, version: int) -> Call:
        headers = {"Idempotency-Key": key, "If-Match": etag(version)}
        return lambda http: http.patch(
            f"/api/assets/{asset_id}", json={"title": title}, headers=headers
        )

    def _edit_out_of_date(self) -> None:
        """Edits with an old version's If-Match: it is refused and leaves nothing in the log."""
        old = [track for track in self._tracks if track.titles and track.version is not None]
        if not old:
            return
        track = self._random.choice(old)
        assert track.version is not None
        title = self._mark()
        deed = self._account.begin(
            "edit", EDIT, title, asset_id=track.asset_id, tags={"title": title}
        )
        call = self._patch(track.asset_id, title, title, track.version - 1)
        self._client.command(deed, call, refusals=REFUSED_ON_PURPOSE)
        if deed.outcome == "acked":
            self._journal.surprise(f"{deed.command_id}: edited {track.asset_id} out of date")

    def _say_something_else_with_the_same_key(self) -> None:
        old = [track for track in self._tracks if track.titles and track.version is not None]
        if not old:
            return
        track = self._random.choice(old)
        assert track.version is not None
        call = self._patch(track.asset_id, self._mark(), track.titles[-1], track.version)
        answer = self._client.ask(call)
        if answer.status_code != 422:
            self._journal.surprise(f"another input with a used key answered {answer.status_code}")

    def _delete(self) -> None:
        if len(self._tracks) < 3:
            return
        track = self._tracks.pop(self._random.randrange(len(self._tracks)))
        key = self._mark()
        # Before the file was looked into its version may move under us.
        expected = "*" if track.version is None else etag(track.version)
        deed = self._account.begin("delete", DELETE, key, asset_id=track.asset_id)
        deed.stream_id = track.asset_id
        headers = {"Idempotency-Key": key, "If-Match": expected}
        self._client.command(
            deed, lambda http: http.delete(f"/api/assets/{track.asset_id}", headers=headers)
        )
