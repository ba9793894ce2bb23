"""Every route of the application: who may use it, on what, and what it answers them.

`scopes` are all that is needed; `()` is anybody who is signed in, None is anybody. Pages take
sessions only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.integration.account.erasure.house import PASSWORD, eventually

Kind = Literal[
    *("asset", "file", "key", "upload", "saga", "erasure"),
    *("comment", "collection", "session", "passkey"),
    *("reanalysis", "account"),
]
TUS = {"Tus-Resumable": "1.0.0"}
ANY_VERSION = {"If-Match": "*"}


@dataclass(frozen=True)
class Route:
    """`answer` is the status for who may. `kind` is what the path names; `fresh` says what a
    request uses up: the object, or the person who asks.

    `told` makes the request's arguments from {"email", "csrf", "version"} of the moment. `make`
    makes what the path names and answers its id, for kinds that only one area knows: once for each
    tenant, whatever routes share it, or with `fresh` for each request.
    """

    answer: int
    scopes: tuple[str, ...] | None = ()
    kind: Kind | None = None
    page: bool = False
    greets: bool = False
    # Its answer to somebody who is signed in; whoever comes by key is sent on.
    greeted: int = 303
    fresh: Literal["object", "person", None] = None
    headers: dict[str, str] = field(default_factory=dict)
    query: str = ""
    told: Callable[[dict[str, str]], dict[str, Any]] = lambda known: {}
    make: Callable[[Any], str] | None = None
    # What was sent to everybody is shown, so also whom it was sent to.
    addresses: bool = False

    @property
    def names(self) -> bool:
        """Whether the path names something of somebody's."""
        return self.kind is not None or self.make is not None

    @property
    def open(self) -> bool:
        return self.scopes is None


def _json(**body: Any) -> Callable[[dict[str, str]], dict[str, Any]]:
    return lambda known: {"json": body}


def _form(**fields: str) -> Callable[[dict[str, str]], dict[str, Any]]:
    """With the hidden field of the session's pages."""
    return lambda known: {"data": {**fields, "csrf_token": known["csrf"]}}


def _signed_up(known: dict[str, str]) -> dict[str, str]:
    return {"email": known["email"], "password": PASSWORD, "name": "Somebody new"}


def _reader(kind: Kind, answer: int = 200, **more: Any) -> Route:
    return Route(answer, ("assets:read",), kind, **more)


def _page(answer: int, kind: Kind | None = None, **more: Any) -> Route:
    return Route(answer, (), kind, page=True, **more)


def _operator(answer: int, kind: Kind | None = None, **more: Any) -> Route:
    return Route(answer, ("operator",), kind, **more)


def _writer(answer: int, kind: Kind | None = None, **more: Any) -> Route:
    return Route(answer, ("assets:write",), kind, **more)


def _open(answer: int, kind: Kind | None = None, **more: Any) -> Route:
    return Route(answer, None, kind, **more)


def _mail_to(tenant: Any) -> str:
    """A link that sets a new password."""
    tenant.house.browser().post("/api/password-resets", json={"email": tenant.email})
    outbox = tenant.house.settings.outbox_dir

    def found() -> list[str]:
        mails = ((path.stem, path.read_bytes()) for path in sorted(outbox.glob("[0-9]*.eml")))
        return [stem for stem, mail in mails if f"To: {tenant.email}".encode() in mail]

    eventually(found)
    return found()[0]


DOUBLE = "mail"


def _double(tenant: Any) -> str:
    return DOUBLE


_BYTES = lambda known: {"content": b"12345"}  # noqa: E731
_FILE = lambda known: {"files": {"file": ("a.flac", known["email"].encode())}}  # noqa: E731
_REASON = _json(reason="A test says so")
_PIECE = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
_ABSENT = {"id": f"ast_{'0' * 32}", "version": 1}
_NOBODY = {"email": "nobody@example.com", "right": "listen"}
_BOTH = _json(password=PASSWORD, code="000000")
_PASSWORD = _json(password=PASSWORD, current_password=PASSWORD)

