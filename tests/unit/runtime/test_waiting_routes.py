"""A stranger who names a position that never comes is answered at once, not after 30 s."""

from __future__ import annotations

from fastapi.routing import APIRoute, iter_route_contexts

from kit.positions import ReadAt
from tests.openapi import composed_app

# How an erasure is getting on, strangers may ask, and are counted first.
FOR_STRANGERS = {"/api/erasures/{erasure_id}": "counted"}


def test_every_route_knows_who_asks_before_it_waits_for_a_view():
    """Regression: a bad key with a `Min-Position` far ahead kept its connection for 30 s."""
    waiting = 0
    with composed_app() as app:
        for context in iter_route_contexts(app.routes):
            route = context.original_route
            if not isinstance(route, APIRoute):
                continue
            calls = [each.call for each in route.dependant.dependencies]
            waits = [number for number, call in enumerate(calls) if isinstance(call, ReadAt)]
            if waits:
                before = {getattr(call, "__name__", "") for call in calls[: waits[0]]}
                assert FOR_STRANGERS.get(route.path, "authenticated") in before, route.path
                waiting += 1
    assert waiting > 20
