"""Requests that cost much: which of them take turns, and how many run at once."""

from __future__ import annotations

import re
from dataclasses import dataclass

from fastapi import Request

from commands.account.known_devices import Devices
from commands.account.passwords import PasswordsBusy
from kit.auth import Authenticate
from kit.fair import FairQueue
from kit.turns import Costly, SubjectOf, in_turn
from read_api.vault.assets_http import Searching
from runtime.settings import Settings

MAILS_AT_ONCE = 8
# A question has words, or is for what sounds like a recording.
ASKS = re.compile(rb"(?:^|&)(?:q|similar_to)=[^&]")
HASHING = (
    "/api/me(?:/(?:password|proof|passkeys|second-factor)(?:/.*)?)?"
    "|/account/(?:password|delete|keys(?:/.*)?|security/.*)"
)
# The doors that strangers use: name, method and path.
DOORS = (
    ("sign-up", "POST", "/api/accounts|/sign-up"),
    ("sign-in", "POST", "/api/sessions|/sign-in"),
    ("reset", "PUT", "/api/password-resets"),
    ("reset", "POST", "/reset-password/.*"),
)
# These answer after a quarter of a second, whatever there is to do.
MAILS = "/api/password-resets|/forgot-password"
FILES = (
    "/api/assets/(?:edits|deletions|[^/]+/file)|/assets/[^/]+/file|/api/uploads/direct/.*/complete"
)


@dataclass(frozen=True, slots=True)
class Queues:
    """The queues of one process. Each account or network has a share, whatever else it asks for."""

    passwords: FairQueue
    mails: FairQueue
    files: FairQueue
    searches: FairQueue

    @classmethod
    def of(cls, settings: Settings) -> Queues:
        # Mails, files and searches may take seconds: nobody has all slots of two or more.
        return cls(
            passwords=FairQueue(settings.passwords_at_once, busy=PasswordsBusy),
            mails=FairQueue(MAILS_AT_ONCE, each=MAILS_AT_ONCE // 2),
            files=FairQueue(settings.files_at_once, each=max(1, settings.files_at_once // 2)),
            searches=FairQueue(
                settings.searches_at_once, each=max(1, settings.searches_at_once // 2)
            ),
        )


def passing(
    queue: FairQueue,
    subject: SubjectOf,
    methods: str,
    path: str,
    query: re.Pattern[bytes] | None = None,
) -> Costly:
    """Requests of these methods whose path fits the expression `path`."""
    return Costly(queue, subject, methods, re.compile(path), query)


def searching(queues: Queues, account: SubjectOf) -> Searching:
    """Dependencies of the API's searches."""
    return Searching(
        if_asked=in_turn(queues.searches, account, ASKS), always=in_turn(queues.searches, account)
    )


def account_of(authenticated: Authenticate) -> SubjectOf:
    async def account(request: Request) -> str | None:
        caller = await authenticated.who(request)
        return None if caller is None else caller.account_id

    return account


def crowd_of(door: str, devices: Devices) -> SubjectOf:
    """Each door has a line of its own: who floods the sign-up does not hold up the sign-in."""

    async def crowd(request: Request) -> str:
        return f"{door} {devices.crowd(request)}"

    return crowd
