"""What killed processes left behind goes; what is still arriving stays."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from commands.vault.staged_uploads import UploadId
from processors.vault.sweeping import ABANDONED_AFTER_S, ORPHANED_AFTER_S, Sweeper
from tests.integration.account.erasure.house import House
from tests.integration.account.erasure.test_under_way import side_and_caller, tus_upload

OLD, NEW = ABANDONED_AFTER_S + 60, ABANDONED_AFTER_S - 60


@pytest.fixture
def sweeper(house: House) -> Sweeper:
    return Sweeper(house.core.pool, house.core.objects)


def put(folder: Path, name: str, age_s: float) -> Path:
    path = folder / name
    path.write_bytes(b"half a song")
    os.utime(path, (time.time() - age_s, time.time() - age_s))
    return path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_only_what_was_abandoned_a_day_ago_is_deleted(house: House, sweeper: Sweeper):
    staging, mine = house.core.objects.staging, "wsp_" + "1" * 32
    kinds = ("receiving", "arriving", "copy")
    names = [*(f"{kind}-1" for kind in kinds), *(f"{kind}-{mine}-ab" for kind in kinds)]
    for name in names:
        put(staging, name, OLD)
    kept = {put(staging, f"{name}0", NEW).name for name in names}
    assert sweeper.sweep() == len(names)
    assert left(staging) == kept


def test_what_a_closed_workspace_left_goes_whatever_its_age(house: House, sweeper: Sweeper):
    ada, eve = house.signed_up("ada@example.org"), house.signed_up("eve@example.org")
    _, caller = side_and_caller(house, eve)
    staging = house.core.objects.staging
    house.rows("UPDATE credentials_logins SET operator = true RETURNING 1")
    put(staging, f"receiving-{ada.account['workspace_id']}-ab", 0)
    stays = put(staging, f"receiving-{caller.workspace_id}-ab", 0)
    house.erase(ada)
    assert sweeper.sweep() == 1
    assert left(staging) == {stays.name}


def test_a_blob_that_appeared_behind_the_certificate_goes(house: House, sweeper: Sweeper):
    """As by a writer whose session the database had lost."""
    with house.worker():
        ada = house.signed_up("ada@example.org")
        house.erased(house.erase(ada))
    folder = house.settings.data / "blobs" / ada.account["workspace_id"] / "aa"
    folder.mkdir(parents=True)
    put(folder, "aa" * 32, 0)
    assert sweeper.sweep() == 1
    assert not folder.parent.exists()


def test_a_file_of_an_upload_that_has_no_row_is_an_orphan(house: House, sweeper: Sweeper):
    staging, gone = house.core.objects.staging, UploadId.new()
    known = tus_upload(house.signed_up("ada@example.org")).rpartition("/")[2]
    put(staging, known, 10 * OLD)
    put(staging, gone, ORPHANED_AFTER_S + 60)
    put(staging, f"{gone}.piece", ORPHANED_AFTER_S + 60)
    new = put(staging, UploadId.new(), ORPHANED_AFTER_S - 60).name
    put(staging, "upl_nothing-of-ours", OLD)
    assert sweeper.sweep() == 1
    assert left(staging) == {known, new, "upl_nothing-of-ours"}


def test_a_file_that_cannot_be_deleted_kept_all_others(house: House, sweeper: Sweeper):
    staging = house.core.objects.staging
    for name in ("receiving-0", "upl_" + "0" * 32):
        stays = staging / name
        stays.mkdir()
        os.utime(stays, (time.time() - OLD, time.time() - OLD))
    put(staging, "receiving-1", OLD)
    put(staging, "upl_" + "1" * 32, OLD)
    assert sweeper.sweep() == 2
    assert left(staging) == {"receiving-0", "upl_" + "0" * 32}
