"""Errors in a musician's words: what happened, and one thing to do.

Errors speak to programs: they name scopes, headers and fields. A page takes an error's own sentence
only when a person can read it; else it has words for the code, or for the status.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

from schemas.errors import NoCultureError
from web import looks

Way = Literal["home", "section", "back", "again", "sign-in", "forgotten", "security"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """`heading` and `what` say what happened; `deed` is the one thing to do, `way` its button."""

    heading: str
    what: str
    deed: str
    way: Way = "back"


_BROKEN = Trouble(
    "Something broke on our side",
    "That was not your fault.",
    "Try again. If that fails too, tell the operator of this installation",
    "again",
)
_UNKNOWN = Trouble(
    "That did not work", "Nothing was changed.", "Go back, reload the page and try again"
)
_BY_STATUS = {
    400: Trouble(
        "We could not read that",
        "Your browser sent too little, so nothing was changed.",
        "Go back and send it again",
    ),
    401: Trouble(
        "Please sign in", "You need to be signed in for this.", "Sign in to go on", "sign-in"
    ),
    403: Trouble(
        "You have no access to this",
        "Your account cannot open this page.",
        "Go to your own music",
        "home",
    ),
    404: Trouble(
        "Nothing is here",
        "The address is mistyped, or the page was deleted.",
        "Check the address, or look in your music",
        "home",
    ),
    405: Trouble(
        "This address has no page of its own",
        "A form on another page sends its answers here.",
        "Open that page instead",
        "section",
    ),
    409: Trouble(
        "This has changed meanwhile",
        "Somebody changed this, or it is busy at the moment, so nothing was done.",
        "Go back and reload the page",
    ),
    410: Trouble(
        "This is used up",
        "Links and codes work once, or for a limited time.",
        "Start again",
        "home",
    ),
    412: Trouble(
        "Somebody was faster",
        "Somebody changed this while you had the page open, so nothing was done.",
        "Go back, reload the page and do it again",
    ),
    413: Trouble(
        "That is too large",
        "We cannot take anything this large, so nothing was stored.",
        "Go back and choose something smaller",
    ),
    415: Trouble(
        "We do not take this kind of file",
        "This page takes audio files only, so nothing was stored.",
        "Go back and choose an audio file",
    ),
    416: Trouble(
        "The track ends before that",
        "There is no sound at that place.",
        "Play the track from the start",
    ),
    422: Trouble(
        "Something is missing or does not fit",
        "A field is empty or filled in wrongly.",
        "Go back and check the fields",
    ),
    428: Trouble(
        "Reload this page first",
        "The page could be out of date, so nothing was done.",
        "Go back, reload the page and do it again",
    ),
    429: Trouble(
        "A little slower",
        "You asked for too much at once.",
        "Wait a moment, then try again",
        "again",
    ),
    500: _BROKEN,
    503: Trouble("One moment", "We are busy or just starting.", "Try again in a moment", "again"),
    507: Trouble(
        "The disk is full",
        "There is no room left to store this.",
        "Tell the operator of this installation, then send the file again",
    ),
}
_BY_CODE = {
    "version-conflict": _BY_STATUS[412],
    "version-mismatch": _BY_STATUS[412],
    "missing-scope": Trouble(
        "You have no access to this",
        "Only operators of this installation can open this page.",
        "Go to your own music",
        "home",
    ),
    "second-factor-required": Trouble(
        "This needs two-step verification",
        "Operators of this installation sign in with more than a password.",
        "Set up two-step verification or a passkey, or sign in again with the one that you have",
        "security",
    ),
    "scope-exceeds-account": Trouble(
        "This key asks for too much",
        "Only an operator can make a key that operates this installation.",
        "Choose fewer permissions for the key, or ask an operator",
    ),
    "form-token-mismatch": Trouble(
        "This page is too old",
        "You have signed in again since you opened this page, so nothing was changed.",
        "Go back, reload the page and send it again",
    ),
    "double-not-there": Trouble(
        "This double does not run",
        "This installation has no double in place of the service.",
        "Start the double with ./noculture run double, and its name",
        "again",
    ),
    "proof-needed": Trouble(
        "Confirm that it is you",
        "Somebody else could be using this browser.",
        "Type your password, and the code of your app if you have one",
    ),
    "address-unverified": Trouble(
        "Your address is not verified",
        "We mail nothing in your name until we know that the address is yours.",
        "Type the code from our mail in your account",
    ),
    "foreign-origin": Trouble(
        "This came from another site",
        "To keep your account safe, nothing was changed.",
        "Go back to this site and try again there",
        "home",
    ),
    "asset-not-ready": Trouble(
        "This track is not ready",
        "We are still checking the file, or did not accept it.",
        "Go back and wait until the track says “Ready”",
    ),
    "link-spent": Trouble(
        "This link is used up",
        "A sign-in link works once, within a day.",
        "Sign in with your password, or ask for a new link",
        "sign-in",
    ),
    "reset-spent": Trouble(
        "This link is used up",
        "A link works once, within an hour, and only the newest one counts.",
        "Ask for a new link",
        "forgotten",
    ),
    "invalid-cursor": Trouble(
        "This page of the list is gone",
        "The address belongs to another search.",
        "Start at the top of the list",
        "home",
    ),
    "view-not-ready": Trouble(
        "One moment", "Your library is being built.", "Try again in a moment", "again"
    ),
    "last-operator": Trouble(
        "Others still need you",
        "You are the only operator, and others have accounts here.",
        "Make somebody else an operator first (./noculture operator grant EMAIL)",
    ),
    "collection-full": Trouble(
        "This collection is full",
        "It has as many tracks as a collection can have.",
        "Start another collection, or save a search",
    ),
}
# What only programs and their authors understand. A sentence with any of it is not shown.
_MACHINE = re.compile(
    r"[`{}\[\]<>]|\w_\w|/\w+/|\b\d{5,}\b|\bbytes\b"
    r"|\b(?:scope|cursor|json|http|etag|headers?|multipart|tus|query|stream|append|null|asset|request)s?\b"
    r"|\bIf-Match\b|\bIdempotency\b|\bposition \d",
    re.IGNORECASE,
)


def trouble(status: int, code: str, detail: str, wait_s: int | None = None) -> Trouble:
    """The words for an error, from its status, its code and its own sentence."""
    known = _BY_STATUS.get(status) or (_BROKEN if status >= 500 else _UNKNOWN)
    if code in _BY_CODE:
        return _BY_CODE[code]
    if _speaks_to_people(status, detail):
        what, _, deed = detail.partition(": ")
        return replace(known, what=what, deed=deed or known.deed)
    if wait_s and known.way == "again":
        waiting = "a second" if wait_s == 1 else f"{wait_s} seconds"
        return replace(known, deed=f"Wait {waiting}, then try again")
    return known


def trouble_of(problem: dict[str, Any]) -> Trouble:
    """The same from a problem document (`kit.problems`)."""
    wait_s = problem.get("retry_after_s")
    return trouble(problem["status"], problem["code"], problem["detail"], wait_s)


def in_plain_words(error: NoCultureError) -> str:
    """One notice beside a form: what happened and what to do."""
    detail = str(error)
    if error.code not in _BY_CODE and _speaks_to_people(error.status, detail):
        return looks.sentence(detail)
    wait_s = getattr(error, "retry_after_s", None)
    found = trouble(error.status, error.code, detail, wait_s)
    return f"{looks.sentence(found.what)} {looks.sentence(found.deed)}"


def of_password(error: NoCultureError) -> str:
    """The same where only the password was asked for, of somebody who is signed in."""
    if error.code == "wrong-credentials":
        return "This password is wrong. Type it again."
    return in_plain_words(error)


def is_plain(text: str) -> bool:
    """Whether a person who is no programmer can read the sentence."""
    return _MACHINE.search(text) is None


def _speaks_to_people(status: int, detail: str) -> bool:
    """False for a 404 and the like: their sentences are for programs, or a status' mere name."""
    return status not in (404, 405, 500) and ": " in detail and is_plain(detail)
