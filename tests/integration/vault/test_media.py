"""Audio, waveform and cover over HTTP."""

from __future__ import annotations

import hashlib
import io
import zipfile

import numpy as np
import pytest
from starlette.testclient import TestClient

from events.vault.audio import Blob
from gateways.audio.peaks import PeaksBuilder
from kit.caller import Caller
from read_api.errors import RangeNotSatisfiable
from read_api.vault.archive_http import MOST_NAMED
from read_api.vault.media import audio_type
from read_api.vault.ranges import requested_range
from tests.integration.library import Library

SOUND = bytes(range(256)) * 4
COPY = b"an MP3 that browsers play"


@pytest.fixture(scope="module")
def owner(library: Library) -> Caller:
    return library.caller()


@pytest.fixture(scope="module")
def key(library: Library, owner: Caller) -> dict[str, str]:
    return library.key(owner)


@pytest.fixture(scope="module")
def asset(library: Library, owner: Caller) -> str:
    asset_id = library.upload(owner, 'Caf\u00e9 "x"\r\n.flac', SOUND)
    picture = b"\x89PNG picture"
    sha256 = hashlib.sha256(picture).hexdigest()
    library.objects.put_bytes(owner.workspace_id, sha256, picture)
    cover = Blob(sha256=sha256, size_bytes=len(picture), media_type="image/png")
    library.verify(owner, asset_id, cover=cover)
    peaks = PeaksBuilder(44100, 2)
    peaks.feed(np.sin(np.arange(88200, dtype=np.float32) / 20).repeat(2).reshape(-1, 2))
    library.analyse(owner, asset_id, peaks=peaks.finish())
    library.settle()
    return asset_id


def test_the_whole_recording_comes_as_it_was_uploaded(
    http: TestClient, key: dict[str, str], asset: str
):
    answer = http.get(f"/api/assets/{asset}/audio", headers=key)
    assert (answer.status_code, answer.content) == (200, SOUND)
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["content-length"] == str(len(SOUND))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.sha256(SOUND).hexdigest()}"'
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    disposition = answer.headers["content-disposition"]
    assert disposition.startswith('inline; filename="Caf_ _x___.flac"; ')
    assert disposition.endswith("filename*=UTF-8''Caf%C3%A9%20%22x%22%0D%0A.flac")


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=10-19", 10, 19),
        ("bytes=1000-", 1000, 1023),
        ("bytes=1000-99999", 1000, 1023),
        ("bytes=-24", 1000, 1023),
        ("bytes=-99999", 0, 1023),
    ],
)
def test_a_range_is_answered_with_its_bytes(
    http: TestClient, key: dict[str, str], asset: str, asked: str, start: int, end: int
):
    answer = http.get(f"/api/assets/{asset}/audio", headers={**key, "Range": asked})
    assert answer.status_code == 206
    assert answer.content == SOUND[start : end + 1]
    assert answer.headers["content-range"] == f"bytes {start}-{end}/{len(SOUND)}"
    assert answer.headers["content-length"] == str(end - start + 1)


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=5000-6000", "bytes=-0"])
def test_a_range_behind_the_end_is_416_with_the_length(
    http: TestClient, key: dict[str, str], asset: str, asked: str
):
    answer = http.get(f"/api/assets/{asset}/audio", headers={**key, "Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(SOUND)}"
    assert answer.json()["code"] == "range-not-satisfiable"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "bytes=9-3", "lines=1-2", "bytes=-", "bytes"])
def test_other_ranges_are_answered_with_the_whole(asked: str):
    assert requested_range(asked, 1024) is None


def test_an_empty_file_has_no_range():
    with pytest.raises(RangeNotSatisfiable):
        requested_range("bytes=0-", 0)


def test_a_range_of_another_content_is_answered_with_the_whole(
    http: TestClient, key: dict[str, str], asset: str
):
    path, tag = f"/api/assets/{asset}/audio", f'"{hashlib.sha256(SOUND).hexdigest()}"'
    asked = {**key, "Range": "bytes=0-9"}
    assert http.get(path, headers={**asked, "If-Range": '"other"'}).status_code == 200
    assert http.get(path, headers={**asked, "If-Range": tag}).status_code == 206
    assert http.get(path, headers={**key, "If-None-Match": tag}).status_code == 304


def test_head_tells_everything_but_the_bytes(http: TestClient, key: dict[str, str], asset: str):
    answer = http.head(f"/api/assets/{asset}/audio", headers=key)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(SOUND))
    assert answer.headers["content-type"] == "audio/flac"


