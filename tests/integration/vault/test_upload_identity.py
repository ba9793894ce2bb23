"""Which file an upload is of: its bytes prove it, and its path in the folder stays with it."""

from __future__ import annotations

import base64
import hashlib
import itertools
from dataclasses import dataclass
from random import Random

import anyio
import pytest
from httpx2 import Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from commands.vault.staging import digest_of
from tests.integration.http.app import Installation, upload
from tests.integration.vault.test_uploads import (
    DATA,
    TUS,
    _interrupted,
    b64,
    caller_of,
    create,
    head,
    patch,
)

_examples = itertools.count(1)


def ask(client: TestClient, url: str, start: int = 0) -> Response:
    return client.head(url, headers={**TUS, "NoCulture-Digest-From": str(start)})


def digest(data: bytes) -> str:
    return f"sha-256-8mib=:{base64.b64encode(digest_of([data])).decode()}:"


def begin(client: TestClient, size: int, **said: str) -> str:
    pairs = ",".join(f"{name} {b64(text)}" for name, text in said.items())
    headers = {**TUS, "Upload-Length": str(size), "Upload-Metadata": pairs}
    url: str = client.post("/api/uploads", headers=headers).headers["Location"]
    return url


@pytest.mark.parametrize(
    ("said", "filename", "path"),
    [
        ({"filename": "Kick.wav", "path": "Song A/Kick.wav"}, "Kick.wav", "Song A/Kick.wav"),
        ({"name": "Kick.wav", "relativePath": "Song A/Kick.wav"}, "Kick.wav", "Song A/Kick.wav"),
        ({"filename": "K.wav", "path": "/../Song A/\u202eK.wav"}, "K.wav", "Song A/K.wav"),
        ({"path": "Song A/Kick.wav"}, "Kick.wav", "Song A/Kick.wav"),
        ({"filename": "Kick.wav", "relativePath": "null"}, "Kick.wav", None),
        ({"filename": "Ki\0ck.wav", "path": "a\0/b\0"}, "Kick.wav", "a/b"),
        ({"filename": "Kick.wav"}, "Kick.wav", None),
    ],
)
def test_an_upload_in_pieces_keeps_the_path_in_its_folder(
    installation: Installation,
    musician: TestClient,
    said: dict[str, str],
    filename: str,
    path: str | None,
) -> None:
    url = begin(musician, len(DATA), **said)
    last = patch(musician, url, 0, DATA)
    event = installation.events()[-1].data
    assert (event.filename, event.path) == (filename, path)
    with installation.pool.connection() as connection:
        connection.execute("UPDATE uploads SET asset_id = NULL")
    assert head(musician, url).headers["NoCulture-Asset"] == last.headers["NoCulture-Asset"]


@pytest.mark.parametrize("first", ["file", "path"])
def test_a_form_may_say_where_its_file_lay(
    installation: Installation, musician: TestClient, first: str
) -> None:
    parts = {"file": ("Kick.wav", b"by form"), "path": (None, "Song A/../Kick.wav")}
    ordered = sorted(parts.items(), key=lambda part: part[0] != first)
    assert musician.post("/api/assets", files=ordered).status_code == 202
    event = installation.events()[-1].data
    assert (event.filename, event.path) == ("Kick.wav", "Song A/Kick.wav")
    broken = {**parts, "path": (None, b"\xff\xfe")}
    answer = musician.post("/api/assets", files=broken)
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed-multipart")


def test_a_key_is_of_one_file_at_one_place(musician: TestClient) -> None:
    def send(path: str | None) -> Response:
        files = {"file": ("Kick.wav", b"kept once"), **({"path": (None, path)} if path else {})}
        return musician.post("/api/assets", files=files, headers={"Idempotency-Key": "one"})

    first = send("Song A/Kick.wav")
    again = send("Song A/Kick.wav")
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert [send(path).status_code for path in ("Song B/Kick.wav", None)] == [422, 422]


def test_a_whole_file_is_kept_at_its_path(installation: Installation, musician: TestClient) -> None:
    caller = caller_of(musician)
    installation.assets.upload(caller, "Kick.wav", [b"by the importer"], path="Song A/Kick.wav")
    assert installation.events()[-1].data.path == "Song A/Kick.wav"
    assert upload(musician, b"alone").status_code == 202
    assert installation.events()[-1].data.path is None


def test_the_digest_of_what_arrived_is_told_when_it_is_asked_for(musician: TestClient) -> None:
    url = create(musician).headers["Location"]
    assert ask(musician, url).headers["NoCulture-Digest"] == digest(b"")
    patch(musician, url, 0, DATA[:700_001])
    for start in (0, 1, 700_000, 700_001):
        found = ask(musician, url, start)
        assert found.headers["NoCulture-Digest"] == digest(DATA[start:700_001])
        assert found.headers["Upload-Offset"] == "700001"
    assert "NoCulture-Digest" not in head(musician, url).headers


def test_bytes_that_have_not_arrived_have_no_digest(musician: TestClient) -> None:
    """Regression: it was the digest of nothing, which every file of that length fits."""
    url = create(musician).headers["Location"]
    patch(musician, url, 0, DATA[:1000])
    for start in (1001, 10**17):
        found = ask(musician, url, start)
        assert (found.status_code, found.headers["Upload-Offset"]) == (200, "1000")
        assert "NoCulture-Digest" not in found.headers


