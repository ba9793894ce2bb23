"""Signed checkpoints: nothing is signed over a cut or rewritten log, and strangers can check."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from events.claims import Claim
from events.ids import AssetId
from events.store.checkpoints import BadCheckpoint, CheckpointFile, CheckpointTable
from events.store.log import PostgresLog
from events.store.log_keys import OneKey
from events.store.proofs import NotProvable, consistency_proof, inclusion_proof
from events.store.signing import LogSigner
from events.store.verify import Verification, verify
from processors.checkpointer import Checkpointer, CheckpointRefused
from runtime.installation import ROOT
from tests.conftest import Database
from tests.integration.store.conftest import append_of, pending
from tests.integration.store.tampering import rehash_from

SIGNER = LogSigner(b"s" * 32)
SIGNING = OneKey(SIGNER)


@pytest.fixture
def file(tmp_path: Path) -> CheckpointFile:
    return CheckpointFile(tmp_path / "checkpoints" / "log.jsonl")


@pytest.fixture
def pool(database: Database) -> Iterator[ConnectionPool]:
    """A worker's, which signs."""
    with ConnectionPool(
        database.worker_url, min_size=1, max_size=12, kwargs={"autocommit": True}
    ) as pool:
        yield pool


@pytest.fixture
def checkpointer(pool: ConnectionPool, file: CheckpointFile) -> Checkpointer:
    return Checkpointer(pool, file, SIGNING, every_events=10, after_s=3_600)


@pytest.fixture
def owner(database: Database) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def write(log: PostgresLog) -> Callable[[int], None]:
    def some(count: int) -> None:
        while count > 0:
            stream, events = AssetId.new(), min(count, 40)
            log.append(
                append_of(
                    pending(stream, 1, takes=(Claim("content", stream),), data='{"ä": 1}'.encode()),
                    *(pending(stream, version) for version in range(2, events + 1)),
                )
            )
            count -= events

    return some


@pytest.fixture
def history(checkpointer: Checkpointer, write: Callable[[int], None]) -> Checkpointer:
    """Checkpoints of 5, 12 and 30 events, exported; 33 events in the log."""
    for count in (5, 7, 18):
        write(count)
        checkpointer.sign()
    write(3)
    checkpointer.export()
    return checkpointer


def test_each_checkpoint_is_in_table_and_file_and_signed(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection
):
    exported = file.read()
    assert [checkpoint.size for checkpoint in exported] == [5, 12, 30]
    assert all(checkpoint.is_signed_by(SIGNER.public_key) for checkpoint in exported)
    assert not exported[0].is_signed_by(LogSigner(b"t" * 32).public_key)
    assert CheckpointTable(owner).after() == exported


def test_one_is_signed_when_enough_events_came_or_enough_time_passed(
    pool: ConnectionPool, file: CheckpointFile, write: Callable[[int], None]
):
    patient = Checkpointer(pool, file, SIGNING, every_events=10, after_s=3_600)
    write(9)
    patient.look()
    assert file.read() == []
    write(1)
    patient.look()
    assert [checkpoint.size for checkpoint in file.read()] == [10]
    write(1)
    Checkpointer(pool, file, SIGNING, every_events=10, after_s=0).look()
    assert [checkpoint.size for checkpoint in file.read()] == [10, 11]
    Checkpointer(pool, file, SIGNING, every_events=10, after_s=0).look()
    assert len(file.read()) == 2


def test_what_a_crash_kept_from_the_file_is_exported_by_the_next_look(
    history: Checkpointer, pool: ConnectionPool, file: CheckpointFile
):
    lines = file.path.read_bytes().splitlines(keepends=True)
    file.path.write_bytes(lines[0] + lines[1][:40])
    assert [checkpoint.size for checkpoint in CheckpointFile(file.path).read()] == [5]
    Checkpointer(pool, CheckpointFile(file.path), SIGNING, every_events=100).look()
    assert file.path.read_bytes() == b"".join(lines)


def test_the_worker_may_add_checkpoints_and_nodes_but_not_change_them(
    history: Checkpointer, pool: ConnectionPool
):
    for statement in (
        "UPDATE log_checkpoints SET size = size + 1",
        "DELETE FROM log_checkpoints",
        "UPDATE log_tree SET level = 20",
        "DELETE FROM log_tree",
    ):
        with pool.connection() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