@pytest.fixture(scope="module")
def unplayed(library: Library, owner: Caller) -> str:
    """An AIFF with a rendition."""
    asset_id = library.upload(owner, "Side A.aiff", b"FORM" + SOUND)
    sha256 = hashlib.sha256(COPY).hexdigest()
    library.objects.put_bytes(owner.workspace_id, sha256, COPY)
    copy = Blob(sha256=sha256, size_bytes=len(COPY), media_type="audio/mpeg")
    library.verify(owner, asset_id, codec="pcm_s16be", playable=False, rendition=copy)
    library.settle()
    return asset_id


def test_what_browsers_cannot_play_has_a_copy_for_them_beside_the_original(
    http: TestClient, key: dict[str, str], unplayed: str
):
    path, tag = f"/api/assets/{unplayed}/audio", f'"{hashlib.sha256(COPY).hexdigest()}"'
    original = http.get(path, headers=key)
    assert (original.content, original.headers["content-type"]) == (b"FORM" + SOUND, "audio/aiff")
    copy = http.get(path, params={"rendition": "playable"}, headers=key)
    assert (copy.status_code, copy.content) == (200, COPY)
    assert copy.headers["content-type"] == "audio/mpeg"
    assert copy.headers["etag"] == tag
    assert copy.headers["content-disposition"].startswith('inline; filename="Side A.mp3"; ')
    part = {**key, "Range": "bytes=2-5", "If-Range": tag}
    answer = http.get(path, params={"rendition": "playable"}, headers=part)
    assert (answer.status_code, answer.content) == (206, COPY[2:6])
    assert answer.headers["content-range"] == f"bytes 2-5/{len(COPY)}"
    # A range that the player began of the copy is no range of the original.
    assert http.get(path, headers=part).status_code == 200
    assert http.get(f"/api/assets/{unplayed}", headers=key).json()["audio"]["playable"] is True


@pytest.mark.parametrize(("playable", "told"), [(None, True), (True, True), (False, False)])
def test_without_a_copy_the_original_is_given_and_the_asset_says_whether_it_plays(
    library: Library,
    http: TestClient,
    owner: Caller,
    key: dict[str, str],
    playable: bool | None,
    told: bool,
):
    content = f"no copy of this: {playable}".encode()
    asset_id = library.upload(owner, "a.aiff", content)
    library.verify(owner, asset_id, codec="pcm_s16be", playable=playable)
    library.settle()
    asked = {"rendition": "playable"}
    assert http.get(f"/api/assets/{asset_id}/audio", params=asked, headers=key).content == content
    assert http.get(f"/api/assets/{asset_id}", headers=key).json()["audio"]["playable"] is told


def test_there_is_no_other_rendition(http: TestClient, key: dict[str, str], asset: str):
    answer = http.get(f"/api/assets/{asset}/audio?rendition=mp3", headers=key)
    assert answer.status_code == 422


