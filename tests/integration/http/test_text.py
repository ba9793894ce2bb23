"""Any text at all, at every door of the composed application: no server error, and no view that a
stream of events stops.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from starlette.testclient import TestClient

from commands.account import recovery
from commands.account.passwords import Passwords
from read_api.system import events_http
from tests.integration.account.erasure.house import PASSWORD
from tests.integration.http.every_route import ROUTES
from tests.integration.http.routes import Route
from tests.integration.http.tenants import Installation, Tenant

EXAMPLES = 150
WILD = ("a\x00\u202eb", "\ud800x", "\u0301" * 10_000)
TEXTS = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.characters(categories=["Cs", "Cc", "Cf", "Co", "Mn", "Zl"]), max_size=40),
)
# A view that is behind, and a store that is busy, are no faults.
UNAVAILABLE = ("projection-lag", "store-busy", "sign-in-busy", "view-not-ready")
_KNOWN = ("email", "csrf", "version")
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True)
class Door:
    """One place of one request where a text goes in: `path`, `query`, `body`, `header`."""

    method: str
    path: str
    place: str
    name: str

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.place} {self.name}"


@dataclass
class House:
    world: Installation
    somebody: Tenant
    http: TestClient
    key: str
    session: tuple[str, str]

    def ask(self, door: Door, text: str) -> Any:
        route = ROUTES[door.method, door.path]
        csrf = self.session[1]
        said = route.told({"email": "new@example.com", "csrf": csrf, "version": "1"})
        headers = {"Accept": "application/json", "Prefer": "wait=0", **route.headers}
        if route.page:
            headers["Cookie"] = f"noculture_session={self.session[0]}"
        elif not route.open:
            headers["Authorization"] = f"Bearer {self.key}"
        content, query = said.get("content", b""), route.query
        if "json" in said:
            body = said["json"]
            content, headers = json.dumps(body).encode(), {**headers, **JSON}
            if door.place == "body":
                content = json.dumps(_with(body, door.name, text)).encode()
        elif "files" not in said and "data" in said:
            fields = said["data"] | ({door.name: text} if door.place == "body" else {})
            content = "&".join(f"{_quoted(n)}={_quoted(v)}" for n, v in fields.items()).encode()
            headers |= FORM
        elif "files" in said:
            content, headers = _multipart(text, csrf, headers)
        if door.place == "query":
            query = f"?{_quoted(door.name)}={_quoted(text)}"
        if door.place == "header":
            headers[door.name] = text.encode("utf-8", "replace").decode("latin-1")
        path = self._path(door, route, text)
        sent = [(n.encode(), v.encode("latin-1")) for n, v in headers.items()]
        self.http.cookies.clear()
        return self.http.request(door.method, path + query, headers=sent, content=content)

    def _path(self, door: Door, route: Route, text: str) -> str:
        real = self.world.named(self.somebody, route)
        path = door.path.replace("{action}", "retry").replace("{name:path}", "{name}")
        if door.place == "path":
            path = path.replace(f"{{{door.name}}}", _quoted(text) or "-")
        return re.sub(r"\{\w+\}", real, path)

    def stays_whole(self) -> None:
        """No view was stopped, and somebody is still somebody."""
        self.world.settle()
        stopped = self.world.owner.execute(
            "SELECT consumer, error FROM parked_streams UNION ALL"
            " SELECT name, stopped FROM consumers WHERE stopped IS NOT NULL"
        ).fetchall()
        assert stopped == []
        answer = self.http.get("/api/me", headers={"Authorization": f"Bearer {self.key}"})
        assert answer.status_code == 200


def _with(body: dict[str, Any], name: str, text: str) -> dict[str, Any]:
    """The body with the text in a field that it has, in a new one, or as the name of one."""
    if name == "a new name":
        return body | {text: 1}
    held = body.get(name)
    match held:
        case [str(), *_]:
            return body | {name: [text]}
        case dict() if name == "credential":
            return body | {name: {"id": text, text: {"response": [text]}}}
        case dict():
            return body | {name: dict.fromkeys((*held, text), text)}
        case [dict() as first, *_]:
            return body | {name: [first | {"id": text}]}
    return body | {name: text}


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")


def _multipart(text: str, csrf: str, headers: dict[str, str]) -> tuple[bytes, dict[str, str]]:
    """A file that is called so, beside a field that says so."""
    said = text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
    parts = (
        (b'name="csrf_token"', csrf.encode()),
        (b'name="said"', said),
        (b'name="file"; filename="' + said.replace(b'"', b"%22") + b'"', b"audio " + said),
    )
    content = b"".join(
        b"--edge\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + body + b"\r\n"
        for head, body in parts
    )
    return content + b"--edge--\r\n", {
        **headers,
        "Content-Type": "multipart/form-data; boundary=edge",
    }


# What is read or kept of a request's headers, once each where it goes furthest.
HEADERS = (
    ("POST", "/api/sessions", "User-Agent"),
    ("POST", "/api/keys", "Idempotency-Key"),
    ("POST", "/api/uploads", "Upload-Metadata"),
    ("POST", "/api/uploads", "Upload-Length"),
    ("PATCH", "/api/comments/{comment_id}", "If-Match"),
    ("GET", "/api/assets", "Prefer"),
    ("GET", "/api/assets", "Authorization"),
    ("GET", "/api/assets", "Cookie"),
    ("GET", "/api/events/stream", "Last-Event-ID"),
    ("GET", "/api/assets/{asset_id}/audio", "Range"),
    ("POST", "/account/keys", "Origin"),
    ("POST", "/account/keys", "Host"),
    ("POST", "/api/sessions/passkey/options", "Host"),
    ("GET", "/vault", "Accept"),
)


def doors(app: Any) -> list[Door]:
    """Every text that a route declares, names that no body has, and the headers."""
    found = [Door(method, path, "header", name) for method, path, name in HEADERS]
    for context in iter_route_contexts(app.routes):
        if not isinstance(context.original_route, APIRoute):
            continue
        for method in set(context.methods or ()) - {"HEAD"}:
            declared = set(_declared(context.dependant))
            if "json" in ROUTES[method, context.path].told(dict.fromkeys(_KNOWN, "")):
                declared.add(("body", "a new name"))
            # Every form has one; that of one page is enough.
            if context.path != "/account/keys":
                declared.discard(("body", "csrf_token"))
            found += [Door(method, context.path, place, name) for place, name in declared]
    return sorted(found, key=str)


def _declared(dependant: Dependant) -> Iterator[tuple[str, str]]:
    for place in ("path", "query", "body"):
        for parameter in getattr(dependant, f"{place}_params"):
            model = parameter.field_info.annotation
            if isinstance(model, type) and issubclass(model, BaseModel):
                fields = model.model_fields.items()
                yield from ((place, name) for name, each in fields if _is_text(each.annotation))
            elif _is_text(model):
                yield place, parameter.alias
    for inner in dependant.dependencies:
        yield from _declared(inner)


def _is_text(annotation: Any) -> bool:
    """Or holds some."""
    return not re.fullmatch(
        r"<class '(int|float|bool)'>|(int|float|bool|None| \| )+|.*datetime.*|.*(ge|gt)=.*",
        str(annotation),
    )


@pytest.fixture(scope="module")
def house(tenants: Installation, visitor: TestClient) -> Iterator[House]:
    """Somebody who may do everything, and who may lose everything."""
    somebody = tenants.person()
    somebody.furnish()
    tenants.owner.execute(
        "UPDATE credentials_logins SET operator = true WHERE account_id = %s",
        (somebody.account_id,),
    )
    key = somebody.new_key("*")[1]
    yield House(tenants, somebody, visitor, key, somebody.sign_in())
    tenants.owner.execute(
        "UPDATE credentials_logins SET operator = false WHERE account_id = %s",
        (somebody.account_id,),
    )


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams end after their first batch, and hashes cost nothing."""
    monkeypatch.setattr(events_http, "LIFE_S", 0.0)
    monkeypatch.setattr(Passwords, "hash", lambda _, password, *theirs: f"plain {password!a}")
    monkeypatch.setattr(Passwords, "fits", lambda _, password, stored: password == PASSWORD)
    monkeypatch.setattr(recovery, "ANSWERED_AFTER_S", 0.0)


