"""Which files an import looks at, and what it says of everything else."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime import walk as walking
from runtime.walk import NoSuchFolder, Walked, walk


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def paths(walked: Walked) -> list[str | None]:
    return [found.path for found in walked.files]


def refused(walked: Walked) -> dict[str, str]:
    return {Path(refusal.path).name: refusal.code for refusal in walked.refused}


@pytest.fixture
def music(tmp_path: Path) -> Path:
    return tmp_path / "Music"


def test_files_come_in_name_order_from_all_depths_with_the_chosen_folders_name_first(music: Path):
    put(music, "b.wav", "album/02.mp3", "album/01.mp3", "a.flac")
    expected = ["Music/a.flac", "Music/album/01.mp3", "Music/album/02.mp3", "Music/b.wav"]
    assert paths(walk([music])) == expected


@pytest.mark.parametrize("named", [".", "../Music", "../Music/", "album/.."])
def test_however_a_folder_is_named_its_own_name_is_kept(
    music: Path, named: str, monkeypatch: pytest.MonkeyPatch
):
    put(music, "album/a.wav")
    monkeypatch.chdir(music)
    assert paths(walk([Path(named)])) == ["Music/album/a.wav"]


def test_hidden_files_and_folders_are_no_music(music: Path):
    put(music, ".DS_Store", ".cache/x.wav", "a.wav")
    assert (paths(walk([music])), refused(walk([music]))) == (["Music/a.wav"], {})


def test_an_installation_among_the_music_is_left_alone_and_named(music: Path):
    put(music, "data/secrets/installation_key", "data/blobs/x", "a.wav")
    assert paths(walk([music])) == ["Music/a.wav"]
    assert refused(walk([music])) == {"data": "installation"}


def test_a_file_may_be_named_itself_and_has_no_path_then(music: Path):
    put(music, "a.wav")
    assert [(found.file, found.path) for found in walk([music / "a.wav"]).files] == [
        (music / "a.wav", None)
    ]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(NoSuchFolder, match="nowhere"):
        walk([tmp_path / "nowhere"])


def test_a_folder_without_permission_ended_the_whole_import(
    music: Path, monkeypatch: pytest.MonkeyPatch
):
    put(music, "ok/1.wav", "lost+found/2.wav", "zlast/3.wav")
    scandir = os.scandir

    def without_permission(folder: Path):
        if folder.name == "lost+found":
            raise PermissionError(13, "Permission denied", str(folder))
        return scandir(folder)

    monkeypatch.setattr(walking.os, "scandir", without_permission)
    walked = walk([music])
    assert paths(walked) == ["Music/ok/1.wav", "Music/zlast/3.wav"]
    assert refused(walked) == {"lost+found": "unreadable"}
    assert "Permission denied" in walked.refused[0].reason


@pytest.mark.parametrize("call", ["lstat", "stat"])
@pytest.mark.parametrize("error", [PermissionError, FileNotFoundError, TimeoutError])
def test_an_entry_that_cannot_be_looked_at_is_named_and_the_others_are_found(
    music: Path, monkeypatch: pytest.MonkeyPatch, call: str, error: type[OSError]
):
    put(music, "a/1.wav", "b/2.wav", "c.wav")
    ask = getattr(os, call)

    def failing(path: Path, **options: object) -> os.stat_result:
        if str(path).endswith("b"):
            raise error(5, "it is gone")
        return ask(path, **options)

    monkeypatch.setattr(walking.os, call, failing)
    walked = walk([music])
    assert paths(walked) == ["Music/a/1.wav", "Music/c.wav"]
    assert refused(walked) == {"b": "unreadable"}


def test_pipes_sockets_and_devices_are_named_and_never_opened(
    music: Path, monkeypatch: pytest.MonkeyPatch
):
    put(music, "a.wav")
    os.mkfifo(music / "pipe.wav")
    (music / "null.wav").symlink_to("/dev/null")
    monkeypatch.chdir(music)  # a socket's address is short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.wav")
        walked = walk([music, Path("/dev/null"), music / "pipe.wav"])
    assert paths(walked) == ["Music/a.wav"]
    names = ["null.wav", "pipe.wav", "socket.wav", "null", "pipe.wav"]
    assert [Path(refusal.path).name for refusal in walked.refused] == names
    assert {refusal.code for refusal in walked.refused} == {"not-a-file"}


def test_a_link_out_of_the_tree_is_followed_once(tmp_path: Path, music: Path):
    put(tmp_path, "elsewhere/album/1.wav", "elsewhere/album/2.wav", "elsewhere/3.wav")
    put(music, "local.wav")
    (music / "album").symlink_to("../elsewhere/album")
    (music / "again").symlink_to(tmp_path / "elsewhere" / "album")
    (music / "single.wav").symlink_to("../elsewhere/3.wav")
    walked = walk([music])
    assert paths(walked) == [
        *("Music/local.wav", "Music/single.wav", "Music/again/1.wav", "Music/again/2.wav"),
    ]
    assert refused(walked) == {"album": "already-seen"}


def test_a_folder_is_found_where_it_is_and_not_where_a_link_leads_to_it(music: Path):
    put(music, "z/real.wav")
    (music / "a-link").symlink_to("z")
    assert paths(walk([music])) == ["Music/z/real.wav"]
    assert refused(walk([music])) == {"a-link": "already-seen"}


@pytest.mark.parametrize("target", [".", "..", "/", "../Music/album"])
def test_a_link_that_leads_back_up_does_not_go_round(music: Path, target: str):
    put(music, "album/a.wav")
    put(music.parent, "private.wav")
    (music / "album" / "up").symlink_to(target if target != ".." else music.parent)
    (music / "album" / "../round").symlink_to("album")
    walked = walk([music])
    assert paths(walked) == ["Music/album/a.wav"]
    assert refused(walked).keys() == {"up", "round"}


def test_links_that_lead_nowhere_are_named(music: Path):
    put(music, "a.wav")
    (music / "gone.wav").symlink_to("nothing.wav")
    (music / "one.wav").symlink_to("two.wav")
    (music / "two.wav").symlink_to("one.wav")
    walked = walk([music])
    assert paths(walked) == ["Music/a.wav"]
    assert refused(walked) == dict.fromkeys(("gone.wav", "one.wav", "two.wav"), "broken-link")


def test_a_folder_named_twice_is_looked_into_once(music: Path):
    put(music, "album/a.wav")
    assert paths(walk([music, music / "album", music])) == ["Music/album/a.wav"]


def test_hard_links_are_files_of_their_own(music: Path):
    put(music, "a.wav")
    os.link(music / "a.wav", music / "b.wav")
    assert paths(walk([music])) == ["Music/a.wav", "Music/b.wav"]


def test_a_name_that_is_not_utf_8_is_found_and_kept_as_text(music: Path):
    put(music, "a.wav")
    (music / os.fsdecode(b"caf\xe9")).mkdir()
    (music / os.fsdecode(b"caf\xe9") / os.fsdecode(b"\xff1.wav")).write_bytes(b"x")
    kept = paths(walk([music]))
    assert kept == ["Music/a.wav", "Music/caf\ufffd/\ufffd1.wav"]


def test_of_a_path_that_is_too_long_the_end_is_kept(tmp_path: Path):
    deep = tmp_path / "Music" / "/".join(["d" * 60] * 40)
    put(deep, "a.wav")
    (kept,) = paths(walk([tmp_path / "Music"]))
    assert kept is not None
    assert len(kept) <= walking.MAX_PATH
    assert kept.endswith("d/a.wav")


@given(st.data())
def test_every_file_is_found_and_every_walk_ends_whatever_links_there_are(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    """Also what only a link leads to: `outside` is no part of what is walked."""
    top = tmp_path_factory.mktemp("tree")
    folders = [top / name for name in ("m", "m/a", "m/a/b", "m/c", "outside", "outside/d")]
    for folder in folders:
        put(folder, "x.wav")
    links = st.tuples(st.sampled_from(folders), st.sampled_from([*folders, top]))
    for number, (place, target) in enumerate(data.draw(st.lists(links, max_size=6))):
        (place / f"link{number}").symlink_to(target)
    walked = walk([top / "m"])
    found = [os.path.realpath(each.file) for each in walked.files]
    assert len(found) == len(set(found))
    assert {os.path.realpath(f / "x.wav") for f in folders[:4]} <= set(found)
    assert {each.code for each in walked.refused} <= {"already-seen", "link-loop"}
