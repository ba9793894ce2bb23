"""Errors of every route, as the OpenAPI document lists them."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from kit.problems import MEDIA_TYPE, Problem


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """`responses=problems(404, 412)`: these statuses answer a problem document."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "model": Problem,
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }


def header(description: str, type: str = "string") -> dict[str, Any]:
    """One entry of a response's `headers`."""
    return {"description": description, "schema": {"type": type}}
