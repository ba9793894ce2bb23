"""Answers of the world outside, kept in a stream of the effect that asked for them."""

from __future__ import annotations

from pydantic import BaseModel

from events.ids import EventId, OutcomeId


class Outcome(BaseModel):
    """The fields of every event that keeps such an answer; `intent_id` is the event that wanted it.

    An event model that is an outcome holds no personal value: nothing could encrypt it once its
    subject is erased, and the answer would be lost. It names whatever its readers decide by.
    """

    intent_id: EventId


def outcome_stream(effect: str, intent_id: str) -> OutcomeId:
    """The stream of the answer to this intent: an effect that asks twice answers there once."""
    return OutcomeId.derived(effect, intent_id)
