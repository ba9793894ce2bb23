"""The live feed tells what others share in the order of the log, as far as the grants are known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from read_api.system import live
from read_api.system.live import Entry, LiveFeed, Subscription

MINE, THEIRS, ME, ASSET = "wsp_mine", "wsp_theirs", "acc_me", "ast_1"


@dataclass(frozen=True)
class Happened:
    position: int
    tenant: str = THEIRS
    type: str = "asset.tags_edited"
    stream_id: str = ASSET

    def to_json(self) -> dict[str, Any]:
        return {"data": {"account_id": ME}}


@dataclass
class Grants:
    """What the view of the grants knows at this moment."""

    log: list[Happened]
    at: int | None = 0
    known: dict[str, str] = field(default_factory=dict)

    def behind(self, account_id: str, after: int, to: int, limit: int) -> Sequence[Entry]:
        theirs = [e for e in self.log if e.stream_id in self.known and e.tenant == THEIRS]
        return [e for e in theirs if after < e.position <= to][:limit]

    def settled(self) -> int | None:
        return self.at

    def ways(self, account_id: str) -> dict[str, str]:
        return self.known

    def named_by(self, entry: Entry) -> str | None:
        return ME if entry.type in ("asset.shared", "asset.unshared") else None

    def ends_all(self, entry: Entry) -> bool:
        return entry.type == "asset.deleted"


class Tail:
    def wait(self, position: int, timeout_s: float) -> None:
        raise AssertionError("the test follows the log itself")


def listening(*log: Happened) -> tuple[LiveFeed, Grants, Subscription]:
    grants = Grants(list(log))

    def read(after: int, limit: int, tenant: str | None) -> list[Happened]:
        own = [e for e in grants.log if tenant in (None, e.tenant) and e.position > after]
        return own[:limit]

    feed = LiveFeed(Tail(), lambda: 0, read, lambda holders: holders, foreign=grants)
    subscription = Subscription(ME, MINE, "key_1", asyncio.new_event_loop())
    feed._subscriptions.add(subscription)
    return feed, grants, subscription


def heard(feed: LiveFeed, subscription: Subscription, position: int = 0) -> live.Heard:
    return feed._hear(subscription, position)


def positions(found: live.Heard) -> list[int]:
    return [each.position for each in found.batch]


def test_own_events_wait_for_no_view_while_nothing_is_shared():
    feed, _, me = listening(Happened(1, MINE), Happened(2))
    feed._tell(feed._read(0, 10, None))
    found = heard(feed, me)
    assert (positions(found), found.complete_to, found.settling) == ([1], 2, False)


def test_a_grant_is_told_once_the_view_has_it_and_before_what_came_after():
    shared = Happened(1, type="asset.shared")
    feed, grants, me = listening(shared, Happened(2), Happened(3, MINE))
    feed._tell(feed._read(0, 10, None))
    waiting = heard(feed, me)
    assert (positions(waiting), waiting.settling) == ([], True)
    grants.at, grants.known = 3, {ASSET: THEIRS}
    assert positions(heard(feed, me)) == [1, 2, 3]
    assert me.news_of_rights == []


def test_the_end_of_a_grant_is_told_to_whom_it_was_taken_from():
    feed, grants, me = listening(Happened(1, type="asset.unshared"), Happened(2))
    feed._tell(feed._read(0, 10, None))
    grants.at = 2
    assert positions(heard(feed, me)) == [1]


def test_the_end_of_a_shared_thing_is_told_although_its_grants_are_gone():
    feed, grants, me = listening()
    grants.known = {ASSET: THEIRS}
    heard(feed, me)
    grants.log.append(Happened(1, type="asset.deleted"))
    feed._tell(feed._read(0, 10, None))
    grants.at, grants.known = 1, {}
    assert positions(heard(feed, me)) == [1]


def test_own_events_go_on_while_the_view_is_too_far_behind():
    feed, grants, me = listening(Happened(1, MINE), Happened(2))
    grants.at, grants.known = None, {ASSET: THEIRS}
    feed._tell(feed._read(0, 10, None))
    assert positions(heard(feed, me)) == [1]


def test_a_full_page_of_either_kind_ends_where_it_is_complete(monkeypatch):
    monkeypatch.setattr(live, "PAGE", 2)
    log = [Happened(1), Happened(2, MINE), Happened(3), Happened(4), Happened(5, MINE)]
    feed, grants, me = listening(*log)
    grants.at, grants.known = 5, {ASSET: THEIRS}
    feed._tell(log)
    first = heard(feed, me)
    assert (positions(first), first.more) == ([1, 2, 3], True)
    assert positions(heard(feed, me, first.complete_to)) == [4, 5]
