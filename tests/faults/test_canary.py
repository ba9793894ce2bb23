"""After an erasure no byte of the person is left: every table, topic, file and a dump is searched.

One installation with Kafka. Somebody else's account stays, so that an empty search cannot pass.
"""

from __future__ import annotations

import base64
import re
import struct
import subprocess
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from kafka import KafkaConsumer, TopicPartition
from mutagen.flac import FLAC, Picture
from psycopg import sql

from commands.account.logins import Logins
from commands.account.parties import Parties
from events.account.erasure import Certificate
from events.envelope import Envelope
from events.ids import AccountId, CorrelationId, WorkspaceId
from events.store.signing import is_signed
from runtime.composition import open_core
from runtime.demo_music import render
from runtime.engines.postgres_programs import find_programs
from runtime.settings import load_settings
from tests.holes import written
from tests.installation import Installation, eventually
from tests.specimens import Named, name_them, read

PASSWORD = "a long enough password"
CANARIES = {
    "email": "canaryemailqx71",
    "name": "CanaryNameQx72",
    "filename": "canaryfileqx73",
    "tag of the file": "canarytitleqx74",
    "tag of the musician": "canaryartistqx75",
    "text in the cover": "canarycoverqx76",
    "name of a key": "canarykeyqx77",
    "half an upload": "canaryuploadqx78",
    "an upload under way": "canaryunderwayqx80",
    "a form under way": "canaryformqx81",
    "name of a party": "CanaryPartyQx82",
    "address of a party": "canarypartyemailqx83",
    "name in somebody else's event": "CanaryNamedQx84",
}
KEPT = "stayingqx79"


@dataclass
class Person:
    web: str
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(
            base_url=self.web, headers={"Origin": self.web}, timeout=60, follow_redirects=True
        )

    def __call__(self, method: str, path: str, **more: Any) -> httpx2.Response:
        answer = self.client.request(method, path, **more)
        assert answer.status_code < 300, answer.text
        return answer


@dataclass
class Home:
    installation: Installation
    web: str
    ada: Person
    # Of somebody without an account: what her mail leads to, and where she is named.
    link: str
    named: Envelope
    erasure_id: str = ""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    installation = Installation(tmp_path_factory.mktemp("installation") / "data")
    web = installation.json("up", "--detach", "--port", "0")["web"]
    try:
        eve, ada = Person(web), Person(web)
        hers = sign_up(eve, f"{KEPT}@example.org", "Eve")
        me = sign_up(ada, f"{CANARIES['email']}@example.org", CANARIES["name"])
        live(ada, tmp_path_factory.mktemp("music"))
        named = name_people(installation, WorkspaceId(hers["workspace_id"]), AccountId(me["id"]))
        yield Home(installation, web, ada, asked_to_be_forgotten(installation, web), named)
    finally:
        installation("down")


def sign_up(person: Person, email: str, name: str) -> dict[str, Any]:
    body = {"email": email, "password": PASSWORD, "name": name}
    account: dict[str, Any] = person("POST", "/api/accounts", json=body).json()
    return account


PARTY = f"{CANARIES['address of a party']}@example.org"


def name_people(installation: Installation, eves: WorkspaceId, ada: AccountId) -> Envelope:
    """In Eve's workspace, which stays: somebody without an account, Ada, and somebody who stays."""
    settings = load_settings(installation.data)
    with open_core(settings, connections=2) as core:
        parties = Parties(core.commands, Logins(core.pool, settings.secrets.installation_key))
        party, other = (
            parties.know(email, CorrelationId.new()) for email in (PARTY, "other@example.org")
        )
        return name_them(
            core.commands,
            eves,
            *(
                Named(who=party, name=CANARIES["name of a party"]),
                Named(who=ada, name=CANARIES["name in somebody else's event"]),
                Named(who=other, name=KEPT),
            ),
        )


def names_in(home: Home) -> list[str | None]:
    with open_core(load_settings(home.installation.data), connections=2) as core:
        return [party.name for party in read(core.commands, home.named).parties]


