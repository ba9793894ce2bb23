"""What an import does with each file, over an upload that only reads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from events.store.pending import StoreBusy
from kit.caller import Caller
from runtime import importer
from runtime.importer import Imported, import_files
from runtime.walk import Found, Walked, walk
from schemas.vault.dto import UploadedAsset

CALLER = Caller("acc_1", "wsp_1")


class Vault:
    """Takes every upload; the same bytes again are a duplicate. `while_reading` runs in between."""

    def __init__(self, while_reading: Callable[[], object] = lambda: None) -> None:
        self.kept: dict[bytes, str] = {}
        self.paths: list[str | None] = []
        self._while_reading = while_reading

    def upload(
        self, caller: Caller, name: str, pieces: Iterable[bytes], path: str | None = None
    ) -> SimpleNamespace:
        read = b""
        for piece in pieces:
            read += piece
            self._while_reading()
        known = self.kept.get(read)
        asset_id = self.kept.setdefault(read, f"ast_{len(self.kept)}")
        self.paths += [] if known else [path]
        answer = UploadedAsset(id=asset_id, state="verified", duplicate=known is not None)
        return SimpleNamespace(answer=answer)

    def get(self, caller: Caller, asset_id: str) -> SimpleNamespace:
        return SimpleNamespace(state="verified", rejection=None)


def bring(vault: Vault, walked: Walked) -> Imported:
    return import_files(vault, vault, CALLER, walked)  # type: ignore[arg-type]


def codes(imported: Imported) -> dict[str, str]:
    return {Path(refusal.path).name: refusal.code for refusal in imported.rejected}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    (tmp_path / "Music" / "Song A").mkdir(parents=True)
    (tmp_path / "Music" / "Song A" / "Kick.wav").write_bytes(b"kick")
    return tmp_path / "Music"


def test_each_file_goes_in_with_its_path(music: Path):
    vault = Vault()
    assert bring(vault, walk([music])).imported == 1
    assert vault.paths == ["Music/Song A/Kick.wav"]


def test_what_the_walk_refused_and_what_is_there_already_is_named(music: Path):
    os.link(music / "Song A" / "Kick.wav", music / "Song A" / "Same.wav")
    os.mkfifo(music / "pipe.wav")
    (music / "cover.jpg").write_bytes(b"x")
    imported = bring(Vault(), walk([music]))
    assert imported.imported == 1
    assert [Path(path).name for path in imported.already_there] == ["Same.wav"]
    assert codes(imported) == {"pipe.wav": "not-a-file", "cover.jpg": "not-audio"}


def test_a_file_that_vanished_or_was_closed_meanwhile_is_named(
    music: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("gone.wav", "closed.wav"):
        (music / name).write_bytes(name.encode())
    walked, opening = walk([music]), os.open
    (music / "gone.wav").unlink()

    def without_permission(file: Path, flags: int) -> int:
        if file.name == "closed.wav":
            raise PermissionError(13, "Permission denied")
        return opening(file, flags)

    monkeypatch.setattr(importer.os, "open", without_permission)
    imported = bring(Vault(), walked)
    assert imported.imported == 1
    assert codes(imported) == dict.fromkeys(("gone.wav", "closed.wav"), "unreadable")
    assert {refusal.reason for refusal in imported.rejected} == {
        "It cannot be read: No such file or directory.",
        "It cannot be read: Permission denied.",
    }


@pytest.mark.timeout(20)
def test_a_file_that_became_a_pipe_meanwhile_holds_nobody_up(music: Path):
    walked = walk([music])
    (music / "Song A" / "Kick.wav").unlink()
    os.mkfifo(music / "Song A" / "Kick.wav")
    assert codes(bring(Vault(), walked)) == {"Kick.wav": "not-a-file"}


@pytest.mark.timeout(20)
def test_a_file_that_grows_for_ever_ends_and_is_not_kept_half(music: Path):
    recording = music / "Song A" / "Kick.wav"

    def still_recording() -> None:
        with recording.open("ab") as more:
            more.write(b"more")

    assert codes(bring(Vault(still_recording), walk([music]))) == {"Kick.wav": "file-changed"}


def test_a_file_that_is_cut_off_while_it_is_read_is_not_kept_half(
    music: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(importer, "READ_BYTES", 1)
    cut = Vault(lambda: os.truncate(music / "Song A" / "Kick.wav", 1))
    assert codes(bring(cut, walk([music]))) == {"Kick.wav": "file-changed"}


def test_a_failing_disk_stops_the_import_and_what_came_in_is_still_told(music: Path):
    for number in range(5):
        (music / f"{number}.wav").write_bytes(b"%d" % number)

    class Full(Vault):
        def upload(self, caller, name, pieces, path=None):
            if name == "2.wav":
                raise OSError(28, "No space left on device")
            return super().upload(caller, name, pieces, path)

    imported = bring(Full(), walk([music]))
    assert imported.imported == 2
    assert imported.stopped is not None
    assert imported.stopped.code == "storage-failed"
    assert "No space left" in str(imported.stopped)


def test_a_busy_store_is_not_blamed_on_a_file():
    class Busy(Vault):
        def upload(self, caller, name, pieces, path=None):
            raise StoreBusy

    imported = bring(Busy(), Walked([Found(Path(__file__), None)]))
    assert (imported.rejected, imported.stopped and imported.stopped.code) == ([], "store-busy")
