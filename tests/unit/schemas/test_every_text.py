"""Nothing takes a text that is not bounded and cleaned (`schemas/text.py`)."""

from typing import Annotated, Any, Literal

import pytest
from fastapi import APIRouter, Depends, FastAPI, Form, Header, Query
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from commands.account.accounts import RegisterAccount
from commands.vault.ingest import RejectAsset
from commands.vault.tag_changes import TagChanges
from events.ids import AssetId
from events.vault.audio import Blob
from schemas.text import Opaque, Ref, Text
from tests.openapi import composed_app
from tests.unit.schemas.incoming import bare_parameters, bare_texts_of, command_models


def test_no_command_model_has_a_bare_text():
    assert [
        where for model in command_models() for where in bare_texts_of(model, values=True)
    ] == []


def test_no_route_takes_a_bare_text():
    with composed_app() as app:
        assert sorted(set(bare_parameters(app))) == []


def test_every_command_model_is_looked_at():
    found = command_models()
    assert {RegisterAccount, TagChanges, RejectAsset} <= set(found)
    assert len(found) > 30


class Inner(BaseModel):
    said: str


class Fine(BaseModel):
    name: Annotated[str, Text(10)]
    names: list[Annotated[str, Text(10)]] | None = None
    password: Annotated[SecretStr, Opaque(10)]
    id: Ref | None = None
    asset_id: AssetId
    kind: Literal["a", "b"]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    isrc: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")] | None = None
    number: int | float | bool | None = None


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        str | None,
        list[str],
        dict[str, int],
        tuple[int, str],
        SecretStr,
        bytes,
        Any,
        object,
        dict[Annotated[str, Text(10)], Any],
        Inner,
        list[Inner],
        Blob,
        Annotated[str, Field(max_length=10)],
        Annotated[str, StringConstraints(strip_whitespace=True, max_length=10)],
        Annotated[str, Field(pattern="[0-9]{10}")],
        Annotated[str, Field(pattern="^[^\\x00]*$")],
        Annotated[str, Field(pattern="^a.*$")],
        Annotated[list[str], Text(10)],
        Annotated[list[str], Field(pattern="^[0-9]$")],
    ],
    ids=str,
)
def test_a_bare_text_is_found_wherever_it_stands(annotation: Any):
    class Sample(BaseModel):
        field: annotation

    assert len(list(bare_texts_of(Sample))) == 1


def test_what_is_held_is_not_found():
    assert list(bare_texts_of(Fine)) == []


def test_a_bare_text_is_found_in_every_place_of_a_route():
    def dependency(inner: Annotated[str | None, Header()] = None) -> None: ...

    def handler(
        item: str,
        body: Inner,
        q: Annotated[str | None, Query(max_length=10)] = None,
        one: Annotated[None, Depends(dependency)] = None,
    ) -> None: ...

    def formed(name: Annotated[str, Form()] = "") -> None: ...

    outer = APIRouter(dependencies=[Depends(dependency)])
    outer.add_api_route("/a/{item}", handler, methods=["POST"])
    outer.add_api_route("/b", formed, methods=["POST"])
    app = FastAPI()
    app.include_router(outer)
    found = set(bare_parameters(app))
    assert found == {
        "POST /a/{item} path item: a bare str",
        "POST /a/{item} query q: a bare str",
        "POST /a/{item} header inner: a bare str",
        "POST /b header inner: a bare str",
        "POST /b body name: a bare str",
        "Inner.said: a bare str",
    }
