"""The little that the simulator must be told of each saga; all else it reads in the saga's table.

A saga that enters `runtime.areas.SAGAS` gets an entry in `DESCRIBED`: a test names the missing one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aggregates.account import account, erasure
from aggregates.decision import Decision
from aggregates.vault import analysis, asset, reanalysis
from commands.account.erasure_commands import (
    CertifyErasure,
    EraseSubject,
    RecordContentsDeleted,
    RecordMoneyAwaited,
)
from commands.closing import ERASURE_CLAIM
from commands.command import Command
from commands.unit import Unit
from commands.vault.ingest import CompleteAnalysis, FailAnalysisAttempt, RejectAsset, VerifyAsset
from events.account.erasure import ErasureStepRequested
from events.claims import Claim
from events.ids import AccountId, AnalysisId, AssetId, ErasureId, ReanalysisId
from events.model import Event
from events.vault.analysis import AnalysisRequested
from events.vault.asset import AssetProbeRequested, AssetUploaded
from events.vault.reanalysis import ReanalysisListed, ReanalysisRequested
from schemas.account.examples import CERTIFICATE
from schemas.vault.examples import COVER, FACTS, MEASUREMENT, PEAKS, TAGS

if TYPE_CHECKING:
    from tests.unit.simulator.world import World

# A person's command; the number chooses among what there is.
Act = Callable[["World", int], None]
# An effect's answer to its intent, None where it gives none; the number chooses.
Answer = Callable[[Any, int], Command | None]


@dataclass(frozen=True)
class Described:
    """`start` leads to a new instance, `meddling` is what people may do while it runs. `answers`
    are those of effects, by intent; `outcomes` all the ends that it may come to.
    """

    start: Act
    outcomes: frozenset[str]
    answers: Mapping[type[Event], Answer] = field(default_factory=dict)
    meddling: tuple[Act, ...] = ()


# --- ingest -------------------------------------------------------------------------------------


def upload(world: World, number: int) -> None:
    """One more recording, as long as there may be another."""
    new = [each for each in world.assets if not world.version_of(each)]
    if new:
        world.do(f"upload {new[0]}", lambda unit: _upload(unit, world, new[0]))


def _upload(unit: Unit, world: World, asset_id: AssetId) -> None:
    unit.start(
        asset,
        asset_id,
        asset.upload,
        workspace_id=world.workspace,
        uploaded_by=world.operator,
        filename="a.wav",
        sha256=asset_id[4:] * 2,
        size_bytes=1,
    )


def delete(world: World, number: int) -> None:
    asset_id = world.assets[number % len(world.assets)]
    world.do(
        f"delete {asset_id}",
        lambda unit: unit.change(asset, asset_id, asset.delete, deleted_by=world.operator),
    )


def look_into(intent: AssetUploaded | AssetProbeRequested, choice: int) -> Command:
    if choice % 4 == 0:
        return RejectAsset(asset_id=intent.asset_id, code="no-audio", reason="simulated")
    return VerifyAsset(asset_id=intent.asset_id, tags=TAGS, audio=FACTS, cover=COVER)


def measure(intent: AnalysisRequested, choice: int) -> Command:
    if choice % 8 < 4:
        return FailAnalysisAttempt(
            analysis_id=intent.analysis_id,
            attempt=intent.attempt,
            code="simulated",
            reason="simulated",
        )
    return CompleteAnalysis(
        analysis_id=intent.analysis_id, measurement=MEASUREMENT, peaks=PEAKS, run=intent.run
    )


# --- measuring again ----------------------------------------------------------------------------


def measure_again(world: World, number: int) -> None:
    asset_id = world.assets[number % len(world.assets)]
    analysis_id = AnalysisId.beside(asset_id)
    _measured(world, asset_id)

    def ask(unit: Unit) -> None:
        unit.change(analysis, analysis_id, analysis.request_again, **_file(world, asset_id))
        held = asset.content_claim(asset_id[4:] * 2)
        unit.while_held(held, asset_id, otherwise=asset.AssetNotReady("deleted"))

    world.do(f"measure {analysis_id} again, known at {world.version_of(analysis_id)}", ask)


def reanalyse(world: World, number: int) -> None:
    """One recording or all, in as many batches."""
    chosen = world.assets[number % len(world.assets) :]
    _measured(world, *chosen)
    new = [each for each in world.reanalyses if not world.version_of(each)]
    if new:
        world.do(
            f"reanalyse {new[0]}",
            lambda unit: unit.start(
                *(reanalysis, new[0], _in_small_batches),
                workspace_id=world.workspace,
                requested_by=world.operator,
                asset_ids=chosen,
            ),
        )


def _in_small_batches(
    nothing: Any, reanalysis_id: ReanalysisId, *, asset_ids: tuple[AssetId, ...], **said: Any
) -> Decision:
    """`reanalysis.request` with a batch for each recording: full ones would tell the same at a
    hundred times the cost.
    """
    whole = reanalysis.request(nothing, reanalysis_id, asset_ids=asset_ids, **said)
    requested, listed = whole.events
    assert isinstance(requested, ReanalysisRequested)
    assert isinstance(listed, ReanalysisListed)
    return Decision(
        requested.model_copy(update={"batches": len(asset_ids)}),
        *(
            listed.model_copy(update={"number": number, "asset_ids": (asset_id,)})
            for number, asset_id in enumerate(asset_ids)
        ),
        takes=whole.takes,
    )


def cancel(world: World, number: int) -> None:
    reanalysis_id = world.reanalyses[number % len(world.reanalyses)]
    world.do(
        f"cancel {reanalysis_id}",
        lambda unit: unit.change(
            reanalysis, reanalysis_id, reanalysis.cancel, cancelled_by=world.operator
        ),
    )


def _measured(world: World, *asset_ids: AssetId) -> None:
    """Recordings that were measured before; no saga has read of them yet."""
    new = [asset_id for asset_id in asset_ids if not world.version_of(asset_id)]

    def stage(unit: Unit) -> None:
        for asset_id in new:
            analysis_id = AnalysisId.beside(asset_id)
            _upload(unit, world, asset_id)
            unit.change(asset, asset_id, asset.verify, tags=TAGS, audio=FACTS, cover=COVER)
            unit.change(analysis, analysis_id, analysis.request, **_file(world, asset_id))
            unit.change(
                analysis, analysis_id, analysis.complete, measurement=MEASUREMENT, peaks=PEAKS
            )

    if new:
        world.do(f"upload {new}", stage)


def _file(world: World, asset_id: AssetId) -> dict[str, Any]:
    return {
        "asset_id": asset_id,
        "workspace_id": world.workspace,
        "sha256": asset_id[4:] * 2,
    }


# --- the trash ----------------------------------------------------------------------------------


def trash(world: World, number: int) -> None:
    asset_id = world.assets[number % len(world.assets)]
    _measured(world, asset_id)
    world.do(
        f"trash {asset_id}, known at {world.version_of(asset_id)}",
        lambda unit: unit.change(
            asset, asset_id, asset.trash, trashed_by=world.operator, now=unit.now
        ),
    )


def restore(world: World, number: int) -> None:
    asset_id = world.assets[number % len(world.assets)]
    world.do(
        f"restore {asset_id}, known at {world.version_of(asset_id)}",
        lambda unit: unit.change(asset, asset_id, asset.restore, restored_by=world.operator),
    )


# --- erasure ------------------------------------------------------------------------------------


def erase(world: World, number: int) -> None:
    """Somebody signs up and asks to be forgotten. Their logins and files are no saga's business."""
    new = [each for each in world.erasures if not world.version_of(each)]
    if not new:
        return
    erasure_id, account_id = new[0], AccountId.beside(new[0])

    def stage(unit: Unit) -> None:
        unit.start(
            *(erasure, erasure_id, erasure.request),
            subject_id=account_id,
            workspace_id=world.workspace,
            claim=Claim(ERASURE_CLAIM, account_id),
        )
        unit.start(
            *(account, account_id, account.register),
            workspace_id=world.workspace,
            email="ada@example.org",
            name="Ada",
            email_key=account_id,
            founder=False,
        )
        unit.change(
            *(account, account_id, account.request_erasure),
            erasure_id=erasure_id,
            releases=(Claim(account.EMAIL_CLAIM, account_id, scope="global"),),
            last_operator=False,
        )

    world.do(f"erase {account_id}", stage)


