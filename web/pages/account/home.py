"""The account's part of Home: an address that nobody has confirmed."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kit.caller import Caller
from web.home import HomePart, Item


def part(is_verified: Callable[[str], bool]) -> HomePart:
    def needs(caller: Caller) -> Sequence[Item]:
        if is_verified(caller.account_id):
            return ()
        return (Item("Confirm your address", "/account", "Type the code that we mailed you."),)

    return HomePart(needs=needs)
