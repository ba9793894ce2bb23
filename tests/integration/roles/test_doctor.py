"""`doctor` names a role that may do more than its part needs."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from runtime.migrate import migrate
from runtime.rights import Roles, RolesNotReady
from runtime.role_checks import role_findings
from runtime.settings import Settings, load_settings
from tests.conftest import Database


def settings_of(database: Database, data: Path, app_url: str) -> Settings:
    return load_settings(
        data,
        database_url=database.owner_url,
        app_database_url=app_url,
        worker_database_url=database.worker_url,
        relay_database_url=database.relay_url,
    )


def test_the_products_own_roles_have_no_right_too_many(database: Database, tmp_path: Path):
    assert role_findings(settings_of(database, tmp_path, database.app_url)) == []


@pytest.mark.parametrize(
    ("url", "said"), [("owner_url", "owns the log"), ("admin_url", "is a superuser")]
)
def test_an_application_that_could_change_the_log_is_named(
    database: Database, tmp_path: Path, url: str, said: str
):
    (finding,) = role_findings(settings_of(database, tmp_path, getattr(database, url)))
    assert finding.level == "problem"
    assert said in finding.value


@pytest.mark.parametrize(
    ("right", "said"),
    [
        ("GRANT INSERT ON claims TO noculture_app", "may write the log without append_events"),
        ("GRANT CREATE ON SCHEMA public TO noculture_app", "may make tables or schemas"),
    ],
)
def test_a_right_that_somebody_gave_is_named_and_taken_by_the_next_migration(
    database: Database, tmp_path: Path, right: str, said: str
):
    settings = settings_of(database, tmp_path, database.app_url)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute(right.encode())
    (finding,) = role_findings(settings)
    assert finding.value == f"noculture_app {said}"
    migrate(database.owner_url, Roles.of(settings))
    assert role_findings(settings) == []


def test_one_role_for_all_parts_may_what_each_of_them_may(database: Database, tmp_path: Path):
    """A database of one's own from before there were more roles."""
    settings = load_settings(
        tmp_path, database_url=database.owner_url, app_database_url=database.app_url
    )
    migrate(database.owner_url, Roles.of(settings))
    with psycopg.connect(settings.dsn("worker"), autocommit=True) as app:
        app.execute("SELECT make_view_schema('view_shelf_1_1')")
        app.execute("CREATE TABLE view_shelf_1_1.shelf (n int)")
        app.execute("UPDATE relay_progress SET position = 0")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("DELETE FROM claims")


def test_an_owner_who_may_not_make_roles_says_what_is_to_be_done(database: Database):
    with pytest.raises(RolesNotReady, match="CREATE ROLE somebody LOGIN"):
        migrate(database.owner_url, Roles(app="somebody"))
