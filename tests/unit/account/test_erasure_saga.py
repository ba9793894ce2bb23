"""The erasure saga: three parts in order, asked for until they are done."""

from __future__ import annotations

from hypothesis import given as drawn
from hypothesis import strategies as st

from commands.account.erasure_commands import RequestErasureStep
from events.account.erasure import (
    ErasureCertified,
    ErasureContentsDeleted,
    ErasureKeyDestroyed,
    ErasureMoneyAwaited,
)
from sagas.account.erasure import ERASURE, Erasing, react, stream_of
from sagas.saga import Ended
from schemas.account.examples import CERTIFICATE
from schemas.account.examples import ERASURE as ERASURE_ID
from schemas.examples import example_of
from tests.specification import RETRIED, happened, refused, saga, timer

given = saga(ERASURE).given

requested = example_of("erasure.requested", 2)
awaited = ErasureMoneyAwaited(erasure_id=ERASURE_ID)
emptied = ErasureContentsDeleted(erasure_id=ERASURE_ID, assets=2, blobs=5)
destroyed = ErasureKeyDestroyed(erasure_id=ERASURE_ID)
certified = ErasureCertified(erasure_id=ERASURE_ID, certificate=CERTIFICATE)


def ask(step: str, attempt: int = 1) -> RequestErasureStep:
    return RequestErasureStep(erasure_id=ERASURE_ID, step=step, attempt=attempt)


def test_contents_go_before_the_key_and_the_key_before_the_certificate():
    given().when(happened(requested)).then_is(Erasing(ERASURE_ID, "contents")).then_sends(
        ask("contents")
    ).then_waits("again")
    given(requested).when(happened(emptied)).then_sends(ask("key")).then_waits("again")
    given(requested, emptied).when(happened(destroyed)).then_sends(ask("certificate"))
    given(requested, emptied, destroyed).when(happened(certified)).then_is(Ended("erased"))


def test_a_part_that_gives_no_answer_is_asked_for_again_and_again():
    given(requested).when(timer("again")).then_sends(ask("contents", 2)).then_waits("again")
    given(requested, timer("again")).when(timer("again")).then_sends(ask("contents", 3))
    given(requested, emptied).when(RETRIED).then_sends(ask("key", 2)).then_waits("again")


def test_an_erasure_waits_for_money_that_is_on_its_way_and_asks_again_by_itself():
    given(requested).when(awaited).then_is(Erasing(ERASURE_ID, "money")).then_waits_for(again=5)
    given(requested, awaited).when(timer("again")).then_sends(ask("contents", 2))
    given(requested, awaited).when(RETRIED).then_sends(ask("contents", 2)).then_waits("again")
    given(requested, awaited, timer("again")).when(awaited).then_waits_for(again=10)
    given(requested, awaited).when(emptied).then_sends(ask("key"))
    given(requested, awaited).when(destroyed).then_sends(ask("certificate"))


def test_no_refusal_ends_it():
    given(requested).when(refused(RequestErasureStep)).then_is(
        Erasing(ERASURE_ID, "contents")
    ).then_sends().then_waits("again")


def test_every_event_of_an_erasure_belongs_to_one_run():
    assert len({stream_of(event) for event in (requested, emptied, destroyed, certified)}) == 1


@drawn(
    st.lists(
        st.sampled_from(
            [
                happened(requested),
                happened(awaited),
                happened(emptied),
                happened(destroyed),
                happened(certified),
                timer("again"),
                RETRIED,
                refused(RequestErasureStep),
            ]
        ),
        max_size=12,
    )
)
def test_whatever_comes_it_has_ended_or_waits_for_a_timer(inputs):
    state, waits = None, ()
    for each in inputs:
        step = react(state, each)
        if step is not None:
            assert not isinstance(state, Ended)
            state, waits = step.state, step.wait
    assert state is None or isinstance(state, Ended) or [t.token for t in waits] == ["again"]
