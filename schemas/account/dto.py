"""Accounts, API keys and erasures as both HTTP APIs answer them."""

from __future__ import annotations

from typing import Any, Literal

from schemas.dto import Dto, Timestamp

ErasureState = Literal["requested", "erasing", "erased"]
ErasureSubject = Literal["account", "person"]


class AccountDto(Dto):
    """`address_verified`: mails to it have arrived, so mails may go out in the account's name."""

    id: str
    workspace_id: str
    email: str | None
    name: str | None
    operator: bool
    address_verified: bool = False


class ErasureConsumerDto(Dto):
    name: str
    acknowledged: bool


class RequestedErasure(Dto):
    """Answer to who asks to be forgotten; the certificate comes later, at `Location`."""

    id: str
    state: ErasureState
    certificate: dict[str, Any] | None = None


class ErasureDto(RequestedErasure):
    """`consumers` is who has scrubbed what it held; `certificate` once all have. `subject` is an
    account, or a person without one.
    """

    subject: ErasureSubject
    requested_at: Timestamp
    erased_at: Timestamp | None = None
    consumers: list[ErasureConsumerDto]


class KeyDto(Dto):
    """`key` is the secret: shown once, when the key is made, and null ever after."""

    id: str
    name: str
    scopes: list[str]
    hint: str
    key: str | None = None
    created_at: Timestamp | None = None
    last_used_at: Timestamp | None = None
