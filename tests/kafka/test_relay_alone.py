"""What the relay does with nothing to do, and with a log that is not whole."""

from __future__ import annotations

import time

import psutil
import pytest
from psycopg_pool import ConnectionPool

from events.log.kafka_config import KafkaConfig
from events.log.progress import LogProgress
from processors import relay
from processors.compare import compare
from tests.conftest import Database
from tests.integration.consumers.support import Writer, eventually, proofs_of
from tests.kafka.test_relay import as_owner, relayed
from tests.kafka.test_relay_kills import start

WATCHED_S = 2.0


def test_an_idle_relay_sleeps_and_wakes(
    database: Database, pool: ConnectionPool, config: KafkaConfig, writer: Writer
):
    progress = LogProgress(pool)
    process = start(database, config)
    try:
        relayed(progress, writer.lives(3), 60)
        watched = psutil.Process(process.pid)
        before_s = sum(watched.cpu_times()[:2])
        time.sleep(WATCHED_S)
        used_s = sum(watched.cpu_times()[:2]) - before_s
        # About 1 % of a core; a busy loop would be all of it.
        assert used_s < 0.15 * WATCHED_S
        relayed(progress, writer.lives(3, seed=2), 10)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("damage", "mend", "told"),
    [
        (
            "CREATE TABLE aside AS SELECT * FROM events WHERE position = {at};"
            " DELETE FROM events WHERE position = {at}",
            "INSERT INTO events SELECT * FROM aside",
            "position: {at} was to come and {next} came",
        ),
        (
            "UPDATE events SET stream_version = 7 WHERE position = {at}",
            "UPDATE events SET stream_version = 2 WHERE position = {at}",
            "2 was to come and 7 came",
        ),
    ],
    ids=["a position is missing", "a version is missing"],
)
@pytest.mark.parametrize("seen", [True, False], ids=["known stream", "unknown stream"])
def test_a_hole_stops_it_loudly_until_it_is_mended(
    damage: str,
    mend: str,
    told: str,
    seen: bool,
    database: Database,
    pool: ConnectionPool,
    config: KafkaConfig,
    writer: Writer,
    relaying,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(relay, "REFUSED_PAUSE_S", 0.3)
    progress = LogProgress(pool)
    asset, published = writer.upload()
    if not seen:
        with relaying():
            relayed(progress, published)
    at = writer.delete(asset)
    _, last = writer.upload()
    as_owner(database, damage.format(at=at))
    with relaying() as working:
        eventually(lambda: working.refused, 40)
        assert "log-hole" in working.refused
        assert told.format(at=at, next=last) in working.refused
        assert "log verify" in working.refused
        assert progress.refused() == working.refused
        assert progress.relayed() < at
        as_owner(database, mend.format(at=at))
        relayed(progress, last, 40)
        eventually(lambda: progress.refused() is None)
        eventually(lambda: working.refused is None)
        assert compare(pool, config, proofs_of(pool)).ok
