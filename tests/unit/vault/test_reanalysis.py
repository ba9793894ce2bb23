"""Rules of one reanalysis."""

from __future__ import annotations

from typing import Any

import pytest

from aggregates.errors import AlreadyExists, NotFound
from aggregates.vault import reanalysis
from aggregates.vault.reanalysis import ONE_AT_A_TIME, ReanalysisOver
from events.ids import AssetId
from events.vault.reanalysis import (
    BATCH,
    ReanalysisBatchStarted,
    ReanalysisCancelled,
    ReanalysisCompleted,
    ReanalysisListed,
    ReanalysisRequested,
)
from schemas.examples import ACCOUNT, WORKSPACE, fixed
from schemas.vault.examples import REANALYSIS
from tests.specification import given

OF: dict[str, Any] = {"reanalysis_id": REANALYSIS, "workspace_id": WORKSPACE}
NOTHING_DONE = {"measured": 0, "failed": 0, "passed_over": 0}


def assets(count: int) -> tuple[AssetId, ...]:
    return tuple(fixed(AssetId, number) for number in range(1, count + 1))


def requested(total: int, batches: int) -> ReanalysisRequested:
    return ReanalysisRequested(**OF, requested_by=ACCOUNT, total=total, batches=batches)


def listed(number: int, asset_ids: tuple[AssetId, ...]) -> ReanalysisListed:
    return ReanalysisListed(**OF, number=number, asset_ids=asset_ids)


def started(number: int) -> ReanalysisBatchStarted:
    return ReanalysisBatchStarted(**OF, number=number, asked=1, passed_over=0, passed_over_so_far=0)


asked: dict[str, Any] = {**OF, "requested_by": ACCOUNT}
under_way = (requested(2, 2), listed(0, assets(1)), listed(1, assets(1)))
completed = ReanalysisCompleted(**OF, **NOTHING_DONE)
cancelled = ReanalysisCancelled(**OF, cancelled_by=ACCOUNT)


def test_recordings_are_named_in_batches_that_stay_small():
    many = assets(BATCH + 1)
    given().when(reanalysis.request, **asked, asset_ids=many).then(
        requested(BATCH + 1, 2),
        listed(0, many[:BATCH]),
        listed(1, many[BATCH:]),
    ).taking(ONE_AT_A_TIME)
    assert all(
        len(event.model_dump_json()) < 8_192
        for event in reanalysis.request(None, **asked, asset_ids=many).events
    )


def test_measuring_nothing_again_is_over_at_once_and_keeps_nobody_waiting():
    given().when(reanalysis.request, **asked, asset_ids=()).then(requested(0, 0), completed)


def test_batches_start_in_order_and_each_once():
    said = {"reanalysis_id": REANALYSIS, "asked": 1, "passed_over": 0}
    given(*under_way).when(reanalysis.start_batch, **said, number=0).then(started(0))
    given(*under_way, started(0)).when(reanalysis.start_batch, **said, number=0).then_nothing()
    given(*under_way).when(reanalysis.start_batch, **said, number=1).then_nothing()


@pytest.mark.parametrize("end", [completed, cancelled])
def test_what_is_over_starts_no_batch(end: Any):
    given(*under_way, end).when(
        reanalysis.start_batch, reanalysis_id=REANALYSIS, number=0, asked=1, passed_over=0
    ).then_nothing()


def test_the_next_may_begin_once_it_is_over():
    given(*under_way).when(reanalysis.complete, reanalysis_id=REANALYSIS, **NOTHING_DONE).then(
        completed
    ).releasing(ONE_AT_A_TIME)
    given(*under_way).when(reanalysis.cancel, reanalysis_id=REANALYSIS, cancelled_by=ACCOUNT).then(
        cancelled
    ).releasing(ONE_AT_A_TIME)


def test_it_ends_once():
    cancel = {"reanalysis_id": REANALYSIS, "cancelled_by": ACCOUNT}
    given(*under_way, cancelled).when(reanalysis.cancel, **cancel).then_nothing()
    given(*under_way, cancelled).when(
        reanalysis.complete, reanalysis_id=REANALYSIS, **NOTHING_DONE
    ).then_nothing()
    given(*under_way, completed).when(reanalysis.cancel, **cancel).then_refused(ReanalysisOver)


def test_it_is_asked_for_once():
    given(*under_way).when(reanalysis.request, **asked, asset_ids=()).then_refused(AlreadyExists)
    given().when(reanalysis.cancel, reanalysis_id=REANALYSIS, cancelled_by=None).then_refused(
        NotFound
    )
