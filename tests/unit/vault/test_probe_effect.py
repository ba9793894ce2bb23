"""The probe's outcome, with the real reader and a real folder of blobs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.vault.ingest import RejectAsset, VerifyAsset
from events.ids import AccountId, AssetId, WorkspaceId
from events.vault.asset import AssetProbeRequested, AssetUploaded
from gateways.audio.errors import AnalyserCrashed
from gateways.audio.facts import Accepted
from gateways.audio.peaks import read_zoom
from gateways.audio.pool import AudioPool
from gateways.audio.sandbox import RENDER_LIMITS
from gateways.objects.folder import FolderObjectStore
from processors.vault.audio import RENDER_WITHIN_S, ProbeEffect
from tests.fixtures.audio_corpus import tone, write_encoded
from tests.specification import recorded

ASSET, WORKSPACE, ACCOUNT = AssetId.new(), WorkspaceId.new(), AccountId.new()


@pytest.fixture(scope="module")
def tools() -> Iterator[AudioPool]:
    with AudioPool(1) as tools:
        yield tools


@pytest.fixture
def objects(tmp_path: Path) -> FolderObjectStore:
    return FolderObjectStore(tmp_path / "objects")


@pytest.fixture
def aiff(tmp_path: Path, objects: FolderObjectStore) -> AssetUploaded:
    return _uploaded(objects, write_encoded(tmp_path / "a.aiff", tone(2)))


def _uploaded(objects: FolderObjectStore, path: Path) -> AssetUploaded:
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    objects.put_bytes(WORKSPACE, sha256, data)
    return AssetUploaded(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        uploaded_by=ACCOUNT,
        filename=path.name,
        sha256=sha256,
        size_bytes=len(data),
    )


def _performed(
    tools: AudioPool,
    objects: FolderObjectStore,
    intent: AssetUploaded | AssetProbeRequested,
    age_s: float = 0,
) -> VerifyAsset:
    event = recorded(intent)
    moment = datetime.now(UTC) - timedelta(seconds=age_s)
    event = replace(event, envelope=event.envelope._replace(recorded_at=moment))
    outcome = ProbeEffect(tools, objects).perform(event)
    assert isinstance(outcome, VerifyAsset)
    assert list(objects.staging.iterdir()) == []
    return outcome


def test_a_track_has_its_waveform_before_anything_is_measured(
    tools: AudioPool, objects: FolderObjectStore, aiff: AssetUploaded
) -> None:
    peaks = _performed(tools, objects, aiff).peaks
    assert peaks is not None
    drawn = read_zoom(objects.read(WORKSPACE, peaks.sha256), 1024)
    assert drawn["sample_rate"] == 44_100
    # Two seconds of a tone: 87 pixels that reach equally far up and down.
    assert drawn["length"] == 87
    values = drawn["data"]
    assert isinstance(values, list)
    assert max(values) == -min(values) > 30


def test_a_waveform_that_cannot_be_drawn_keeps_no_track_out(
    tools: AudioPool,
    objects: FolderObjectStore,
    aiff: AssetUploaded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crashed(path: Path) -> None:
        raise AnalyserCrashed("it fell over")

    monkeypatch.setattr(tools, "draw", crashed)
    assert _performed(tools, objects, aiff).peaks is None


def test_a_file_that_browsers_cannot_play_gets_a_stored_copy_that_they_can(
    tools: AudioPool, objects: FolderObjectStore, aiff: AssetUploaded
) -> None:
    outcome = _performed(tools, objects, aiff)
    assert outcome.playable is False
    copy = outcome.rendition
    assert copy is not None
    assert copy.media_type == "audio/mpeg"
    data = objects.read(WORKSPACE, copy.sha256)
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (copy.sha256, copy.size_bytes)
    with objects.local_copy(WORKSPACE, copy.sha256) as path:
        probe = tools.probe(path)
    assert isinstance(probe, Accepted)
    assert probe.playable


def test_a_file_that_browsers_play_gets_none(
    tools: AudioPool, objects: FolderObjectStore, tmp_path: Path
) -> None:
    intent = _uploaded(objects, write_encoded(tmp_path / "a.flac", tone(1)))
    outcome = _performed(tools, objects, intent)
    assert (outcome.playable, outcome.rendition) == (True, None)


def test_a_copy_that_cannot_be_made_is_no_reason_to_reject_the_file(
    objects: FolderObjectStore, aiff: AssetUploaded
) -> None:
    too_small = replace(RENDER_LIMITS, streamed_bytes=10_000)
    with AudioPool(1, render_limits=too_small) as tools:
        outcome = _performed(tools, objects, aiff)
    assert (outcome.playable, outcome.rendition) == (False, None)


def test_a_long_queue_and_a_second_look_come_before_copies(
    tools: AudioPool, objects: FolderObjectStore, aiff: AssetUploaded
) -> None:
    """Or a thousand files would wait for each other until the ingest gives them up."""
    again = AssetProbeRequested(
        asset_id=ASSET,
        workspace_id=WORKSPACE,
        sha256=aiff.sha256,
        attempt=2,
    )
    for outcome in (
        _performed(tools, objects, aiff, age_s=RENDER_WITHIN_S + 1),
        _performed(tools, objects, again),
    ):
        assert (outcome.playable, outcome.rendition) == (False, None)


def test_what_is_no_sound_is_rejected(
    tools: AudioPool, objects: FolderObjectStore, tmp_path: Path
) -> None:
    path = tmp_path / "a.aiff"
    path.write_text("this is only text, whatever its name says\n")
    outcome = ProbeEffect(tools, objects).perform(recorded(_uploaded(objects, path)))
    assert isinstance(outcome, RejectAsset)
    assert outcome.code == "not-audio"
