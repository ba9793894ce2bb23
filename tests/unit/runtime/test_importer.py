"""Which files an import looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from runtime.importer import NoSuchFolder, files_of


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_files_come_in_name_order_from_all_depths(tmp_path: Path):
    put(tmp_path, "b.wav", "album/02.mp3", "album/01.mp3", "a.flac")
    found = [str(path.relative_to(tmp_path)) for path in files_of([tmp_path])]
    assert found == ["a.flac", "album/01.mp3", "album/02.mp3", "b.wav"]


def test_hidden_files_and_folders_are_no_music(tmp_path: Path):
    put(tmp_path, ".DS_Store", ".cache/x.wav", "a.wav")
    assert [path.name for path in files_of([tmp_path])] == ["a.wav"]


def test_an_installation_among_the_music_is_left_alone(tmp_path: Path):
    put(tmp_path, "data/secrets/installation_key", "data/blobs/x", "a.wav")
    assert [path.name for path in files_of([tmp_path])] == ["a.wav"]


def test_a_link_that_leads_back_up_does_not_go_round(tmp_path: Path):
    put(tmp_path, "music/a.wav")
    (tmp_path / "music" / "again").symlink_to(tmp_path, target_is_directory=True)
    assert [path.name for path in files_of([tmp_path])] == ["a.wav"]


def test_a_file_may_be_named_itself(tmp_path: Path):
    put(tmp_path, "a.wav")
    assert files_of([tmp_path / "a.wav"]) == [tmp_path / "a.wav"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NoSuchFolder, match="nowhere"):
        files_of([tmp_path / "nowhere"])
