"""Places for what lasts: all that one asks for, or nothing; given back once, however it ends."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.places import HoldingResponse, Place, Places
from schemas.errors import NoCultureError


class Refused(NoCultureError):
    status = 429

    def __init__(self, whose: str) -> None:
        self.whose = whose
        super().__init__(whose)


def take(places: Places, account: str, network: str) -> Place | str:
    try:
        return places.take(
            {
                f"account {account}": (2, partial(Refused, "account")),
                f"network {network}": (3, partial(Refused, "network")),
            }
        )
    except Refused as refused:
        return refused.whose


@given(
    steps=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from("xy"), st.integers(0, 9)), max_size=40
    )
)
def test_never_more_than_each_may_have_and_never_fewer(steps: list[tuple[str, str, int]]) -> None:
    places = Places(4, partial(Refused, "all"))
    taken: list[tuple[str, str, Place]] = []
    for account, network, gone in steps:
        if gone < len(taken):
            _, _, place = taken.pop(gone)
            place.leave()
            place.leave()
            continue
        got = take(places, account, network)
        of_account = sum(a == account for a, _, _ in taken)
        of_network = sum(n == network for _, n, _ in taken)
        if of_account >= 2:
            assert got == "account"
        elif of_network >= 3:
            assert got == "network"
        elif len(taken) >= 4:
            assert got == "all"
        else:
            assert isinstance(got, Place)
            taken.append((account, network, got))
        assert places.taken == len(taken)


@pytest.mark.parametrize("fails_at", ["http.response.start", "http.response.body", ""])
def test_an_answer_that_nobody_takes_gives_its_place_back(fails_at: str) -> None:
    """Also one whose first piece is never asked for: its client went away before."""
    places = Places(1, partial(Refused, "all"))

    async def send(message: dict[str, object]) -> None:
        if message["type"] == fails_at:
            raise OSError("the client went away")

    async def receive() -> dict[str, str]:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def run() -> None:
        answer = HoldingResponse(places.take({}), iter(["a piece"]))
        assert places.taken == 1
        scope = {"type": "http", "asgi": {"spec_version": "2.4"}}
        try:
            await answer(scope, receive, send)
        except Exception:
            assert fails_at
        assert places.taken == 0

    asyncio.run(run())
