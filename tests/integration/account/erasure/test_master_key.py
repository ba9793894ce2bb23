"""The master key is exchanged while everything runs, and after a kill at any point."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from events.ids import AccountId
from events.store import master_keys
from events.store.master_key_ids import MasterKeyMissing, master_key_id
from events.store.subject_keys import DESTROY, PostgresSubjectKeys, SubjectGone
from runtime import master_key_rotation
from runtime.master_key_rotation import rotate_master_key
from runtime.secret_files import SecretFiles
from tests.conftest import Database

PEOPLE = [AccountId.new() for _ in range(12)]


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    """A worker's, as `privacy rotate-master-key` has it."""
    with ConnectionPool(
        database.worker_url, min_size=1, max_size=12, kwargs={"autocommit": True}
    ) as pool:
        yield pool


@pytest.fixture
def secrets(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "secrets")


def keys_of(pool: ConnectionPool, secrets: SecretFiles) -> PostgresSubjectKeys:
    """As another process has them: nothing cached."""
    return PostgresSubjectKeys(pool, secrets.master_keys)


def opened(pool: ConnectionPool, secrets: SecretFiles) -> list[bytes | None]:
    keys = keys_of(pool, secrets)
    return [keys.find(person) for person in PEOPLE]


def wrapped_by(pool: ConnectionPool) -> set[str | None]:
    with pool.connection() as connection:
        rows = connection.execute("SELECT DISTINCT master_key_id FROM subject_keys").fetchall()
    return {key_id for (key_id,) in rows}


def test_every_key_opens_with_the_new_master_key_alone(pool: ConnectionPool, secrets: SecretFiles):
    keys = keys_of(pool, secrets)
    before = [keys.obtain(person) for person in PEOPLE]
    (old,) = secrets.master_keys()
    done = rotate_master_key(pool, secrets)
    (new,) = secrets.master_keys()
    assert new != old
    assert (done.rewrapped, done.resumed) == (len(PEOPLE), False)
    assert wrapped_by(pool) == {master_key_id(new)}
    assert opened(pool, secrets) == before
    with pytest.raises(MasterKeyMissing):
        PostgresSubjectKeys(pool, old).find(PEOPLE[0])


def test_a_running_process_reads_and_makes_keys_before_during_and_after(
    pool: ConnectionPool, secrets: SecretFiles, monkeypatch: pytest.MonkeyPatch
):
    running = keys_of(pool, secrets)
    for person in PEOPLE[:4]:
        running.obtain(person)
    rewrap_some = master_key_rotation.rewrap_some

    def meanwhile(*arguments):
        running.obtain(PEOPLE[len(wrapped_by(pool)) + 3])
        return rewrap_some(*arguments)

    monkeypatch.setattr(master_key_rotation, "rewrap_some", meanwhile)
    rotate_master_key(pool, secrets)
    for person in PEOPLE[:5]:
        running.forget(person)
        assert running.find(person) is not None
    assert running.obtain(PEOPLE[11])
    assert wrapped_by(pool) == {master_key_id(secrets.master_keys()[0])}


POINTS = ["make_following", "use_key", "rewrap_some", "replace"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_it_goes_on_with_the_same_new_key(
    pool: ConnectionPool,
    secrets: SecretFiles,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    when: str,
):
    keys = keys_of(pool, secrets)
    before = [keys.obtain(person) for person in PEOPLE]
    monkeypatch.setattr(master_keys, "REWRAP_AT_ONCE", 5)

    class Killed(BaseException):
        pass

    owner = SecretFiles if hasattr(SecretFiles, point) else master_key_rotation
    real = getattr(owner, point)

    def dying(*arguments):
        if when == "after":
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, point, dying)
        with pytest.raises(Killed):
            rotate_master_key(pool, secrets)
    assert opened(pool, secrets) == before, "readable between"
    begun = secrets.following("master_key") is not None and secrets.master_keys()[1]
    rotate_master_key(pool, secrets)
    assert opened(pool, secrets) == before
    (new,) = secrets.master_keys()
    assert not begun or new == begun
    assert wrapped_by(pool) == {master_key_id(new)}


def test_an_erased_subject_stays_erased_through_a_rotation_and_gets_no_new_key(
    pool: ConnectionPool, secrets: SecretFiles
):
    keys = keys_of(pool, secrets)
    keys.obtain(PEOPLE[0])
    with pool.connection() as connection:
        connection.execute(DESTROY, (PEOPLE[0],))
        connection.execute(DESTROY, (PEOPLE[1],))
    rotate_master_key(pool, secrets)
    keys.forget(PEOPLE[0])
    for person in PEOPLE[:2]:
        assert keys.find(person) is None
        with pytest.raises(SubjectGone):
            keys.obtain(person)


def test_without_the_master_key_it_says_which_one_is_missing(
    pool: ConnectionPool, secrets: SecretFiles
):
    keys_of(pool, secrets).obtain(PEOPLE[0])
    named = master_key_id(secrets.master_keys()[0])
    (secrets.folder / "master_key").unlink()
    with pytest.raises(MasterKeyMissing, match=named):
        keys_of(pool, secrets).find(PEOPLE[0])
