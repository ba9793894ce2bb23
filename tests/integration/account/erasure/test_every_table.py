"""Where a person may be: each table and folder has been decided about, a new one fails here first.

Whoever adds one says what an erasure does with it. Views say it themselves (`Projection.holds`).
That it is done, tests/faults/test_canary.py looks for in an installation.
"""

from __future__ import annotations

from tests.integration.account.erasure.house import House, eventually

IDS = "ids, hashes, positions and names of ours only"
WITH_LOGIN = "goes with its login (ON DELETE CASCADE), at once"
SAFE_ERRORS = "ids, and errors told by class, codes and place (schemas/telling.py)"
TABLES = {
    "events": "personal values are encrypted under the key that is destroyed",
    "subject_keys": "the key is destroyed; a tombstone with the subject's id stays",
    "claims": "the address' HMAC is released at once; contents' SHA-256 with their recordings",
    "commands": f"{IDS}: of the input an HMAC",
    "snapshots": "the workspace's and the subject's are deleted",
    "credentials_logins": "deleted at once",
    "credentials_sessions": WITH_LOGIN,
    "credentials_keys": WITH_LOGIN,
    "credentials_links": WITH_LOGIN,
    "credentials_second_factors": WITH_LOGIN,
    "credentials_recovery_codes": WITH_LOGIN,
    "credentials_passkeys": WITH_LOGIN,
    "credentials_challenges": f"{WITH_LOGIN}; those of nobody in minutes",
    "credentials_resets": WITH_LOGIN,
    "credentials_address_codes": WITH_LOGIN,
    "credentials_erasure_links": "the party's is deleted, whether used or not",
    "credentials_repeats": WITH_LOGIN,
    "uploads": "deleted, file names too; one that may still come to the store is waited for",
    "rate_limits": "SHA-256 of who is counted, over in an hour; spent ones are deleted",
    "failed_attempts": "hashes of who failed; over in a day",
    "effects": f"{SAFE_ERRORS}; the workspace's are dropped or waited for",
    "saga_commands": f"{SAFE_ERRORS}; the workspace's are waited for",
    "saga_timers": IDS,
    "dead_letters": f"{SAFE_ERRORS}; the workspace's are deleted",
    "parked_streams": f"{SAFE_ERRORS}; the workspace's are let go of",
    "builds": f"{SAFE_ERRORS}; a build that is behind is dropped",
    "consumers": SAFE_ERRORS,
    "checkpoints": IDS,
    "relay_heads": IDS,
    "relay_progress": IDS,
    "records_aside": "counts, and reasons in words of ours",
    "log_identity": IDS,
    "log_checkpoints": "hashes and signatures",
    "log_tree": "hashes",
    "master_key": IDS,
    "clock_advances": "lengths of time, and ids of commands",
    "migrations": "names of files of ours",
}
FOLDERS = {
    "blobs": "the workspace's folder and its files in staging are deleted",
    "doubles": "mails to the address on their way to `outbox` are deleted with those in it",
    "erasures": IDS,
    "outbox": "mails to the address are deleted while the key can still tell it",
    "secrets": "of the installation, not of people",
}


def test_every_table_has_been_decided_about(house: House):
    found = house.rows(
        "SELECT DISTINCT table_name FROM information_schema.columns JOIN information_schema.tables"
        " USING (table_schema, table_name) WHERE table_schema = 'public'"
        " AND table_type = 'BASE TABLE' AND data_type NOT IN ('integer', 'bigint', 'smallint',"
        " 'boolean', 'timestamp with time zone', 'double precision')"
    )
    tables = {name for (name,) in found}
    assert tables - TABLES.keys() == set(), "say what an erasure does with them"
    assert TABLES.keys() - tables <= {"relay_progress"}, "no longer there"


def test_every_folder_has_been_decided_about(house: House):
    with house.worker():
        ada = house.signed_up("ada@example.org")
        ada.post("/api/assets", files={"file": ("a.wav", b"RIFF")})
        house.browser().post("/api/password-resets", json={"email": "ada@example.org"})
        eventually(lambda: list(house.settings.outbox_dir.glob("*.eml")))
        house.erased(house.erase(ada))
    assert {path.name for path in house.settings.data.iterdir()} <= FOLDERS.keys()
