"""The register outside the database: a restored backup brings nobody back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from events.ids import CorrelationId, WorkspaceId
from events.store.verify import verify
from runtime.checks import erasure_register
from runtime.engines.postgres import EmbeddedPostgres
from runtime.engines.postgres_programs import find_programs
from runtime.erasure import before_ready
from runtime.erasure_register import ErasureRegister, RegisterDamaged, RegisterUnwritable
from tests.conftest import Database
from tests.integration.account.erasure.house import PASSWORD, House, eventually, open_house
from tests.integration.account.erasure.test_parties import asked, parties_of
from tests.specimens import Named, name_them, read

ADA, EVE = "ada@example.org", "eve@example.org"
SOMEBODY = {"workspace_id": "wsp_" + "1" * 32, "erasure_id": "ers_" + "1" * 32}


@pytest.fixture
def second(postgres: EmbeddedPostgres, database: Database) -> Iterator[Database]:
    """An empty database beside the first, to restore into."""
    name = psycopg.conninfo.conninfo_to_dict(database.owner_url)["dbname"] + "_restored"
    yield postgres.make_database(name)
    postgres.drop_database(name)


def pg(program: str, *arguments: str, cluster: Path) -> None:
    command = [find_programs(cluster).program(program), *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=60)


def test_a_backup_from_before_the_erasure_resurrects_nobody(
    house: House, database: Database, second: Database, tmp_path: Path
):
    backup = str(tmp_path / "backup")
    with house.worker():
        ada, eve = house.signed_up(ADA), house.signed_up(EVE)
        house.rows("UPDATE credentials_logins SET operator = true RETURNING 1")
        eventually(lambda: len(house.rows("SELECT 1 FROM views.accounts")) == 2)
        bo = parties_of(house).know("bo@example.org", CorrelationId.new())
        workspace = WorkspaceId(eve.account["workspace_id"])
        named = name_them(house.core.commands, workspace, Named(who=bo, name="Bo"))
        token = asked(house)
        pg("pg_dump", "-Fc", "-f", backup, database.admin_url, cluster=tmp_path)
        house.erased(house.erase(ada))
        forgotten = house.browser().put("/api/erasures", json={"token": token})
        house.erased(forgotten.json()["id"])
    pg("pg_restore", "-d", second.admin_url, backup, cluster=tmp_path)

    with open_house(second, house.settings.data) as restored:
        back = restored.rows("SELECT email FROM views.accounts ORDER BY email")
        assert back == [(ADA,), (EVE,)], "the backup itself knows her"
        assert read(restored.core.commands, named).parties[0].name == "Bo"
        before_ready(restored.core)
        assert read(restored.core.commands, named).parties[0].name is None
        assert restored.core.codec.keys.find(ada.account["id"]) is None
        assert restored.core.codec.keys.find(eve.account["id"]) is not None
        signing_in = {"email": ADA, "password": PASSWORD}
        assert restored.browser().post("/api/sessions", json=signing_in).status_code == 401
        with restored.worker():
            eventually(lambda: restored.types().count("erasure.certified") == 2)
            assert restored.browser().put("/api/erasures", json={"token": token}).status_code == 410
            eventually(lambda: restored.rows("SELECT email FROM views.accounts") == [(EVE,)])
        before = restored.core.log.events.head()
        before_ready(restored.core)
        assert restored.core.log.events.head() == before, "replayed again it changes nothing"
        with psycopg.connect(second.owner_url) as connection:
            assert verify(connection).ok


def test_a_register_that_was_lost_is_written_again_from_the_database(house: House):
    with house.worker():
        house.erased(house.erase(house.signed_up(ADA)))
    register = ErasureRegister(house.settings.erasure_dir, house.settings.secrets.installation_key)
    (entry,) = register.entries()
    register.path.unlink()
    assert erasure_register(house.settings).level == "problem"
    before_ready(house.core)
    assert [each.subject_id for each in register.entries()] == [entry.subject_id]
    assert erasure_register(house.settings).level == "ok"


def test_a_damaged_register_stops_the_start_and_doctor_says_so(house: House):
    with house.worker():
        house.erased(house.erase(house.signed_up(ADA)))
    path = ErasureRegister(house.settings.erasure_dir, b"").path
    line = json.loads(path.read_text())
    path.write_text(json.dumps(line | {"subject_id": "acc_" + "0" * 32}) + "\n")
    with pytest.raises(RegisterDamaged, match="line 1"):
        before_ready(house.core)
    finding = erasure_register(house.settings)
    assert finding.level == "problem"
    assert "backup" in (finding.advice or "")


def test_a_line_torn_by_a_crash_is_written_over(tmp_path: Path):
    register = ErasureRegister(tmp_path, b"k" * 32)
    register.add(subject_id="acc_1", **SOMEBODY)
    whole = register.path.read_bytes()
    register.path.write_bytes(whole + whole[:40])
    assert [entry.subject_id for entry in register.entries()] == ["acc_1"]
    register.add(subject_id="acc_2", **SOMEBODY)
    register.add(subject_id="acc_2", **SOMEBODY)
    assert [entry.subject_id for entry in register.entries()] == ["acc_1", "acc_2"]


def test_without_a_place_for_the_register_nobodys_key_is_destroyed(house: House):
    house.settings.erasure_dir.parent.mkdir(parents=True, exist_ok=True)
    house.settings.erasure_dir.write_text("a file where the folder belongs")
    with house.worker():
        ada = house.signed_up(ADA)
        house.erase(ada)
        eventually(
            lambda: (
                house.rows("SELECT error FROM effects WHERE effect = 'destroy-key'")
                and "cannot be used" in str(house.rows("SELECT error FROM effects"))
            )
        )
        assert house.core.codec.keys.find(ada.account["id"]) is not None
        assert "subject.erased" not in house.types()


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path):
    (tmp_path / "register.jsonl").mkdir()
    with pytest.raises(RegisterUnwritable, match=r"register\.jsonl"):
        ErasureRegister(tmp_path, b"k" * 32).entries()
