"""An installation in one process whose analyser does what a test says."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from aggregates.vault import asset
from commands.unit import CommandContext
from events.ids import AssetId, CommandId, CorrelationId
from events.vault.audio import AudioFacts, Tags
from gateways.audio.facts import Analysis, Measurement
from processors.effects.caps import Caps
from processors.effects.runner import EffectRunner
from processors.vault.audio import AnalysisEffect
from processors.wake import Wake, WorkTail
from runtime.areas import HANDLERS
from tests.conftest import Database
from tests.fixtures.reports import report
from tests.integration.account.erasure.house import House, eventually, open_house

AUDIO = AudioFacts(duration_s=2, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=None)
_numbers = itertools.count(1)


class Crashed(Exception):
    code = "crashed"


@dataclass
class Analyser:
    """Measures `tempo_bpm` of whatever it gets, in the order of `measured`, while `open`."""

    tempo_bpm: float = 120.0
    version: int = 1
    crashes: int = 0
    measured: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)

    def analyse(self, path: Path) -> Analysis:
        self.measured.append(path.read_text())
        self.open.wait(20)
        if self.crashes:
            self.crashes -= 1
            raise Crashed("The analyser stopped.")
        measurement = Measurement(
            tempo_bpm=self.tempo_bpm,
            tempo_candidates=[],
            key="A minor",
            key_confidence=0.7,
            loudness_lufs=-9.0,
            true_peak_dbtp=-0.5,
            energy=0.6,
            analyser="test",
            analyser_version=self.version,
        )
        document = report(bpm=self.tempo_bpm).model_dump_json().encode()
        return Analysis(measurement=measurement, peaks=b"peaks", report=document)


@dataclass
class Studio:
    house: House
    analyser: Analyser

    def musician(self) -> TestClient:
        return self.house.signed_up(f"studio{next(_numbers)}@example.com")

    def verified(self, client: TestClient, name: str = "") -> AssetId:
        """Uploaded and found to be good; its analysis is on its way."""
        name = name or f"track {next(_numbers)}"
        answer = client.post("/api/assets", files={"file": (f"{name}.flac", name.encode())})
        assert answer.status_code == 202, answer.text
        asset_id = AssetId(answer.json()["id"])
        context = CommandContext(
            None, client.account["workspace_id"], CommandId.new(), CorrelationId.new()
        )
        unit = self.house.core.commands.unit(context, input=None)
        unit.change(asset, asset_id, asset.verify, tags=Tags(title=name), audio=AUDIO, cover=None)
        unit.commit()
        path = f"/api/assets/{asset_id}"
        eventually(lambda: client.get(path).json().get("state") not in (None, "uploaded"))
        return asset_id

    def analysed(self, client: TestClient, name: str = "") -> AssetId:
        asset_id = self.verified(client, name)
        self.until(client, asset_id, "analysed")
        return asset_id

    def until(self, client: TestClient, asset_id: str, state: str) -> None:
        eventually(lambda: client.get(f"/api/assets/{asset_id}").json().get("state") == state)

    def runs(self, client: TestClient, asset_id: str) -> list[dict[str, Any]]:
        answer = client.get(f"/api/assets/{asset_id}/analyses")
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def hurry(self) -> None:
        """What waits for a timer of a pause waits no longer."""
        with self.house.core.pool.connection() as connection:
            connection.execute(
                "UPDATE saga_timers SET due_at = clock_timestamp() WHERE token = 'retry'"
                " RETURNING pg_notify('noculture_work', 'timers')"
            )


@contextmanager
def open_studio(database: Database, data: Path) -> Iterator[Studio]:
    analyser, stop = Analyser(), threading.Event()
    analyser.open.set()
    with open_house(database, data) as house:
        core = house.behind
        effect = AnalysisEffect(analyser, core.objects)  # type: ignore[arg-type]
        due = Wake()
        caps = Caps([effect], effect.cap)
        runner = EffectRunner(caps, core.commands, HANDLERS, core.pool, due)
        threads = [
            threading.Thread(target=run, args=(stop,))
            for run in (runner.run, WorkTail(core.url, {effect.name: due}).run)
        ]
        with house.worker():
            for thread in threads:
                thread.start()
            try:
                yield Studio(house, analyser)
            finally:
                analyser.open.set()
                stop.set()
                for thread in threads:
                    thread.join(30)
