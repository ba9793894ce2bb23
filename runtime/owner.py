"""The DSN of the database's owner, for the few who need it: migrations, `log recover`, and people
who ask for it. It is in no process of the product that serves or works.
"""

from __future__ import annotations

from runtime.settings import Settings


def owner_database_url(settings: Settings) -> str | None:
    """None when there is neither a database of one's own nor an embedded one that runs."""
    if settings.database_url:
        return settings.database_url
    if settings.has_own_database or not settings.app_database_url:
        return None
    from runtime.engines.postgres import EmbeddedPostgres

    engine = EmbeddedPostgres(settings.data / "postgres", secrets=settings.secrets)
    return engine.known_port().owner_url
