"""The ids that a request's commands go by."""

from __future__ import annotations

from commands.unit import CommandContext
from events.ids import CommandId, CorrelationId
from kit import correlation
from kit.caller import Caller


def command_id(caller: str, route: str, key: str | None) -> CommandId:
    """The same for the same key of the same caller on the same route; without a key a new one."""
    return CommandId.new() if key is None else CommandId.derived(caller, route, key)


def command_context(caller: Caller, route: str, key: str | None) -> CommandContext:
    """`route` is method and path template, `POST /api/assets`."""
    return CommandContext(
        actor=caller.account_id,
        tenant=caller.workspace_id,
        command_id=command_id(caller.account_id, route, key),
        correlation_id=correlation_id(),
        keyed=key is not None,
    )


def correlation_id() -> CorrelationId:
    """The request's own hex for its first command, so that `X-Request-ID` finds its events."""
    request_id = correlation.take()
    return CorrelationId.new() if request_id is None else CorrelationId.beside(request_id)
