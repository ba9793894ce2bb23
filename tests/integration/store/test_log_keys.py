"""The key that signs the log is exchanged: the old one signs the new, and signs nothing more."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg_pool import ConnectionPool

from events.ids import AssetId
from events.store.checkpoints import BadCheckpoint, CheckpointFile, signed
from events.store.log import PostgresLog
from events.store.log_keys import KeyChange, KeyChanges
from events.store.proofs import consistency_proof
from events.store.signing import LogSigner
from processors.checkpointer import Checkpointer
from runtime.installation import ROOT
from runtime.log_signing import LogSigning, exchange_log_key
from runtime.secret_files import SecretFiles
from tests.conftest import Database
from tests.integration.store.conftest import append_of, pending


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    """A worker's, which signs."""
    with ConnectionPool(database.worker_url, min_size=1, kwargs={"autocommit": True}) as pool:
        yield pool


@pytest.fixture
def secrets(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path / "secrets")


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile(tmp_path / "log.jsonl")


@pytest.fixture
def sign(
    log: PostgresLog, pool: ConnectionPool, file: CheckpointFile, secrets: SecretFiles
) -> Callable[[], None]:
    """One more event, and a checkpoint over it, by a checkpointer that runs all the time."""
    checkpointer = Checkpointer(pool, file, LogSigning(secrets))

    def once() -> None:
        log.append(append_of(pending(AssetId.new(), 1)))
        checkpointer.sign()
        checkpointer.export()

    return once


@pytest.fixture
def exchange(
    log: PostgresLog, pool: ConnectionPool, file: CheckpointFile, secrets: SecretFiles
) -> Callable[[], KeyChange]:
    log_id, _ = log.events.log_identity()
    return lambda: exchange_log_key(pool, secrets, log_id, file)


def test_a_running_checkpointer_signs_with_the_new_key_at_once(
    sign: Callable[[], None],
    exchange: Callable[[], KeyChange],
    file: CheckpointFile,
    secrets: SecretFiles,
):
    sign()
    old = LogSigner(secrets.log_signing_seed)
    change = exchange()
    new = LogSigner(secrets.log_signing_seed)
    sign()
    before, after = file.read()
    assert before.is_signed_by(old.public_key)
    assert after.is_signed_by(new.public_key)
    assert (change.follows, change.public_key) == (old.public_key, new.public_key)
    LogSigning(secrets).now()[1].check(file.read(), "the file")


def test_what_the_old_key_signs_after_it_was_given_up_is_not_believed(
    sign: Callable[[], None],
    exchange: Callable[[], KeyChange],
    file: CheckpointFile,
    secrets: SecretFiles,
):
    sign()
    stolen = LogSigner(secrets.log_signing_seed)
    exchange()
    sign()
    forged = signed(replace(file.read()[-1], root=b"r" * 32), stolen)
    with pytest.raises(BadCheckpoint):
        LogSigning(secrets).now()[1].check([forged], "a stranger")


@pytest.mark.parametrize("point", ["make_following", "append", "replace"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_any_point_signing_goes_on_and_the_exchange_is_finished(
    sign: Callable[[], None],
    exchange: Callable[[], KeyChange],
    file: CheckpointFile,
    secrets: SecretFiles,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    when: str,
):
    class Killed(BaseException):
        pass

    sign()
    owner = KeyChanges if point == "append" else SecretFiles
    real = getattr(owner, point)

    def dying(*arguments):
        if when == "after":
            real(*arguments)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(owner, point, dying)
        with pytest.raises(Killed):
            exchange()
    sign()
    exchange()
    sign()
    signing, known = LogSigning(secrets).now()
    known.check(file.read(), "the file")
    assert file.read()[-1].is_signed_by(signing.public_key)
    assert secrets.following("log_signing_seed") is None


def test_keys_that_were_not_signed_by_the_one_before_stop_the_signing(
    sign: Callable[[], None], exchange: Callable[[], KeyChange], secrets: SecretFiles
):
    sign()
    change = exchange()
    thief = LogSigner(b"t" * 32)
    for wrong in (
        replace(change, size=change.size + 1_000),
        replace(change, public_key=thief.public_key),
        replace(change, follows=thief.public_key),
    ):
        secrets.log_key_changes.write_text(json.dumps(wrong.to_json()) + "\n")
        with pytest.raises(BadCheckpoint):
            LogSigning(secrets).now()


def test_an_auditor_with_the_first_key_is_led_to_every_later_one(
    sign: Callable[[], None],
    exchange: Callable[[], KeyChange],
    file: CheckpointFile,
    secrets: SecretFiles,
    pool: ConnectionPool,
    tmp_path: Path,
):
    sign()
    first_key = LogSigner(secrets.log_signing_seed).public_key
    for _ in range(2):
        exchange()
        sign()
    first, _, last = file.read()
    changes = [change.to_json() for change in LogSigning(secrets).now()[1].changes]
    with pool.connection() as connection:
        proof = consistency_proof(connection, first, last)
    given = tmp_path / "given.jsonl"

    def checked(*lines: dict[str, object]) -> tuple[int, str]:
        given.write_text("".join(json.dumps(line) + "\n" for line in lines))
        script = [sys.executable, "-I", "-S", str(ROOT / "tools" / "check_log.py")]
        done = subprocess.run(
            [*script, "--public-key", first_key.hex(), str(given)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr

    code, said = checked(*changes, proof)
    assert code == 0, said
    assert checked(proof)[0] == 1, "without the exchanges the key is another"
    assert checked(changes[1], proof)[0] == 1, "one is left out"
    assert checked({**changes[0], "size": 99}, *changes[1:], proof)[0] == 1
    late = replace(first, size=last.size, root=last.root, hash=last.hash)
    assert checked(*changes, late.to_json())[0] == 1, "the first key signed nothing behind it"


def test_the_seed_is_there_before_anything_is_signed(secrets: SecretFiles):
    """A machine that was lost could not go on: its secrets had been copied before the seed was."""
    LogSigning(secrets)
    assert (secrets.folder / "log_signing_seed").exists()
