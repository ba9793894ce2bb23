"""The broker's jars are held to the checked-in list, fetched here from a real HTTP repository."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from runtime.engines.kafka_jars import Jar, JarCache, read_lock
from runtime.errors import KafkaUnavailable

CONTENT = b"not really a jar"
JAR = Jar("org.example:thing:1.0", hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Maven repository on loopback that jgo is told to use, as a company mirror would be."""
    folder = tmp_path / "repository"
    jar = folder / "org/example/thing/1.0/thing-1.0.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(CONTENT)
    server = ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = tmp_path / "jgo.conf"
    config.write_text(f"[repositories]\ncentral = http://127.0.0.1:{server.server_port}\n")
    monkeypatch.setenv("JGO_CONFIG_FILE", str(config))
    yield jar
    server.shutdown()


def test_the_list_names_the_broker_and_no_jar_twice() -> None:
    jars = read_lock()
    assert jars[0].coordinates == "org.apache.kafka:kafka_2.13:4.3.1"
    assert len({jar.file_name for jar in jars}) == len(jars)
    assert all(len(jar.sha256) == 64 for jar in jars)
    names = {jar.coordinates.split(":")[1] for jar in jars}
    assert {"kafka-clients", "log4j-slf4j-impl"} <= names


def test_a_jar_is_fetched_once_and_found_again(tmp_path: Path, repository: Path) -> None:
    cache = JarCache(tmp_path / "cache", [JAR])
    [path] = cache.class_path()
    assert path.read_bytes() == CONTENT
    repository.unlink()
    assert JarCache(tmp_path / "cache", [JAR]).class_path() == [path]


def test_a_jar_with_another_hash_is_refused(tmp_path: Path, repository: Path) -> None:
    repository.write_bytes(b"something else")
    with pytest.raises(KafkaUnavailable, match=r"org\.example:thing:1\.0.*our list says"):
        JarCache(tmp_path / "cache", [JAR]).class_path()
    assert not list((tmp_path / "cache").glob("*.jar"))


def test_a_cached_jar_that_was_changed_is_fetched_again(tmp_path: Path, repository: Path) -> None:
    [path] = JarCache(tmp_path / "cache", [JAR]).class_path()
    path.write_bytes(b"changed later on")
    assert JarCache(tmp_path / "cache", [JAR]).class_path()[0].read_bytes() == CONTENT


def test_an_extra_file_is_not_put_on_the_class_path(tmp_path: Path, repository: Path) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "extra.jar").write_bytes(b"?")
    assert [p.name for p in JarCache(tmp_path / "cache", [JAR]).class_path()] == ["thing-1.0.jar"]


def test_a_missing_jar_names_the_way_without_kafka(tmp_path: Path, repository: Path) -> None:
    repository.unlink()
    with pytest.raises(KafkaUnavailable, match="--event-log postgres") as refused:
        JarCache(tmp_path / "cache", [JAR]).class_path()
    assert refused.value.exit_code == 4
