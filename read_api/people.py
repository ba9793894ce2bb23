"""Names of people in things that are not theirs: rows hold ids, and this is where names join."""

from __future__ import annotations

from collections.abc import Iterable

from read_api.views import Views
from schemas.dto import PersonDto


class People:
    def __init__(self, views: Views) -> None:
        self._views = views

    def named(self, account_ids: Iterable[str]) -> dict[str, PersonDto]:
        """Each of these accounts; without a name who was erased."""
        asked = sorted(set(account_ids))
        rows = self._views.rows(
            "SELECT account_id, name FROM views.accounts WHERE account_id = ANY(%(ids)s)",
            {"ids": asked},
        )
        names = {row["account_id"]: row["name"] for row in rows}
        return {each: PersonDto(account_id=each, name=names.get(each)) for each in asked}

    def owners(self, workspaces: Iterable[str]) -> dict[str, PersonDto]:
        """The owners of these workspaces, by workspace; those of erased people are left out."""
        rows = self._views.rows(
            "SELECT workspace_id, account_id, name FROM views.accounts"
            " WHERE workspace_id = ANY(%(ids)s)",
            {"ids": sorted(set(workspaces))},
        )
        return {
            row["workspace_id"]: PersonDto(account_id=row["account_id"], name=row["name"])
            for row in rows
        }
