"""Why a request was not sent, or brought nothing."""

from __future__ import annotations

from schemas.errors import NoCultureError


class OutgoingError(NoCultureError):
    """`retryable`: the same request may well succeed later."""

    retryable = False


class TargetRefused(OutgoingError):
    """The address is not one that we send to, however it would resolve."""

    status = 422
    code = "address-refused"

    def __init__(self, why: str) -> None:
        super().__init__(f"This address cannot be used: {why}.")


class NotPublic(OutgoingError):
    """The name leads (now) into a network that is not everybody's. The text does not say where:
    whoever gave us the name would learn what our resolver knows."""

    status = 422
    code = "address-not-public"

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not on the public internet: give an address that is.")


class NameNotFound(OutgoingError):
    status = 422
    code = "address-not-found"
    retryable = True

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} was not found: check how it is written, or try again later.")


class NotReached(OutgoingError):
    """No connection, no TLS with a certificate for this name, or no sensible answer."""

    status = 502
    code = "address-not-reached"
    retryable = True

    def __init__(self, host: str, why: str) -> None:
        super().__init__(f"{host} was not reached ({why}): try again later.")


class TookTooLong(OutgoingError):
    status = 504
    code = "address-too-slow"
    retryable = True

    def __init__(self, host: str, within_s: float) -> None:
        super().__init__(f"{host} did not answer within {within_s:g} s: try again later.")


class AnswerTooLarge(OutgoingError):
    status = 502
    code = "answer-too-large"

    def __init__(self, host: str, most_bytes: int) -> None:
        super().__init__(f"{host} answered more than {most_bytes} bytes, which are all we read.")
