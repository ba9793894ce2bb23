"""The product's own API without a server, and its views; a test does what a worker would."""

from __future__ import annotations

import hashlib
import itertools
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from psycopg_pool import ConnectionPool

from aggregates.vault import analysis, asset
from commands.account.accounts import Accounts
from commands.account.keys import IssueKey, Keys
from commands.account.logins import Logins
from commands.unit import CommandContext, Commands
from events.envelope import Envelope
from events.ids import AccountId, AnalysisId, AssetId, CommandId, CorrelationId, WorkspaceId
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.log.tail import LogTail
from events.vault.audio import AudioFacts, Blob, Measurement, Tags, TempoCandidate
from gateways.ports.objects import ObjectStore
from kit.caller import Caller
from kit.paging import Cursors
from kit.tokens import Signer
from processors.consumers.engine import Engine
from processors.consumers.projection import ProjectionConsumer
from processors.rebuild import Rebuilder
from read_api.system.live import LiveFeed
from read_api.system.timeline import TimelineQueries
from read_api.vault.assets import AssetQueries
from runtime.app import Application, compose
from runtime.areas import VIEWS
from runtime.composition import Core, open_core
from runtime.consumers import views
from runtime.settings import load_settings
from tests.conftest import Database
from tests.integration.account.erasure.house import eventually

_numbers = itertools.count(1)


@dataclass
class Library:
    """`add` is what a musician and the analyser do; `settle` waits until the views have it."""

    commands: Commands
    progress: LogProgress
    objects: ObjectStore
    accounts: Accounts
    keys: Keys
    logins: Logins
    rebuilder: Rebuilder
    consumers: list[ProjectionConsumer]
    pool: ConnectionPool
    workers_pool: ConnectionPool
    feed: LiveFeed
    assets: AssetQueries
    timeline: TimelineQueries
    app: FastAPI
    position: int = 0
    operator: Caller | None = None

    def shown(self, envelope: Envelope) -> dict[str, Any]:
        """What people whose event it is are shown: personal values in plain."""
        where = (envelope.event_id, envelope.stream_id, envelope.tenant)
        revealed = self.commands.codec.reveal(*where, json.loads(envelope.data))
        return envelope.to_json() | {"data": revealed}

    def caller(self) -> Caller:
        """Somebody new with a workspace of their own."""
        invited = self.accounts.invite(f"person{next(_numbers)}@example.org")
        login = self.logins.of_account(invited.account_id)
        assert login is not None
        self.position = self.commands.log.events.head()
        return Caller(login.account_id, login.workspace_id, operator=login.operator)

    def key(self, caller: Caller, *scopes: str) -> dict[str, str]:
        """Headers of a program that acts for the caller."""
        issued, _ = self.keys.issue(caller, IssueKey(name="test", scopes=list(scopes or ("*",))))
        return {"Authorization": f"Bearer {issued.key}"}

    def upload(self, caller: Caller, filename: str = "a.flac", content: bytes = b"") -> AssetId:
        content = content or f"{filename} {next(_numbers)}".encode()
        asset_id, sha256 = AssetId.new(), hashlib.sha256(content).hexdigest()
        self.objects.put_bytes(caller.workspace_id, sha256, content)
        self._do(
            caller,
            "start",
            asset,
            asset_id,
            asset.upload,
            workspace_id=WorkspaceId(caller.workspace_id),
            uploaded_by=AccountId(caller.account_id),
            filename=filename,
            sha256=sha256,
            size_bytes=len(content),
        )
        return asset_id

    def verify(
        self,
        caller: Caller,
        asset_id: AssetId,
        *,
        duration_s: float = 180.0,
        codec: str = "flac",
        cover: Blob | None = None,
        playable: bool | None = None,
        rendition: Blob | None = None,
        **tags: Any,
    ) -> None:
        audio = AudioFacts(
            duration_s=duration_s, sample_rate_hz=44100, channels=2, codec=codec, bitrate_bps=1000
        )
        self.change(
            caller,
            asset_id,
            asset.verify,
            tags=Tags.model_validate(tags),
            audio=audio,
            cover=cover,
            playable=playable,
            rendition=rendition,
        )

    def reject(self, caller: Caller, asset_id: AssetId) -> None:
        self.change(caller, asset_id, asset.reject, code="not-audio", reason="No sound in it")

    def edit(self, caller: Caller, asset_id: AssetId, **changes: Any) -> None:
        account = AccountId(caller.account_id)
        self.change(caller, asset_id, asset.edit_tags, edited_by=account, changes=changes)

    def delete(self, caller: Caller, asset_id: AssetId) -> None:
        self.change(caller, asset_id, asset.delete, deleted_by=AccountId(caller.account_id))

    def request_analysis(self, caller: Caller, asset_id: AssetId) -> AnalysisId:
        analysis_id = AnalysisId.beside(asset_id)
        self._do(
            caller,
            "change",
            analysis,
            analysis_id,
            analysis.request,
            asset_id=asset_id,
            workspace_id=WorkspaceId(caller.workspace_id),
            sha256="0" * 64,
        )
        return analysis_id

    def analyse(
        self,
        caller: Caller,
        asset_id: AssetId,
        *,
        tempo_bpm: float | None = 120.0,
        key: str | None = "A minor",
        peaks: bytes = b"peaks",
        **measured: Any,
    ) -> None:
        analysis_id = self.request_analysis(caller, asset_id)
        sha256 = hashlib.sha256(peaks).hexdigest()
        self.objects.put_bytes(caller.workspace_id, sha256, peaks)
        candidates = [TempoCandidate(bpm=tempo_bpm, confidence=0.8)] if tempo_bpm else []
        known = {
            "tempo_bpm": tempo_bpm,
            "tempo_candidates": candidates,
            "key": key,
            "key_confidence": 0.7 if key else None,
            "loudness_lufs": -9.25,
            "true_peak_dbtp": -0.3,
            "energy": 0.6,
            "analyser": "essentia",
            "analyser_version": 1,
        }
        measurement = Measurement.model_validate(known | measured)
        self._do(
            caller,
            "change",
            analysis,
            analysis_id,
            analysis.complete,
            measurement=measurement,
            peaks=Blob(sha256=sha256, size_bytes=len(peaks), media_type="x/peaks"),
        )

    def fail_analysis(self, caller: Caller, asset_id: AssetId) -> None:
        analysis_id = self.request_analysis(caller, asset_id)
        self._do(
            caller,
            "change",
            analysis,
            analysis_id,
            analysis.give_up,
            code="timeout",
            reason="It took too long",
        )

    def add(
        self,
        caller: Caller,
        title: str,
        *,
        tempo_bpm: float | None = 120.0,
        key: str | None = "A minor",
        duration_s: float = 180.0,
        filename: str = "",
        measured: dict[str, Any] | None = None,
        **tags: Any,
    ) -> AssetId:
        """Uploaded, verified and analysed: `tempo_bpm`, `key` and `measured` are what was found."""
        asset_id = self.upload(caller, filename or f"take {next(_numbers)}.flac")
        self.verify(caller, asset_id, duration_s=duration_s, title=title, **tags)
        self.analyse(caller, asset_id, tempo_bpm=tempo_bpm, key=key, **(measured or {}))
        return asset_id

    def settle(self) -> None:
        for view in VIEWS:
            assert self.progress.wait_until(view.name, self.position, 20)

    def change(self, caller: Caller, asset_id: AssetId, decide: Any, **arguments: Any) -> None:
        self._do(caller, "change", asset, asset_id, decide, **arguments)

    def _do(self, caller: Caller, how: str, module: Any, *decision: Any, **arguments: Any) -> None:
        context = CommandContext(
            caller.account_id, caller.workspace_id, CommandId.new(), CorrelationId.new()
        )
        unit = self.commands.unit(context, input=None)
        getattr(unit, how)(module, *decision, **arguments)
        self.position = max(self.position, unit.commit().position)


