"""The same processes against a Postgres and a Kafka that are not ours: what compose starts."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from runtime.engines.child import choose_free_port
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.kafka_users import as_environment
from runtime.engines.postgres import EmbeddedPostgres
from runtime.installation import ROOT
from runtime.settings import load_settings

PATIENCE_S = 90.0
PARTS = ("api", "relay", "worker", "worker", "analysis")  # two workers: scaled by count


@pytest.fixture
def services(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Settings that name a database and a broker elsewhere."""
    postgres = EmbeddedPostgres(tmp_path / "their database" / "postgres")
    kafka = EmbeddedKafka(tmp_path / "their broker", load_settings().shared_cache_dir)
    postgres.start()
    kafka.start()
    yield {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "NOCULTURE_DATA": str(tmp_path / "ours"),
        "NOCULTURE_DATABASE_URL": postgres.owner_url,
        "NOCULTURE_APP_DATABASE_URL": postgres.app_url,
        **as_environment(kafka.config()),
        "NOCULTURE_PORT": str(choose_free_port()),
    }
    kafka.stop()
    postgres.stop()


def runtime(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "runtime", *arguments]


def eventually(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen in {PATIENCE_S:.0f} s"
        time.sleep(0.2)


def is_ready(base: str) -> bool:
    try:
        with urllib.request.urlopen(f"{base}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def sign_up(base: str) -> None:
    person = {"email": "ana@example.com", "password": "correct horse battery", "name": "Ana"}
    request = urllib.request.Request(
        f"{base}/api/accounts",
        json.dumps(person).encode(),
        {"content-type": "application/json", "idempotency-key": "first"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def events_in_kafka(services: dict[str, str]) -> int:
    """Counted by a client of its own that reads only what was committed."""
    consumer = KafkaConsumer(
        bootstrap_servers=services["NOCULTURE_KAFKA_BOOTSTRAP"],
        security_protocol=services["NOCULTURE_KAFKA_SECURITY_PROTOCOL"],
        sasl_mechanism=services["NOCULTURE_KAFKA_SASL_MECHANISM"],
        sasl_plain_username=services["NOCULTURE_KAFKA_SASL_USERNAME"],
        sasl_plain_password=services["NOCULTURE_KAFKA_SASL_PASSWORD"],
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        group_id=None,
        consumer_timeout_ms=2000,
    )
    topics = [topic for topic in consumer.topics() if topic.startswith("noculture.events.")]
    consumer.assign(
        [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic) or ()
        ]
    )
    count = sum(1 for _message in consumer) if topics else 0
    consumer.close()
    return count


def head(owner_url: str) -> int:
    with psycopg.connect(owner_url) as connection:
        row = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        assert row
        return int(row[0])


def test_the_parts_run_by_hand_against_external_services(services: dict[str, str]) -> None:
    base = f"http://127.0.0.1:{services['NOCULTURE_PORT']}"
    subprocess.run(runtime("run", "migrations"), cwd=ROOT, env=services, check=True, timeout=120)
    processes = [
        subprocess.Popen(runtime("run", name), cwd=ROOT, env=services, stdin=subprocess.DEVNULL)
        for name in PARTS
    ]
    try:
        eventually(lambda: is_ready(base), "readiness of the API")
        sign_up(base)
        written = head(services["NOCULTURE_DATABASE_URL"])
        assert written > 0
        eventually(
            lambda: events_in_kafka(services) >= written,
            "every event in Kafka",
        )
        assert events_in_kafka(services) == head(services["NOCULTURE_DATABASE_URL"])
        assert all(process.poll() is None for process in processes)
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(30) for process in processes]
    # uvicorn, once everything is closed, lets the signal it was sent end the process.
    assert set(codes) <= {0, -signal.SIGTERM}


def test_up_with_external_services_starts_no_engine(services: dict[str, str]) -> None:
    up = subprocess.run(
        runtime("up", "--detach", "--json"),
        cwd=ROOT,
        env=services,
        capture_output=True,
        text=True,
        timeout=180,
    )
    try:
        assert up.returncode == 0, up.stderr
        status: dict[str, Any] = json.loads(up.stdout)
        names = [part["name"] for part in status["parts"]]
        assert names == ["api", "relay", "worker", "analysis"]
        assert status["database_url"] is None
        assert status["kafka_bootstrap"] == services["NOCULTURE_KAFKA_BOOTSTRAP"]
        assert status["head"] == head(services["NOCULTURE_DATABASE_URL"])
    finally:
        subprocess.run(runtime("down"), cwd=ROOT, env=services, check=False, timeout=120)
