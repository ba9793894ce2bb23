"""A recording is deleted between a comment's look at it and the comment's append."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from aggregates.errors import NotFound
from aggregates.vault import asset
from commands.loading import Loaded
from commands.rules import AggregateModule
from commands.unit import Commands
from commands.vault.comments import AddComment, Comments, EditComment
from events.ids import AssetId
from events.store.codec import EventCodec
from events.store.log import PostgresLog
from events.store.pending import Committed
from events.store.verify import verify as verify_log
from events.vault.audio import Tags
from kit.caller import Caller
from tests.conftest import Database
from tests.integration.account.erasure.house import eventually
from tests.integration.store.test_unit_of_work import (
    ACCOUNT,
    WORKSPACE,
    unit_of,
    upload,
    verify,
)

MIRA = Caller(ACCOUNT, WORKSPACE)
SNARE = AddComment(at_s=1, text="The snare is late")
LOG_LOCK = "SELECT pg_advisory_xact_lock(7521980, 1)"
WAITING = (
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    " AND classid = 7521980"
)


class Interrupted(Commands):
    """Does `meanwhile` once, right after somebody looked at a recording."""

    meanwhile: Callable[[], object] | None = None

    def load(self, module: AggregateModule[Any], stream_id: str, *, fresh: bool = False) -> Loaded:
        seen = super().load(module, stream_id, fresh=fresh)
        if module is asset and self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            meanwhile()
        return seen


@dataclass
class Two:
    """Who comments and who deletes, in one process or in two."""

    commenting: Interrupted
    deleting: Commands


@pytest.fixture
def other_log(database: Database, pool: ConnectionPool) -> Iterator[PostgresLog]:
    log = PostgresLog(database.app_url, pool)
    yield log
    log.close()


@pytest.fixture
def apart(log: PostgresLog, other_log: PostgresLog, pool: ConnectionPool, codec: EventCodec) -> Two:
    return Two(
        Interrupted(log, pool, codec, b"k" * 32), Commands(other_log, pool, codec, b"k" * 32)
    )


@pytest.fixture(params=["one process", "two processes"])
def two(request: Any, apart: Two) -> Two:
    return apart if request.param == "two processes" else Two(apart.commenting, apart.commenting)


def delete(commands: Commands, asset_id: AssetId) -> Committed:
    unit = unit_of(commands)
    unit.change(asset, asset_id, asset.delete, deleted_by=ACCOUNT)
    return unit.commit()


def rewrite(commands: Commands, asset_id: AssetId, sha256: str) -> Committed:
    unit = unit_of(commands)
    unit.change(
        asset,
        asset_id,
        asset.rewrite_file,
        rewritten_by=ACCOUNT,
        sha256=sha256,
        size_bytes=1,
        written=(),
        left_out=(),
        tags=Tags(),
    )
    return unit.commit()


def test_a_comment_on_a_recording_that_is_deleted_meanwhile_is_refused(two: Two, log: PostgresLog):
    asset_id = upload(two.deleting)
    two.commenting.meanwhile = lambda: delete(two.deleting, asset_id)
    with pytest.raises(NotFound, match="The asset does not exist"):
        Comments(two.commenting).add(MIRA, asset_id, SNARE)
    assert [event.type for event in log.events.after(0, 10)] == ["asset.uploaded", "asset.deleted"]


@pytest.mark.parametrize(
    "change",
    [
        lambda comments, said: comments.edit(MIRA, said, EditComment(text="It is early"), None),
        lambda comments, said: comments.edit(MIRA, said, EditComment(text="It is early"), 1),
        lambda comments, said: comments.resolve(MIRA, said, None),
        lambda comments, said: comments.delete(MIRA, said, None),
    ],
    ids=["edit", "edit at a version", "resolve", "delete"],
)
def test_with_its_recording_a_comment_cannot_be_changed_any_more(
    two: Two, log: PostgresLog, change: Callable[[Comments, str], Committed]
):
    asset_id, comments = upload(two.deleting), Comments(two.commenting)
    said = comments.add(MIRA, asset_id, SNARE).stream_id
    two.commenting.meanwhile = lambda: delete(two.deleting, asset_id)
    with pytest.raises(NotFound, match="The comment does not exist"):
        change(comments, said)
    assert log.events.after(0, 10)[-1].type == "asset.deleted"


def test_a_resolved_comment_is_not_opened_again_on_a_deleted_recording(two: Two, log: PostgresLog):
    asset_id, comments = upload(two.deleting), Comments(two.commenting)
    said = comments.add(MIRA, asset_id, SNARE).stream_id
    comments.resolve(MIRA, said, None)
    two.commenting.meanwhile = lambda: delete(two.deleting, asset_id)
    with pytest.raises(NotFound, match="The comment does not exist"):
        comments.reopen(MIRA, said, None)
    assert log.events.after(0, 10)[-1].type == "asset.deleted"


def test_the_same_bytes_as_another_recording_bring_no_comments_back(two: Two, log: PostgresLog):
    asset_id = upload(two.deleting)

    def replace() -> None:
        delete(two.deleting, asset_id)
        upload(two.deleting)

    two.commenting.meanwhile = replace
    with pytest.raises(NotFound):
        Comments(two.commenting).add(MIRA, asset_id, SNARE)
    assert log.events.after(0, 10)[-1].type == "asset.uploaded"


def test_a_comment_that_waits_for_the_log_behind_a_deletion_is_refused(
    apart: Two, log: PostgresLog, database: Database
):
    """A look before the lock would not see the deletion, which is not committed yet."""
    asset_id = upload(apart.deleting)
    with (
        ThreadPoolExecutor(2) as threads,
        psycopg.connect(database.owner_url) as parked,
        psycopg.connect(database.owner_url, autocommit=True) as watching,
    ):
        parked.execute(LOG_LOCK)
        deleted = threads.submit(delete, apart.deleting, asset_id)
        eventually(lambda: watching.execute(WAITING).fetchone() == (1,))
        said = threads.submit(Comments(apart.commenting).add, MIRA, asset_id, SNARE)
        eventually(lambda: watching.execute(WAITING).fetchone() == (2,))
        parked.rollback()
        assert deleted.result().stream_version == 2
        with pytest.raises(NotFound, match="The asset does not exist"):
            said.result()
    assert [event.type for event in log.events.after(0, 10)] == ["asset.uploaded", "asset.deleted"]


def test_a_recording_whose_file_is_rewritten_meanwhile_takes_comments(two: Two, log: PostgresLog):
    """Its bytes are others, also those it had before: it holds the claims of them all."""
    asset_id, comments = upload(two.deleting, "a" * 64), Comments(two.commenting)
    verify(two.deleting, asset_id)
    for sha256 in ("b" * 64, "a" * 64):
        two.commenting.meanwhile = lambda sha256=sha256: rewrite(two.deleting, asset_id, sha256)
        comments.add(MIRA, asset_id, SNARE)
    assert [event.type for event in log.events.after(2, 10)] == [
        *("asset.file_rewritten", "comment.added") * 2
    ]


def test_a_log_with_comments_verifies_as_ever(commands: Commands, database: Database):
    """A comment moves no claim: the recording still goes, and leaves none behind."""
    asset_id = upload(commands)
    Comments(commands).add(MIRA, asset_id, SNARE)
    delete(commands, asset_id)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        assert verify_log(owner).ok
        assert owner.execute("SELECT count(*) FROM claims").fetchone() == (0,)
