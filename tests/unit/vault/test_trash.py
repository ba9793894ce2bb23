"""The trash: a recording's rules, the saga that empties it, and what views and grants then say."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given as examples
from hypothesis import settings
from hypothesis import strategies as st

from aggregates.decision import Decision
from aggregates.errors import NotFound
from aggregates.vault import asset
from aggregates.vault.asset import KEPT_IN_TRASH, AssetInTrash, content_claim, shared_claim
from commands.vault.emptying import EmptyFromTrash
from commands.vault.sharing import reach
from events.access import OWN
from events.ids import WorkspaceId
from events.model import Event
from events.times import to_micros
from events.vault.asset import AssetRestored, AssetTrashed
from events.vault.audio import Tags
from kit.caller import Caller
from projections.system.grants import Grants
from projections.vault.vault import Vault
from sagas.saga import Ended
from sagas.vault.emptying import EMPTYING, InTrash, stream_of
from schemas.examples import ACCOUNT, WORKSPACE, example_of, fixed
from schemas.vault.examples import ANOTHER, ASSET, SHA256
from tests.specification import RETRIED, SKIPPED, START, given, happened, projection, saga, timer

uploaded, verified = example_of("asset.uploaded", 2), example_of("asset.verified", 3)
shared, deleted = example_of("asset.shared", 1), example_of("asset.deleted", 1)
UNTIL = START + KEPT_IN_TRASH
trashed = AssetTrashed(asset_id=ASSET, workspace_id=WORKSPACE, trashed_by=ACCOUNT, until=UNTIL)
restored = AssetRestored(asset_id=ASSET, workspace_id=WORKSPACE, restored_by=ACCOUNT)
LATER = UNTIL + timedelta(days=5)
again = trashed.model_copy(update={"until": LATER})
TRASH: dict[str, Any] = {"asset_id": ASSET, "trashed_by": ACCOUNT, "now": START}
RESTORE: dict[str, Any] = {"asset_id": ASSET, "restored_by": ACCOUNT}


def test_what_is_put_into_the_trash_is_kept_for_thirty_days():
    given(uploaded).when(asset.trash, **TRASH).then(trashed).releasing()
    assert timedelta(days=30) == KEPT_IN_TRASH
    given().when(asset.trash, **TRASH).then_refused(NotFound("The asset"))
    given(uploaded, deleted).when(asset.trash, **TRASH).then_refused(NotFound("The asset"))


def test_saying_what_is_so_changes_nothing():
    later = {**TRASH, "now": LATER}
    given(uploaded, trashed).when(asset.trash, **later).then_nothing()
    given(uploaded).when(asset.restore, **RESTORE).then_nothing()
    given(uploaded, trashed, restored).when(asset.restore, **RESTORE).then_nothing()


def test_what_is_taken_out_of_the_trash_is_as_it_was():
    past = (uploaded, verified, shared)
    given(*past, trashed).when(asset.restore, **RESTORE).then(restored).taking()
    assert state_after(*past, trashed, restored) == state_after(*past)


def state_after(*past: Event) -> asset.Asset | None:
    state = None
    for event in past:
        state = asset.evolve(state, event)
    return state


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (asset.edit_tags, {"edited_by": ACCOUNT, "changes": {"title": "x"}}),
        (asset.share, {"account_id": ANOTHER, "right": "listen", "shared_by": ACCOUNT}),
        (
            asset.rewrite_file,
            {
                "rewritten_by": ACCOUNT,
                "sha256": "7e" * 32,
                "size_bytes": 1,
                "written": ("title",),
                "left_out": (),
                "tags": Tags(),
            },
        ),
    ],
)
def test_what_is_in_the_trash_is_neither_changed_nor_shared(rule: Any, said: dict[str, Any]):
    refused = given(uploaded, verified, trashed).when(rule, asset_id=ASSET, **said)
    refused.then_refused(AssetInTrash)
    assert "take it out of the trash first" in str(refused.answer)
    assert given(uploaded, verified, trashed, restored).when(rule, asset_id=ASSET, **said).decision


def test_workers_go_on_with_what_is_in_the_trash():
    """Taken out again it is checked and measured like any other."""
    rejecting = {"asset_id": ASSET, "code": "no-audio", "reason": "Silence."}
    assert given(uploaded, trashed).when(asset.reject, **rejecting).decision.events


def test_what_is_in_the_trash_is_deleted_at_once_if_somebody_wants_that():
    gone = given(uploaded, shared, trashed).when(asset.delete, asset_id=ASSET, deleted_by=ACCOUNT)
    gone.then(deleted).releasing(content_claim(SHA256), shared_claim(ASSET, ANOTHER))


def test_the_trash_is_emptied_of_what_has_lain_there_since_it_was_said():
    at = {"asset_id": ASSET, "until": UNTIL}
    emptied = given(uploaded, trashed).when(asset.empty, **at)
    emptied.then(deleted).releasing(content_claim(SHA256))
    for past in ((), (uploaded,), (uploaded, trashed, restored), (uploaded, trashed, deleted)):
        given(*past).when(asset.empty, **at).then_nothing()
    given(uploaded, trashed, restored, again).when(asset.empty, **at).then_nothing()


def test_whoever_it_is_shared_with_does_not_see_it_while_it_is_in_the_trash():
    other = Caller(ANOTHER, fixed(WorkspaceId, 2))
    owner = Caller(ACCOUNT, WORKSPACE)
    in_trash = state_after(uploaded, shared, trashed)
    with pytest.raises(NotFound):
        reach(other, in_trash, "listen")
    assert reach(owner, in_trash, OWN) is in_trash
    reach(other, state_after(uploaded, shared, trashed, restored), "listen")


def decided(step: str, state: asset.Asset | None, now: datetime) -> Decision:
    match step:
        case "trash":
            return asset.trash(state, ASSET, trashed_by=ACCOUNT, now=now)
        case "restore":
            return asset.restore(state, ASSET, restored_by=ACCOUNT)
        case "empty":
            return asset.empty(state, ASSET, until=UNTIL)
    return asset.delete(state, ASSET, deleted_by=ACCOUNT)


STEPS = st.lists(st.sampled_from(["trash", "restore", "empty", "delete"]), max_size=8)


@settings(max_examples=200, deadline=None)
@examples(STEPS)
def test_only_a_deletion_lets_go_of_the_content(steps: list[str]):
    state = state_after(uploaded)
    for number, step in enumerate(steps):
        assert state is not None
        if state.state == "deleted":
            return
        decision = decided(step, state, START + timedelta(days=number))
        for event in decision.events:
            state = asset.evolve(state, event)
        assert state is not None
        assert decision.takes == ()
        assert bool(decision.releases) == (state.state == "deleted")


# --- the saga -----------------------------------------------------------------------------------

past = saga(EMPTYING).given
waiting = InTrash(ASSET, to_micros(UNTIL))
empty = EmptyFromTrash(asset_id=ASSET, until=UNTIL)


def test_the_trash_is_emptied_when_its_time_is_over():
    past().when(trashed).then_is(waiting).then_sends_nothing().then_waits_for(empty=UNTIL)
    fired = past(trashed).when(timer("empty", UNTIL))
    fired.then_is(waiting).then_sends(empty).then_waits("again")
    past(trashed, timer("empty", UNTIL)).when(deleted).then_is(Ended("deleted"))


def test_what_was_taken_out_is_not_emptied():
    past(trashed).when(restored).then_is(Ended("restored")).then_keeps()
    past(trashed, timer("empty", UNTIL)).when(restored).then_is(Ended("restored"))
    past(trashed, restored).when(timer("empty", UNTIL)).then_nothing()


def test_what_is_put_into_the_trash_again_waits_anew():
    past(trashed, restored).when(again).then_waits_for(empty=LATER)
    fired = past(trashed, restored, again).when(timer("empty", LATER))
    fired.then_sends(EmptyFromTrash(asset_id=ASSET, until=LATER))


def test_a_deletion_by_hand_ends_it():
    past(trashed).when(deleted).then_is(Ended("deleted")).then_keeps()
    past().when(deleted).then_nothing()
    past().when(restored).then_nothing()


def test_a_lost_command_is_sent_again():
    past(trashed, timer("empty", UNTIL)).when(timer("again")).then_sends(empty)


def test_all_times_of_one_recording_in_the_trash_are_one_saga():
    assert stream_of(trashed) == stream_of(restored) == stream_of(deleted) == stream_of(again)


INPUTS = st.sampled_from(
    [happened(each) for each in (trashed, restored, again, deleted)]
    + [timer("empty"), timer("again"), RETRIED, SKIPPED]
)


@settings(max_examples=200, deadline=None)
@examples(st.lists(INPUTS, max_size=12))
def test_it_always_waits_for_something_until_it_has_ended(inputs: list[Any]):
    state: Any = None
    for each in inputs:
        step = EMPTYING.react(state, each)
        if step is None:
            continue
        state = step.state
        assert isinstance(state, Ended) or step.wait


# --- views --------------------------------------------------------------------------------------


def test_no_query_of_the_vault_sees_what_is_in_the_trash():
    """All of them ask for a workspace."""
    seen = projection(Vault()).given(uploaded, verified, trashed)
    seen.then_row(
        ASSET,
        workspace_id=None,
        trashed_in=WORKSPACE,
        trashed_at=START + timedelta(seconds=3),
        trashed_until=UNTIL,
        version=3,
        file_state="verified",
    )


def test_what_was_taken_out_of_the_trash_is_in_the_vault_again():
    back = projection(Vault()).given(uploaded, verified, trashed, restored)
    nothing: dict[str, Any] = dict.fromkeys(("trashed_in", "trashed_at", "trashed_until"))
    back.then_row(ASSET, workspace_id=WORKSPACE, version=4, tag_title="Night Bus", **nothing)
    gone = projection(Vault()).given(uploaded, verified, trashed, deleted)
    gone.then_row(ASSET, workspace_id=None, **nothing)


def test_a_grant_counts_again_when_its_stream_goes_on():
    key, closed = (ASSET, ASSET, ANOTHER), (ASSET, "", "")
    projection(Grants()).given(uploaded, shared, trashed).then_rows(
        {key: {"right_to": "comment"}, closed: {"right_to": None, "workspace_id": WORKSPACE}}
    )
    projection(Grants()).given(uploaded, shared, trashed, restored).then_rows(
        {key: {"right_to": "comment", "since": 2}}
    )
    projection(Grants()).given(uploaded, shared, trashed, deleted).then_no_rows()
