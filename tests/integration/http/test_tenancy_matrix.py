"""All routes × all who may ask × what is theirs, another's, or nobody's (docs/architecture.md)."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts
from starlette.testclient import TestClient

from read_api.system import events_http
from runtime.areas import SCOPES
from tests.integration.http.every_route import ROUTES
from tests.integration.http.routes import Route
from tests.integration.http.tenants import SESSION, Installation, Tenant
from web.static_files import FOLDER

_numbers = itertools.count(1)
STATIC_FILE = next(name.name for name in FOLDER.iterdir() if name.is_file())
FEW = ("nobody", "revoked key", "expired session", "owner", "operator")


@dataclass(frozen=True)
class Role:
    """Somebody who asks. `scopes` is None for who is not, or no longer, anybody."""

    name: str
    tenant: Tenant | None = None
    scopes: frozenset[str] | None = None
    session: tuple[str, str] | None = None
    key: str | None = None
    operator: bool = False

    @property
    def headers(self) -> dict[str, str]:
        if self.key is not None:
            return {"Authorization": f"Bearer {self.key}"}
        return {"Cookie": f"{SESSION}={self.session[0]}"} if self.session else {}

    def may(self, scope: str) -> bool:
        assert self.scopes is not None
        held = "*" in self.scopes or scope in self.scopes
        return held and (scope != "operator" or self.operator)

    def refused(self, route: Route) -> int | None:
        """The status of a refusal, whatever the request is about; None if it may go on."""
        if route.greets and self.name == "revoked key":
            return 401
        if route.open:
            return None
        if self.scopes is None or (route.page and self.key is not None):
            return 401
        return None if all(self.may(scope) for scope in route.scopes or ()) else 403

    @property
    def can_be_spared(self) -> bool:
        """An operator's key ends nothing of its own; only operators have one."""
        return self.key is None or not self.operator

    def anew(self, person: Tenant) -> Role:
        """The same right, of somebody who can be spared."""
        if self.key is not None:
            assert self.scopes is not None
            return replace(self, tenant=person, key=person.new_key(*self.scopes)[1])
        return replace(self, tenant=person, session=person.sign_in(), operator=False)


@pytest.fixture(scope="module")
def roles(tenants: Installation) -> list[Role]:
    # Hostile texts, in another file of this installation, begin second factors for everybody.
    tenants.owner.execute("DELETE FROM credentials_second_factors WHERE enabled_at IS NULL")
    revoked_id, revoked = tenants.one.new_key("*")
    assert tenants.one.client.delete(f"/api/keys/{revoked_id}").status_code == 204
    expired = tenants.one.sign_in()
    tenants.owner.execute(
        "UPDATE credentials_sessions SET expires_at = now() - interval '1 second'"
        " WHERE token_hash = sha256(%s)",
        (expired[0].encode(),),
    )
    everything = frozenset({"*"})
    people = [
        Role("nobody"),
        Role("revoked key", key=revoked),
        Role("expired session", session=expired),
        Role("owner", tenants.one, everything, tenants.one.sign_in()),
        Role("another owner", tenants.other, everything, tenants.other.sign_in()),
        Role("operator", tenants.operator, everything, tenants.operator.sign_in(), operator=True),
    ]
    programs = [
        Role(
            f"key {scope}",
            tenant := tenants.operator if scope == "operator" else tenants.one,
            frozenset({scope}),
            key=tenant.new_key(scope)[1],
            operator=scope == "operator",
        )
        for scope in SCOPES
    ]
    return people + programs


@dataclass
class Asking:
    """Sends the requests of the matrix."""

    world: Installation
    http: TestClient
    method: str
    path: str
    route: Route

    def ask(self, role: Role, object_id: str = "", version: str = "0") -> Any:
        csrf = role.session[1] if role.session else "x"
        email = f"new{next(_numbers)}@example.com"
        said = self.route.told({"email": email, "csrf": csrf, "version": version})
        headers = {"Accept": "application/json", **self.route.headers, **role.headers}
        self.http.cookies.clear()
        url = self._path(object_id) + self.route.query
        return self.http.request(self.method, url, headers=headers, **said)

    def allowed(self, role: Role) -> Any:
        """On something of one's own; what a request uses up is made for it."""
        route = self.route
        if route.fresh == "person" and role.scopes is not None and role.can_be_spared:
            role = role.anew(self.world.person())
        return self.ask(role, *self._own(role)), role

    def furnish(self) -> None:
        """Everybody has what the path names, before anything is counted."""
        for tenant in (self.world.operator, self.world.one, self.world.other):
            if self.route.make is not None:
                tenant.made(self.route.make)

    def absent(self) -> str:
        return self.world.absent(self.route)

    def others(self, role: Role) -> str:
        """What somebody else has of this kind."""
        return self.of(self.world.other if role.tenant is not self.world.other else self.world.one)

    def of(self, tenant: Tenant) -> str:
        return self.world.named(tenant, self.route)

    def _own(self, role: Role) -> tuple[str, str]:
        """(id, version)"""
        tenant, kind = role.tenant or self.world.one, self.route.kind
        if kind == "saga" and self.route.fresh:
            made = "ing" + tenant.new_file()[3:]
            self.world.settle()
            return made, "1"
        if self.route.fresh != "object" or not self.route.names:
            return self.of(tenant), self._version(tenant) if kind == "asset" else "1"
        object_id = self._new(tenant)
        if self.route.page:
            # Pages look at views, which follow.
            self.world.settle()
        return object_id, "1"

    def _new(self, tenant: Tenant) -> str:
        if self.route.make is not None:
            return self.route.make(tenant)
        made = getattr(tenant, f"new_{self.route.kind}")
        return made("assets:read")[0] if self.route.kind == "key" else str(made())

    def _version(self, tenant: Tenant) -> str:
        answer = tenant.client.get(f"/api/assets/{tenant.asset}")
        return str(answer.json()["version"])

    def _path(self, object_id: str) -> str:
        path = self.path.replace("{action}", "retry").replace("{token}", "x" * 43)
        path = path.replace("{version}", "0").replace("{name:path}", STATIC_FILE)
        return re.sub(r"\{\w+\}", object_id or self.absent(), path)