CUT = "DELETE FROM events WHERE position > 12"


def rewrite(owner: psycopg.Connection) -> None:
    rehash_from(owner, 15, b'{"forged": true}')


@pytest.mark.parametrize(
    ("damage", "position", "said"),
    [
        (lambda owner: owner.execute(CUT), 13, "the log ends at 12, a checkpoint of 30 was signed"),
        (rewrite, 13, "the last that still agrees is of 12"),
    ],
)
def test_a_cut_or_rehashed_log_is_named_and_never_signed(
    history: Checkpointer,
    file: CheckpointFile,
    owner: psycopg.Connection,
    damage: Callable[[psycopg.Connection], Any],
    position: int,
    said: str,
):
    damage(owner)
    # Whoever can rewrite the log tidies up behind himself as well.
    for table in ("claims", "commands"):
        owner.execute(f"DELETE FROM {table} WHERE position > (SELECT max(position) FROM events)")
    owner.execute("DELETE FROM log_checkpoints")
    found = verify(owner, checkpoints=file.read())
    assert (found.ok, found.position) == (False, position)
    assert found.reason is not None
    assert said in found.reason
    with pytest.raises(CheckpointRefused):
        history.sign()
    assert [checkpoint.size for checkpoint in file.read()] == [5, 12, 30]


def test_only_a_recovery_signs_a_branch_and_it_is_told_from_then_on(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection
):
    for table in ("events", "claims", "commands"):
        owner.execute(f"DELETE FROM {table} WHERE position > 12")
    owner.execute("DELETE FROM log_checkpoints WHERE size > 12")
    owner.execute("UPDATE log_identity SET epoch = epoch + 1")
    with pytest.raises(CheckpointRefused):
        history.sign()
    branch = history.sign(owner=owner)
    history.export()
    assert branch is not None
    assert branch.key == (2, 12)
    found = verify(owner, checkpoints=file.read())
    assert (found.ok, found.checkpoints, found.abandoned) == (True, 3, 1)


def test_a_forged_line_in_the_file_is_refused(
    history: Checkpointer, pool: ConnectionPool, file: CheckpointFile
):
    file.path.write_text(file.path.read_text().replace('"size": 30', '"size": 31'))
    with pytest.raises(BadCheckpoint):
        Checkpointer(pool, CheckpointFile(file.path), SIGNING).sign()


def test_verification_from_the_last_checkpoint_says_what_it_did_not_check_again(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection
):
    signed = file.read()
    found = verify(owner, checkpoints=signed, since=signed[-1])
    assert (found.ok, found.events, found.head, found.since) == (True, 3, 33, 30)
    owner.execute("UPDATE events SET actor = 'acc_x' WHERE position = 4")
    assert verify(owner, checkpoints=signed, since=signed[-1]).ok
    owner.execute("UPDATE events SET actor = 'acc_x' WHERE position = 32")
    assert verify(owner, checkpoints=signed, since=signed[-1]).position == 32
    assert verify(owner, checkpoints=signed).position == 4


@pytest.mark.parametrize(
    ("damage", "position"),
    [
        ("UPDATE claims SET stream_id = 'ast_x' WHERE position = 31", 31),
        ("DELETE FROM claims WHERE position = 31", 31),
        ("UPDATE commands SET stream_version = 2 WHERE position = 33", 33),
        ("UPDATE events SET hash = sha256(hash) WHERE position = 30", 30),
    ],
)
def test_verification_from_the_last_checkpoint_sees_what_came_after_it(
    history: Checkpointer,
    file: CheckpointFile,
    owner: psycopg.Connection,
    damage: str,
    position: int,
):
    owner.execute(damage)
    signed = file.read()
    found: Verification = verify(owner, checkpoints=signed, since=signed[-1])
    assert (found.ok, found.position) == (False, position)


