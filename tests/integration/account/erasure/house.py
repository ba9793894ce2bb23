"""An installation in one process: the API as it is composed, and a worker that can be stopped."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from fastapi import FastAPI
from starlette.testclient import TestClient

from events.log.tail import LogTail
from processors.effects.caps import Caps
from processors.effects.runner import EffectRunner
from processors.sagas.dispatcher import Dispatcher
from processors.sagas.timers import Timers
from runtime.app import build_app
from runtime.areas import ALL, HANDLERS, SAGAS, VIEWS, account, vault
from runtime.areas.account import AccountCommands
from runtime.areas.vault import VaultCommands
from runtime.composition import Core, new_wakes, open_core, open_event_log
from runtime.consumers import engine, working
from runtime.parts import RUNNERS
from runtime.settings import Settings, load_settings
from tests.conftest import Database
from tests.fixtures.doubles import served

PASSWORD = "a long enough password"


@dataclass
class House:
    """`worker()` runs consumers, sagas and the erasure's effects for as long as it is open."""

    settings: Settings
    core: Core
    # The worker's, with its own rights in the database.
    behind: Core
    app: FastAPI
    owner: psycopg.Connection[tuple[Any, ...]]
    clients: ExitStack = field(default_factory=ExitStack)
    # The position of the last request to erase.
    asked_at: str = "0"

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url="http://testserver", follow_redirects=False)

    def signed_up(self, email: str, name: str = "Ada") -> TestClient:
        client = self.browser()
        person = {"email": email, "password": PASSWORD, "name": name}
        answer = client.post("/api/accounts", json=person)
        assert answer.status_code == 201, answer.text
        client.account = answer.json()
        return client

    def erase(self, client: TestClient) -> str:
        """Ask for it; answers the erasure's id."""
        answer = delete_me(client)
        assert answer.status_code == 202, answer.text
        self.asked_at = answer.headers["Event-Position"]
        return str(answer.json()["id"])

    def state(self, erasure_id: str) -> str | None:
        """None while the views have not come to the erasure: at the worker's first start they are
        made, and then there is nothing in them.
        """
        asked = {"Min-Position": self.asked_at, "Prefer": "wait=0"}
        answer = self.browser().get(f"/api/erasures/{erasure_id}", headers=asked)
        return None if answer.status_code == 503 else str(answer.json()["state"])

    def erasure(self, erasure_id: str) -> dict[str, Any]:
        answer = self.browser().get(f"/api/erasures/{erasure_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def erased(self, erasure_id: str) -> dict[str, Any]:
        """What it answers once it is over."""
        eventually(lambda: self.state(erasure_id) == "erased")
        return self.erasure(erasure_id)

    @contextmanager
    def worker(self) -> Iterator[None]:
        stop = threading.Event()
        core, wakes = self.behind, new_wakes()
        effects = list(account.AREA.work(working(core, ExitStack())))
        caps = Caps(effects, RUNNERS)
        with open_event_log(core) as event_log:
            work = [
                wakes.tail(core.url, [effect.name for effect in effects]).run,
                engine(core, event_log, wakes).run,
                Dispatcher(
                    core.commands, SAGAS, HANDLERS, core.log, core.pool, core.codec, wakes.commands
                ).run,
                Timers(
                    SAGAS, core.log, core.pool, core.codec, wakes.commands, due=wakes.timers
                ).run,
                *(
                    EffectRunner(caps, core.commands, HANDLERS, core.pool, wakes.effects).run
                    for _ in range(RUNNERS)
                ),
            ]
            threads = [threading.Thread(target=run, args=(stop,)) for run in work]
            for thread in threads:
                thread.start()
            try:
                yield
            finally:
                stop.set()
                for thread in threads:
                    thread.join(30)

    def accounts(self) -> AccountCommands:
        return account.commands_of(self.core, ALL)

    def vault(self) -> VaultCommands:
        return vault.commands_of(self.core, partial(account.is_erased, self.core))

    def wait_for_views(self) -> None:
        """The worker makes them at its first start; until then pages answer 503."""
        views = {view.name for view in VIEWS}
        eventually(lambda: views <= {each.name for each in self.core.progress.all()})

    def types(self) -> list[str]:
        return [envelope.type for envelope in self.core.log.events.after(0, 10_000)]

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the database's owner."""
        return self.owner.execute(query, values).fetchall()


def delete_me(client: TestClient, password: str = PASSWORD) -> Any:
    return client.request("DELETE", "/api/me", json={"password": password})


@contextmanager
def open_house(database: Database, data: Path) -> Iterator[House]:
    settings = load_settings(
        data,
        event_log="postgres",
        database_url=database.owner_url,
        app_database_url=database.app_url,
        worker_database_url=database.worker_url,
    )
    with (
        served(settings),
        open_core(settings, connections=24) as core,
        open_core(settings, acting="worker", connections=24) as behind,
        psycopg.connect(settings.database_url, autocommit=True) as owner,
    ):
        tail = LogTail(core.url)
        try:
            yield House(settings, core, behind, build_app(core, tail), owner)
        finally:
            tail.close()


def eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
    """A view that the worker has not built yet is one that is not true yet."""

    def is_true() -> bool:
        try:
            return bool(condition())
        except psycopg.errors.UndefinedTable:
            return False

    deadline = time.monotonic() + within_s
    while not is_true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