def test_the_digest_of_a_whole_file_is_told_although_its_bytes_have_moved(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    last = patch(musician, url, 0, DATA)
    for start in (0, 99, len(DATA)):
        found = ask(musician, url, start)
        assert found.headers["NoCulture-Digest"] == digest(DATA[start:])
        assert found.headers["NoCulture-Asset"] == last.headers["NoCulture-Asset"]
    sha256 = hashlib.sha256(DATA).hexdigest()
    installation.objects.delete(musician.account["workspace_id"], sha256)
    assert ask(musician, url).status_code == 404


def test_the_digest_is_of_bytes_that_nobody_writes_meanwhile(
    installation: Installation, musician: TestClient
) -> None:
    url = create(musician).headers["Location"]
    found = installation.uploads.find(caller_of(musician), url.rpartition("/")[2])
    with installation.uploads.locked(found):
        assert ask(musician, url).status_code == 423
        assert head(musician, url).status_code == 200
    installation.uploads.path(found.upload_id).unlink()
    assert ask(musician, url).status_code == 410
    assert ask(installation.signed_up(), url).status_code == 404
    for wrong in ("-1", "many", "1" * 19):
        headers = {**TUS, "NoCulture-Digest-From": wrong}
        assert musician.head(url, headers=headers).status_code == 422


@dataclass
class Sender:
    """What a careful client does with one file: it goes on only where its own bytes are."""

    installation: Installation
    client: TestClient
    data: bytes
    url: str | None = None
    own: int = 0

    def step(self, random: Random, others: list[str], trouble: bool) -> str | None:
        """One request and what may become of it in trouble; the asset once it is known."""
        if self.url is None:
            # A browser offers what was begun of a file that looks the same.
            begun = random.choice([*others[-2:], None]) if trouble else None
            self.url = begun or begin(self.client, len(self.data), filename="Kick.wav")
            others.append(self.url)
            self.own = 0
        found = ask(self.client, self.url, self.own)
        offset = int(found.headers["Upload-Offset"])
        if found.headers["NoCulture-Digest"] != digest(self.data[self.own : offset]):
            self.url = None
            return None
        self.own = offset
        end = min(len(self.data), offset + random.randint(1, len(self.data)))
        if not trouble:
            end = len(self.data)
        faults = ["cut", "unanswered", "killed", "closed"] if trouble else []
        match random.choice(["whole", *faults]):
            case "cut":
                self._cut(offset, end)
            case "unanswered":
                patch(self.client, self.url, offset, self.data[offset:end])
            case "killed":  # between two writes of a server
                self._write(offset, end)
            case "closed":  # the tab; what it knew of its own bytes is gone
                self.url, self.own = None, 0
            case _:
                answer = patch(self.client, self.url, offset, self.data[offset:end])
                self.own = int(answer.headers["Upload-Offset"])
                return answer.headers.get("NoCulture-Asset")
        return None

    def _cut(self, offset: int, end: int) -> None:
        piece = self.data[offset:end]
        if offset == 0 and piece:
            anyio.run(_interrupted, self.installation, self.client, self.url, piece)

    def _write(self, offset: int, end: int) -> None:
        path = self.installation.uploads.path(str(self.url).rpartition("/")[2])
        if path.exists():
            with path.open("ab") as file:
                file.write(self.data[offset:end])


@settings(
    max_examples=12,
    deadline=None,
    phases=[
        Phase.explicit,
        Phase.reuse,
        Phase.generate,
    ],  # making a failure smaller takes minutes here
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    contents=st.lists(st.integers(0, 3), min_size=1, max_size=3),
    same=st.integers(0, 40),
    size=st.integers(41, 3000),
    random=st.randoms(use_true_random=False),
)
def test_whatever_breaks_off_what_is_stored_is_what_was_chosen_once_each(
    installation: Installation,
    musician: TestClient,
    contents: list[int],
    same: int,
    size: int,
    random: Random,
) -> None:
    """Files of one name and size, alike in their first bytes, of which each upload may be taken for
    another's.
    """
    seed = str(next(_examples)).encode().ljust(8) + bytes(same)
    files = [(seed + bytes([number]) * size)[: size + 8] for number in contents]
    senders = [Sender(installation, musician, data) for data in files]
    waiting, urls, kept = list(range(len(files))), [], {}
    before = len(installation.events())
    for step in itertools.count():
        if not waiting:
            break
        number = random.choice(waiting)
        asset = senders[number].step(random, urls, trouble=step < 40)
        if asset is not None:
            kept[number] = asset
            waiting.remove(number)
    new = [each.data for each in installation.events()[before:] if each.data.category == "asset"]
    uploaded = {each.asset_id: each.sha256 for each in new}
    assert len(uploaded) == len(set(contents))
    for number, asset in kept.items():
        assert uploaded[asset] == hashlib.sha256(files[number]).hexdigest()
        workspace_id = musician.account["workspace_id"]
        assert installation.objects.read(workspace_id, uploaded[asset]) == files[number]
