"""The whole story on real parts: a folder becomes a library, and nothing that is killed loses it.

One installation with Kafka for all tests of this file, in the order of the story.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition

from runtime.demo_music import render
from runtime.demo_music.files import TrackTruth
from tests.installation import Installation, eventually

# Every format once, and one of them a second time.
TRACKS = 8
EMAIL = "auditor@example.org"
PARTS = ("api", "relay", "worker", "analysis", "kafka", "postgres")


@dataclass
class Story:
    installation: Installation
    music: list[TrackTruth]
    web: str
    link: str
    key: str = ""
    position: int = 0
    edits: dict[str, list[str]] = field(default_factory=dict)

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        answer = httpx2.get(
            self.web + path,
            params=parameters,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=30,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def assets(self, **filters: Any) -> list[dict[str, Any]]:
        return self.get("/api/assets", limit=100, **filters)["data"]

    def edit(self, asset_id: str, title: str) -> bool:
        """True once the API has acknowledged; a part that is down makes it False."""
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Min-Position": str(self.position),
            "Prefer": "wait=5",
        }
        try:
            version = httpx2.get(f"{self.web}/api/assets/{asset_id}", headers=headers, timeout=10)
            answer = httpx2.patch(
                f"{self.web}/api/assets/{asset_id}",
                json={"title": title},
                headers=headers | {"If-Match": version.headers["ETag"]},
                timeout=10,
            )
        except (httpx2.HTTPError, KeyError):
            return False
        if answer.status_code != 200:
            return False
        self.position = int(answer.headers["Event-Position"])
        self.edits.setdefault(asset_id, []).append(title)
        return True


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("music")
    music = render(folder, count=TRACKS, seed=11, duration_s=6.0)
    (folder / "broken.mp3").write_bytes(b"this is no music" * 500)
    (folder / "cover.jpg").write_bytes(b"beside the music")
    installation = Installation(tmp_path_factory.mktemp("installation") / "the data")
    status = installation.json("up", "--detach", "--port", "0")
    try:
        imported = installation.json("import", str(folder), "--as", EMAIL, "--wait")
        assert imported["imported"] == TRACKS
        assert imported["duplicates"] == 0
        assert [Path(r["path"]).name for r in imported["rejected"]] == ["broken.mp3", "cover.jpg"]
        told = Story(installation, music, status["web"], imported["sign_in_link"])
        told.key = _key(told)
        yield told
    finally:
        installation("down")


def test_every_track_of_five_formats_and_more_is_analysed(story: Story):
    assets = [asset for asset in story.assets() if asset["state"] != "rejected"]
    assert Counter(asset["state"] for asset in assets) == {"analysed": TRACKS}
    assert len({Path(asset["filename"]).suffix for asset in assets}) >= 5
    truths = {truth.title: truth for truth in story.music}
    for asset in assets:
        truth = truths[asset["tags"]["title"]]
        assert asset["tags"]["artist"] == truth.artist
        assert asset["audio"]["duration_s"] == pytest.approx(truth.duration_s, abs=0.2)
        assert asset["analysis"]["loudness_lufs"] < 0


def test_one_is_found_by_a_misspelt_title_and_by_a_tempo_range(story: Story):
    truth = max(story.music, key=lambda t: len(t.title))
    middle = len(truth.title) // 2
    misspelt = truth.title[:middle] + truth.title[middle + 1 :]
    assert truth.title in [asset["tags"]["title"] for asset in story.assets(q=misspelt)]
    found = story.assets(tempo_min=130, tempo_max=150)
    assert found
    assert all(130 <= asset["effective"]["tempo_bpm"] <= 150 for asset in found)


def test_importing_again_finds_everything_there(story: Story):
    folder = story.music[0].path.parent
    again = story.installation.json("import", str(folder), "--as", EMAIL)
    assert (again["imported"], again["duplicates"]) == (0, TRACKS)
    assert [Path(r["path"]).name for r in again["rejected"]] == ["broken.mp3", "cover.jpg"]


def test_the_same_bytes_twice_in_one_folder_get_an_answer_each(story: Story, tmp_path: Path):
    """Regression: the second file's answer took the place of the first one's."""
    for name in ("one.wav", "the same.wav"):
        (tmp_path / name).write_bytes(story.music[2].path.read_bytes())
        (tmp_path / f"broken {name}").write_bytes(b"no music either" * 500)
    imported = story.installation.json(
        "import", str(tmp_path), "--as", "twice@example.org", "--wait"
    )
    assert (imported["imported"], imported["duplicates"]) == (1, 1)
    names = [Path(refusal["path"]).name for refusal in imported["rejected"]]
    assert names == ["broken one.wav", "broken the same.wav"]


def test_every_part_may_be_killed_and_no_acknowledged_edit_is_lost_or_doubled(story: Story):
    asset_id = next(a["id"] for a in story.assets() if a["state"] == "analysed")
    for number, name in enumerate(PARTS):
        eventually(
            lambda name=name, number=number: story.edit(asset_id, f"before {name} {number}"),
            f"an edit before {name} was killed",
        )
        before = story.installation.part(name)["pid"]
        os.kill(before, signal.SIGKILL)
        eventually(
            lambda name=name, before=before: (
                story.installation.part(name)["pid"] not in (None, before)
                and story.installation.all_running()
            ),
            f"a new {name}",
        )
        eventually(
            lambda name=name, number=number: story.edit(asset_id, f"after {name} {number}"),
            f"an edit after {name} was killed",
        )
    head = story.installation.status()["head"]
    story.installation("consumers", "wait", "--position", str(head), "--timeout", "60")
    events = story.get(f"/api/assets/{asset_id}/events", limit=200)["data"]
    titles = [e["data"]["tags"]["title"] for e in events if e["type"] == "asset.tags_edited"]
    assert titles == story.edits[asset_id]
    assert story.get(f"/api/assets/{asset_id}")["tags"]["title"] == titles[-1]


def test_the_log_verifies_and_kafka_holds_each_event_once(story: Story):
    verified = story.installation.json("log", "verify")
    compared = story.installation.json("log", "compare")
    events = verified["events"]
    assert compared == {
        "ok": True,
        "events": events,
        "missing": 0,
        "duplicated": 0,
        "misordered": 0,
        "extra": 0,
    }
    positions = _positions_on_kafka(story.installation.kafka_auditor())
    assert sorted(positions) == list(range(1, events + 1))


def test_every_read_model_rebuilt_is_the_live_one(story: Story):
    views = [
        consumer["name"]
        for consumer in story.installation.json("consumers")["consumers"]
        if consumer["kind"] == "projection"
    ]
    rebuilt = story.installation.json("consumers", "rebuild", *views)["rebuilt"]
    assert {each["name"]: each["identical"] for each in rebuilt} == dict.fromkeys(views, True)
    assert sum(asset["state"] == "analysed" for asset in story.assets()) == TRACKS


def test_down_and_up_again_the_library_is_still_there(story: Story):
    before = story.assets()
    story.installation("down")
    story.installation("status", code=3)
    story.web = story.installation.json("up", "--detach", "--port", "0")["web"]
    assert story.assets() == before


def test_one_flipped_byte_is_named_at_its_position(story: Story):
    """Last of all: it damages the log."""
    position = 7
    with psycopg.connect(story.installation.postgres.owner_url) as connection:
        connection.execute(
            "UPDATE events SET data = set_byte(data, 9, get_byte(data, 9) # 1) WHERE position = %s",
            (position,),
        )
    verified = story.installation.json("log", "verify", code=1)
    assert (verified["ok"], verified["position"]) == (False, position)
    assert verified["reason"]


def _key(story: Story) -> str:
    """By the one-time link, as the importing person would: sign in, then make a key."""
    with httpx2.Client(base_url=story.web, follow_redirects=True, timeout=30) as browser:
        browser.get(story.link)
        if "noculture_session" not in browser.cookies:
            browser.post(story.link)
        answer = browser.post(
            "/api/keys",
            json={"name": "story", "scopes": ["*"]},
            headers={"Origin": story.web},
        )
        assert answer.status_code == 201, answer.text
        key: str = answer.json()["key"]
        return key


def _positions_on_kafka(signed_in: dict[str, Any]) -> list[int]:
    """With nothing of ours: a plain consumer that reads what is committed."""
    consumer = KafkaConsumer(
        **signed_in,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        topics = [t for t in consumer.topics() if t.startswith("noculture.events.")]
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            for number in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        positions: list[int] = []
        while any(consumer.position(p) < ends[p] for p in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                positions += [int(dict(r.headers)["ce_position"]) for r in records]
        return positions
    finally:
        consumer.close()