def asked_to_be_forgotten(installation: Installation, web: str) -> str:
    """The address of the page that the mailed link leads to."""
    Person(web)("POST", "/api/erasures", json={"email": PARTY})
    links: list[str] = []

    def mailed() -> bool:
        for path in (installation.data / "outbox").glob("*.eml"):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            links.extend(re.findall(r"/forget-me/\S+", mail.get_content()))
        return bool(links)

    eventually(mailed, "the mail with the link")
    return links[0]


def live(ada: Person, folder: Path) -> None:
    """All that a musician does here: upload, edit, search, look, listen, export, half an upload."""
    path = recording(folder)
    name = f"{CANARIES['filename']}.flac"
    uploaded = ada("POST", "/api/assets", files={"file": (name, path.read_bytes())})
    address = f"/api/assets/{uploaded.json()['id']}"
    eventually(lambda: found(ada, address).get("state") == "analysed", "the analysis")
    asset = ada("GET", address)
    assert asset.json()["tags"]["title"] == CANARIES["tag of the file"]
    assert asset.json()["has_cover"]
    edit = {"artist": CANARIES["tag of the musician"]}
    edited = ada("PATCH", address, json=edit, headers={"If-Match": asset.headers["ETag"]})
    seen = {"Min-Position": edited.headers["Event-Position"], "Prefer": "wait=20"}
    hits = ada("GET", "/api/assets", params={"q": edit["artist"]}, headers=seen).json()
    assert len(hits["data"]) == 1
    for part in ("/audio", "/cover", "/waveform?zoom=512", "/events"):
        ada("GET", address + part)
    ada("POST", "/api/keys", json={"name": CANARIES["name of a key"], "scopes": ["*"]})
    half = base64.b64encode(f"{CANARIES['half an upload']}.wav".encode()).decode()
    tus = {"Tus-Resumable": "1.0.0"}
    created = ada(
        "POST",
        "/api/uploads",
        headers={**tus, "Upload-Length": "1000", "Upload-Metadata": f"filename {half}"},
    )
    ada(
        "PATCH",
        created.headers["Location"],
        content=CANARIES["half an upload"].encode(),
        headers={
            **tus,
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
        },
    )
    exported = ada("GET", "/api/me/export", headers=seen).text
    for what in ("email", "name", "filename", "tag of the file", "tag of the musician"):
        assert CANARIES[what] in exported, f"the export does not say the {what}"


def found(person: Person, address: str) -> dict[str, Any]:
    answer = person.client.get(address)
    return answer.json() if answer.status_code == 200 else {}


def recording(folder: Path) -> Path:
    music = render(folder, count=1, seed=5, duration_s=4.0)
    track = next(each for each in music if each.path.suffix == ".flac")
    file = FLAC(track.path)
    file["title"] = CANARIES["tag of the file"]
    cover = Picture()
    cover.type, cover.mime, cover.data = 3, "image/png", png(CANARIES["text in the cover"])
    file.clear_pictures()
    file.add_picture(cover)
    file.save()
    return track.path


