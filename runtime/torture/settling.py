"""Waiting until nothing is left to do, and saying what still is when it takes too long."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from runtime.torture.installation import Hung, Tortured, wait_for

SETTLE_PATIENCE_S = 900.0
# So long nothing at all may move before it counts as hung; a lease of a killed runner is 30 s.
STALL_PATIENCE_S = 150.0
# The end state of every saga.
ENDED = "Ended"


@dataclass(frozen=True, slots=True)
class Left:
    """Work that is still to be done. `stuck` are sagas that nothing will ever move again."""

    head: int
    commands: int
    effects: int
    sagas: int
    stuck: tuple[str, ...]
    behind: tuple[str, ...]
    parked: int
    unrelayed: int

    @property
    def nothing(self) -> bool:
        waiting = self.commands or self.effects or self.sagas or self.behind or self.unrelayed
        return not waiting

    def __str__(self) -> str:
        return (
            f"{self.sagas} sagas, {self.effects} effects, {self.commands} commands open;"
            f" behind: {', '.join(self.behind) or 'nobody'}; {self.unrelayed} not relayed"
        )


LAST_STEPS = """
    SELECT DISTINCT ON (stream_id) stream_id, convert_from(data, 'UTF8')::jsonb ->> 'state'
    FROM events WHERE type LIKE '%.stepped' ORDER BY stream_id, stream_version DESC
"""
UPLOADS = "SELECT substr(stream_id, 5) FROM events WHERE type = 'asset.uploaded'"


def look(tortured: Tortured) -> Left:
    consumers = tortured.json("consumers")["consumers"]
    with psycopg.connect(tortured.database_url(), autocommit=True) as connection:

        def number(query: str) -> int:
            row = connection.execute(query.encode()).fetchone()
            return int(row[0]) if row else 0

        steps: dict[str, str] = dict(connection.execute(LAST_STEPS).fetchall())
        uploads = [row[0] for row in connection.execute(UPLOADS).fetchall()]
        begun = {stream[4:] for stream in steps}
        unfinished = {stream for stream, state in steps.items() if state != ENDED}
        timers = {row[0] for row in connection.execute("SELECT stream_id FROM saga_timers")}
        sent = {row[0] for row in connection.execute("SELECT stream_id FROM saga_commands")}
        head = number("SELECT coalesce(max(position), 0) FROM events")
        relayed = number("SELECT position FROM relay_progress")
        return Left(
            head=head,
            commands=number("SELECT count(*) FROM saga_commands"),
            effects=number("SELECT count(*) FROM effects"),
            sagas=len(unfinished) + sum(asset not in begun for asset in uploads),
            stuck=tuple(sorted(unfinished - timers - sent)),
            behind=tuple(c["name"] for c in consumers if c["lag"]),
            parked=sum(c["parked"] for c in consumers),
            unrelayed=head - relayed if tortured.event_log == "kafka" else 0,
        )


def settle(tortured: Tortured, say: Callable[[str], None]) -> Left:
    """Every saga ended, every row done, every reader at the head. Raises Hung."""
    began = moved = time.monotonic()
    left = look(tortured)
    while not left.nothing:
        time.sleep(1.0)
        now = look(tortured)
        if now != left:
            left, moved = now, time.monotonic()
            say(f"settling: {left}")
        if time.monotonic() - moved > STALL_PATIENCE_S:
            raise Hung("the end of all work", STALL_PATIENCE_S, f"nothing moves any more: {left}")
        if time.monotonic() - began > SETTLE_PATIENCE_S:
            raise Hung("the end of all work", SETTLE_PATIENCE_S, str(left))
    return left


def catch_up(tortured: Tortured, patience_s: float = 120.0) -> None:
    """The readers are where the head was when this was called. Raises Hung."""
    head = tortured.json("status")["head"]

    def caught_up() -> bool:
        waiting = ("consumers", "wait", "--position", str(head), "--timeout", "5")
        return bool(tortured.json(*waiting, codes=(0, 1))["ok"])

    wait_for(caught_up, f"every consumer at {head}", patience_s, lambda: str(look(tortured)))
