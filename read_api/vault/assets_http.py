"""GET /api/assets and what hangs on one asset, as JSON."""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query, Request, Response

from kit.auth import Authenticate
from kit.caller import Caller
from kit.conditions import etag, not_modified
from kit.openapi import header, problems
from kit.positions import AlsoAt, Progress, ReadAt
from read_api.vault.asset_filters import AssetFilters
from read_api.vault.assets import AssetQueries
from schemas.dto import EventDto, Page
from schemas.text import Cursor, Ref
from schemas.vault.dto import AssetDto, GrantDto
from schemas.vault.found import AssetPage, FoundAsset, RelatedAsset, SongDto

# Their representation no longer changes without a new version of the asset's own stream.
_SETTLED = frozenset({"analysed", "analysis_failed", "rejected"})


@dataclass(frozen=True, slots=True)
class Searching:
    """Dependencies that wait for a turn at searching: where the question has words, or always.

    They stand behind the wait for a view, which must not hold one.
    """

    if_asked: Any
    always: Any


class AssetHistory(Protocol):
    """Events of an asset, in pages. Raises NotVisible (404), InvalidCursor (422)."""

    def __call__(
        self, caller: Caller, asset_id: str, *, limit: int = 50, cursor: str | None = None
    ) -> Page[EventDto]: ...


def router(
    authenticated: Authenticate,
    progress: Progress,
    assets: AssetQueries,
    history: AssetHistory,
    searching: Searching,
) -> APIRouter:
    routes = APIRouter(
        prefix="/api/assets", tags=["assets"], dependencies=[Depends(authenticated())]
    )
    in_vault, in_sounds = Depends(ReadAt("vault", progress)), Depends(ReadAt("sounds", progress))
    in_collections = Depends(ReadAt("collections", progress))
    in_grants = Depends(AlsoAt("grants", progress))

    @routes.get(
        "",
        operation_id="listAssets",
        summary="List and search the vault",
        # The last one's position is the answer's.
        dependencies=[in_collections, in_grants, in_vault, searching.if_asked],
        responses=problems(401, 403, 422, 429, 503),
    )
    def list_assets(
        filters: Annotated[AssetFilters, Query()],
        caller: Annotated[Caller, Depends(authenticated("assets:read"))],
    ) -> AssetPage:
        """`q` takes words and filters: `dark trap around 140 in A minor`. `understood` says which
        filters were read out of it, `reasons` why each asset is there."""
        return assets.list(caller, filters)

    @routes.get(
        "/{asset_id}",
        operation_id="getAsset",
        summary="One asset; its ETag is its version",
        dependencies=[in_grants, in_vault],
        response_model=AssetDto,
        responses={
            **problems(401, 403, 404, 422, 429, 503),
            200: {"headers": {"ETag": header('`"v<version>"`')}},
            304: {"description": "Not Modified"},
        },
    )
    def get_asset(
        asset_id: Ref,
        request: Request,
        response: Response,
        caller: Annotated[Caller, Depends(authenticated("assets:read"))],
    ) -> AssetDto | Response:
        asset = assets.get(caller, asset_id, "listen")
        response.headers["ETag"] = etag(asset.version)
        # A measurement changes the answer but not the version: an answer kept before it would hide
        # it from whoever asks again with the ETag. So only a settled answer may be kept, and
        # none of a recording that is measured again, or that is somebody else's.
        again = asset.analysis and (asset.analysis.run > 1 or asset.analysis.remeasuring)
        settled = asset.state in _SETTLED and not again and asset.shared is None
        response.headers["Cache-Control"] = "private, no-cache" if settled else "no-store"
        if settled and not_modified(request, asset.version):
            return Response(status_code=304, headers=dict(response.headers))
        return asset

    @routes.get(
        "/{asset_id}/grants",
        operation_id="listAssetGrants",
        summary="With whom one asset is shared, and for what",
        # The last one's position is the answer's.
        dependencies=[in_vault, Depends(ReadAt("grants", progress))],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_grants(
        asset_id: Ref, caller: Annotated[Caller, Depends(authenticated("assets:read"))]
    ) -> Page[GrantDto]:
        return assets.grants(caller, asset_id)

    @routes.get(
        "/{asset_id}/similar",
        operation_id="listSimilarAssets",
        summary="What sounds most like one asset, nearest first",
        dependencies=[in_sounds, in_vault, searching.always],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_similar(
        asset_id: Ref,
        caller: Annotated[Caller, Depends(authenticated("assets:read"))],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> Page[FoundAsset]:
        return assets.similar(caller, asset_id, limit)

    @routes.get(
        "/{asset_id}/related",
        operation_id="listRelatedAssets",
        summary="The same audio in other files, and versions of the same song",
        dependencies=[in_sounds, in_vault, searching.always],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_related(
        asset_id: Ref, caller: Annotated[Caller, Depends(authenticated("assets:read"))]
    ) -> Page[RelatedAsset]:
        return assets.related(caller, asset_id)

    @routes.get(
        "/{asset_id}/versions",
        operation_id="listAssetVersions",
        summary="The versions of the song that one asset is of, the current one first",
        dependencies=[in_vault],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_versions(
        asset_id: Ref, caller: Annotated[Caller, Depends(authenticated("assets:read"))]
    ) -> SongDto:
        return assets.versions(caller, asset_id)

    @routes.get(
        "/{asset_id}/events",
        operation_id="listAssetEvents",
        summary="Everything that happened to one asset, in order",
        dependencies=[in_grants, Depends(ReadAt("timeline", progress))],
        responses=problems(401, 403, 404, 422, 429, 503),
    )
    def list_asset_events(
        asset_id: Ref,
        caller: Annotated[Caller, Depends(authenticated("events:read"))],
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        cursor: Annotated[Cursor | None, Query()] = None,
    ) -> Page[EventDto]:
        return history(caller, asset_id, limit=limit, cursor=cursor)

    return routes
