"""P6: an HTTP command, PATCH of a tag with If-Match, over 32 connections, against `/healthz`.

Both are answered by the same API process, asked by the same client process, in turns. Relay and
worker do not run: what they cost is not the API's, and P5 has them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from aggregates.vault import asset
from benchmarks.product import Client, post_file, running, sign_up
from benchmarks.result import Result, percentiles
from benchmarks.rig import Rig
from commands.unit import CommandContext
from events.ids import AssetId, CommandId, CorrelationId
from events.vault.audio import AudioFacts, Tags
from runtime.composition import open_core
from runtime.installation import ROOT
from runtime.settings import load_settings

CONNECTIONS = 32
ROUNDS, SECONDS = 5, 4.0
GOAL = 0.35
PATIENCE_S = 30.0
AUDIO = AudioFacts(duration_s=1, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=None)


def measure(rig: Rig) -> list[Result]:
    rounds, seconds = (1, 0.5) if rig.quick else (ROUNDS, SECONDS)
    folder, database = rig.folder / "p6", rig.database()
    with running(rig, folder, "api", database=database, ready="/healthz") as port:
        # Each connection is a musician of its own: one account may change 3,000 things a minute.
        musicians = [sign_up(port, f"p6-{number}") for number in range(CONNECTIONS)]
        assets = _verified_assets(folder, database.app_url, musicians)
        health = [_request("GET", "/healthz") for _ in range(CONNECTIONS)]
        _ask(port, health, 0.5)
        _ask(port, _edits(musicians, assets), 0.5)
        theirs: list[dict[str, Any]] = []
        ours: list[dict[str, Any]] = []
        for _ in range(rounds):
            theirs.append(_ask(port, health, seconds))
            ours.append(_ask(port, _edits(musicians, assets), seconds))
    mine, their = _best_rate(ours), _best_rate(theirs)
    return [
        Result(
            name="P6",
            title=f"PATCH of a tag with If-Match, {CONNECTIONS} connections",
            ours=mine,
            peer="the same process' /healthz",
            theirs=their,
            ratio=mine / their,
            goal=GOAL,
            unit="requests/s",
            details={
                "rates_ours": [_rate(each) for each in ours],
                "rates_theirs": [_rate(each) for each in theirs],
                "latency_s_ours": _latencies(ours),
                "latency_s_theirs": _latencies(theirs),
            },
        )
    ]


def _verified_assets(folder: Path, url: str, musicians: list[Client]) -> list[str]:
    """One for each musician; verified by hand, for no worker runs."""
    ids = [post_file(musician, number) for number, musician in enumerate(musicians)]
    with open_core(load_settings(folder, app_database_url=url)) as core:
        for each in ids:
            asset_id = AssetId(each)
            tenant = core.log.events.stream(asset_id)[0].tenant
            context = CommandContext(None, tenant, CommandId.new(), CorrelationId.new())
            unit = core.commands.unit(context, input=None)
            unit.change(asset, asset_id, asset.verify, tags=Tags(), audio=AUDIO, cover=None)
            unit.commit()
    return ids


def _edits(musicians: list[Client], assets: list[str]) -> list[dict[str, Any]]:
    """Edits for each connection, of a stream of its own, from that stream's version now."""
    found = []
    for musician, each in zip(musicians, assets, strict=True):
        path = f"/api/assets/{each}"
        answer = musician.call("PATCH", path, {"album": "start"}, {"If-Match": "*"})
        assert answer.status == 200, answer.body
        headers = {"Authorization": f"Bearer {musician.key}", "Content-Type": "application/json"}
        body = json.dumps({"title": "Take %d"})
        edit = _request("PATCH", path, headers, body)
        found.append(edit | {"edits": True, "etag": answer.headers["ETag"]})
    return found


def _request(
    method: str, path: str, headers: dict[str, str] | None = None, body: str = ""
) -> dict[str, Any]:
    wanted = {"method": method, "path": path, "headers": headers or {}, "body": body}
    return wanted | {"edits": False}


def _ask(port: int, connections: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
    """One round. Every answer must be a 200: a fast refusal is no command."""
    asked = {"port": port, "seconds": seconds, "connections": connections}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asked).encode(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=seconds + PATIENCE_S,
        check=True,
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    if set(answer["statuses"]) != {"200"}:
        raise RuntimeError(f"not everything was answered: {answer['statuses']}")
    return answer


def _rate(round: dict[str, Any]) -> float:
    return round["requests"] / round["seconds"]


def _best_rate(rounds: list[dict[str, Any]]) -> float:
    return max(map(_rate, rounds))


def _latencies(rounds: list[dict[str, Any]]) -> dict[str, float]:
    return percentiles([each for round in rounds for each in round["latencies_s"]])
