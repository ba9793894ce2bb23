"""A small history in which everything happens that the HTTP API and the worker can make happen.

Then it stops in the middle: each saga is left at several of the places where it may stand.
"""

from __future__ import annotations

import email
import json
import re
from dataclasses import dataclass, field
from email.policy import default
from typing import Any

import pyotp

from tests.released.people import Asked, Person, eventually
from tests.released.product import CONSUMERS, DISPATCHER, PASSWORD, RELAY, TIMERS, Product

ANY = "*"
# Longer than the distance between two snapshots.
LONG = 104
# By the prefix of a saga's stream: its name, and how each that is left half way must end.
SAGAS = {
    "ing": ("ingest", "analysed"),
    "rem": ("remeasuring", "analysed"),
    "rep": ("reanalysing", "completed"),
    "erp": ("erasing", "erased"),
}
# The first second of a step of the second factor's codes.
NOW = 1_900_000_020


@dataclass
class Story:
    product: Product
    asked: list[Asked] = field(default_factory=list)
    people: dict[str, Person] = field(default_factory=dict)

    def tell(self) -> None:
        product = self.product
        everything = (CONSUMERS, DISPATCHER, TIMERS, RELAY, *product.effects())
        self._people()
        with product.working(RELAY):
            # The broker is slow to make its first topics.
            eventually(self._is_relayed, within_s=180)
        with product.working(*everything):
            self._ways_in()
            self._vault()
            self._measuring()
            self._operating()
            self._erasing()
            eventually(product.is_idle)
        with product.working(RELAY):
            self._stop_half_way()
            # The relay alone goes on: nobody has read this yet.
            self.people["bea"].upload("nobody has seen this")
            product.sign()
            eventually(self._is_relayed)
        for asked in self.asked:
            self._repeat(asked)

    def _repeat(self, asked: Asked) -> None:
        who = next((p for p in self.people.values() if p.email == asked.who), None)
        head = self.product.head()
        asked.repeated = asked.send(who.client if who else self.product.browser())
        assert asked.repeated["status"] == asked.answer["status"], asked
        assert asked.repeated["headers"]["Idempotent-Replayed"] == "true", asked
        assert self.product.head() == head, asked

    # --- people ---------------------------------------------------------------------------------

    def _people(self) -> None:
        for name in ("ada", "bea", "cleo", "dora", "eve", "fay", "gus"):
            self._sign_up(name)

    def _sign_up(self, name: str) -> Person:
        address = f"{name}@example.com"
        asked = Asked(None, "POST", "/api/accounts", f"sign-up-{name}")
        asked.json = {"email": address, "password": PASSWORD, "name": name.capitalize()}
        client = self.product.browser()
        asked.answer = asked.send(client)
        assert asked.answer["status"] == 201, asked
        told = asked.answer["body"]
        person = Person(self.product, address, client, self.asked)
        person.account_id, person.workspace_id = told["id"], told["workspace_id"]
        if name == "bea":
            # A repetition needs the password of then, and the account.
            self.asked.append(asked)
        self.people[name] = person
        return person

    def _ways_in(self) -> None:
        """All that happens around an account: codes, passkeys, sign-ins, keys, passwords."""
        gus, ada, product = self.people["gus"], self.people["ada"], self.product
        with product.mailing_codes():
            gus.ask("POST", "/api/me/address/code", 202)
        gus.ask("POST", "/api/password-resets", 202, json={"email": gus.email})
        gus.password = "another long password"
        body = {"token": self._mailed(gus.email, r"/reset-password/(\S+)")}
        gus.ask("PUT", "/api/password-resets", 204, json={**body, "password": gus.password})
        gus.sign_in()
        self._second_factor(gus)
        product.add_passkey(gus.account_id, gus.workspace_id)
        removed = product.add_passkey(gus.account_id, gus.workspace_id)
        proof = {"password": gus.password}
        gus.ask("DELETE", f"/api/me/passkeys/{removed}", 204, json=proof)
        ada.ask("DELETE", f"/api/accounts/{gus.account_id}/sessions", 204)
        refused = {"email": gus.email, "password": "a wrong password"}
        gus.ask("POST", "/api/sessions", 401, json=refused)
        eventually(lambda: "account.sign_in_refused" in self._types())
        gus.sign_in()
        for scopes in (["assets:read"], ["assets:read", "assets:write"]):
            body = {"name": f"A key for {len(scopes)}", "scopes": scopes}
            issued = gus.ask_with_key("POST", "/api/keys", 201, json=body)
        gus.ask_with_key("DELETE", f"/api/keys/{issued['id']}", 204)
        body = {"password": "a third long password", "current_password": gus.password}
        gus.ask_with_key("PUT", "/api/me/password", 204, json=body)
        gus.password = "a third long password"

    def _second_factor(self, gus: Person) -> None:
        route, proof = "/api/me/second-factor", {"password": gus.password}
        self.product.standing_clock(NOW)
        device = pyotp.TOTP(gus.ask("POST", route, 201, json=proof)["secret"])
        gus.ask("POST", f"{route}/confirm", json={"code": device.at(NOW - 30)})
        code = {"code": device.at(NOW)}
        codes = gus.ask("POST", f"{route}/recovery-codes", json={**proof, **code})["codes"]
        gus.sign_in(code=codes[0])
        gus.ask("DELETE", route, 204, json={**proof, "code": codes[1]})

    def _mailed(self, address: str, pattern: str) -> str:
        """What the newest mail to this address that has it says."""
        found: list[str] = []

        def look() -> bool:
            for file in sorted(self.product.settings.outbox_dir.glob("*.eml")):
                mail = email.message_from_bytes(file.read_bytes(), policy=default)
                if mail["To"] == address:
                    found.extend(re.findall(pattern, mail.get_content()))
            return bool(found)

        eventually(look)
        return found[-1]

    # --- the vault ------------------------------------------------------------------------------

    def _vault(self) -> None:
        bea = self.people["bea"]
        first = bea.ask_with_key(
            "POST", "/api/assets", 202, file=("A cover.flac", "first with a cover")
        )["id"]
        bea.until(first, "analysed")
        second, third, fourth, fifth = (
            bea.upload_and("analysed", f"{number} in a rare form") for number in range(4)
        )
        bea.upload_and("rejected", "a broken file")
        self._edits(bea, first, [second, third], [fourth, fifth])
        self._comments(bea, first)
        self._collections(bea, [first, second])

    def _edits(self, bea: Person, asset: str, edited: list[str], deleted: list[str]) -> None:
        for number in range(LONG):
            changes = {"comment": f"Take {number}"}
            bea.ask("PATCH", f"/api/assets/{asset}", json=changes, headers={"If-Match": ANY})
        tags = {"title": "By hand", "instruments": ["Bass"], "artists": ["One", "Two"]}
        bea.ask_with_key("PATCH", f"/api/assets/{asset}", json=tags, if_match=ANY)
        bea.ask_with_key("POST", f"/api/assets/{asset}/file", if_match=ANY)
        bulk = {
            "changes": {"genre": "House"},
            "assets": [{"id": each, "version": bea.version(each)} for each in edited],
        }
        bea.ask_with_key("POST", "/api/assets/edits", json=bulk)
        for way in ("trash", "restore"):
            bea.ask_with_key("POST", f"/api/assets/{asset}/{way}", if_match=ANY)
        one, other = deleted
        bulk = {"assets": [{"id": one, "version": bea.version(one)}]}
        bea.ask_with_key("POST", "/api/assets/deletions", 204, json=bulk)
        bulk = {"assets": [{"id": other, "version": bea.version(other)}]}
        bea.ask_with_key("POST", "/api/assets/trash", json=bulk)
        bea.ask_with_key("DELETE", f"/api/assets/{other}", 204, if_match=ANY)

    def _comments(self, bea: Person, asset: str) -> None:
        said = f"/api/assets/{asset}/comments"
        first = bea.ask_with_key("POST", said, 201, json={"at_s": 1.5, "text": "Louder"})["id"]
        passage = {"at_s": 0.5, "end_s": 1.0, "text": "Again"}
        second = bea.ask_with_key("POST", said, 201, json=passage)["id"]
        at = f"/api/comments/{first}"
        bea.ask_with_key("PATCH", at, json={"text": "Much louder"}, if_match=ANY)
        bea.ask_with_key("POST", f"{at}/resolve", if_match=ANY)
        seen = self.asked[-1].answer["headers"]["ETag"]
        bea.ask_with_key("POST", f"{at}/reopen", if_match=seen)
        bea.ask_with_key("DELETE", f"/api/comments/{second}", 204, if_match=ANY)

    def _collections(self, bea: Person, assets: list[str]) -> None:
        route = "/api/collections"
        body: dict[str, Any] = {"name": "Loud", "kind": "smart", "query": "energy_min=0.5"}
        smart = bea.ask_with_key("POST", route, 201, json=body)["id"]
        body = {"name": "By hand", "kind": "manual", "assets": assets}
        manual = bea.ask_with_key("POST", route, 201, json=body)["id"]
        for number in range(LONG):
            body = {"name": f"By hand, {number}"}
            bea.ask("PATCH", f"{route}/{manual}", json=body, headers={"If-Match": ANY})
        body = {"name": "Mine", "remove": assets[1:]}
        bea.ask_with_key("PATCH", f"{route}/{manual}", json=body, if_match=ANY)
        bea.ask_with_key("DELETE", f"{route}/{smart}", 204, if_match=ANY)

    # --- measuring, operating, erasing ----------------------------------------------------------

    def _measuring(self) -> None:
        """A recording that is given up after three attempts, and a vault that is measured again."""
        bea, cleo, tools = self.people["bea"], self.people["cleo"], self.product.tools
        stumbling = self._stumbling("it stumbles for ever")
        for _ in range(2):
            self._hurry(self._saga(stumbling))
        bea.until(stumbling, "analysis_failed")
        tools.version = 2
        for number in range(3):
            cleo.upload_and("analysed", f"{number} of cleo's")
        run = cleo.ask_with_key("POST", "/api/analysis/runs", 202, json={"filter": {}})["id"]
        path = f"/api/analysis/runs/{run}"
        eventually(lambda: cleo.client.get(path).json().get("state") == "completed")

    def _stumbling(self, text: str) -> str:
        """A recording of bea's that cannot be measured."""
        self.product.tools.failing.add(text)
        return self.people["bea"].upload(text)

    def _operating(self) -> None:
        """An operator's hand, each time in the pause after an attempt that failed."""
        bea, tools = self.people["bea"], self.product.tools
        for action, ends in (
            ("retry", "analysed"),
            ("skip", "analysis_failed"),
            ("abort", "analysis_failed"),
        ):
            asset = self._stumbling(f"{action} it")
            eventually(lambda asset=asset: self._stands(self._saga(asset)) == "Pausing")
            tools.failing.clear()
            self._operate(self._saga(asset), action)
            bea.until(asset, ends)

    def _operate(self, saga: str, action: str) -> None:
        body = {"reason": f"To {action} it"}
        path = f"/api/sagas/{saga}/{action}"
        self.people["ada"].ask_with_key("POST", path, json=body, if_match=ANY)

    def _erasing(self) -> None:
        dora, gone = self.people["dora"], self.product.browser()
        for name in ("dora", "fay"):
            self.people[name].upload_and("analysed", f"{name}'s song")
        asset = dora.ask("GET", "/api/assets")["data"][0]["id"]
        dora.ask("POST", f"/api/assets/{asset}/comments", 201, json={"at_s": 1, "text": "Mine"})
        erasure = dora.ask("DELETE", "/api/me", 202, json={"password": PASSWORD})["id"]
        eventually(lambda: gone.get(f"/api/erasures/{erasure}").json()["state"] == "erased")

    # --- half way -------------------------------------------------------------------------------

    def _stop_half_way(self) -> None:
        """In this order: what is performed by hand is what waits longest."""
        product = self.product
        with product.working(CONSUMERS, DISPATCHER):
            self._reanalysis_begun()
            self._paused("it stumbles once")
            retried = self._paused("it stumbles and is tried again")
            self._rest_between_attempts("0 in a rare form")
            self._probed("it waits for its measurement")
            self._cancelled_reanalysis()
            self._looked_at_again()
            self._erasure_begun()
            self.people["gus"].ask(
                "POST", "/api/password-resets", 202, json={"email": self.people["gus"].email}
            )
            self._still()
        with product.working(CONSUMERS):
            self._operate(self._saga(retried), "retry")
            self.people["bea"].ask("POST", "/api/analysis/runs", 202, json={"filter": {}})
            self.people["eve"].ask("DELETE", "/api/me", 202, json={"password": PASSWORD})
            eventually(lambda: len(product.rows("SELECT FROM saga_commands")) == 3)
            eventually(self._all_is_read)

    def _reanalysis_begun(self) -> None:
        """Of three recordings one is measured."""
        cleo, before = self.people["cleo"], self._types().count("analysis.completed")
        cleo.ask("POST", "/api/analysis/runs", 202, json={"filter": {}})
        eventually(lambda: self._waiting("analyse") == 3)
        self.product.perform("analyse")
        eventually(lambda: self._types().count("analysis.completed") == before + 1)

    def _probed(self, text: str) -> str:
        """Bea's new recording, whose measurement is asked for."""
        before = self._waiting("analyse")
        asset = self.people["bea"].upload(text)
        eventually(lambda: self._waiting("probe") == 1)
        self.product.perform("probe")
        eventually(lambda: self._waiting("analyse") == before + 1)
        return asset

    def _paused(self, text: str) -> str:
        asset = self._probed(text)
        self.product.tools.failing.add(text)
        self.product.perform("analyse")
        eventually(lambda: self._stands(self._saga(asset)) == "Pausing")
        return asset

    def _rest_between_attempts(self, text: str) -> None:
        """Of a recording that is measured a second time."""
        bea, before = self.people["bea"], self._waiting("analyse")
        found = bea.ask("GET", "/api/assets", params={"q": text})["data"]
        self.product.tools.failing.add(text)
        body = {"assetId": found[0]["id"], "refresh": True}
        bea.ask("POST", "/api/analysis/enhanced", 202, json=body, headers={"Prefer": "wait=0"})
        eventually(lambda: self._waiting("analyse") == before + 1)
        self.product.perform("analyse")
        eventually(lambda: "Resting" in self._standing().values())

    def _cancelled_reanalysis(self) -> None:
        bea = self.people["bea"]
        found = bea.ask("GET", "/api/assets", params={"q": "1 in a rare form"})["data"]
        body = {"filter": {"asset_ids": [found[0]["id"]]}}
        run = bea.ask_with_key("POST", "/api/analysis/runs", 202, json=body)["id"]
        self._still()
        bea.ask_with_key("DELETE", f"/api/analysis/runs/{run}")

    def _looked_at_again(self) -> None:
        """The first look gave no answer, and the second is on its way."""
        asset = self.people["bea"].upload("nobody could read it yet")
        eventually(lambda: self._stands(self._saga(asset)) == "Probing")
        self._operate(self._saga(asset), "retry")
        eventually(lambda: self._waiting("probe") == 2)

    def _erasure_begun(self) -> None:
        """The contents are gone, the key is not."""
        self.people["fay"].ask("DELETE", "/api/me", 202, json={"password": PASSWORD})
        eventually(lambda: self._waiting("erase-contents") == 1)
        self.product.perform("erase-contents")
        eventually(lambda: self._waiting("destroy-key") == 1)

    def standing(self) -> dict[str, dict[str, str | None]]:
        """Of each saga that has not ended: which it is, where it stands, and how it must end. One
        stands nowhere yet: the event that begins it is stored and was read by nobody.
        """
        uploaded = [e.stream_id for e in self.product.envelopes() if e.type == "asset.uploaded"]
        unseen = {self._saga(uploaded[-1]): None}
        return {
            stream: {"saga": SAGAS[stream[:3]][0], "stands": state, "must": SAGAS[stream[:3]][1]}
            for stream, state in (self._standing() | unseen).items()
        }

    def _standing(self) -> dict[str, str | None]:
        newest = {
            envelope.stream_id: json.loads(envelope.data)["state"]
            for envelope in self.product.envelopes()
            if envelope.type.endswith(".stepped")
        }
        return {stream: state for stream, state in newest.items() if state != "Ended"}

    def _stands(self, saga: str) -> str | None:
        return self._standing().get(saga)

    def _still(self) -> None:
        """Whoever works has done what there is to do, but for effects."""
        unsent = "SELECT FROM saga_commands"
        eventually(lambda: not self.product.rows(unsent) and self._all_is_read())

    def _all_is_read(self) -> bool:
        head = self.product.head()
        places = self.product.positions().values()
        return all(at >= head for at in places) and head == self.product.head()

    def _is_relayed(self) -> bool:
        (relayed,) = self.product.rows("SELECT position FROM relay_progress")
        return bool(relayed[0] == self.product.head())

    def _waiting(self, effect: str) -> int:
        return len(self.product.rows("SELECT FROM effects WHERE effect = %s", effect))

    def _types(self) -> list[str]:
        return [envelope.type for envelope in self.product.envelopes()]

    def _hurry(self, saga: str) -> None:
        """Its pause is over."""
        eventually(
            lambda: self.product.rows(
                "UPDATE saga_timers SET due_at = clock_timestamp() WHERE token = 'retry'"
                " AND stream_id = %s RETURNING pg_notify('noculture_work', 'timers')",
                saga,
            )
        )

    @staticmethod
    def _saga(asset_id: str) -> str:
        """The stream of the saga that looks after a new recording."""
        return f"ing_{asset_id[4:]}"
