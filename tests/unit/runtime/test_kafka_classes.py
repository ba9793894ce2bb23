"""The archive of the broker's classes saves time and never keeps a broker from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.engines.kafka_classes import ARCHIVES_KEPT, ClassArchive
from runtime.folder_lock import FolderLock

MAKES = """#!/bin/sh
for each; do case "$each" in -XX:SharedArchiveFile=*) echo made > "${each#*=}";; esac; done
exit $CODE
"""


@pytest.fixture
def java(tmp_path: Path) -> Path:
    """Writes the archive that it is asked for and ends with `CODE`."""
    program = tmp_path / "jdk" / "bin" / "java"
    program.parent.mkdir(parents=True)
    program.write_text(MAKES.replace("$CODE", "0"))
    program.chmod(0o755)
    return program


@pytest.fixture
def jar(tmp_path: Path) -> Path:
    jar = tmp_path / "broker.jar"
    jar.write_text("classes")
    return jar


@pytest.fixture
def archive(tmp_path: Path, java: Path, jar: Path) -> ClassArchive:
    return archive_of(tmp_path, java, jar)


def archive_of(tmp_path: Path, java: Path, jar: Path) -> ClassArchive:
    (tmp_path / "broker").mkdir(exist_ok=True)
    return ClassArchive(tmp_path / "cache", tmp_path / "broker", java, [jar])


def listed(options: list[str]) -> None:
    """The broker's Java lists its classes; the last line is still being written."""
    Path(options[-1].partition("=")[2]).write_text("java/lang/Object id: 0\njava/lang/Stri")


def archives(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "cache").glob("*.jsa*"))


def test_the_first_start_lists_and_later_ones_use_what_was_made(
    tmp_path: Path, archive: ClassArchive, java: Path, jar: Path
):
    first = archive.options()
    assert first[-1].startswith("-XX:DumpLoadedClassList=")
    listed(first)
    archive.make()
    [made] = archives(tmp_path)
    assert archive_of(tmp_path, java, jar).options() == [f"-XX:SharedArchiveFile={made}"]
    assert (tmp_path / "broker" / "classes.list").read_text() == "java/lang/Object id: 0\n"


def test_another_jar_asks_for_another_archive(
    tmp_path: Path, archive: ClassArchive, java: Path, jar: Path
):
    listed(archive.options())
    archive.make()
    jar.write_text("other classes")
    assert archive_of(tmp_path, java, jar).options()[0] == "-Xshare:off"


def test_an_archive_that_a_start_failed_with_is_thrown_away(
    tmp_path: Path, archive: ClassArchive, java: Path, jar: Path
):
    listed(archive.options())
    archive.make()
    failing = archive_of(tmp_path, java, jar)
    failing.options()
    failing.distrust()
    assert archives(tmp_path) == []
    assert archive_of(tmp_path, java, jar).options()[0] == "-Xshare:off"


def test_what_was_made_badly_or_by_another_is_not_kept_or_made_twice(
    tmp_path: Path, archive: ClassArchive, java: Path
):
    listed(archive.options())
    (tmp_path / "cache").mkdir()
    lock = FolderLock(tmp_path / "cache" / "lock")
    lock.take()
    archive.make()
    assert archives(tmp_path) == []
    lock.release()
    java.write_text(MAKES.replace("$CODE", "1"))
    archive.make()
    assert archives(tmp_path) == []


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, archive: ClassArchive):
    listed(archive.options())
    (tmp_path / "cache").write_text("a file where the folder should be")
    archive.make()
    assert archive.options()[0] == "-Xshare:off"


def test_few_archives_are_kept(tmp_path: Path, archive: ClassArchive):
    listed(archive.options())
    (tmp_path / "cache").mkdir()
    for number in range(6):
        old = tmp_path / "cache" / f"old{number}.jsa"
        old.write_text("old")
        os.utime(old, (number, number))
    archive.make()
    assert len(archives(tmp_path)) == ARCHIVES_KEPT
    assert {path.name for path in archives(tmp_path)} >= {"old4.jsa", "old5.jsa"}


def test_an_archive_that_is_in_use_is_kept_however_old_it_is(
    tmp_path: Path, archive: ClassArchive, java: Path, jar: Path
):
    listed(archive.options())
    archive.make()
    [made] = archives(tmp_path)
    os.utime(made, (0, 0))
    for number in range(1, 1 + ARCHIVES_KEPT):
        old = tmp_path / "cache" / f"old{number}.jsa"
        old.write_text("old")
        os.utime(old, (number, number))
    assert archive_of(tmp_path, java, jar).options() == [f"-XX:SharedArchiveFile={made}"]
    other = tmp_path / "other.jar"
    other.write_text("other classes")
    another = archive_of(tmp_path, java, other)
    listed(another.options())
    another.make()
    assert made in archives(tmp_path)
    assert len(archives(tmp_path)) == ARCHIVES_KEPT
