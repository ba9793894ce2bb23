"""What a saga can say about time: after a while, at a time, and which timers go on."""

from __future__ import annotations

from datetime import timedelta

import pytest

from commands.vault.ingest import RequestProbe
from events.ids import CorrelationId
from events.times import rfc3339
from processors.sagas.steps import Cause, SagaProgress, take
from sagas.saga import Ended, Input, Skipped, Timer
from schemas.examples import all_examples
from schemas.vault.examples import ASSET
from tests.offering import DAY, OFFERING, STANDS
from tests.specification import ABORTED, RETRIED, START, happened, saga, timer

given = saga(OFFERING).given
EVENTS = {event.type: event for event in all_examples()}
uploaded, verified = EVENTS["asset.uploaded"], EVENTS["asset.verified"]
SAGA_ID = OFFERING.stream_of(uploaded) or ""


def progress_after(*inputs: Input) -> SagaProgress:
    progress = SagaProgress()
    for number, input in enumerate(inputs):
        cause = Cause("test", "test", f"ref_{number}", "wsp_1", CorrelationId.new(), None)
        taken = take(OFFERING, SAGA_ID, progress, input, cause)
        assert taken is not None
        progress = taken[0]
    return progress


def tokens(progress: SagaProgress) -> list[str]:
    return [each.token for each in progress.timers]


def test_an_offer_stands_for_thirty_days_after_it_was_made():
    made = START + 5 * DAY
    given().when(happened(uploaded, made)).then_waits_for(expiry=made + STANDS, look=86_400)


def test_it_is_looked_at_every_day_and_ends_when_it_was_to_end():
    given(uploaded).when(timer("look")).then_sends(RequestProbe(asset_id=ASSET)).then_waits(
        "look"
    ).then_keeps("expiry")


def test_a_step_that_names_no_timer_keeps_all():
    given(uploaded).when(verified).then_waits().then_keeps("expiry", "look")


def test_without_keep_all_others_are_dropped():
    said = START + 7 * DAY
    given(uploaded).when(Skipped(said)).then_waits_for(expiry=said + 2 * DAY).then_keeps()


def test_an_ended_saga_keeps_none():
    given(uploaded).when(timer("expiry")).then_is(Ended("expired")).then_keeps()
    assert progress_after(happened(uploaded), timer("expiry")).kept == ()


def test_a_step_says_which_timers_go_on():
    progress = progress_after(happened(uploaded), timer("look"))
    assert (tokens(progress), progress.kept) == (["look"], ("expiry",))
    progress = progress_after(happened(uploaded), timer("look"), happened(verified))
    assert (tokens(progress), set(progress.kept)) == ([], {"look", "expiry"})


def test_a_timer_that_has_fired_does_not_go_on():
    progress = progress_after(happened(uploaded), happened(verified), timer("look"))
    assert "look" not in progress.kept


def test_a_retry_sets_the_last_timers_again_and_drops_no_other():
    progress = progress_after(happened(uploaded), timer("look"), RETRIED)
    assert (tokens(progress), progress.kept) == (["look"], ("expiry",))


def test_an_abort_leaves_no_timer():
    progress = progress_after(happened(uploaded), timer("look"), ABORTED)
    assert (progress.timers, progress.kept) == ((), ())


def test_a_step_stores_the_time_of_its_input_and_of_its_timers():
    cause = Cause("event", uploaded.type, "evt_1", "wsp_1", CorrelationId.new(), None)
    taken = take(OFFERING, SAGA_ID, SagaProgress(), happened(uploaded, START), cause)
    assert taken is not None
    step = taken[1].model_dump(mode="json")
    assert step["input"]["at"] == rfc3339(START)
    assert step["timers"] == [
        {"token": "expiry", "delay_s": 0.0, "at": rfc3339(START + STANDS)},
        {"token": "look", "delay_s": 86_400.0, "at": None},
    ]


def test_a_step_of_before_has_neither_and_is_read_all_the_same():
    old = {
        "input": {"kind": "timer", "name": "probe", "reference": "probe@evt_1"},
        "state": "Open",
        "memory": {"asset_id": ASSET},
        "sent": [],
        "timers": [{"token": "probe", "delay_s": 5.0}],
    }
    step = OFFERING.stepped.model_validate(old, extra="ignore")
    assert step.model_dump()["kept"] == ()
    assert step.model_dump()["input"]["at"] is None


@pytest.mark.parametrize("both", [{}, {"after": timedelta(1), "at": START}])
def test_a_timer_has_either_a_delay_or_a_time(both: dict[str, object]):
    with pytest.raises(ValueError, match="either"):
        Timer("ambiguous", **both)
