"""Rate limits when many requests are counted in one statement."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kit.policies import Policy
from tests.conftest import Database
from tests.integration.account.test_keys import issue
from tests.integration.http.app import open_installation

QUOTA, RACING = 10, 64
# Nothing of it comes back while the test runs.
SLOW = Policy("read", QUOTA, window_s=100_000)


def test_of_racing_requests_at_two_processes_exactly_the_quota_passes(
    database: Database, tmp_path: Path
) -> None:
    with (
        open_installation(database, tmp_path / "one", SLOW) as one,
        open_installation(database, tmp_path / "two", SLOW) as two,
    ):
        key = issue(one.signed_up(), "account:read").json()["key"]
        header = {"Authorization": f"Bearer {key}"}

        def ask(number: int) -> tuple[int, int]:
            client = (one, two)[number % 2].browser()
            answer = client.get("/api/keys", headers=header)
            left = int(answer.headers["RateLimit"].split(";")[1].removeprefix("r="))
            return answer.status_code, left

        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(ask, range(RACING)))
        assert [status for status, _ in answers].count(200) == QUOTA
        assert [status for status, _ in answers].count(429) == RACING - QUOTA
        assert all(0 <= left < QUOTA for status, left in answers if status == 200)


def test_two_keys_of_one_account_share_its_limit(database: Database, tmp_path: Path) -> None:
    with open_installation(database, tmp_path, SLOW) as installation:
        musician = installation.signed_up()
        keys = [issue(musician, "account:read").json()["key"] for _ in range(2)]

        def ask(number: int) -> int:
            header = {"Authorization": f"Bearer {keys[number % 2]}"}
            return installation.browser().get("/api/keys", headers=header).status_code

        with ThreadPoolExecutor(8) as threads:
            statuses = list(threads.map(ask, range(QUOTA + 6)))
        assert (statuses.count(200), statuses.count(429)) == (QUOTA, 6)