@contextmanager
def open_library(database: Database, folder: Path) -> Iterator[Library]:
    settings = load_settings(
        folder,
        event_log="postgres",
        database_url=database.owner_url,
        app_database_url=database.app_url,
        worker_database_url=database.worker_url,
    )
    stop = threading.Event()
    with open_core(settings) as core, open_core(settings, acting="worker") as behind:
        tail = LogTail(core.url)
        rebuilder = Rebuilder(behind.pool, behind.codec, "postgres")
        store = StoreLog(behind.url, behind.pool, tail)
        engine = Engine(_consumers(), store, behind.pool, behind.codec, rebuilder)
        worker = threading.Thread(target=engine.run, args=(stop,))
        worker.start()
        library = _library(core, behind, compose(core, tail), rebuilder)
        eventually(
            lambda: {view.name for view in core.progress.all()}.issuperset(
                view.name for view in views()
            )
        )
        # The first account of an installation is its operator.
        library.operator = library.caller()
        try:
            yield library
        finally:
            library.feed.close()
            stop.set()
            worker.join()
            tail.close()


def _library(core: Core, behind: Core, application: Application, rebuilder: Rebuilder) -> Library:
    accounts = application.served["account"].commands
    reading = application.served["system"].queries
    return Library(
        commands=core.commands,
        progress=core.progress,
        objects=core.objects,
        accounts=accounts.accounts,
        keys=accounts.keys,
        logins=Logins(core.pool, core.settings.secrets.installation_key),
        rebuilder=rebuilder,
        consumers=_consumers(),
        pool=core.pool,
        workers_pool=behind.pool,
        feed=reading["feed"],
        # By words alone: what they mean is for test_hybrid_search.py.
        assets=AssetQueries(core.pool, Cursors(Signer(core.settings.secrets.signing_key))),
        timeline=reading["timeline"],
        app=application.app,
    )


def _consumers() -> list[ProjectionConsumer]:
    return [ProjectionConsumer(view) for view in views()]