def png(text: str) -> bytes:
    """One black point, and a comment."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    header = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    comment = b"Comment\0" + text.encode()
    pixels = zlib.compress(b"\0\0")
    parts = ((b"IHDR", header), (b"tEXt", comment), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in parts)


# --- the search ---------------------------------------------------------------------------------


def seen_in(haystack: bytes) -> set[str]:
    """Which canaries are there: as text in any case, and as the hex or base64 of it."""
    lowered = haystack.lower()
    return {
        what
        for what, canary in CANARIES.items()
        if canary.lower().encode() in lowered
        or canary.encode().hex().encode() in lowered
        or any(form in haystack for form in base64_forms(canary))
    }


def base64_forms(canary: str) -> list[bytes]:
    """The inner part of its base64 at each of the three alignments."""
    return [base64.b64encode(b"x" * n + canary.encode())[4:-4] for n in range(3)]


def dump(home: Home) -> bytes:
    url = home.installation.postgres.admin_url()
    program = find_programs(home.installation.data / "postgres" / "cluster").program("pg_dump")
    return subprocess.run([program, url], check=True, capture_output=True, timeout=120).stdout


def rows(home: Home) -> bytes:
    """Every row of every table, as text."""
    text = []
    with psycopg.connect(home.installation.postgres.admin_url()) as connection:
        tables = connection.execute(
            "SELECT schemaname, tablename FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for schema, table in tables:
            query = sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, table))
            text += [row for (row,) in connection.execute(query)]
    return "\n".join(text).encode()


def topics(home: Home) -> bytes:
    """Keys, values and headers of every record of every topic, also of aborted transactions."""
    consumer = KafkaConsumer(
        **home.installation.kafka_auditor(),
        isolation_level="read_uncommitted",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    content = []
    try:
        partitions = [
            TopicPartition(topic, number)
            for topic in consumer.topics()
            for number in consumer.partitions_for_topic(topic)
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(p) < ends[p] for p in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                for record in records:
                    headers = b" ".join(value for _, value in record.headers)
                    content += [record.key or b"", record.value or b"", headers]
    finally:
        consumer.close()
    assert len(content) > 30
    return b"\n".join(content)


def files(home: Home) -> dict[Path, set[str]]:
    """Files of the installation with canaries in them; the database's own files are not among
    them: pg_dump and the rows speak for those, and dead rows below.
    """
    root = home.installation.data
    paths = [
        path
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] != "postgres"
    ]
    found: dict[Path, set[str]] = {}
    for path in paths:
        # What is deleted between the list and the look is found no more.
        with suppress(FileNotFoundError):
            found[path] = seen_in(written(path) + path.name.encode())
    return {path: canaries for path, canaries in found.items() if canaries}


def heap(home: Home) -> set[str]:
    """What dead rows still hold once the tables were written anew; the write-ahead log is left
    out: it is overwritten as the database goes on.
    """
    url = home.installation.postgres.admin_url()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM FULL")
        connection.execute("CHECKPOINT")
    base = home.installation.data / "postgres" / "cluster" / "base"
    content = [seen_in(written(path)) for path in base.rglob("*") if path.is_file()]
    assert content
    return set().union(*content)


# --- the story ----------------------------------------------------------------------------------


def test_while_she_is_here_the_search_finds_her_but_never_in_topics_or_logs(home: Home):
    assert seen_in(dump(home)) >= {"email", "name", "filename", "tag of the file"}
    assert seen_in(topics(home)) == set()
    holding = files(home)
    in_files = {"text in the cover", "half an upload", "address of a party"}
    assert set().union(*holding.values()) >= in_files
    assert names_in(home) == [
        *(CANARIES["name of a party"], CANARIES["name in somebody else's event"], KEPT)
    ]
    parts = {path.relative_to(home.installation.data).parts[0] for path in holding}
    assert parts == {"blobs", "outbox"}, "only in the object store, its staging and her mails"


PIECE = 1024 * 1024


class UnderWay:
    """A request whose body stops in the middle, until `end` sends the rest."""

    def __init__(self, home: Home, method: str, path: str, begin: bytes, **headers: str) -> None:
        self._go_on, self._begin = threading.Event(), begin
        client = httpx2.Client(base_url=home.web, timeout=60, cookies=home.ada.client.cookies)
        asked = {"Origin": home.web, **headers}
        self._thread = ThreadPoolExecutor(1)
        self._answer = self._thread.submit(
            client.request, method, path, content=self._body(), headers=asked
        )

    def end(self) -> httpx2.Response:
        self._go_on.set()
        return self._answer.result(60)

    def _body(self) -> Iterator[bytes]:
        # More than the server gathers before it writes.
        yield self._begin + bytes(2 * PIECE)
        assert self._go_on.wait(60)
        for _ in range(3):
            yield self._begin + bytes(PIECE)


def uploads_under_way(home: Home) -> list[UnderWay]:
    """By tus, and by form; answers when bytes of each are on the disk."""
    begun = CANARIES["an upload under way"].encode()
    tus = {"Tus-Resumable": "1.0.0"}
    length = 5 * PIECE + 4 * len(begun)
    created = home.ada("POST", "/api/uploads", headers={**tus, "Upload-Length": str(length)})
    piece = {**tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + CANARIES["a form under way"].encode()
    )
    under_way = [
        UnderWay(home, "PATCH", created.headers["Location"], begun, **piece),
        UnderWay(
            home, "POST", "/api/assets", form, **{"Content-Type": "multipart/form-data; boundary=x"}
        ),
    ]
    wanted = {"an upload under way", "a form under way"}
    eventually(lambda: wanted <= set().union(*files(home).values()), "bytes of both on the disk")
    return under_way


def test_somebody_without_an_account_is_forgotten_where_others_named_them(home: Home):
    followed = Person(home.web)("POST", home.link)
    erasure_id = followed.url.path.rpartition("/")[2]
    anybody, address = Person(home.web), f"/api/erasures/{erasure_id}"
    eventually(lambda: found(anybody, address).get("state") == "erased", "the erasure")
    assert names_in(home) == [None, CANARIES["name in somebody else's event"], KEPT]
    theirs = {"name of a party", "address of a party"}
    assert theirs & (seen_in(dump(home)) | seen_in(topics(home))) == set()
    assert theirs & set().union(*files(home).values()) == set()


def test_once_she_is_erased_nothing_of_her_is_left_anywhere(home: Home):
    assert home.ada("GET", "/api/me").json()["name"] == CANARIES["name"]
    under_way = uploads_under_way(home)
    answer = home.ada("DELETE", "/api/me", json={"password": PASSWORD})
    home.erasure_id = answer.json()["id"]
    address = f"/api/erasures/{home.erasure_id}"
    anybody = Person(home.web)
    eventually(lambda: found(anybody, address).get("state") == "erased", "the erasure")
    assert files(home) == {}, "at the moment of the certificate"
    for upload in under_way:
        ended = upload.end()
        assert ended.status_code in (404, 410), ended.text
    certificate = Certificate.model_validate(found(anybody, address)["certificate"])
    signature, key = bytes.fromhex(certificate.signature), bytes.fromhex(certificate.public_key)
    assert is_signed(certificate.signed_bytes(), signature, key)
    assert certificate.assets_deleted == 1
    assert names_in(home) == [None, None, KEPT]

    dumped = dump(home)
    assert KEPT.encode() in dumped
    assert seen_in(dumped) == set()
    assert seen_in(rows(home)) == set()
    assert seen_in(topics(home)) == set()
    assert files(home) == {}
    assert heap(home) == set()


def test_the_log_still_verifies_and_every_view_is_what_a_rebuild_makes(home: Home):
    assert home.installation.json("log", "verify")["ok"]
    assert home.installation.json("log", "compare")["ok"]
    views = [
        consumer["name"]
        for consumer in home.installation.json("consumers")["consumers"]
        if consumer["kind"] == "projection"
    ]
    rebuilt = home.installation.json("consumers", "rebuild", *views)["rebuilt"]
    assert {each["name"]: each["identical"] for each in rebuilt} == dict.fromkeys(views, True)
    assert seen_in(dump(home)) == set()


def test_the_master_key_is_exchanged_while_it_runs(home: Home):
    done = home.installation.json("privacy", "rotate-master-key")
    assert done["rewrapped"] >= 1
    eve = Person(home.web)
    eve("POST", "/api/sessions", json={"email": f"{KEPT}@example.org", "password": PASSWORD})
    sign_up(Person(home.web), "after@example.org", "After")
    eventually(lambda: b"after@example.org" in rows(home), "a view of who came after the rotation")
    erased = home.installation.json("privacy", "erasures")["erased"]
    assert [each["subject_id"][:3] for each in erased] == ["pty", "acc"]
    assert erased[1]["erasure_id"] == home.erasure_id
    assert names_in(home) == [None, None, KEPT]