def check(house: House, door: Door, text: str) -> None:
    answer = house.ask(door, text)
    if answer.status_code == 503:
        assert answer.json()["code"] in UNAVAILABLE, f"{door} {text[:50]!a}: {answer.text}"
        return
    assert answer.status_code < 500, f"{door} {text[:50]!a}: {answer.text}"


def test_no_door_breaks_at_a_text_and_no_view_stops_at_it(house: House):
    for number, door in enumerate(doors(house.world.house.app)):
        if number % 20 == 0:
            house.world.forget_limits()
        for text in WILD:
            check(house, door, text)
    house.stays_whole()


def test_any_text_at_any_door(house: House):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(doors(house.world.house.app)), TEXTS)
    def ask(door: Door, text: str) -> None:
        check(house, door, text)

    house.world.forget_limits()
    ask()
    house.stays_whole()


def test_names_that_were_made_have_nothing_that_misleads(house: House):
    """What passes is clean in the event, in the view and in the table of keys."""
    key = {"Authorization": f"Bearer {house.key}"}
    said = {"name": " \u202eCafe\u0301\tdel\nMar\u2066 ", "scopes": ["assets:read"]}
    # The texts of the tests before may have changed the password, which takes proofs back.
    house.somebody.prove("credentials_keys")
    made = house.http.post("/api/keys", json=said, headers=key)
    assert (made.status_code, made.json()["name"]) == (201, "Café del Mar")


@pytest.mark.parametrize("field", ["name", "password", "email"])
@pytest.mark.parametrize("text", ["a\x00b@example.com", "long\ud800@example.com"], ids=ascii)
def test_a_refusal_names_the_field_and_the_character(house: House, field: str, text: str):
    house.world.forget_limits()
    said = {"email": "z@example.com", "password": "long enough", "name": "Z"} | {field: text}
    answer = house.http.post("/api/accounts", content=json.dumps(said), headers=JSON)
    (problem,) = answer.json()["errors"]
    assert (answer.status_code, problem["pointer"]) == (422, f"/{field}")
    assert "U+" in problem["detail"]


CHARSETS = (
    *("charset=punycode", "charset=unicode_escape", "charset=utf-7", 'charset="utf-16"'),
    *("charset*=utf-8''punycode", "charset=utf-8; charset=punycode", "CHARSET = idna"),
)


@pytest.mark.parametrize("charset", CHARSETS)
def test_a_form_in_another_charset_is_refused_unread(house: House, charset: str):
    """A form in punycode kept the whole process busy for seconds, one in utf-7 gave surrogates."""
    content, _ = _multipart("+2AA-", "x", {})
    kind = f"multipart/form-data; boundary=edge; {charset}"
    for path in ("/sign-up", "/vault/upload"):
        answer = house.http.post(path, content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-charset")


@pytest.mark.parametrize("charset", ["", "; charset=utf-8", '; charset="UTF-8"'])
def test_a_form_in_utf_8_is_read(house: House, charset: str):
    content, _ = _multipart("said", "x", {})
    kind = f"multipart/form-data; boundary=edge{charset}"
    answer = house.http.post("/sign-up", content=content, headers={"Content-Type": kind})
    assert answer.status_code == 422
