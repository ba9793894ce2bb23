"""Two tenants, an operator and everybody's secrets in one installation, over the composed app."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from starlette.testclient import TestClient

from aggregates.account import account
from aggregates.vault import analysis, asset
from commands.unit import CommandContext
from events.ids import (
    AccountId,
    AnalysisId,
    AssetId,
    CommandId,
    CorrelationId,
    IngestId,
    PasskeyId,
)
from events.vault.audio import AudioFacts, Blob, Measurement, Tags
from gateways.audio.peaks import PeaksBuilder
from runtime.areas import VIEWS
from schemas.audio.report import REPORT_MEDIA_TYPE
from tests.conftest import Database
from tests.fixtures.reports import report
from tests.integration.account.erasure.house import PASSWORD, House, eventually, open_house
from tests.integration.http.routes import DOUBLE, Route
from web.form_token import masked

SESSION = "noculture_session"
AUDIO = AudioFacts(duration_s=2, sample_rate_hz=44100, channels=2, codec="flac", bitrate_bps=None)
MEASURED = Measurement(
    tempo_bpm=120,
    tempo_candidates=(),
    key="A minor",
    key_confidence=None,
    loudness_lufs=None,
    true_peak_dbtp=None,
    energy=None,
    analyser="test",
    analyser_version=1,
)
# All that a request of somebody who may nothing must leave as it is. The log only grows, and its
# last hash says all that is before it: reading it whole after each route cost more with each.
_ROWS = (
    "SELECT position, hash FROM events ORDER BY position DESC LIMIT 1",
    "SELECT count(*) FROM commands",
    "SELECT scope, kind, key, stream_id FROM claims",
    "SELECT account_id, workspace_id, email_key, password_hash, operator FROM credentials_logins",
    "SELECT session_id, account_id FROM credentials_sessions",
    "SELECT key_id, account_id, name, scopes, revoked_at FROM credentials_keys",
    "SELECT token_hash FROM credentials_links",
    "SELECT * FROM credentials_second_factors",
    "SELECT * FROM credentials_recovery_codes",
    "SELECT * FROM credentials_passkeys",
    "SELECT * FROM credentials_resets",
    "SELECT * FROM uploads",
)
# What of it belongs to some tenants.
_ROWS_OF = (
    "SELECT tenant, count(*), max(position) FROM events"
    " WHERE tenant = ANY(%(workspaces)s) GROUP BY tenant",
    "SELECT scope, kind, key, stream_id FROM claims WHERE scope = ANY(%(workspaces)s)",
    "SELECT * FROM credentials_logins WHERE account_id = ANY(%(accounts)s)",
    "SELECT session_id FROM credentials_sessions WHERE account_id = ANY(%(accounts)s)",
    "SELECT key_id, scopes, revoked_at FROM credentials_keys WHERE account_id = ANY(%(accounts)s)",
    "SELECT * FROM credentials_second_factors WHERE account_id = ANY(%(accounts)s)",
    "SELECT * FROM credentials_passkeys WHERE account_id = ANY(%(accounts)s)",
    "SELECT * FROM credentials_resets WHERE account_id = ANY(%(accounts)s)",
    "SELECT * FROM uploads WHERE account_id = ANY(%(accounts)s)",
)
# And every view whose rows say whose they are.
_VIEWS_OF_WORKSPACES = (
    "SELECT format('SELECT * FROM views.%I WHERE workspace_id = ANY(%%(workspaces)s)', table_name)"
    " FROM information_schema.columns"
    " WHERE table_schema = 'views' AND column_name = 'workspace_id' ORDER BY 1"
)
_numbers = itertools.count(1)


@dataclass
class Tenant:
    """A signed-in person with a workspace, and the ids of what they have there."""

    house: House
    client: TestClient
    email: str
    name: str
    asset: str = ""
    key: str = ""
    upload: str = ""
    saga: str = ""
    session: str = ""
    passkey: str = ""
    comment: str = ""
    collection: str = ""
    reanalysis: str = ""
    # Of kinds that one area knows, by what makes them.
    things: dict[Callable[[Tenant], str], str] = field(default_factory=dict)

    @property
    def account_id(self) -> str:
        return str(self.client.account["id"])

    @property
    def account(self) -> str:
        return self.account_id

    @property
    def workspace_id(self) -> str:
        return str(self.client.account["workspace_id"])

    @property
    def marks(self) -> set[str]:
        """What nobody else may ever be shown."""
        own = {self.account_id, self.workspace_id, self.email, self.name}
        return (
            own
            | {self.asset, self.key, self.upload, self.saga, self.comment, self.collection}
            | {self.session, self.passkey, self.reanalysis}
            # A double is the installation's, under the same name for all.
            | ({*self.things.values()} - {DOUBLE})
        )

    def furnish(self) -> None:
        """One of each."""
        self.asset = self.new_asset()
        self.key, self.upload = self.new_key("assets:read")[0], self.new_upload()
        self.saga = str(IngestId.beside(self.asset))
        self.session, self.passkey = self.new_session(), self.new_passkey()
        self.comment = self.new_comment()
        self.collection = self.new_collection()
        self.reanalysis = self.new_reanalysis()

    def sign_in_again(self) -> None:
        """After something ended all sessions."""
        body = {"email": self.email, "password": PASSWORD}
        assert self.client.post("/api/sessions", json=body).status_code == 201

    def sign_in(self) -> tuple[str, str]:
        """(the token of a further session, what its pages carry in their forms)"""
        client = self.house.browser()
        body = {"email": self.email, "password": PASSWORD}
        answer = client.post("/api/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return str(client.cookies[SESSION]), masked(answer.json()["csrf_token"])

    def made(self, make: Callable[[Tenant], str]) -> str:
        """One thing that `make` makes, the same whenever it is asked for."""
        if make not in self.things:
            self.things[make] = make(self)
        return self.things[make]

    def new_file(self) -> AssetId:
        """Bytes that nobody else has, as an asset that waits to be probed."""
        files = {"file": (f"{self.name}.flac", f"{self.name} {next(_numbers)}".encode())}
        answer = self.client.post("/api/assets", files=files)
        assert answer.status_code == 202, answer.text
        return AssetId(answer.json()["id"])

    def new_asset(self) -> AssetId:
        """Verified and measured, with a cover and a waveform."""
        asset_id = self.new_file()
        cover = self._blob(b"\x89PNG picture", "image/png")
        tags = Tags(title=f"Title of {self.name}")
        self._change(asset, asset_id, asset.verify, tags=tags, audio=AUDIO, cover=cover)
        measured, load = AnalysisId.beside(asset_id), self.house.core.commands.load
        eventually(lambda: load(analysis, measured, fresh=True).version > 0)
        peaks = PeaksBuilder(44100, 2)
        peaks.feed(np.sin(np.arange(88200, dtype=np.float32) / 20).repeat(2).reshape(-1, 2))
        self._change(
            analysis,
            measured,
            analysis.complete,
            measurement=MEASURED,
            peaks=self._blob(peaks.finish(), "x/peaks"),
            report=self._blob(report().model_dump_json().encode(), REPORT_MEDIA_TYPE),
        )
        return asset_id

    def new_key(self, *scopes: str) -> tuple[str, str]:
        """(id, secret), as freshly proven as the session that makes it."""
        self.prove("credentials_sessions")
        body = {"name": f"key {next(_numbers)} of {self.name}", "scopes": list(scopes)}
        answer = self.client.post("/api/keys", json=body)
        assert answer.status_code == 201, answer.text
        self.prove("credentials_keys")
        return answer.json()["id"], answer.json()["key"]

    def prove(self, table: str) -> None:
        """However long the tests before took."""
        with self.house.core.pool.connection() as connection:
            connection.execute(
                f"UPDATE {table} SET proven_at = now(), fully_proven_at = now()"
                " WHERE account_id = %s",
                (self.account_id,),
            )

    def new_session(self) -> str:
        """The id of one more signed-in browser."""
        token, _ = self.sign_in()
        found = self.house.rows(
            "SELECT session_id FROM credentials_sessions WHERE token_hash = sha256(%s)",
            token.encode(),
        )
        return str(found[0][0])

    def new_account(self) -> str:
        """Somebody else's."""
        somebody = self.house.signed_up(f"somebody{next(_numbers)}@example.net")
        return str(somebody.account["id"])

    def new_passkey(self) -> str:
        """One that no device has: enough to be listed and removed."""
        passkey_id, account_id = PasskeyId.new(), AccountId(self.account_id)
        unit = self.house.core.commands.unit(self.context(), input=None)
        unit.change(account, account_id, account.add_passkey, passkey_id=passkey_id)
        unit.alongside(
            "INSERT INTO credentials_passkeys"
            " (passkey_id, account_id, credential_id, public_key, sign_count, name)"
            " VALUES (%s, %s, %s, 'key', 0, %s)",
            (passkey_id, account_id, passkey_id.encode(), f"Passkey of {self.name}"),
        )
        unit.commit()
        return str(passkey_id)

    def new_upload(self) -> str:
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
        answer = self.client.post("/api/uploads", headers=headers)
        assert answer.status_code == 201, answer.text
        return str(answer.headers["Location"].rpartition("/")[2])

    def new_collection(self) -> str:
        body = {"name": f"Of {self.name}", "kind": "manual", "assets": [self.asset]}
        answer = self.client.post("/api/collections", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def new_reanalysis(self) -> str:
        """Of no recording, so that it is over at once."""
        body = {"filter": {"asset_ids": []}}
        answer = self.client.post("/api/analysis/runs", json=body)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def new_comment(self) -> str:
        body = {"at_s": 1.0, "text": f"Said by {self.name}"}
        answer = self.client.post(f"/api/assets/{self.asset}/comments", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def context(self) -> CommandContext:
        return CommandContext(
            self.account_id, self.workspace_id, CommandId.new(), CorrelationId.new()
        )

    def _change(self, module: Any, stream_id: str, decide: Callable[..., Any], **said: Any) -> None:
        unit = self.house.core.commands.unit(self.context(), input=None)
        unit.change(module, stream_id, decide, **said)
        unit.commit()

    def _blob(self, content: bytes, media_type: str) -> Blob:
        sha256 = hashlib.sha256(content).hexdigest()
        self.house.core.objects.put_bytes(self.workspace_id, sha256, content)
        return Blob(sha256=sha256, size_bytes=len(content), media_type=media_type)


@dataclass
class Installation:
    """`operator` signed up first; `erasure` is a finished one of somebody who is gone. `owner` may
    read what the product keeps from itself.
    """

    house: House
    owner: psycopg.Connection[tuple[Any, ...]]
    operator: Tenant
    one: Tenant
    other: Tenant
    erasure: str

    def person(self) -> Tenant:
        return person(self.house, "somebody")

    def settle(self) -> None:
        """Until every view, saga and effect has all that happened."""
        core = self.house.core

        def still() -> bool:
            head = core.log.events.head()
            reached = all(each.position >= head for each in core.progress.all())
            waiting = self.house.rows(
                "SELECT (SELECT count(*) FROM saga_commands) + (SELECT count(*) FROM effects"
                " WHERE effect NOT IN ('probe', 'analyse', 'mail-password-reset'))"
            )
            return reached and not waiting[0][0] and head == core.log.events.head()

        eventually(still)

    def rows(self) -> dict[str, list[tuple[Any, ...]]]:
        """All that writing could have changed, by the question that finds it."""
        found = {query: sorted(self.owner.execute(query).fetchall(), key=str) for query in _ROWS}
        root = self.house.settings.data / "blobs"
        files = [(str(p.relative_to(root)), p.stat().st_size) for p in root.rglob("*")]
        return found | {"blobs": sorted(file for file in files)}

    def rows_of(self, *tenants: Tenant) -> list[tuple[Any, ...]]:
        """The same, of these tenants."""
        whose = {
            "workspaces": [tenant.workspace_id for tenant in tenants],
            "accounts": [tenant.account_id for tenant in tenants],
        }
        return sorted(self.owner.execute(self.question_of_tenants, whose).fetchall())

    @cached_property
    def question_of_tenants(self) -> str:
        """All tables at once: one by one they are fifty questions, a third of the matrix's time."""
        views = [question for (question,) in self.owner.execute(_VIEWS_OF_WORKSPACES).fetchall()]
        return " UNION ALL ".join(
            f"SELECT {number}, to_jsonb(found)::text FROM ({question}) found"
            for number, question in enumerate((*_ROWS_OF, *views))
        )

    def named(self, tenant: Tenant, route: Route) -> str:
        """The id of what the route's path names, as this tenant has it."""
        if route.make is not None:
            return tenant.made(route.make)
        if route.kind == "erasure":
            return self.erasure
        return str(getattr(tenant, "asset" if route.kind == "file" else route.kind or "asset"))

    def absent(self, route: Route) -> str:
        """An id of the same kind that nobody has."""
        return f"{self.named(self.one, route)[:4]}{'0' * 32}"

    def forget_limits(self) -> None:
        self.owner.execute("DELETE FROM rate_limits")
        self.owner.execute("DELETE FROM failed_attempts")


@contextmanager
def open_tenants(database: Database, data: Path) -> Iterator[Installation]:
    with (
        psycopg.connect(database.owner_url, autocommit=True) as owner,
        open_house(database, data) as house,
        house.worker(),
    ):
        eventually(lambda: {v.name for v in VIEWS} <= {c.name for c in house.core.progress.all()})
        operator, one, other, gone = (
            person(house, name) for name in ("operator", "one", "other", "gone")
        )
        erasure = house.erase(gone.client)
        for tenant in (operator, one, other):
            tenant.furnish()
        house.erased(erasure)
        installation = Installation(house, owner, operator, one, other, erasure)
        installation.settle()
        yield installation
        house.app.state.close()


def person(house: House, kind: str) -> Tenant:
    # No part of an id or of any page: a mark must not be found by chance.
    name = f"{kind.capitalize()}-Canary-{next(_numbers)}"
    email = f"{name.lower()}@example.com"
    return Tenant(house, house.signed_up(email, name), email, name)