def served(world: Installation) -> list[tuple[str, str]]:
    """Every method and path that the application answers."""
    found = [
        (method, context.path)
        for context in iter_route_contexts(world.house.app.routes)
        for method in context.methods or ()
    ]
    assert len(found) == len(set(found))
    return sorted(found)


def test_every_route_is_in_the_matrix_and_nothing_else_is(tenants: Installation) -> None:
    assert served(tenants) == sorted(ROUTES)


@pytest.mark.parametrize(("method", "path"), sorted(ROUTES), ids=lambda part: str(part))
def test_a_route_answers_exactly_those_who_may(
    tenants: Installation,
    visitor: TestClient,
    roles: list[Role],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
) -> None:
    # A stream ends after its first batch, which is all that its reader may see.
    monkeypatch.setattr(events_http, "LIFE_S", 0.0)
    asking = Asking(tenants, visitor, method, path, ROUTES[method, path])
    tenants.forget_limits()
    asking.furnish()
    tenants.settle()
    before = tenants.rows()
    if asking.route.open:
        # Nobody is told apart there: a few that might be are enough.
        roles = [role for role in roles if role.name in FEW]
    for role in roles:
        _refuses(asking, role)
    assert tenants.rows() == before, "a refused request has changed something"
    everybody = (tenants.operator, tenants.one, tenants.other)
    for role in roles:
        if role.refused(asking.route) is not None:
            continue
        others = [tenant for tenant in everybody if tenant is not role.tenant]
        if method != "GET":
            # What follows from the role before may still go on.
            tenants.settle()
        theirs = tenants.rows_of(*others)
        answer, asked_as = asking.allowed(role)
        assert answer.status_code == _answer(asking.route, role), f"{role.name}: {answer.text}"
        assert tenants.rows_of(*others) == theirs, f"{role.name} changed more"
        _tells_nothing_of(others, answer, asked_as, asking.route)


def _refuses(asking: Asking, role: Role) -> None:
    """Who may not at all gets one answer; who may gets it not for what others have, nor for what
    nobody has, and cannot tell these two apart.
    """
    route, refused = asking.route, role.refused(asking.route)
    if refused is not None:
        answers = [asking.ask(role, asking.others(role)), asking.ask(role, asking.absent())]
        if role.tenant is not None:
            answers.append(asking.ask(role, asking.of(role.tenant)))
        assert {a.status_code for a in answers} == {refused}, role.name
        assert len({_told(answer) for answer in answers}) == 1, role.name
        return
    if not route.names or (route.open and role.name != "nobody"):
        return
    absent = asking.ask(role, asking.absent())
    assert absent.status_code == 404, f"{role.name}: {absent.text}"
    if route.kind != "erasure" and "operator" not in (route.scopes or ()):
        others = asking.ask(role, asking.others(role))
        assert others.status_code == 404, f"{role.name}: {others.text}"
        assert _told(others) == _told(absent), role.name


def _answer(route: Route, role: Role) -> int:
    if not route.greets or role.scopes is None:
        return route.answer
    return route.greeted if role.session else 303


def _told(answer: Any) -> str:
    """An answer without what differs between any two: ids."""
    return re.sub(r"\b[a-z]{3}_[0-9a-f]{32}", "ID", answer.text)


def _tells_nothing_of(others: list[Tenant], answer: Any, role: Role, route: Route) -> None:
    shown = answer.text + str(answer.headers)
    for tenant in others:
        marks = tenant.marks
        if "operator" in (route.scopes or ()):
            # Whoever operates sees which sagas there are, and still not whose tracks they are.
            marks = {tenant.name, tenant.key} | (set() if route.addresses else {tenant.email})
        found = {mark for mark in marks if mark and mark in shown}
        assert not found, f"{role.name} was shown {found}"
