"""Every operation of /openapi.json under generated requests, right and wrong ones: no server error,
and whatever is answered is declared.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, not_a_server_error
from schemathesis.schemas import BaseSchema

from tests.integration.http.tenants import Installation, Tenant
from tests.openapi import OPENAPI

EXAMPLES = 14
# A database that does not answer, a store that is busy and a view that is behind are no faults.
UNAVAILABLE = 503
IF_MATCH = {"If-Match": "*"}
TUS = {
    "Tus-Resumable": "1.0.0",
    "Upload-Length": "5",
    "Upload-Offset": "0",
    "Content-Type": "application/offset+octet-stream",
}
CHECKED = ("status_code_conformance", "content_type_conformance", "response_schema_conformance")
CHECKS_MADE = [check for check in CHECKS.get_all() if check.__name__ in CHECKED]
OPERATIONS = sorted(
    operation["operationId"]
    for path in json.loads(OPENAPI.read_text("utf-8"))["paths"].values()
    for operation in path.values()
    # A year of timers of all who share the house; tests/integration/system has it alone.
    if operation["operationId"] != "advanceClock"
)


@dataclass
class Api:
    """The described application, and somebody who may do everything in it."""

    schema: BaseSchema
    tenants: Installation
    somebody: Tenant
    key: str

    def real(self, operation_id: str, path: str) -> tuple[dict[str, str], dict[str, str]]:
        """(ids of what exists, headers without which nothing happens) for an operation."""
        made: dict[str, Callable[[], str]] = {
            "deleteAsset": self.somebody.new_file,
            "continueUpload": self.somebody.new_upload,
            "cancelUpload": self.somebody.new_upload,
            "endSession": self.somebody.new_session,
            "revokeKey": lambda: self.somebody.new_key("assets:read")[0],
        }
        kinds = {
            kind: f"{kind}_id" for kind in ("asset", "key", "upload", "saga", "session", "passkey")
        }
        ids = {name: str(getattr(self.somebody, kind)) for kind, name in kinds.items()}
        if make := made.get(operation_id):
            ids |= {name: make() for name in kinds.values() if name in path}
        return ids | {"erasure_id": self.tenants.erasure}, TUS if "upload" in path else IF_MATCH


@pytest.fixture(scope="module")
def api(tenants: Installation) -> Api:
    """The operator's: whoever may do everything gets furthest."""
    somebody = tenants.operator
    schema = schemathesis.openapi.from_asgi("/openapi.json", app=tenants.house.app)
    return Api(schema, tenants, somebody, somebody.new_key("*")[1])


@pytest.mark.parametrize("who", ["owner", "nobody"])
@pytest.mark.parametrize("operation_id", OPERATIONS)
def test_no_request_gets_a_server_error_or_an_answer_that_is_not_declared(
    api: Api, operation_id: str, who: str
) -> None:
    api.tenants.forget_limits()
    operation = api.schema.find_operation_by_id(operation_id)
    right = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    try:
        wrong = operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
        wrong.validate()
    except Exception:
        wrong = right
    authorization = {"Authorization": f"Bearer {api.key}"} if who == "owner" else {}
    examples = EXAMPLES if who == "owner" else EXAMPLES // 4

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=right | wrong, of_something_real=st.booleans())
    def ask(case: schemathesis.Case, of_something_real: bool) -> None:
        # Not to be looked for: views that wait for a position that nobody will ever reach.
        headers = {**authorization, "Prefer": "wait=0"}
        if of_something_real:
            ids, needed = api.real(operation_id, case.path)
            headers |= needed
            case.path_parameters = {
                name: ids.get(name, value) for name, value in (case.path_parameters or {}).items()
            }
        answer = case.call(headers=headers)
        if answer.status_code == UNAVAILABLE:
            assert answer.json()["code"] in ("projection-lag", "store-busy"), answer.text
            return
        case.validate_response(answer, checks=[not_a_server_error, *CHECKS_MADE])

    ask()
    if operation_id == "endOtherSessions":  # asked with a key, that is all of them
        api.somebody.sign_in_again()