def check_log(tmp_path: Path, proof: dict[str, Any], *more: str) -> tuple[int, str]:
    """The auditor's script, on a Python without our packages."""
    path = tmp_path / "proof.json"
    path.write_text(json.dumps(proof))
    script = [sys.executable, "-I", "-S", str(ROOT / "tools" / "check_log.py")]
    done = subprocess.run(
        [*script, "--public-key", SIGNER.public_key.hex(), str(path), *more],
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_auditors_script_accepts_every_proof_of_every_size(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection, tmp_path: Path
):
    small, middle, large = file.read()
    proofs = [inclusion_proof(owner, position, large) for position in (1, 6, 16, 17, 29, 30)]
    proofs += [inclusion_proof(owner, 12, middle)]
    proofs += [consistency_proof(owner, *pair) for pair in ((small, middle), (middle, large))]
    proofs += [consistency_proof(owner, large, large)]
    path = tmp_path / "proofs.jsonl"
    path.write_text("".join(json.dumps(proof) + "\n" for proof in proofs))
    script = [sys.executable, "-I", "-S", str(ROOT / "tools" / "check_log.py")]
    script += ["--public-key", SIGNER.public_key.hex(), str(path), "--mine", str(file.path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == len(proofs)


def forged(proof: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return proof | changes


def test_the_auditors_script_refuses_every_forgery(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection, tmp_path: Path
):
    small, middle, large = file.read()
    proof = inclusion_proof(owner, 7, large)
    grown = consistency_proof(owner, middle, large)
    frame, point = proof["frame"], proof["checkpoint"]
    other_key = {"key_id": "00000000"}
    bad_signature = {"signature": small.to_json()["signature"]}
    forgeries = [
        forged(proof, frame=frame | {"data": frame["data"] + " "}),
        forged(proof, frame=frame | {"actor": "acc_x"}),
        forged(proof, frame=frame | {"effective_at": "2020-01-01T00:00:00.000000Z"}),
        forged(proof, recorded_at="2020-01-01T00:00:00.000000Z"),
        forged(proof, position=8),
        forged(proof, hashes=proof["hashes"][:-1]),
        forged(proof, hashes=[*proof["hashes"], proof["hashes"][0]]),
        forged(proof, hashes=proof["hashes"][::-1]),
        forged(proof, checkpoint=point | {"size": 31}),
        forged(proof, checkpoint=point | {"root": "00" * 32}),
        forged(proof, checkpoint=point | {"hash": "00" * 32}),
        forged(proof, checkpoint=point | {"epoch": 2}),
        forged(proof, checkpoint=point | other_key),
        forged(proof, checkpoint=point | bad_signature),
        forged(proof, kind="promise"),
        forged(grown, first=small.to_json()),
        forged(grown, checkpoint=middle.to_json()),
        forged(grown, hashes=grown["hashes"][1:]),
        forged(grown, hashes=[]),
    ]
    for forgery in forgeries:
        code, said = check_log(tmp_path, forgery)
        assert (code, said.startswith("WRONG")) == (1, True), said
    mine = tmp_path / "mine.jsonl"
    mine.write_text(json.dumps(small.to_json()) + "\n")
    code, said = check_log(tmp_path, proof, "--mine", str(mine))
    assert (code, "did not keep" in said) == (1, True)


def test_no_proof_leaves_a_log_that_does_not_lead_to_the_signed_root(
    history: Checkpointer, file: CheckpointFile, owner: psycopg.Connection
):
    _, middle, large = file.read()
    with pytest.raises(NotProvable):
        inclusion_proof(owner, 31, large)
    owner.execute("UPDATE events SET leaf = sha256(leaf) WHERE position = 20")
    with pytest.raises(NotProvable):
        inclusion_proof(owner, 7, large)
    with pytest.raises(NotProvable):
        consistency_proof(owner, middle, large)


def test_a_log_of_more_than_a_thousand_events_is_proven_out_of_stored_nodes(
    checkpointer: Checkpointer,
    file: CheckpointFile,
    owner: psycopg.Connection,
    write: Callable[[int], None],
    tmp_path: Path,
):
    sizes = (1_030, 2_048, 2_100)
    for before, size in zip((0, *sizes), sizes, strict=False):
        write(size - before)
        checkpointer.sign()
    checkpointer.export()
    signed = file.read()
    assert [checkpoint.size for checkpoint in signed] == list(sizes)
    stored = owner.execute("SELECT level, index FROM log_tree ORDER BY 1, 2").fetchall()
    assert stored == [(10, 0), (10, 1)]
    proof = inclusion_proof(owner, 1_500, signed[-1])
    assert check_log(tmp_path, proof)[0] == 0
    assert check_log(tmp_path, consistency_proof(owner, signed[0], signed[2]))[0] == 0
    assert verify(owner, checkpoints=signed).checkpoints == 3
