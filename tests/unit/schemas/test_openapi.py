"""The HTTP surface is checked in: a change of it shows in the diff; only additions are allowed."""

from __future__ import annotations

import json

import pytest

from tests.openapi import OPENAPI, document_text

# CONTRACT §2: what scripts and partners rely on.
CONTRACT = {
    "/api/accounts": {"post"},
    "/api/sessions": {"post", "delete"},
    "/api/keys": {"get", "post"},
    "/api/keys/{key_id}": {"delete"},
    "/api/assets": {"get", "post"},
    "/api/assets/{asset_id}": {"get", "patch", "delete"},
    "/api/assets/{asset_id}/events": {"get"},
    "/api/assets/{asset_id}/audio": {"get"},
    "/api/assets/{asset_id}/waveform": {"get"},
    "/api/assets/{asset_id}/cover": {"get"},
    "/api/uploads": {"post"},
    "/api/uploads/{upload_id}": {"head", "patch", "delete"},
    "/api/me": {"get"},
    "/api/me/export": {"get"},
    "/healthz": {"get"},
    "/readyz": {"get"},
    "/metrics": {"get"},
}


def test_the_checked_in_document_is_what_the_application_answers():
    assert OPENAPI.read_text("utf-8") == document_text(), "run python -m tests.openapi"


@pytest.mark.parametrize("path", CONTRACT)
def test_every_route_of_the_contract_is_described(path: str):
    described = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    assert CONTRACT[path] <= described[path].keys()


def test_every_operation_names_itself_and_says_what_it_does():
    paths = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    operations = [operation for methods in paths.values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    assert all(operation.get("summary") for operation in operations)
