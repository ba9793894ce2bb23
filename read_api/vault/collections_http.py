"""GET /api/collections."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import etag
from kit.openapi import header, problems
from kit.positions import Progress, ReadAt
from read_api.vault.collections import CollectionQueries, Kind
from schemas.dto import Page
from schemas.text import Cursor, Ref
from schemas.vault.found import CollectionDto


def router(
    authenticated: Authenticate, progress: Progress, collections: CollectionQueries
) -> APIRouter:
    routes = APIRouter(
        prefix="/api/collections", tags=["collections"], dependencies=[Depends(authenticated())]
    )
    Reader = Annotated[Caller, Depends(authenticated("assets:read"))]
    seen = [Depends(ReadAt("vault", progress)), Depends(ReadAt("collections", progress))]

    @routes.get(
        "",
        operation_id="listCollections",
        summary="Saved searches and collections, with what they hold right now",
        dependencies=seen,
        responses=problems(401, 403, 422, 429, 503),
    )
    def list_collections(
        caller: Reader,
        limit: Annotated[int, Query(ge=1, le=100)] = 50,
        cursor: Annotated[Cursor | None, Query()] = None,
        kind: Annotated[Kind | None, Query()] = None,
    ) -> Page[CollectionDto]:
        return collections.list(caller, limit=limit, cursor=cursor, kind=kind)

    @routes.get(
        "/{collection_id}",
        operation_id="getCollection",
        summary="One collection; its ETag is its version",
        dependencies=seen,
        response_model=CollectionDto,
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            200: {"headers": {"ETag": header('`"v<version>"`')}},
        },
    )
    def get_collection(collection_id: Ref, response: Response, caller: Reader) -> CollectionDto:
        found = collections.get(caller, collection_id)
        response.headers["ETag"] = etag(found.version)
        # The collection's count changes without its version.
        response.headers["Cache-Control"] = "no-store"
        return found

    return routes
