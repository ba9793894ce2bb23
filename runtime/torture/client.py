"""A client that does not give up: the same command and key until the answer is definite."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import httpx2

from runtime.torture.journal import Deed, Journal

# Shorter than a frozen part stays frozen: a client must see answers that never come.
REQUEST_TIMEOUT_S = 4.0
# A supervisor that was killed has everything back in 15 s; twice two victims in a row take longer.
DEFINITE_WITHIN_S = 120.0
# Nothing was decided: wait, then say the same again.
NOT_YET = {423, 429, 502, 503, 504}


class Unanswered(Exception):
    """No definite answer in DEFINITE_WITHIN_S: the installation was away all that time."""


Call = Callable[[httpx2.Client], httpx2.Response]


class Client:
    """One program with one key; not for two threads at once."""

    def __init__(self, web: str, journal: Journal, random: Random) -> None:
        self.journal = journal
        self._random = random
        self._web = web
        self._http = httpx2.Client(base_url=web, timeout=REQUEST_TIMEOUT_S)

    def close(self) -> None:
        self._http.close()

    @property
    def web(self) -> str:
        return self._web

    def sign_out(self) -> None:
        """From here on the key alone says who asks."""
        self._http.cookies.clear()

    def use_key(self, key: str) -> None:
        self._http.headers["Authorization"] = f"Bearer {key}"

    def ask(self, call: Call, deed: Deed | None = None) -> httpx2.Response:
        """The first definite answer. Raises Unanswered."""
        give_up_at = time.monotonic() + DEFINITE_WITHIN_S
        while time.monotonic() < give_up_at:
            if deed is not None:
                deed.tries += 1
            try:
                response = call(self._http)
            except httpx2.TransportError as error:
                self.journal.put_off(type(error).__name__)
                self.pause()
                continue
            if response.status_code == 500:
                self.journal.surprise(f"{_named(response)} answered 500: {response.text[:300]}")
            elif response.status_code not in NOT_YET:
                return response
            self.journal.put_off(_code(response) or str(response.status_code))
            self.pause()
        raise Unanswered

    def try_to_read(self, call: Call) -> httpx2.Response | None:
        """One try; None when nobody can say now: read models lag while the broker is away."""
        try:
            response = call(self._http)
        except httpx2.TransportError:
            return None
        if response.status_code == 500:
            self.journal.surprise(f"{_named(response)} answered 500: {response.text[:300]}")
            return None
        return None if response.status_code in NOT_YET else response

    def once(self, call: Call) -> httpx2.Response:
        """One try. Raises httpx2.TransportError."""
        return call(self._http)

    def command(self, deed: Deed, call: Call, *, refusals: frozenset[int] = frozenset()) -> Deed:
        """Ask, and note what was promised. Another refusal than one of `refusals` is a surprise."""
        try:
            response = self.ask(call, deed)
        except Unanswered:
            return self.journal.end(deed, "unknown")
        return self.note(deed, response, refusals)

    def note(
        self, deed: Deed, response: httpx2.Response, refusals: frozenset[int] = frozenset()
    ) -> Deed:
        deed.status = response.status_code
        if response.is_success:
            position = response.headers.get("Event-Position")
            deed.position = int(position) if position else None
            deed.replayed = response.headers.get("Idempotent-Replayed") == "true"
            return self.journal.end(deed, "acked")
        deed.code = _code(response)
        if response.status_code not in refusals:
            self.journal.surprise(f"{deed.kind} {deed.command_id}: {_told(response)}")
        return self.journal.end(deed, "refused")

    def pause(self) -> None:
        time.sleep(self._random.uniform(0.05, 0.4))


def _code(response: httpx2.Response) -> str | None:
    try:
        document: dict[str, Any] = response.json()
        return str(document["code"])
    except (ValueError, KeyError, TypeError):
        return None


def _named(response: httpx2.Response) -> str:
    return f"{response.request.method} {response.request.url.path}"


def _told(response: httpx2.Response) -> str:
    return f"{_named(response)} answered {response.status_code} {response.text[:300]}"
