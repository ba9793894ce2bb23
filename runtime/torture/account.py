"""Commands of one account on itself and its keys, and the simple upload."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

import httpx2

from commands.account.erasures import ROUTE as ERASE
from commands.contexts import command_id
from commands.vault.assets import UPLOAD
from kit.proof import PROVE_AT, ProofNeeded
from runtime.torture.client import Call, Client, Unanswered
from runtime.torture.journal import Deed, Journal
from runtime.torture.music import Recording

PASSWORD = "a long enough password"  # noqa: S105 - nobody else ever reaches this installation
SIGN_UP = "POST /api/accounts"
ISSUE, REVOKE = "POST /api/keys", "DELETE /api/keys/{id}"


class Account:
    """`mark` gives a text that no other command says; `email_key` is the installation's."""

    def __init__(
        self,
        client: Client,
        journal: Journal,
        mark: Callable[[], str],
        email_key: Callable[[str], str],
    ) -> None:
        self.account_id = ""
        self.workspace_id = ""
        self.client = client
        self._journal, self._mark, self._email_key = journal, mark, email_key
        self._keys: list[tuple[str, str]] = []

    def begin(self, kind: str, route: str, key: str, **content: object) -> Deed:
        """A command of this account, as `commands/contexts.py` names it."""
        return self._journal.begin(kind, command_id(self.account_id, route, key), **content)

    def sign_up(self, email: str) -> Deed:
        key = self._mark()
        deed = self._journal.begin("sign-up", command_id(self._email_key(email), SIGN_UP, key))
        body = {"email": email, "password": PASSWORD, "name": key}
        headers = {"Idempotency-Key": key}
        try:
            answer = self.client.ask(
                lambda http: http.post("/api/accounts", json=body, headers=headers), deed
            )
        except Unanswered:
            return self._journal.end(deed, "unknown")
        if answer.is_success:
            account = answer.json()
            self.account_id, self.workspace_id = account["id"], account["workspace_id"]
            deed.stream_id = self.account_id
        return self.client.note(deed, answer)

    def issue_key(self, scopes: list[str] | None = None) -> str | None:
        """The secret, None when the answer that showed it was lost."""
        name = self._mark()
        deed = self.begin("issue-key", ISSUE, name, name=name)
        body = {"name": name, "scopes": scopes or ["assets:read"]}
        headers = {"Idempotency-Key": name, "Origin": self.client.web}
        try:
            answer = self._ask_proven(
                lambda http: http.post("/api/keys", json=body, headers=headers), deed
            )
        except Unanswered:
            self._journal.end(deed, "unknown")
            return None
        secret: str | None = None
        if answer.is_success:
            deed.stream_id, secret = answer.json()["id"], answer.json()["key"]
            if scopes is None and secret:
                self._keys.append((answer.json()["id"], secret))
        self.client.note(deed, answer)
        return secret

    def _ask_proven(self, call: Call, deed: Deed) -> httpx2.Response:
        """Asks, and again with a fresh proof if one is needed. Raises Unanswered."""
        answer = self.client.ask(call, deed)
        if answer.status_code == 403 and answer.json()["code"] == ProofNeeded.code:
            proof = {"password": PASSWORD}
            self.client.ask(lambda http: http.post(PROVE_AT, json=proof))
            answer = self.client.ask(call, deed)
        return answer

    def revoke_key(self, random: Random) -> None:
        """Revokes a key and tries it at once: it must not open anything after the answer."""
        if not self._keys:
            return
        key_id, secret = self._keys.pop(random.randrange(len(self._keys)))
        key = self._mark()
        deed = self.begin("revoke-key", REVOKE, key, key_id=key_id)
        headers = {"Idempotency-Key": key}
        self.client.command(deed, lambda http: http.delete(f"/api/keys/{key_id}", headers=headers))
        if deed.outcome != "acked":
            return
        revoked = {"Authorization": f"Bearer {secret}"}
        tried = self.client.ask(
            lambda http: http.get("/api/assets", params={"limit": 1}, headers=revoked)
        )
        if tried.status_code != 401:
            self._journal.surprise(f"revoked {key_id} still answers {tried.status_code}")

    def erase(self) -> None:
        """The account is gone with the answer: when that is lost, a second try is a stranger's."""
        key = self._mark()
        deed = self.begin("erase", ERASE, key)
        body = {"password": PASSWORD}
        headers = {"Idempotency-Key": key, "Origin": self.client.web}
        try:
            answer = self.client.ask(
                lambda http: http.request("DELETE", "/api/me", json=body, headers=headers), deed
            )
        except Unanswered:
            self._journal.end(deed, "unknown")
            return
        if answer.status_code == 401 and deed.tries > 1:
            self._journal.end(deed, "unknown")
            return
        if answer.is_success:
            deed.stream_id = answer.json()["id"]
        self.client.note(deed, answer)

    def upload(self, made: Recording) -> Deed:
        key = made.filename
        sha256 = hashlib.sha256(made.data).hexdigest()
        deed = self.begin("upload", UPLOAD, key, sha256=sha256, filename=made.filename)
        files = {"file": (made.filename, made.data)}
        headers = {"Idempotency-Key": key, "Origin": self.client.web}
        try:
            answer = self.client.ask(
                lambda http: http.post("/api/assets", files=files, headers=headers), deed
            )
        except Unanswered:
            return self._journal.end(deed, "unknown")
        if answer.is_success:
            deed.stream_id = answer.json()["id"]
            deed.content["duplicate"] = answer.json()["duplicate"]
        return self.client.note(deed, answer)
