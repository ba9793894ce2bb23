"""Tags written into the file: another version, the sound the same, the original kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from aggregates.vault import asset
from commands.account.erasure_handlers import say_erased
from commands.unit import CommandContext
from commands.vault.assets import Assets
from commands.vault.quota import Quota, QuotaExceeded
from commands.vault.rewriting import Rewriting
from commands.vault.tag_changes import TagChanges
from events.ids import AccountId, AssetId, CommandId, CorrelationId, ErasureId, WorkspaceId
from events.store.pending import ClaimTaken, InputMismatch, VersionConflict
from events.store.subject_keys import SubjectGone
from events.vault.audio import AudioFacts, Tags
from gateways.audio.pool import AudioPool
from kit.caller import Caller
from kit.conditions import PreconditionFailed
from schemas.vault.dto import StorageUsage
from tests.fixtures.tag_corpus import write_tag_corpus
from tests.integration.http.app import Installation, upload
from tests.integration.vault.test_assets import in_worker


@pytest.fixture(scope="module")
def tools() -> Iterator[AudioPool]:
    with AudioPool(1) as pool:
        yield pool


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tag_corpus(tmp_path_factory.mktemp("song"))["FLAC"]


@pytest.fixture
def rewriting(installation: Installation, tools: AudioPool) -> Rewriting:
    return Rewriting(
        installation.commands, installation.assets, installation.objects, tools, Quota()
    )


def caller_of(client: TestClient) -> Caller:
    return Caller(
        account_id=client.account["id"],
        workspace_id=client.account["workspace_id"],
        scopes=frozenset({"assets:write"}),
    )


def verified(installation: Installation, owner: TestClient, path: Path, tools: AudioPool) -> str:
    asset_id = AssetId(upload(owner, path.read_bytes(), path.name).json()["id"])
    probe = tools.probe(path)
    unit = in_worker(installation, owner)
    unit.change(
        asset,
        asset_id,
        asset.verify,
        tags=Tags.model_validate(probe.tags.model_dump()),
        audio=AudioFacts.model_validate(probe.audio.model_dump()),
        cover=None,
    )
    unit.commit()
    return asset_id


def edit(assets: Assets, caller: Caller, asset_id: str, **changes: Any) -> None:
    assets.edit_tags(caller, asset_id, TagChanges(**changes), None)


def test_the_file_says_what_the_musician_says_and_the_original_is_kept(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
    tmp_path: Path,
) -> None:
    caller = caller_of(musician)
    asset_id = verified(installation, musician, song, tools)
    edit(installation.assets, caller, asset_id, title="Undertow", comment=None, energy=0.3)
    said, committed = rewriting.rewrite(caller, asset_id, 3)
    assert committed is not None
    assert (said.version, said.written, said.left_out) == (4, ["comment", "title"], [])
    assert installation.types()[-1] == "asset.file_rewritten"
    event = installation.events()[-1].data
    workspace_id = caller.workspace_id
    assert installation.objects.read(workspace_id, event.original_sha256) == song.read_bytes()
    copy = tmp_path / "copy.flac"
    copy.write_bytes(installation.objects.read(workspace_id, said.sha256))
    tags = tools.probe(copy).tags
    assert (tags.title, tags.comment, tags.artist) == ("Undertow", None, "Ona Ruiz")
    # Either file, uploaded again, is this recording.
    for data in (song.read_bytes(), copy.read_bytes()):
        assert upload(musician, data).json() == {
            "id": asset_id, "state": "verified", "duplicate": True,
        }  # fmt: skip
    again, nothing = rewriting.rewrite(caller, asset_id, 4)
    assert (again.version, again.written, nothing) == (4, [], None)
    installation.assets.delete(caller, asset_id, None)
    assert upload(musician, song.read_bytes()).json()["id"] != asset_id


def test_several_artists_are_written_as_several_and_read_as_several(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
    tmp_path: Path,
) -> None:
    caller = caller_of(musician)
    asset_id = verified(installation, musician, song, tools)
    url, headers = f"/api/assets/{asset_id}", {"If-Match": "*"}
    names = ["Ona Ruiz", " Ib  Holm ", "Ona Ruiz"]
    assert musician.patch(url, json={"artists": names}, headers=headers).status_code == 200
    assert installation.events()[-1].data.changed == ("artist", "artists")
    said, _ = rewriting.rewrite(caller, asset_id, None)
    assert (said.written, said.left_out) == (["artist", "artists"], [])
    copy = tmp_path / "copy.flac"
    copy.write_bytes(installation.objects.read(caller.workspace_id, said.sha256))
    tags = tools.probe(copy).tags
    assert (tags.artist, tags.artists) == ("Ona Ruiz, Ib Holm", ("Ona Ruiz", "Ib Holm"))
    musician.patch(url, json={"artist": "Ona"}, headers=headers)
    told = installation.events()[-1].data
    assert (told.changed, told.tags.artists) == (("artist", "artists"), None)


def test_what_cannot_be_written_changes_nothing(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
) -> None:
    caller = caller_of(musician)
    asset_id = verified(installation, musician, song, tools)
    edit(installation.assets, caller, asset_id, title="Undertow")
    with pytest.raises(PreconditionFailed):
        rewriting.rewrite(caller, asset_id, 2)
    full = StorageUsage(plan="free", used_bytes=9, uploading_bytes=0, limit_bytes=10, left_bytes=1)
    no_room = Rewriting(
        installation.commands,
        installation.assets,
        installation.objects,
        tools,
        Quota(lambda workspace_id: full),
    )
    with pytest.raises(QuotaExceeded):
        no_room.rewrite(caller, asset_id, 3)
    assert installation.types()[-1] == "asset.tags_edited"
    assert list(installation.objects.staging.iterdir()) == []


def test_a_repeated_request_gets_its_first_answer(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
) -> None:
    """Regression: after a lost answer the file was at another version than the caller named."""
    caller = caller_of(musician)
    asset_id = verified(installation, musician, song, tools)
    edit(installation.assets, caller, asset_id, title="Undertow")
    first, _ = rewriting.rewrite(caller, asset_id, 3, "once")
    for title in (None, "Overtow"):
        if title:
            edit(installation.assets, caller, asset_id, title=title)
        again, committed = rewriting.rewrite(caller, asset_id, 3, "once")
        assert again == first
        assert committed is not None
        assert committed.replayed
    with pytest.raises(InputMismatch):
        rewriting.rewrite(caller, asset_id, 5, "once")
    assert installation.types().count("asset.file_rewritten") == 1


@pytest.mark.parametrize("contents", ["deleted", "there"])
def test_nothing_stays_of_a_file_made_while_its_account_was_erased(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
    monkeypatch: pytest.MonkeyPatch,
    contents: str,
) -> None:
    """Whichever the append meets: the recording that is deleted, or the key that is gone."""
    caller = caller_of(musician)
    asset_id = verified(installation, musician, song, tools)
    edit(installation.assets, caller, asset_id, title="Undertow")

    def slow(*arguments: Any) -> Any:
        made = write(*arguments)
        if contents == "deleted":
            installation.assets.delete(caller, asset_id, None)
        erase(installation, caller)
        return made

    write = tools.rewrite
    monkeypatch.setattr(tools, "rewrite", slow)
    with pytest.raises(VersionConflict if contents == "deleted" else SubjectGone):
        rewriting.rewrite(caller, asset_id, None)
    assert installation.objects.delete_workspace(caller.workspace_id) == 0


def erase(installation: Installation, caller: Caller) -> None:
    """As the erasure's effects do; this process may still remember the key."""
    context = CommandContext(None, caller.workspace_id, CommandId.new(), CorrelationId.new())
    unit, account_id = installation.commands.unit(context, input=None), AccountId(caller.account_id)
    say_erased(unit, ErasureId.new(), account_id, WorkspaceId(caller.workspace_id))
    unit.commit()


def test_bytes_that_are_another_recording_already_stay_that_ones(
    installation: Installation,
    musician: TestClient,
    rewriting: Rewriting,
    tools: AudioPool,
    song: Path,
    tmp_path: Path,
) -> None:
    caller = caller_of(musician)
    chunks: list[bytes] = []
    tools.rewrite(song, {"title": "Undertow"}, chunks.append)
    other = upload(musician, b"".join(chunks)).json()["id"]
    asset_id = verified(installation, musician, song, tools)
    edit(installation.assets, caller, asset_id, title="Undertow")
    with pytest.raises(ClaimTaken) as taken:
        rewriting.rewrite(caller, asset_id, None)
    assert taken.value.holder == other
