"""GET /api/assets/{id}/comments."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.positions import AlsoAt, Progress, ReadAt
from read_api.vault.comments import CommentQueries
from schemas.dto import Page
from schemas.text import Cursor, Ref
from schemas.vault.dto import CommentDto


def router(authenticated: Authenticate, progress: Progress, comments: CommentQueries) -> APIRouter:
    routes = APIRouter(tags=["comments"], dependencies=[Depends(authenticated())])

    @routes.get(
        "/api/assets/{asset_id}/comments",
        operation_id="listComments",
        summary="What was said of its moments, in their order",
        dependencies=[
            Depends(AlsoAt("grants", progress)),
            Depends(ReadAt("vault", progress)),
            Depends(ReadAt("comments", progress)),
        ],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_comments(
        asset_id: Ref,
        caller: Annotated[Caller, Depends(authenticated("assets:read"))],
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[Cursor | None, Query()] = None,
    ) -> Page[CommentDto]:
        return comments.of_asset(caller, asset_id, limit=limit, cursor=cursor)

    return routes