def test_only_a_verified_file_is_played(
    library: Library, http: TestClient, owner: Caller, key: dict[str, str]
):
    uploaded, rejected = library.upload(owner), library.upload(owner)
    library.reject(owner, rejected)
    library.settle()
    for asset_id in (uploaded, rejected):
        answer = http.get(f"/api/assets/{asset_id}/audio", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (409, "asset-not-ready")


def test_a_missing_blob_is_an_error_and_not_a_torn_answer(
    library: Library, http: TestClient, owner: Caller, key: dict[str, str]
):
    asset_id = library.upload(owner, content=b"soon gone")
    library.verify(owner, asset_id)
    library.settle()
    library.objects.delete(owner.workspace_id, hashlib.sha256(b"soon gone").hexdigest())
    assert http.get(f"/api/assets/{asset_id}/audio", headers=key).status_code >= 400


@pytest.mark.parametrize(
    ("zoom", "per_pixel"), [("", 1024), ("?zoom=0", 256), ("?zoom=9999", 4096)]
)
def test_the_waveform_is_audiowaveform_json(
    http: TestClient, key: dict[str, str], asset: str, zoom: str, per_pixel: int
):
    answer = http.get(f"/api/assets/{asset}/waveform{zoom}", headers=key)
    wave = answer.json()
    assert (wave["version"], wave["bits"], wave["channels"]) == (2, 8, 1)
    assert (wave["sample_rate"], wave["samples_per_pixel"]) == (44100, per_pixel)
    assert len(wave["data"]) == 2 * wave["length"] > 0
    assert max(wave["data"]) > 120 > -120 > min(wave["data"])
    again = {**key, "If-None-Match": answer.headers["etag"]}
    assert http.get(f"/api/assets/{asset}/waveform{zoom}", headers=again).status_code == 304


def test_there_is_no_waveform_before_the_analysis_and_no_cover_without_one(
    library: Library, http: TestClient, owner: Caller, key: dict[str, str]
):
    asset_id = library.upload(owner)
    library.verify(owner, asset_id)
    library.settle()
    for what in ("waveform", "cover"):
        answer = http.get(f"/api/assets/{asset_id}/{what}", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (404, f"no-{what}")


def test_the_cover_is_the_picture_of_the_file(http: TestClient, key: dict[str, str], asset: str):
    answer = http.get(f"/api/assets/{asset}/cover", headers=key)
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG picture", "image/png")
    assert http.get(f"/api/assets/{asset}", headers=key).json()["has_cover"]


@pytest.mark.parametrize(
    ("codec", "filename", "media_type"),
    [
        ("mp3", "a.mp3", "audio/mpeg"),
        ("mp3float", "a.html", "audio/mpeg"),
        ("flac", "a.flac", "audio/flac"),
        ("flac", "a.oga", "audio/ogg"),
        ("vorbis", "a.ogg", "audio/ogg"),
        ("opus", "a.opus", "audio/ogg"),
        ("aac", "a.m4a", "audio/mp4"),
        ("aac", "a.aac", "audio/aac"),
        ("alac", "a.m4a", "audio/mp4"),
        ("pcm_s16le", "a.wav", "audio/wav"),
        ("pcm_s24be", "a.aif", "audio/aiff"),
        ("pcm_s16le", "a.aifc", "audio/aiff"),
        ("pcm_s16be", "a.svg", "audio/aiff"),
        (None, "a.html", "application/octet-stream"),
        ("html", "a.html", "application/octet-stream"),
    ],
)
def test_the_media_type_is_ours_whatever_the_file_is_called(
    codec: str | None, filename: str, media_type: str
):
    assert audio_type(codec, filename) == media_type


def test_several_recordings_come_as_one_zip(
    http: TestClient, library: Library, owner: Caller, key: dict[str, str], asset: str
):
    other = library.upload(owner, "Mix.wav", b"another recording")
    library.verify(owner, other)
    library.settle()
    url = f"/api/assets/archive?id={other}&id={asset}&id={other}"
    answer = http.get(url, headers=key)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"].startswith('attachment; filename="tracks.zip"')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["Mix.wav", "Café _x___.flac"]
        assert archive.read("Mix.wav") == b"another recording"
        assert archive.read("Café _x___.flac") == SOUND


def test_nothing_is_sent_if_one_of_them_may_not_be(
    http: TestClient, library: Library, owner: Caller, key: dict[str, str], asset: str
):
    stranger = library.caller()
    theirs = library.upload(stranger, "Theirs.wav", b"somebody else's")
    library.verify(stranger, theirs)
    unchecked = library.upload(owner, "Unchecked.wav", b"not yet looked at")
    library.settle()
    for wrong, status, code in ((theirs, 404, "not-found"), (unchecked, 409, "asset-not-ready")):
        answer = http.get(f"/api/assets/archive?id={asset}&id={wrong}", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    most = "&".join([f"id={asset}"] * MOST_NAMED)
    assert http.get(f"/api/assets/archive?{most}", headers=key).status_code == 200
    assert http.get(f"/api/assets/archive?{most}&id={asset}", headers=key).status_code == 422


def test_a_missing_file_is_an_error_and_one_that_goes_missing_breaks_the_zip(
    http: TestClient, library: Library, owner: Caller, key: dict[str, str], asset: str
):
    """Over the network the second one is a torn answer: its last chunk never comes."""
    gone = library.upload(owner, "Gone.wav", b"lost meanwhile")
    library.verify(owner, gone)
    library.settle()
    sha256 = hashlib.sha256(b"lost meanwhile").hexdigest()
    library.objects.delete(owner.workspace_id, sha256)
    answer = http.get(f"/api/assets/archive?id={gone}", headers=key)
    assert (answer.status_code, answer.json()["code"]) == (404, "blob-not-found")
    with pytest.raises(RuntimeError, match="already started"):
        http.get(f"/api/assets/archive?id={asset}&id={gone}", headers=key)
