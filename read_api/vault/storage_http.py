"""GET /api/usage."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from kit.auth import Authenticate
from kit.caller import Caller
from kit.openapi import problems
from kit.positions import Progress, ReadAt
from read_api.vault.storage import StorageQueries
from schemas.vault.dto import StorageUsage


def router(authenticated: Authenticate, progress: Progress, storage: StorageQueries) -> APIRouter:
    routes = APIRouter(
        tags=["account"],
        dependencies=[Depends(authenticated()), Depends(ReadAt("vault", progress))],
    )
    reader = Depends(authenticated("assets:read"))

    @routes.get(
        "/api/usage",
        operation_id="getUsage",
        responses=problems(401, 403, 422, 429, 503),
    )
    def get_usage(caller: Caller = reader) -> StorageUsage:
        """Bytes that the workspace keeps, and how many its plan allows."""
        return storage.usage(caller.workspace_id)

    return routes
