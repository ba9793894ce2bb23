"""Kafka has every event once, whatever the network between the relay and its engines does."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from events.log.kafka_config import KafkaConfig
from events.log.progress import LogProgress
from events.store.postgres import PostgresEvents
from processors.compare import compare
from processors.relay import Relay
from runtime.engines.child import choose_free_port
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.settings import load_settings
from tests.conftest import Database, open_database
from tests.fixtures.slow_network import HOST, SlowNetwork, slow_network
from tests.integration.consumers.support import Writer, eventually, pool_of, proofs_of

STALL_S = 15.0
RECOVERED_WITHIN_S = 60.0
LOOK_S = 0.1


class KafkaBehindNetwork(EmbeddedKafka):
    """Tells its clients to come through a proxy; the broker itself and `inside` do not."""

    def __init__(self, folder: Path, outside_port: int) -> None:
        super().__init__(folder, load_settings().shared_cache_dir)
        self._outside, self._inside = outside_port, choose_free_port()

    @property
    def inside(self) -> str:
        return f"{HOST}:{self._inside}"

    def _write_properties(self, controller_port: int) -> None:
        super()._write_properties(controller_port)
        file = self._dir / "server.properties"
        inside = f"INSIDE://{self.inside}"
        text = file.read_text()
        text = text.replace(
            f"advertised.listeners=CLIENTS://{HOST}:{self.port}",
            f"advertised.listeners=CLIENTS://{HOST}:{self._outside},{inside}",
        )
        text = text.replace("\nlisteners=", f"\nlisteners={inside},")
        text = text.replace("protocol.map=", "protocol.map=INSIDE:SASL_PLAINTEXT,")
        text = text.replace("broker.listener.name=CLIENTS", "broker.listener.name=INSIDE")
        for line in re.findall(r"^listener\.name\.clients\..*\n", text, re.MULTILINE):
            text += line.replace("clients", "inside", 1)
        file.write_text(text)


@pytest.fixture(scope="module")
def to_broker() -> Iterator[SlowNetwork]:
    with slow_network() as network:
        yield network


@pytest.fixture(scope="module")
def broker(
    to_broker: SlowNetwork, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[KafkaBehindNetwork]:
    engine = KafkaBehindNetwork(tmp_path_factory.mktemp("broker"), to_broker.port)
    engine.prepare()
    # Before it starts: its users come through the proxy too.
    to_broker.target = engine.port
    engine.launch()
    engine.wait_ready()
    yield engine
    engine.stop()


@pytest.fixture
def to_database(database: Database) -> Iterator[SlowNetwork]:
    with slow_network() as network:
        network.target = urlsplit(database.app_url).port or 0
        yield network


@pytest.fixture
def other_database(postgres: EmbeddedPostgres) -> Iterator[Database]:
    with open_database(postgres, f"network_{os.getpid()}") as database:
        yield database


def through(network: SlowNetwork, url: str) -> str:
    parts = urlsplit(url)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@{HOST}:{network.port}"))


@dataclass(frozen=True)
class Way:
    """A relay between a database and a broker, one of them behind `network`; `direct` is not."""

    network: SlowNetwork
    database: Database
    relay_url: str
    config: KafkaConfig
    direct: KafkaConfig


def test_delays_resets_cuts_and_stalls_cost_time_and_nothing_else(
    database: Database,
    other_database: Database,
    broker: KafkaBehindNetwork,
    to_broker: SlowNetwork,
    to_database: SlowNetwork,
):
    """On the way to the broker, and on that to the database: at once, as most of it is waiting."""
    outside, inside = f"{HOST}:{to_broker.port}", broker.inside

    def topics(prefix: str, bootstrap: str) -> KafkaConfig:
        return replace(broker.config(prefix=prefix), bootstrap=bootstrap)

    ways = [
        Way(
            to_broker,
            other_database,
            other_database.relay_url,
            topics("to_the_broker", outside),
            topics("to_the_broker", inside),
        ),
        Way(
            to_database,
            database,
            through(to_database, database.relay_url),
            topics("to_the_database", inside),
            topics("to_the_database", inside),
        ),
    ]
    with ThreadPoolExecutor(len(ways)) as at_once:
        for survived in [at_once.submit(survives, way) for way in ways]:
            survived.result()


def survives(way: Way) -> None:
    """The relay goes on after each fault, and every event is there once in the end."""
    stop = threading.Event()
    with pool_of(way.database.app_url) as pool, pool_of(way.relay_url, 4) as relays_pool:
        progress, store = LogProgress(pool), PostgresEvents(pool)
        relay = threading.Thread(
            target=Relay(way.relay_url, relays_pool, way.config, proofs_of(relays_pool)).run,
            args=(stop,),
        )
        writing = threading.Thread(target=write_until, args=(way.database.app_url, stop))
        relay.start()
        writing.start()

        def goes_on() -> None:
            head = store.head()
            eventually(lambda: progress.relayed() > head, RECOVERED_WITHIN_S, LOOK_S)

        try:
            goes_on()
            for fault in faults(way.network):
                fault()
                way.network.flow()
                goes_on()
        finally:
            stop.set()
            writing.join(30)
            relay.join(60)
        assert not relay.is_alive()
        # The rest is for its successor.
        stop.clear()
        successor = threading.Thread(
            target=Relay(way.relay_url, relays_pool, way.direct, proofs_of(relays_pool)).run,
            args=(stop,),
        )
        successor.start()
        try:
            eventually(lambda: progress.relayed() >= store.head(), RECOVERED_WITHIN_S, LOOK_S)
        finally:
            stop.set()
            successor.join(30)
        found = compare(pool, way.direct, proofs_of(pool))
        assert found.to_json() == {
            "ok": True,
            "events": store.head(),
            **dict.fromkeys(("missing", "duplicated", "misordered", "extra"), 0),
        }


def faults(network: SlowNetwork) -> list[Callable[[], None]]:
    """Each lasts as long as it says; the traffic decides what it hits."""

    def delayed() -> None:
        network.delay(0.2)
        time.sleep(3)

    def reset_again_and_again() -> None:
        for pause_s in (0.11, 0.37, 0.05, 0.73, 0.29):
            network.reset()
            time.sleep(pause_s)

    def cut() -> None:
        network.cut()
        time.sleep(2)

    def stalled() -> None:
        network.stall()
        time.sleep(STALL_S)

    return [delayed, reset_again_and_again, cut, stalled]


def write_until(url: str, stop: threading.Event) -> None:
    writer = Writer(url)
    seed = 0
    while not stop.is_set():
        seed += 1
        writer.lives(3, seed=seed)
        stop.wait(0.05)
    writer.close()
