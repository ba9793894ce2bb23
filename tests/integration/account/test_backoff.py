"""How many guesses at one account get through in a day, and that its owner does, too."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commands.account.second_factor import CODE_PATIENCE
from commands.account.signing_in import ACCOUNT_PATIENCE
from kit import asking
from kit.backoff import (
    NETWORK,
    STRANGERS_EVERY_S,
    WIDER_NETWORK,
    Backoff,
    Patience,
    TooManyGuesses,
    _key,
)
from tests.integration.account.test_guesses import pass_time
from tests.integration.http.app import Installation

DAY_S = 24 * 3600
BOTNET = [f"10.{n // 250}.{n % 250}.1" for n in range(200)]


@pytest.fixture
def backoff(installation: Installation) -> Iterator[Backoff]:
    """`known` as the test says: the device by its address."""
    devices = {"192.0.2.7": "device of the owner"}
    yield Backoff(installation.pool, lambda _: devices.get(_address()))
    asking._current.set(None)


def _address() -> str:
    request = asking.request()
    assert request is not None
    assert request.client is not None
    return request.client.host


@contextmanager
def asked_from(address: str) -> Iterator[None]:
    asking.begin({"type": "http", "client": (address, 1), "headers": [], "state": {}})
    yield


def guess(
    backoff: Backoff, address: str, account: str = "ada", patience: Patience = ACCOUNT_PATIENCE
) -> bool:
    """Whether a guess from there is looked at."""
    with asked_from(address):
        try:
            backoff.attempt(patience, account)
        except TooManyGuesses:
            return False
        return True


def guesses_in_a_day(
    installation: Installation, backoff: Backoff, networks: list[str], patience: Patience
) -> int:
    """By guessers who know the rules: each network takes what it has for itself, then those that
    still may share what there is for all of them, whenever there is any.
    """
    looked_at = 0
    for network in networks:
        while guess(backoff, network, patience=patience):
            looked_at += 1
    every_s = max(STRANGERS_EVERY_S, patience.cap_s)
    for _ in range(DAY_S // every_s):
        pass_time(installation, every_s)
        for network in random.sample(networks, 3):
            looked_at += guess(backoff, network, patience=patience)
    return looked_at


def test_two_hundred_networks_get_few_guesses_a_day_and_the_owner_gets_in(
    installation: Installation, backoff: Backoff
) -> None:
    random.seed(7)
    first = guesses_in_a_day(installation, backoff, BOTNET, ACCOUNT_PATIENCE)
    second = guesses_in_a_day(installation, backoff, BOTNET, ACCOUNT_PATIENCE)
    # Three tries for each network once a week, then ten an hour in all: docs/adr/0026 says what
    # that is for a thousand.
    assert 600 <= first <= 600 + 20 + 240
    assert second <= 240 + 1
    # Whatever they do: the owner has three tries from any network that has not guessed, and those
    # of a known device.
    for _ in range(3):
        assert guess(backoff, "198.51.100.7")
    assert all(guess(backoff, "192.0.2.7") for _ in range(10))


def test_codes_are_guessed_a_hundred_times_a_day_however_many_guess(
    installation: Installation, backoff: Backoff
) -> None:
    random.seed(7)
    looked_at = guesses_in_a_day(installation, backoff, BOTNET[:100], CODE_PATIENCE)
    assert 90 <= looked_at <= 10 + 96
    assert guess(backoff, "192.0.2.7", patience=CODE_PATIENCE)


def test_one_who_holds_a_48_is_one_network_with_a_larger_budget(
    installation: Installation, backoff: Backoff
) -> None:
    held = [f"2001:db8:7:{n:x}::1" for n in range(40)]
    looked_at = sum(guess(backoff, address) for address in held for _ in range(2))
    # Twelve tries that ask no budget, and the strangers' budget at once.
    assert looked_at == 12 + 20
    # Neighbours in another /48, and the owner's device, are not concerned.
    assert guess(backoff, "2001:db8:8:1::1")
    assert guess(backoff, "192.0.2.7")
    # At as many accounts as one likes.
    spread = [(f"2001:db8:9:{n:x}::1", f"account {n} {m}") for n in range(60) for m in range(10)]
    tried = sum(guess(backoff, address, account) for address, account in spread)
    # A little of it comes back meanwhile.
    assert WIDER_NETWORK.burst <= tried < WIDER_NETWORK.burst * 1.15


def test_addresses_of_one_64_are_one_network(backoff: Backoff) -> None:
    looked_at = [guess(backoff, f"2001:db8::{n:x}", f"account {n}") for n in range(60)]
    assert sum(looked_at) == NETWORK.burst


def test_what_is_refused_counts_for_nobody(installation: Installation, backoff: Backoff) -> None:
    for number in range(NETWORK.burst):
        assert guess(backoff, "203.0.113.9", f"account {number}")
    before = _counters(installation)
    assert not guess(backoff, "203.0.113.9", "ada")
    assert _counters(installation) == before


def _counters(installation: Installation) -> int:
    count = installation.scalar("SELECT count(*) FROM failed_attempts")
    assert isinstance(count, int)
    return count


@given(steps=st.lists(st.sampled_from(["wrong", "right", "unseen"]), max_size=12))
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_right_and_unseen_guesses_use_nothing_up(
    installation: Installation, backoff: Backoff, steps: list[str]
) -> None:
    with installation.pool.connection() as connection:
        connection.execute("DELETE FROM failed_attempts")
    patience, wrong = Patience("free", free=20, cap_s=300, fresh=2), 0
    for step in steps:
        assert guess(backoff, "203.0.113.9", patience=patience)
        if step == "wrong":
            wrong += 1
        elif step == "right":
            backoff.succeeded(patience, "ada")
        else:
            backoff.taken_back(patience, "ada")
    ahead_s = installation.scalar(
        "SELECT extract(epoch FROM waits_until - clock_timestamp())::float8"
        " FROM failed_attempts WHERE key = %s",
        _key(NETWORK.name, "203.0.113.9"),
    )
    # What a network has for all accounts: a wrong guess takes some of it, no other does.
    assert (ahead_s or 0) == pytest.approx(NETWORK.every_s * wrong, abs=10)
