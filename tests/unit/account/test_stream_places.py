"""How many live streams there may be, of a workspace, of a network, and in all."""

from __future__ import annotations

import pytest

from read_api.errors import StreamsFull, TooManyStreams
from read_api.system.live import MAX_STREAMS_PER_WORKSPACE, LiveFeed


class Tail:
    def wait(self, position: int, timeout_s: float) -> None:
        raise AssertionError("nobody listens")


def feed(most: int, of_network: int) -> LiveFeed:
    return LiveFeed(
        Tail(), lambda: 0, lambda *_: [], lambda holders: holders, most=most, of_network=of_network
    )


def test_a_place_is_taken_when_it_is_given_and_not_when_the_stream_begins() -> None:
    """Many who ask at once are not all let in because none of them has begun."""
    live = feed(most=100, of_network=100)
    places = [live.admit("wsp_1", "192.0.2.1") for _ in range(MAX_STREAMS_PER_WORKSPACE)]
    with pytest.raises(TooManyStreams):
        live.admit("wsp_1", "192.0.2.1")
    live.admit("wsp_2", "192.0.2.1")
    places[0].leave()
    live.admit("wsp_1", "192.0.2.1")


def test_many_accounts_of_one_network_leave_streams_for_others() -> None:
    live = feed(most=5, of_network=3)
    for number in range(3):
        live.admit(f"wsp_{number}", "192.0.2.1")
    with pytest.raises(TooManyStreams, match="network"):
        live.admit("wsp_9", "192.0.2.1")
    for number in range(2):
        live.admit(f"wsp_{number}", "192.0.2.2")
    with pytest.raises(StreamsFull):
        live.admit("wsp_9", "192.0.2.3")
