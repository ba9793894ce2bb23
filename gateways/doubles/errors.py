"""Refusals of a double, and what its client meets."""

from __future__ import annotations

from schemas.errors import NoCultureError


class KeyNeeded(NoCultureError):
    status, code = 401, "key-needed"

    def __init__(self) -> None:
        super().__init__("Send this installation's double_key as `Authorization: Bearer KEY`")


class WrongMediaType(NoCultureError):
    status, code = 415, "wrong-media-type"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"Send it as {allowed}")


class BodyTooLarge(NoCultureError):
    status, code = 413, "body-too-large"

    def __init__(self, most_bytes: int) -> None:
        super().__init__(f"At most {most_bytes} bytes are taken: send less at a time")


class NotUnderstood(NoCultureError):
    status, code = 422, "not-understood"

    def __init__(self, why: str) -> None:
        super().__init__(f"This cannot be read: {why}")


class NothingThere(NoCultureError):
    status, code = 404, "nothing-there"

    def __init__(self) -> None:
        super().__init__("Nothing is here: look at the list")


class Broken(NoCultureError):
    """The answer that a script of troubles asked for."""

    status, code = 500, "broken-as-scripted"

    def __init__(self) -> None:
        super().__init__("Broken, as the script of troubles says: try again")


class DoubleNotThere(NoCultureError):
    """No double runs: nobody listens on its port, or another program does."""

    status, code = 503, "double-not-there"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(
            f"The {name} double was not reached ({why}): `./noculture up` has it, and where no"
            f" supervisor runs `./noculture run double {name}`"
        )


class DoubleSilent(NoCultureError):
    """Nothing is known of the request: it may have been done."""

    status, code = 504, "double-silent"

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"The {name} double has not answered ({why}): try again")


class DoubleRefused(NoCultureError):
    """The double did not do it. `status_code` is what it answered; its text may quote what was
    sent, and is not told.
    """

    status, code = 502, "double-refused"

    def __init__(self, name: str, status_code: int) -> None:
        self.status_code = status_code
        super().__init__(f"The {name} double answered {status_code}: see the page of its troubles")
