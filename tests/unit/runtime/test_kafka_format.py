"""An empty broker's storage is made by Kafka's tool once, and from what it wrote from then on."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from runtime.engines import kafka_format
from runtime.engines.kafka_format import CHECKPOINT, META, FormattedStorage, new_id


class Tool:
    """Writes what Kafka's does, and counts."""

    def __init__(self, log_dir: Path) -> None:
        self._log_dir, self.runs = log_dir, 0

    def __call__(self, cluster_id: str) -> None:
        self.runs += 1
        self._log_dir.mkdir(parents=True)
        (self._log_dir / CHECKPOINT).write_bytes(b"features")
        (self._log_dir / META).write_text(f"cluster.id={cluster_id}\n")


def formatted(tmp_path: Path, name: str, release: bytes = b"4.3.1") -> Tool:
    tool = Tool(tmp_path / name / "log")
    FormattedStorage(tmp_path / "cache", release, 1).make(tmp_path / name / "log", tool)
    return tool


def facts(tmp_path: Path, name: str) -> dict[str, str]:
    lines = (tmp_path / name / "log" / META).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def test_a_second_installation_needs_no_tool_and_has_ids_of_its_own(tmp_path: Path):
    assert formatted(tmp_path, "first").runs == 1
    assert formatted(tmp_path, "second").runs == 0
    assert formatted(tmp_path, "third").runs == 0
    assert (tmp_path / "second" / "log" / CHECKPOINT).read_bytes() == b"features"
    second, third = facts(tmp_path, "second"), facts(tmp_path, "third")
    assert second.keys() == {"version", "cluster.id", "node.id", "directory.id"}
    assert (second["version"], second["node.id"]) == ("1", "1")
    ids = [found[name] for found in (second, third) for name in ("cluster.id", "directory.id")]
    assert len({*ids, facts(tmp_path, "first")["cluster.id"]}) == 5


def test_another_release_is_formatted_by_its_own_tool(tmp_path: Path):
    formatted(tmp_path, "first")
    assert formatted(tmp_path, "second", b"4.4.0").runs == 1


@pytest.mark.parametrize("damaged", [b"", b"featurez", b"features and more"])
def test_what_was_kept_is_thrown_away_when_it_was_damaged(tmp_path: Path, damaged: bytes):
    formatted(tmp_path, "first")
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(damaged)
    assert formatted(tmp_path, "second").runs == 1
    assert formatted(tmp_path, "third").runs == 0


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert formatted(tmp_path, "first").runs == 1
    assert formatted(tmp_path, "second").runs == 1


def test_what_was_interrupted_is_made_anew(tmp_path: Path):
    formatted(tmp_path, "first")
    left = tmp_path / "second" / "log" / f"{META}.new"
    left.parent.mkdir(parents=True)
    left.write_text("version=")
    formatted(tmp_path, "second")
    assert not left.exists()
    assert facts(tmp_path, "second")["version"] == "1"


def test_an_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch):
    """Regression: every 64th first start failed, the storage tool took its id for an option."""
    dashed, plain = uuid.UUID(int=0b111110 << 122), uuid.UUID(int=1)
    drawn = iter([dashed, dashed, plain])
    monkeypatch.setattr(kafka_format.uuid, "uuid4", lambda: next(drawn))
    assert new_id() == "AAAAAAAAAAAAAAAAAAAAAQ"
