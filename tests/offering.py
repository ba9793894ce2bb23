"""A saga that the product does not have, in which time matters: an offer stands for 30 days after
its upload, is looked at every day, and may be cut short to two days.

Its events are the vault's; its own are known only inside `known()`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from commands.vault.ingest import RejectAsset, RequestProbe
from events.ids import AssetId, IngestId
from events.model import REGISTRY, Event, Registry
from events.saga_step import SagaStep
from events.vault.asset import AssetDeleted, AssetRejected, AssetUploaded, AssetVerified
from sagas.saga import Ended, Happened, Input, Saga, Skipped, Step, Timer, TimerFired

with patch("events.model.REGISTRY", Registry()):

    class OfferingStepped(Event, SagaStep, type="offering.stepped", version=1):
        """The offer took one step."""


DAY, STANDS = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Open:
    asset_id: str
    looks: int = 0
    accepted: bool = False


def react(state: Any, input: Input) -> Step | None:
    match state, input:
        case None, Happened(AssetUploaded() as uploaded, at):
            waits = (Timer("expiry", at=at + STANDS), Timer("look", after=DAY))
            return Step(Open(uploaded.asset_id), wait=waits)
        case ((None | Ended()), _):
            return None
        # Looks again tomorrow; when the offer ends is not asked anew.
        case Open(asset_id, looks), TimerFired("look"):
            probe = RequestProbe(asset_id=AssetId(asset_id))
            again = Timer("look", after=DAY)
            return Step(replace(state, looks=looks + 1), send=(probe,), wait=(again,), keep=True)
        # Names no timer at all.
        case Open(), Happened(AssetVerified()):
            return Step(replace(state, accepted=True), keep=True)
        # Nobody looks any more, and it stands for two days from when that was said.
        case Open(), Skipped(at):
            return Step(state, wait=(Timer("expiry", at=at + 2 * DAY),))
        case Open(asset_id), TimerFired("expiry"):
            expired = RejectAsset(asset_id=AssetId(asset_id), code="expired", reason="Too late.")
            return Step(Ended("expired"), send=(expired,), keep=True)
        case _, Happened(AssetDeleted() | AssetRejected()):
            return Step(Ended("withdrawn"))
        case _:
            return None


def stream_of(event: Event) -> str | None:
    asset_id = getattr(event, "asset_id", None)
    return IngestId.derived("offering", asset_id) if asset_id else None


OFFERING = Saga(
    name="offering",
    version=1,
    categories=("asset",),
    stepped=OfferingStepped,
    states={"Open": Open},
    watches=(AssetUploaded, AssetVerified, AssetRejected, AssetDeleted),
    stream_of=stream_of,
    react=react,
)


@contextmanager
def known() -> Iterator[None]:
    """Its steps can be read from a store."""
    with (
        patch.dict(REGISTRY._models, {("offering.stepped", 1): OfferingStepped}),
        patch.dict(REGISTRY._newest, {"offering.stepped": 1}),
    ):
        yield
