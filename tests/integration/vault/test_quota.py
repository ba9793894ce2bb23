"""What a plan does not allow is refused before it is sent, by both ways of uploading."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from commands.vault.quota import Quota
from schemas.vault.dto import StorageUsage
from tests.integration.http.app import Installation, upload
from tests.integration.vault.test_uploads import create

FULL = StorageUsage(
    plan="free",
    used_bytes=9_000_000,
    uploading_bytes=500_000,
    limit_bytes=10_000_000,
    left_bytes=500_000,
)


@pytest.fixture
def nearly_full(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation.assets, "quota", Quota(lambda workspace_id: FULL))


@pytest.mark.usefixtures("nearly_full")
def test_an_upload_over_the_plan_is_refused_when_it_is_announced(
    installation: Installation, musician: TestClient
) -> None:
    answer = create(musician, size=500_001)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (413, "quota-exceeded")
    assert {name: problem[name] for name in StorageUsage.model_fields} == FULL.model_dump()
    assert problem["asked_bytes"] == 500_001
    assert "delete tracks" in problem["detail"]
    assert installation.scalar("SELECT count(*) FROM uploads") == 0
    assert create(musician, size=500_000).status_code == 201


@pytest.mark.usefixtures("nearly_full")
def test_a_form_over_the_plan_is_refused_and_leaves_nothing(
    installation: Installation, musician: TestClient
) -> None:
    for size in (500_001, 2_500_000):  # seen when it is whole, and before it is read
        answer = upload(musician, bytes(size))
        assert (answer.status_code, answer.json()["code"]) == (413, "quota-exceeded")
    assert list(installation.objects.staging.iterdir()) == []
    assert upload(musician, bytes(400_000)).status_code == 202
