"""Sagas and effects of money stop at an event that they cannot digest, and lose nothing by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from psycopg_pool import ConnectionPool

from events.envelope import Recorded
from events.ids import IngestId
from events.log.postgres import StoreLog
from events.log.progress import LogProgress
from events.store.log import PostgresLog
from events.vault.asset import AssetUploaded
from processors.consumers.consumer import Consumer
from processors.effects.consumer import EffectConsumer
from processors.rebuild import Rebuilder
from processors.sagas.consumer import SagaConsumer
from processors.vault.audio import ProbeEffect
from processors.wake import Wake
from sagas.saga import Input, Step
from sagas.vault.ingest import INGEST
from tests.integration.consumers.support import (
    Writer,
    caught_up,
    codec_of,
    eventually,
    running,
)

# Makes a consumer, of the program that cannot digest the event or of the corrected one.
Make = Callable[[PostgresLog, ConnectionPool, bool], Consumer]


def a_saga(log: PostgresLog, pool: ConnectionPool, digests: bool) -> Consumer:
    def react(state: Any, input: Input) -> Step | None:
        if not digests and input.event.filename == "poison.wav":  # type: ignore[union-attr]
            raise ZeroDivisionError
        return INGEST.react(state, input)

    saga = replace(INGEST, name="payment", react=react, money=True)
    return SagaConsumer(saga, log, codec_of(pool), Wake())


def an_effect(log: PostgresLog, pool: ConnectionPool, digests: bool) -> Consumer:
    class Transfer(ProbeEffect):
        name = "transfer"

        @staticmethod
        def wants(event: Recorded) -> bool:
            assert isinstance(event.data, AssetUploaded)
            if not digests and event.data.filename == "poison.wav":
                raise ZeroDivisionError
            return True

    return EffectConsumer("payment", [Transfer], Wake(), money=True)


@pytest.mark.parametrize(
    ("make", "done"),
    [
        (a_saga, "SELECT stream_id FROM events WHERE type = 'ingest.stepped' ORDER BY position"),
        (
            an_effect,
            "SELECT stream_id FROM events JOIN effects USING (event_id) ORDER BY events.position",
        ),
    ],
    ids=["saga", "effect"],
)
def test_a_money_consumer_stops_and_goes_on_once_the_program_is_corrected(
    pool: ConnectionPool,
    log: PostgresLog,
    writer: Writer,
    store_log: StoreLog,
    progress: LogProgress,
    rebuilder: Rebuilder,
    make: Make,
    done: str,
):
    def moved() -> list[str]:
        with pool.connection() as connection:
            return [stream for (stream,) in connection.execute(done)]

    first, before = writer.upload()
    poison, _ = writer.upload("poison.wav")
    later, last = writer.upload()
    assets = [first, poison, later]
    streams = [IngestId.beside(each) for each in assets] if make is a_saga else assets

    with running([make(log, pool, False)], store_log, pool, rebuilder):
        eventually(lambda: progress.all() and progress.all()[0].stopped)
    assert "never skips" in str(progress.all()[0].stopped)
    assert moved() == streams[:1]
    assert progress.consumer_position("payment") == before

    with running([make(log, pool, True)], store_log, pool, rebuilder):
        caught_up(progress, "payment", last)
        eventually(lambda: progress.all()[0].stopped is None)
    assert moved() == streams
