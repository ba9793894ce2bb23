"""What is under way while its account is erased: it ends with a clear error and leaves nothing.

Each test does the erasure, up to its certificate, in the middle of what somebody else has begun.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aggregates.account import account
from aggregates.errors import NotFound
from commands.loading import NOTHING
from commands.unit import CommandContext, Unit
from commands.vault.assets import Assets
from commands.vault.resumable import UploadExpired, UploadLost, Uploads
from commands.vault.rewriting import Rewriting
from events.ids import AccountId, CommandId, CorrelationId
from events.store.pending import StoreBusy
from events.store.subject_keys import SubjectGone
from gateways.mail.by_double import DoubleMailer
from gateways.objects.folder import FolderObjectStore
from kit.caller import Caller
from processors.effects import runner
from runtime.areas.vault import VaultCommands
from tests.integration.account.erasure.house import House, eventually

ADA = "ada@example.org"
CANARY = b"canary under way"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
# What a client is told: 404 or 410, and never that something broke.
GONE = (SubjectGone, UploadLost, UploadExpired, NotFound)


class Killed(BaseException):
    """The process ended there: nothing of what follows was done."""


def side_and_caller(house: House, client: Any) -> tuple[VaultCommands, Caller]:
    side = house.vault()
    caller = house.accounts().sessions.find(client.cookies["noculture_session"])
    assert caller is not None
    return side, caller


def left(house: House) -> list[str]:
    """Files with the canary in them, and files of uploads."""
    folder = house.settings.data / "blobs"
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [
        path.name
        for path in paths
        if CANARY in path.read_bytes() or path.name.startswith(("upl_", "receiving", "arriving"))
    ]


def tus_upload(client: Any, size_bytes: int = 1000) -> str:
    name = base64.b64encode(b"half.wav").decode()
    headers = {**TUS, "Upload-Length": str(size_bytes), "Upload-Metadata": f"filename {name}"}
    answer = client.post("/api/uploads", headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


@pytest.fixture
def ada(house: House) -> Iterator[Any]:
    with house.worker():
        yield house.signed_up(ADA)


def once_before(
    monkeypatch: pytest.MonkeyPatch, owner: type, name: str, then: Callable[[], object]
) -> None:
    """`then` is done before the first call of that method."""
    real, waiting = getattr(owner, name), [then]

    def call(self: Any, *arguments: Any, **named: Any) -> Any:
        while waiting:
            waiting.pop()()
        return real(self, *arguments, **named)

    monkeypatch.setattr(owner, name, call)


CHECKSUM = {"Upload-Checksum": "sha1 " + base64.b64encode(hashlib.sha1(CANARY).digest()).decode()}


@pytest.mark.parametrize("checked", [{}, CHECKSUM], ids=["plain", "with a checksum"])
@pytest.mark.parametrize("step", ["append", "settle", "offset", "finish"])
def test_a_piece_under_way_makes_no_file_again(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch, checked: dict[str, str], step: str
):
    """Each later piece of a request opened its file anew, and made it where it was gone."""
    address = tus_upload(ada, len(CANARY) if step == "finish" else 1000)
    side, caller = side_and_caller(house, ada)
    upload = side.uploads.find(caller, address.rpartition("/")[2])
    monkeypatch.setattr(Uploads, "find", lambda *_: upload)
    key = ada.post("/api/keys", json={"name": "k", "scopes": ["*"]}).json()["key"]
    once_before(monkeypatch, Uploads, step, lambda: house.erased(house.erase(ada)))
    program = house.browser()
    headers = {**PIECE, **checked, "Upload-Offset": "0", "Authorization": f"Bearer {key}"}
    answer = program.patch(address, content=CANARY, headers=headers)
    assert answer.status_code in (404, 410), answer.text
    assert left(house) == []
    assert house.rows("SELECT filename FROM uploads") == []


def test_an_upload_that_begins_meanwhile_is_refused(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    side, caller = side_and_caller(house, ada)
    once_before(
        monkeypatch, type(side.assets.quota), "check", lambda: house.erased(house.erase(ada))
    )
    with pytest.raises(GONE):
        side.uploads.create(caller, 1000, "canary.wav", None)
    assert left(house) == []
    assert house.rows("SELECT filename FROM uploads") == []


def test_nothing_of_a_form_that_is_still_arriving_is_there_at_the_certificate(
    house: House, ada: Any
):
    side, caller = side_and_caller(house, ada)
    seen = []

    def pieces() -> Iterator[bytes]:
        yield CANARY
        yield CANARY
        house.erased(house.erase(ada))
        seen.extend(left(house))
        yield CANARY

    with pytest.raises(GONE):
        side.assets.upload(caller, "canary.wav", pieces())
    assert seen == []
    assert left(house) == []


@pytest.mark.parametrize("point", ["put_file", "put_bytes"])
def test_a_file_on_its_way_into_the_store_holds_the_certificate_back(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch, point: str
):
    """A writer that was killed behind the put said nothing in the log: its blob stayed."""
    monkeypatch.setattr(runner, "RETRY_S", 0.05)
    side, caller = side_and_caller(house, ada)
    erasures: list[str] = []
    real = getattr(FolderObjectStore, point)

    def put(self: Any, *arguments: Any) -> None:
        erasures.append(house.erase(ada))
        eventually(
            lambda: (
                house.state(erasures[0]) == "erased"
                or house.rows("SELECT 1 FROM effects WHERE error LIKE %s", "%still-writing%")
                or house.rows("SELECT 1 FROM effects WHERE error LIKE %s", "%StillWriting%")
            )
        )
        real(self, *arguments)
        raise Killed

    monkeypatch.setattr(FolderObjectStore, point, put)
    sha256 = hashlib.sha256(CANARY).hexdigest()
    write: Callable[..., object] = house.core.objects.put_bytes
    arguments: tuple[Any, ...] = (caller.workspace_id, sha256, CANARY)
    if point == "put_file":
        write, arguments = side.assets.upload, (caller, "canary.wav", [CANARY])
    with pytest.raises(Killed):
        write(*arguments)
    house.erased(erasures[0])
    assert left(house) == []


def test_a_runner_that_lost_its_lease_writes_nothing_behind_the_certificate(house: House, ada: Any):
    """Covers, peaks, reports and renditions of a probe or an analysis that was held up."""
    objects, workspace_id = house.core.objects, ada.account["workspace_id"]
    house.erased(house.erase(ada))
    sha256 = hashlib.sha256(CANARY).hexdigest()
    with pytest.raises(SubjectGone):
        objects.put_bytes(workspace_id, sha256, CANARY)
    staged = objects.staging / "rendition"
    staged.write_bytes(CANARY)
    with pytest.raises(SubjectGone):
        objects.put_file(workspace_id, sha256, staged)
    staged.unlink()
    assert left(house) == []


def test_what_the_log_says_of_a_file_comes_before_the_certificate_or_never(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    """The recording of a blob that was kept before: it was appended behind the deletion of all."""
    side, caller = side_and_caller(house, ada)
    once_before(monkeypatch, Assets, "look_at_key", lambda: house.erase(ada))
    sha256 = hashlib.sha256(CANARY).hexdigest()
    house.core.objects.put_bytes(caller.workspace_id, sha256, CANARY)
    with contextlib.suppress(SubjectGone, StoreBusy):
        side.assets.upload(caller, "canary.wav", [CANARY])
    (erasure_id,) = [
        e.stream_id for e in house.core.log.events.after(0, 1000) if e.type == "erasure.requested"
    ]
    house.erased(erasure_id)
    assert left(house) == []
    assert (
        house.rows(
            "SELECT 1 FROM claims WHERE scope = %s AND kind = 'asset-content'", caller.workspace_id
        )
        == []
    )


def test_a_rewrite_of_the_tags_that_is_under_way_leaves_no_file(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    side, caller = side_and_caller(house, ada)
    sha256 = hashlib.sha256(CANARY).hexdigest()
    house.core.objects.put_bytes(caller.workspace_id, sha256, CANARY)

    class Tools:
        def rewrite(self, path: Path, changes: Any, sink: Callable[[bytes], object]) -> Any:
            sink(CANARY * 100_000)
            house.erased(house.erase(ada))
            assert left(house) == []
            sink(CANARY)
            raise AssertionError("the writer was not told that its file is gone")

    class File:
        size_bytes = len(CANARY)

    File.sha256 = sha256
    rewriting = Rewriting(
        house.core.commands, side.assets, house.core.objects, Tools(), side.assets.quota
    )
    with pytest.raises(GONE):
        rewriting._write(caller, File(), {})
    assert left(house) == []


def test_a_command_under_way_says_nothing_behind_the_erasure_of_its_account(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    """Encrypted under a remembered key it was appended, and shown, when all was deleted."""
    asset_id = ada.post("/api/assets", files={"file": ("a.wav", b"RIFF")}).json()["id"]
    key = ada.post("/api/keys", json={"name": "k", "scopes": ["*"]}).json()["key"]
    once_before(monkeypatch, Unit, "_write", lambda: house.erased(house.erase(ada)))
    said = {"at_s": 1, "text": CANARY.decode()}
    headers = {"Authorization": f"Bearer {key}"}
    answer = house.browser().post(f"/api/assets/{asset_id}/comments", json=said, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (410, "subject-erased")
    assert "comment.added" not in house.types()
    assert house.rows("SELECT 1 FROM views.comments") == []


@pytest.mark.parametrize("alongside", [False, True])
def test_those_who_append_in_the_same_group_are_not_harmed(house: House, alongside: bool):
    ada, eve = house.signed_up(ADA), house.signed_up("eve@example.org")
    house.accounts().accounts.grant_operator("eve@example.org")
    house.erase(ada)
    before = house.core.log.events.head()

    def unit_of(client: Any) -> Unit:
        context = CommandContext(
            client.account["id"],
            client.account["workspace_id"],
            CommandId.new(),
            CorrelationId.new(),
        )
        unit = house.core.commands.unit(context, input=None)
        account_id = AccountId(client.account["id"])
        unit.change(account, account_id, account.change_password)
        if alongside:
            unit.alongside("SELECT %s", (1,))
        return unit

    # As it was staged a moment before the erasure was asked for.
    late = unit_of(eve)
    late.context = replace(
        late.context, actor=ada.account["id"], tenant=ada.account["workspace_id"]
    )
    late._staged = [replace(late._staged[0], stream_id=AccountId.new(), loaded=NOTHING)]
    with pytest.raises(SubjectGone):
        late.commit()
    assert unit_of(eve).commit().position == before + 1


def test_a_mail_that_is_being_written_is_waited_for(
    house: House, ada: Any, monkeypatch: pytest.MonkeyPatch
):
    """Written behind the forgetting of her mails it stayed: its address was no longer known."""
    monkeypatch.setattr(runner, "RETRY_S", 0.05)
    erasures: list[str] = []
    real = DoubleMailer.send

    def send(self: DoubleMailer, *arguments: Any) -> None:
        erasures.append(house.erase(ada))
        eventually(
            lambda: (
                "erasure.contents_deleted" in house.types()
                or house.rows("SELECT 1 FROM effects WHERE error LIKE %s", "%mail-password-reset%")
            )
        )
        real(self, *arguments)

    monkeypatch.setattr(DoubleMailer, "send", send)
    house.browser().post("/api/password-resets", json={"email": ADA})
    eventually(lambda: erasures)
    house.erased(erasures[0])
    assert list(house.settings.outbox_dir.glob("*.eml")) == []
