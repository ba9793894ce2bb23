"""GET /api/me."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Response

from kit.auth import Authenticate, MissingScope
from kit.caller import Caller
from kit.openapi import problems
from kit.places import HoldingResponse, Places
from kit.positions import Progress, ReadAt
from read_api.account.accounts import AccountQueries
from read_api.account.sign_ins import SignInDto, SignInQueries
from read_api.errors import ExportsFull, TooManyExports
from schemas.account.dto import AccountDto
from schemas.dto import Page

# An export reads all that there is, and lasts as long as its reader takes.
EXPORTS_OF_ACCOUNT, EXPORTS_AT_ONCE = 2, 20


def router(
    authenticated: Authenticate,
    progress: Progress,
    accounts: AccountQueries,
    sign_ins: SignInQueries,
) -> APIRouter:
    routes = APIRouter(prefix="/api/me", tags=["account"], dependencies=[Depends(authenticated())])
    exporting = Places(EXPORTS_AT_ONCE, ExportsFull)
    Reader = Annotated[Caller, Depends(authenticated("account:read"))]

    @routes.get(
        "",
        operation_id="getMe",
        summary="The caller's own account",
        dependencies=[Depends(ReadAt("accounts", progress))],
        responses=problems(401, 403, 422, 429, 503),
    )
    def get_me(caller: Reader) -> AccountDto:
        return accounts.get(caller)

    @routes.get(
        "/sign-ins",
        operation_id="listSignIns",
        summary="Who came in to the caller's account lately, and who was refused; newest first",
        responses=problems(401, 403, 429, 503),
    )
    def list_sign_ins(caller: Reader) -> Page[SignInDto]:
        return Page(data=sign_ins.last(caller))

    @routes.get(
        "/export",
        operation_id="exportMe",
        summary="Everything we hold of the caller, as one JSON document",
        dependencies=[Depends(ReadAt("timeline", progress))],
        responses={
            **problems(401, 403, 422, 429, 503),
            200: {"content": {"application/json": {"schema": {"type": "object"}}}},
        },
        response_class=Response,
    )
    def export_me(caller: Reader) -> Response:
        for scope in accounts.export_scopes:
            if not caller.may(scope):
                raise MissingScope(scope)
        name = f"noculture-export-{datetime.now(UTC):%Y-%m-%d}.json"
        headers = {
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        }
        own = {caller.account_id: (EXPORTS_OF_ACCOUNT, TooManyExports)}
        return HoldingResponse(
            exporting.take(own),
            accounts.export(caller),
            media_type="application/json",
            headers=headers,
        )

    return routes