ROUTES: dict[tuple[str, str], Route] = {
    ("GET", "/openapi.json"): _open(200),
    ("HEAD", "/openapi.json"): _open(200),
    ("GET", "/healthz"): _open(200),
    ("GET", "/readyz"): _open(200),
    ("GET", "/metrics"): _open(200),
    ("POST", "/api/accounts"): _open(201, told=lambda known: {"json": _signed_up(known)}),
    ("POST", "/api/sessions"): _open(
        401, told=_json(email="nobody@example.com", password=PASSWORD)
    ),
    ("DELETE", "/api/sessions"): Route(204, fresh="person"),
    ("DELETE", "/api/accounts/{account_id}/sessions"): _operator(204, "account", fresh="object"),
    ("GET", "/api/me"): Route(200, ("account:read",)),
    ("GET", "/api/me/export"): Route(200, ("account:read", "assets:read", "events:read")),
    ("PUT", "/api/me/password"): Route(204, ("account:write",), fresh="person", told=_PASSWORD),
    ("DELETE", "/api/me"): Route(
        202, ("account:write",), fresh="person", told=_json(password=PASSWORD)
    ),
    ("GET", "/api/me/sign-ins"): Route(200, ("account:read",)),
    ("POST", "/api/me/proof"): Route(200, told=_json(password=PASSWORD)),
    ("POST", "/api/me/proof/passkey/options"): Route(200),
    ("POST", "/api/me/proof/passkey"): Route(401, told=_json(credential={})),
    ("POST", "/api/me/address/verify"): Route(200, ("account:write",), told=_json(code="00000000")),
    ("POST", "/api/me/address/code"): Route(202, ("account:write",)),
    ("GET", "/api/me/sessions"): Route(200, ("account:read",)),
    ("DELETE", "/api/me/sessions"): Route(204, ("account:write",), fresh="person"),
    ("DELETE", "/api/me/sessions/{session_id}"): Route(
        204, ("account:write",), "session", fresh="object"
    ),
    ("GET", "/api/me/second-factor"): Route(200, ("account:read",)),
    ("POST", "/api/me/second-factor"): Route(
        201, ("account:write",), fresh="person", told=_json(password=PASSWORD)
    ),
    ("DELETE", "/api/me/second-factor"): Route(409, ("account:write",), told=_BOTH),
    ("POST", "/api/me/second-factor/confirm"): Route(
        409, ("account:write",), told=_json(code="000000")
    ),
    ("POST", "/api/me/second-factor/recovery-codes"): Route(409, ("account:write",), told=_BOTH),
    ("GET", "/api/me/passkeys"): Route(200, ("account:read",)),
    ("POST", "/api/me/passkeys"): Route(
        422, ("account:write",), told=_json(name="made", credential={})
    ),
    ("POST", "/api/me/passkeys/options"): Route(
        200, ("account:write",), told=_json(password=PASSWORD)
    ),
    ("DELETE", "/api/me/passkeys/{passkey_id}"): Route(
        204, ("account:write",), "passkey", fresh="object", told=_json(password=PASSWORD)
    ),
    ("POST", "/api/sessions/passkey/options"): _open(200),
    ("POST", "/api/sessions/passkey"): _open(401, told=_json(credential={})),
    ("POST", "/api/password-resets"): _open(202, told=_json(email="nobody@example.com")),
    ("PUT", "/api/password-resets"): _open(410, told=_json(token="x" * 43, password=PASSWORD)),
    ("POST", "/api/erasures"): _open(202, told=_json(email="nobody@example.com")),
    ("PUT", "/api/erasures"): _open(410, told=_json(token="x" * 43)),
    ("GET", "/api/erasures/{erasure_id}"): _open(200, "erasure"),
    ("GET", "/api/keys"): Route(200, ("account:read",)),
    ("POST", "/api/keys"): Route(
        201, ("account:write",), told=_json(name="made", scopes=["account:write"])
    ),
    ("DELETE", "/api/keys/{key_id}"): Route(204, ("account:write",), "key", fresh="object"),
    ("GET", "/api/assets"): Route(200, ("assets:read",)),
    ("POST", "/api/assets"): _writer(202, told=_FILE),
    ("GET", "/api/assets/{asset_id}"): _reader("asset"),
    ("PATCH", "/api/assets/{asset_id}"): _writer(
        200, "asset", headers=ANY_VERSION, told=_json(artist="Somebody")
    ),
    ("DELETE", "/api/assets/{asset_id}"): _writer(204, "file", headers=ANY_VERSION, fresh="object"),
    ("POST", "/api/assets/{asset_id}/file"): _writer(
        409, "file", headers=ANY_VERSION, fresh="object"
    ),
    ("GET", "/api/assets/{asset_id}/grants"): _reader("asset"),
    ("POST", "/api/assets/{asset_id}/grants"): _writer(422, "asset", told=_json(**_NOBODY)),
    # Both ids of the path are the asset's here, and it is shared with nobody of that name.
    ("DELETE", "/api/assets/{asset_id}/grants/{account_id}"): _writer(404, "asset"),
    ("GET", "/api/usage"): Route(200, ("assets:read",)),
    ("GET", "/api/assets/{asset_id}/similar"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/related"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/versions"): _reader("asset"),
    ("POST", "/api/assets/edits"): _writer(409, told=_json(changes={}, assets=[_ABSENT])),
    ("POST", "/api/assets/marks"): _writer(409, told=_json(changes={}, assets=[_ABSENT])),
    ("PATCH", "/api/assets/{asset_id}/marks"): _writer(
        200, "asset", headers=ANY_VERSION, told=_json(rating=4)
    ),
    ("PUT", "/api/assets/{asset_id}/artwork"): _writer(
        422, "asset", headers=ANY_VERSION, told=lambda known: {"content": b"no picture"}
    ),
    ("DELETE", "/api/assets/{asset_id}/artwork"): _writer(200, "asset", headers=ANY_VERSION),
    ("POST", "/api/assets/{asset_id}/artwork/undo"): _writer(200, "asset", headers=ANY_VERSION),
    ("POST", "/api/assets/deletions"): _writer(409, told=_json(assets=[_ABSENT])),
    ("POST", "/api/songs"): _writer(409, told=_json(assets=[{**_ABSENT, "song": "x"}])),
    ("POST", "/api/songs/current"): _writer(
        409, told=_json(asset=_ABSENT, instead_of={**_ABSENT, "id": "ast_" + "1" * 32})
    ),
    ("POST", "/api/assets/trash"): _writer(409, told=_json(assets=[_ABSENT])),
    ("POST", "/api/assets/restore"): _writer(409, told=_json(assets=[_ABSENT])),
    ("POST", "/api/assets/trash/empty"): _writer(204),
    ("POST", "/api/assets/{asset_id}/trash"): _writer(
        200, "file", headers=ANY_VERSION, fresh="object"
    ),
    ("POST", "/api/assets/{asset_id}/restore"): _writer(200, "file", headers=ANY_VERSION),
    ("GET", "/api/assets/{asset_id}/events"): Route(200, ("events:read",), "asset"),
    ("GET", "/api/assets/{asset_id}/analysis"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/analyses"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/analyses/compare"): _reader("asset", query="?old=1&new=1"),
    ("POST", "/api/analysis/enhanced"): Route(
        404, ("assets:read",), told=_json(assetId=_ABSENT["id"])
    ),
    ("POST", "/api/analysis/runs"): _writer(202, told=_json(filter={"asset_ids": [_ABSENT["id"]]})),
    ("GET", "/api/analysis/runs/{reanalysis_id}"): _reader("reanalysis"),
    ("DELETE", "/api/analysis/runs/{reanalysis_id}"): _writer(409, "reanalysis"),
    ("GET", "/api/assets/archive"): Route(404, ("assets:read",), query=f"?id={_ABSENT['id']}"),
    ("GET", "/api/assets/{asset_id}/audio"): _reader("asset"),
    ("HEAD", "/api/assets/{asset_id}/audio"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/cover"): _reader("asset"),
    ("HEAD", "/api/assets/{asset_id}/cover"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/waveform"): _reader("asset"),
    ("GET", "/api/assets/{asset_id}/comments"): _reader("asset"),
    ("POST", "/api/assets/{asset_id}/comments"): _writer(
        201, "asset", told=_json(at_s=1, text="Said")
    ),
    ("PATCH", "/api/comments/{comment_id}"): _writer(
        200, "comment", headers=ANY_VERSION, fresh="object", told=_json(text="Said anew")
    ),
    ("POST", "/api/comments/{comment_id}/resolve"): _writer(
        200, "comment", headers=ANY_VERSION, fresh="object"
    ),
    ("POST", "/api/comments/{comment_id}/reopen"): _writer(
        200, "comment", headers=ANY_VERSION, fresh="object"
    ),
    ("DELETE", "/api/comments/{comment_id}"): _writer(
        204, "comment", headers=ANY_VERSION, fresh="object"
    ),
    ("GET", "/api/collections"): Route(200, ("assets:read",)),
    ("POST", "/api/collections"): _writer(
        201, told=_json(name="Loud", kind="smart", query="energy_min=0.8")
    ),
    ("GET", "/api/collections/{collection_id}"): _reader("collection"),
    ("PATCH", "/api/collections/{collection_id}"): _writer(
        200, "collection", headers=ANY_VERSION, fresh="object", told=_json(name="Other")
    ),
    ("DELETE", "/api/collections/{collection_id}"): _writer(
        204, "collection", headers=ANY_VERSION, fresh="object"
    ),
    ("OPTIONS", "/api/uploads"): _open(204),
    ("OPTIONS", "/api/uploads/{upload_id}"): _open(204),
    ("POST", "/api/uploads"): _writer(201, headers={**TUS, "Upload-Length": "5"}),
    ("POST", "/api/uploads/direct"): _writer(
        409, told=_json(filename="a.wav", size_bytes=5, sha256="0" * 64)
    ),
    ("POST", "/api/uploads/direct/{upload_id}/complete"): _writer(409, "upload"),
    ("HEAD", "/api/uploads/{upload_id}"): _writer(200, "upload", headers=TUS),
    ("PATCH", "/api/uploads/{upload_id}"): _writer(
        204, "upload", headers=_PIECE, fresh="object", told=_BYTES
    ),
    ("DELETE", "/api/uploads/{upload_id}"): _writer(204, "upload", headers=TUS, fresh="object"),
    ("POST", "/api/uploads/{upload_id}"): _writer(
        204, "upload", headers={**TUS, "X-HTTP-Method-Override": "DELETE"}, fresh="object"
    ),
    ("GET", "/api/events"): Route(200, ("events:read",)),
    ("GET", "/api/events/stream"): Route(200, ("events:read",), query="?after=0"),
    ("GET", "/api/system"): _operator(200),
    ("GET", "/api/sagas"): _operator(200),
    ("GET", "/api/sagas/{saga_id}"): _operator(200, "saga"),
    ("POST", "/api/test/clock"): _operator(200, told=_json(advance_s=0.001)),
    ("POST", "/api/sagas/{saga_id}/{action}"): _operator(
        200, "saga", headers=ANY_VERSION, fresh="object", told=_REASON
    ),
    ("GET", "/static/{version}/{name:path}"): _open(200),
    ("GET", "/"): _open(303, greets=True, greeted=200),
    ("GET", "/sign-up"): _open(200, greets=True),
    ("POST", "/sign-up"): _open(
        303, fresh="person", told=lambda known: {"data": _signed_up(known)}
    ),
    ("GET", "/sign-in"): _open(200, greets=True),
    ("POST", "/sign-in"): _open(401, told=lambda known: {"data": {"email": "x@example.com"}}),
    ("GET", "/sign-in/{token}"): _open(200),
    ("POST", "/sign-in/{token}"): _open(410),
    ("POST", "/second-step"): _open(410),
    ("GET", "/forgot-password"): _open(200),
    ("POST", "/forgot-password"): _open(
        200, told=lambda known: {"data": {"email": "x@example.com"}}
    ),
    ("GET", "/reset-password/{token}"): _open(200),
    ("POST", "/reset-password/{token}"): _open(
        410, told=lambda known: {"data": {"password": PASSWORD}}
    ),
    ("GET", "/forget-me"): _open(200),
    ("POST", "/forget-me"): _open(200, told=lambda known: {"data": {"email": "x@example.com"}}),
    ("GET", "/forget-me/{token}"): _open(200),
    ("POST", "/forget-me/{token}"): _open(410),
    ("POST", "/sign-out"): _page(303, fresh="person", told=_form()),
    ("GET", "/inbox"): _page(200),
    ("GET", "/session"): _page(200),
    ("GET", "/vault"): _page(200),
    ("POST", "/vault/upload"): _page(
        303, told=lambda known: {**_FILE(known), "data": {"csrf_token": known["csrf"]}}
    ),
    ("POST", "/vault/taster"): _page(303, told=_form()),
    ("GET", "/vault/archive"): _page(200),
    ("POST", "/vault/archive"): _page(404, told=_form(id=_ABSENT["id"])),
    ("GET", "/vault/measuring"): _page(200),
    ("POST", "/vault/measuring"): _page(303, told=_form()),
    ("POST", "/vault/measuring/{reanalysis_id}/stop"): _page(303, "reanalysis", told=_form()),
    ("GET", "/shared"): _page(200),
    ("POST", "/assets/{asset_id}/grants"): _page(422, "asset", told=_form(**_NOBODY)),
    ("POST", "/assets/{asset_id}/grants/{account_id}/end"): _page(404, "asset", told=_form()),
    ("GET", "/assets/{asset_id}"): _page(200, "asset"),
    ("GET", "/assets/{asset_id}/alike"): _page(200, "asset"),
    ("GET", "/collections"): _page(200),
    ("POST", "/collections"): _page(303, told=_form(name="Loud", query="energy_min=0.8")),
    ("GET", "/collections/{collection_id}"): _page(200, "collection"),
    ("GET", "/collections/{collection_id}/archive"): _page(200, "collection"),
    ("POST", "/collections/{collection_id}/tracks"): _page(
        303, "collection", fresh="object", told=_form(version="1")
    ),
    ("GET", "/assets/{asset_id}/collections"): _page(200, "asset"),
    ("POST", "/assets/{asset_id}/collections"): _page(303, "asset", told=_form(name="Loud")),
    ("POST", "/collections/{collection_id}"): _page(
        303, "collection", fresh="object", told=_form(version="1", name="Other")
    ),
    ("POST", "/collections/{collection_id}/delete"): _page(
        303, "collection", fresh="object", told=_form(version="1")
    ),
    ("GET", "/assets/{asset_id}/peaks"): _page(200, "asset"),
    ("GET", "/assets/{asset_id}/lanes"): _page(200, "asset"),
    ("GET", "/assets/{asset_id}/waveform"): _page(200, "asset"),
    ("POST", "/assets/{asset_id}/measure"): _page(303, "asset", told=_form()),
    ("POST", "/assets/{asset_id}/file"): _page(
        409, "file", fresh="object", told=_form(version="1")
    ),
    ("POST", "/assets/{asset_id}/said"): _page(
        303,
        "asset",
        told=lambda known: _form(field="genre", value="Dub", version=known["version"])(known),
    ),
    ("POST", "/assets/{asset_id}/from-name"): _page(303, "asset", told=_form(field="all")),
    ("POST", "/assets/{asset_id}/marks"): _page(303, "asset", told=_form(rating="4")),
    ("POST", "/assets/{asset_id}/comments"): _page(303, "asset", told=_form(at="0:01", text="So")),
    ("POST", "/comments/{comment_id}"): _page(
        303, "comment", fresh="object", told=_form(action="resolve", version="1")
    ),
    ("GET", "/trash"): _page(200),
    ("POST", "/trash/empty"): _page(303, told=_form()),
    ("POST", "/assets/{asset_id}/trash"): _page(303, "file", fresh="object", told=_form()),
    ("POST", "/assets/{asset_id}/restore"): _page(303, "file", told=_form()),
    ("POST", "/assets/{asset_id}/delete"): _page(
        303, "file", fresh="object", told=_form(version="1")
    ),
    ("POST", "/assets/{asset_id}/tags"): _page(
        303, "asset", told=lambda known: _form(title="Said", version=known["version"])(known)
    ),
    ("GET", "/account"): _page(200),
    ("POST", "/account/keys"): _page(200, told=_form(name="made", scopes="assets:read")),
    ("POST", "/account/keys/{key_id}/revoke"): _page(303, "key", fresh="object", told=_form()),
    ("POST", "/account/password"): _page(
        303, fresh="person", told=_form(password=PASSWORD, current_password=PASSWORD)
    ),
    ("GET", "/account/confirm"): _page(200),
    ("POST", "/account/confirm"): _page(303, told=_form()),
    ("POST", "/account/address/verify"): _page(303, told=_form(code="00000000")),
    ("POST", "/account/address/code"): _page(303, told=_form()),
    ("GET", "/account/security"): _page(200),
    ("POST", "/account/security/sessions/{session_id}/end"): _page(
        303, "session", fresh="object", told=_form()
    ),
    ("POST", "/account/security/sessions/end-others"): _page(303, fresh="person", told=_form()),
    ("POST", "/account/security/second-factor"): _page(200, fresh="person", told=_form()),
    ("POST", "/account/security/second-factor/confirm"): _page(409, told=_form(code="1")),
    ("POST", "/account/security/second-factor/codes"): _page(409, told=_form()),
    ("POST", "/account/security/second-factor/off"): _page(409, told=_form()),
    ("POST", "/account/security/passkeys/{passkey_id}/remove"): _page(
        303, "passkey", fresh="object", told=_form()
    ),
    ("GET", "/account/delete"): _page(200),
    ("POST", "/account/delete"): _page(
        303, fresh="person", told=_form(confirmation="delete my account")
    ),
    ("GET", "/erasures/{erasure_id}"): _open(200, "erasure"),
    ("GET", "/erasures/{erasure_id}/certificate.json"): _open(200, "erasure"),
    ("GET", "/system"): _operator(200, page=True),
    ("POST", "/system/sign-out"): _operator(404, page=True, told=_form(email="nobody@example.com")),
    ("GET", "/system/components"): _operator(200, page=True),
    ("GET", "/system/mails"): _operator(200, page=True, addresses=True),
    ("GET", "/system/mails/{mail_id}"): _operator(200, page=True, make=_mail_to),
    ("GET", "/system/doubles/{name}"): _operator(200, page=True, make=_double),
    ("POST", "/system/doubles/{name}"): _operator(
        303, page=True, make=_double, told=_form(action="clear")
    ),
    ("GET", "/sagas"): _operator(200, page=True),
    ("GET", "/sagas/{saga_id}"): _operator(200, "saga", page=True),
    ("POST", "/sagas/{saga_id}"): _operator(
        303,
        "saga",
        page=True,
        fresh="object",
        told=lambda known: _form(action="retry", version=known["version"], reason="So")(known),
    ),
}
