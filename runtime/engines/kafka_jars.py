"""Fetches the broker's jars by Maven coordinates and holds each to our list of SHA-256.

`runtime/kafka_jars.lock` has one line per jar: `group:artifact:version sha256`. Only the jars it
names are put on the class path, so an extra file cannot join and a changed one is refused.
`python -m runtime.engines.kafka_jars` writes the list anew after a change of `ROOTS`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runtime.errors import KafkaUnavailable

LOCK_FILE = Path(__file__).parent.parent / "kafka_jars.lock"
# The second root is the logging back end of the official release; the broker's own jars have none.
ROOTS = ("org.apache.kafka:kafka_2.13:4.3.1", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4")
DOWNLOADS_AT_ONCE = 6
FETCH_TIMEOUT_S = 60


@dataclass(frozen=True)
class Jar:
    """One line of the list."""

    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        _group, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


def read_lock(lock_file: Path = LOCK_FILE) -> list[Jar]:
    """The jars of the broker, in class path order."""
    lines = lock_file.read_text().splitlines()
    return [Jar(*line.split()) for line in lines if line and not line.startswith("#")]


class JarCache:
    """A folder of verified jars, shared by the installations of one user.

    A jar is hashed when it arrives; its size and change time are noted then, and a start only
    compares those (45 stat calls instead of hashing 45 MB). Whatever differs is hashed again.
    """

    def __init__(self, folder: Path, jars: list[Jar] | None = None) -> None:
        self._folder = folder
        self._jars = read_lock() if jars is None else jars
        self._notes_file = folder / "verified.json"

    def class_path(self, said: Callable[[str], None] = lambda _text: None) -> list[Path]:
        """All jars, fetched where missing. Raises KafkaUnavailable naming what cannot be had."""
        self._folder.mkdir(parents=True, exist_ok=True)
        notes = self._read_notes()
        doubtful = [
            jar for jar in self._jars if notes.get(jar.file_name, "unknown") != self._note(jar)
        ]
        missing = [jar for jar in doubtful if not self._is_right(jar)]
        if missing:
            said(f"fetching {len(missing)} jars")
            self._fetch(missing)
        if doubtful:
            self._write_notes()
        return [self._folder / jar.file_name for jar in self._jars]

    def _is_right(self, jar: Jar) -> bool:
        path = self._folder / jar.file_name
        return path.exists() and sha256_of(path) == jar.sha256

    def _note(self, jar: Jar) -> list[Any] | None:
        try:
            facts = (self._folder / jar.file_name).stat()
        except FileNotFoundError:
            return None
        return [jar.sha256, facts.st_size, facts.st_mtime_ns]

    def _read_notes(self) -> dict[str, list[Any]]:
        try:
            notes: dict[str, list[Any]] = json.loads(self._notes_file.read_text())
            return notes
        except (OSError, ValueError):
            return {}

    def _write_notes(self) -> None:
        notes = {jar.file_name: self._note(jar) for jar in self._jars}
        unfinished = self._notes_file.with_suffix(".new")
        unfinished.write_text(json.dumps(notes))
        unfinished.replace(self._notes_file)

    def _fetch(self, jars: list[Jar]) -> None:
        downloads = self._folder / "downloads"
        repository = _maven(downloads)
        try:
            with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
                list(pool.map(lambda jar: self._fetch_one(repository, jar), jars))
        except KafkaUnavailable:
            raise
        except Exception as error:  # jgo raises requests', OS and its own errors alike
            raise KafkaUnavailable(
                f"its jars cannot be fetched ({type(error).__name__}: {str(error)[:200]})"
            ) from error

    def _fetch_one(self, repository: Any, jar: Jar) -> None:
        group, artifact, version = jar.coordinates.split(":")
        wanted = repository.project(group, artifact).at_version(version).artifact()
        fetched: Path = wanted.resolve()
        if sha256_of(fetched) != jar.sha256:  # perhaps a rest of an interrupted download
            fetched.unlink()
            fetched = wanted.resolve()
        if (found := sha256_of(fetched)) != jar.sha256:
            fetched.unlink()
            raise KafkaUnavailable(
                f"{jar.coordinates} has SHA-256 {found}, and our list says {jar.sha256}"
            )
        fetched.replace(self._folder / jar.file_name)


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _maven(downloads: Path) -> Any:
    """jgo's repository access, with the machine's own mirrors if jgo is configured for some."""
    logging.getLogger("jgo").setLevel(logging.ERROR)
    # The machine's certificates, as pip and uv use them, rather than those requests brings along.
    machines = ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt"
    if Path(machines).exists():
        os.environ.setdefault("REQUESTS_CA_BUNDLE", machines)
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    repository = MavenContext(repo_cache=downloads, timeout=FETCH_TIMEOUT_S)
    repository.remote_repos.update(GlobalSettings.load().repositories)
    return repository


def write_lock(downloads: Path, lock_file: Path = LOCK_FILE) -> int:
    """Resolve `ROOTS` with their run-time dependencies and write the list. Returns its length."""
    from jgo.parse import Coordinate

    repository = _maven(downloads)
    needed: dict[tuple[str, str], Any] = {}
    # One root at a time, the broker first: together, jgo lets the managed versions of the one
    # replace what the other asks for (kafka-clients 3.9 beside kafka 4.3).
    for root in ROOTS:
        group, artifact, version = root.split(":")
        wanted = repository.create_dependency(Coordinate(group, artifact, version, scope="compile"))
        inputs, transitive = repository.resolver.resolve([wanted])
        for dep in [*inputs, *(dep for dep in transitive if dep.scope in ("compile", "runtime"))]:
            needed.setdefault((dep.groupId, dep.artifactId), dep)
    with ThreadPoolExecutor(DOWNLOADS_AT_ONCE) as pool:
        paths = list(pool.map(lambda dep: dep.artifact.resolve(), needed.values()))
    lines = [
        f"{dep.groupId}:{dep.artifactId}:{dep.version} {sha256_of(path)}"
        for dep, path in zip(needed.values(), paths, strict=True)
    ]
    lock_file.write_text("# group:artifact:version sha256\n" + "\n".join(lines) + "\n")
    return len(lines)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        print(write_lock(Path(folder)), "jars in", LOCK_FILE.name)
