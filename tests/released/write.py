"""Writes the fixture of this version: `python -m tests.released.write`, by hand, before a release.

It runs the product of this checkout with its embedded Postgres and Kafka, lets `story.py` happen
and keeps what is stored then.
"""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from kafka import KafkaConsumer, TopicPartition

from events.times import rfc3339, utc_now
from runtime.engines.kafka import EmbeddedKafka
from runtime.engines.postgres import EmbeddedPostgres
from runtime.installation import version
from runtime.migrate import migrate
from runtime.settings import load_settings
from tests.released.fixture import (
    ROOT,
    dump_database,
    pack_data,
    view_text,
    write_json,
    write_records,
    write_view,
)
from tests.released.product import REGISTRY, Product, load_all_events, open_product
from tests.released.story import Story


def main() -> None:
    folder = ROOT / version()
    with tempfile.TemporaryDirectory(prefix="noculture-released-") as place:
        engines, data = Path(place) / "engines", Path(place) / "data"
        postgres = EmbeddedPostgres(engines / "postgres")
        kafka = EmbeddedKafka(engines / "kafka", load_settings().shared_cache_dir)
        postgres.start()
        kafka.start()
        try:
            database = postgres.make_database("released")
            migrate(database.owner_url)
            with open_product(database, data, kafka) as product:
                story = Story(product)
                story.tell()
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                write_story(folder, story)
                write_views(folder, product)
                write_records(folder, records(kafka))
            dump_database(database, folder)
            pack_data(data, folder)
        finally:
            kafka.stop()
            postgres.stop()
    print(f"{folder}: {sum(file.stat().st_size for file in folder.rglob('*')) // 1024} KiB")


def write_story(folder: Path, story: Story) -> None:
    product = story.product
    people = {
        name: {"email": person.email, "password": person.password, "account_id": person.account_id}
        for name, person in story.people.items()
    }
    told = {
        "written_at": rfc3339(utc_now()),
        "head": product.head(),
        "people": people,
        "consumers": product.consumers(),
        "positions": product.positions(),
        "sagas": story.standing(),
        "waiting": dict(
            product.rows("SELECT effect, count(*) FROM effects GROUP BY effect ORDER BY effect")
        ),
        "unsent": dict(
            product.rows("SELECT name, count(*) FROM saga_commands GROUP BY name ORDER BY name")
        ),
    }
    write_json(folder, "story", told)
    write_json(folder, "commands", [asdict(asked) for asked in story.asked])
    happened = {envelope.type for envelope in product.envelopes()}
    newest = {REGISTRY.newest(model.type) for model in load_all_events()}
    missing = sorted(model.type for model in newest if model and model.type not in happened)
    print(f"{product.head()} events of {len(happened)} types; none of {missing or 'the others'}")
    half_way = Counter((said["saga"], said["stands"]) for said in story.standing().values())
    print("sagas half way:", *(f"{saga} {state}: {n}," for (saga, state), n in half_way.items()))


def write_views(folder: Path, product: Product) -> None:
    with psycopg.connect(product.database.owner_url) as connection:
        views = connection.execute(
            "SELECT viewname FROM pg_views WHERE schemaname = 'views' ORDER BY viewname"
        ).fetchall()
        for (view,) in views:
            write_view(folder, view, view_text(connection, view))


def records(kafka: EmbeddedKafka) -> list[dict[str, Any]]:
    """All that the topics hold, in order per partition."""
    consumer = KafkaConsumer(**kafka.config().consumer(), group_id=None)
    try:
        topics = sorted(name for name in consumer.topics() if name.startswith("noculture."))
        places = [
            TopicPartition(topic, number)
            for topic in topics
            for number in sorted(consumer.partitions_for_topic(topic))
        ]
        return [record for place in places for record in _read(consumer, place)]
    finally:
        consumer.close(autocommit=False)


def _read(consumer: KafkaConsumer, place: TopicPartition) -> list[dict[str, Any]]:
    consumer.assign([place])
    consumer.seek_to_beginning(place)
    (end,) = consumer.end_offsets([place]).values()
    found: list[dict[str, Any]] = []
    while consumer.position(place) < end:
        for record in consumer.poll(timeout_ms=200).get(place, []):
            found.append(
                {
                    "topic": place.topic,
                    "partition": place.partition,
                    "offset": record.offset,
                    "key": record.key.decode(),
                    "headers": [[name, value.decode()] for name, value in record.headers],
                    "value": record.value.decode(),
                }
            )
    return found


if __name__ == "__main__":
    main()