def do_step(intent: ErasureStepRequested, choice: int) -> Command | None:
    """None: a consumer has not acknowledged, however often the effect looked."""
    if choice % 8 == 0:
        return None
    erasure_id: ErasureId = intent.erasure_id
    match intent.step:
        case "contents" if choice % 8 == 3:
            return RecordMoneyAwaited(erasure_id=erasure_id)
        case "contents":
            return RecordContentsDeleted(erasure_id=erasure_id, assets=1, blobs=2)
        case "key":
            return EraseSubject(
                erasure_id=erasure_id,
                subject_id=intent.subject_id,
                workspace_id=intent.workspace_id,
            )
        case "certificate":
            certificate = CERTIFICATE.model_copy(update={"erasure_id": erasure_id})
            return CertifyErasure(erasure_id=erasure_id, certificate=certificate)


DESCRIBED: Mapping[str, Described] = {
    "ingest": Described(
        start=upload,
        outcomes=frozenset(
            {"analysed", "rejected", "analysis_failed", "deleted", "refused", "aborted"}
        ),
        answers={
            AssetUploaded: look_into,
            AssetProbeRequested: look_into,
            AnalysisRequested: measure,
        },
        meddling=(delete,),
    ),
    "remeasuring": Described(
        start=measure_again,
        outcomes=frozenset({"analysed", "given_up", "aborted"}),
        answers={AnalysisRequested: measure},
    ),
    "reanalysing": Described(
        start=reanalyse,
        outcomes=frozenset({"completed", "cancelled", "aborted"}),
        meddling=(cancel,),
    ),
    "emptying": Described(
        start=trash,
        outcomes=frozenset({"deleted", "restored", "aborted"}),
        meddling=(restore,),
    ),
    "erasing": Described(
        start=erase,
        outcomes=frozenset({"erased"}),
        answers={ErasureStepRequested: do_step},
    ),
}
ANSWERS = {intent: answer for each in DESCRIBED.values() for intent, answer in each.answers.items()}
MEDDLING = tuple(act for each in DESCRIBED.values() for act in each.meddling)
