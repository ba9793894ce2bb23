"""The kit's Authenticator over our sessions and keys: who they are and how much they asked for
lately, of many requests in one statement.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row
from psycopg_pool import ConnectionPool

from commands.account.sessions import SESSION_S, Sessions
from kit.auth import Admission, Secret
from kit.caller import Caller, Proof
from kit.limits import clean_now_and_then
from kit.policies import Policy
from kit.proof import PROOF_LIFE_S

# A session in use lives on; writing that down once an hour is enough.
RENEW_AFTER_S = 3600
# "Last used" is for people who clean up: ten minutes are exact enough and spare a write a request.
USED_EVERY_S = 600

# Counting is kit/limits.py's, with as many requests at once as one account has in `asked`: all of
# them fit, or none is counted. Counters are locked in order, for other processes do the same.
# excluded.full_at - now() is what these requests cost: now() stands still in a statement.
_ADMIT = """
WITH asked AS (
    SELECT * FROM unnest(%(hashes)s::bytea[], %(are_keys)s::bool[])
        WITH ORDINALITY AS asked (hash, is_key, number)
), found AS MATERIALIZED (
    SELECT asked.number, k.key_id, k.scopes, NULL AS session_id, l.account_id, l.workspace_id,
        l.operator, k.second_factor,
        coalesce(k.last_used_at < now() - make_interval(secs => %(used_every_s)s), true) AS aged,
        k.proven_at, k.fully_proven_at,
        substring(sha256(convert_to(%(prefix)s || l.account_id, 'UTF8')) FOR 16) AS counter
    FROM asked
    JOIN credentials_keys k ON is_key AND k.key_hash = asked.hash AND k.revoked_at IS NULL
    JOIN credentials_logins l USING (account_id)
    UNION ALL
    SELECT asked.number, NULL, NULL, s.session_id, l.account_id, l.workspace_id, l.operator,
        l.operator AND (s.signed_in_by = 'passkey' OR s.signed_in_by = 'second-factor' AND EXISTS (
            SELECT FROM credentials_second_factors f
            WHERE f.account_id = l.account_id AND f.enabled_at IS NOT NULL)),
        s.expires_at < now() + make_interval(secs => %(renew_below_s)s),
        s.proven_at, s.fully_proven_at,
        substring(sha256(convert_to(%(prefix)s || l.account_id, 'UTF8')) FOR 16)
    FROM asked
    JOIN credentials_sessions s
        ON NOT is_key AND s.token_hash = asked.hash AND s.expires_at > now()
            AND s.created_at > now() - %(session_life)s
    JOIN credentials_logins l USING (account_id)
), counted AS (
    INSERT INTO rate_limits AS r (key, full_at)
    SELECT counter, now() + count(*) * %(cost)s FROM found GROUP BY counter
    HAVING count(*) * %(cost)s <= %(window)s ORDER BY counter
    ON CONFLICT (key) DO UPDATE
    SET full_at = greatest(r.full_at, clock_timestamp()) + (excluded.full_at - now())
    WHERE greatest(r.full_at, clock_timestamp()) + (excluded.full_at - now())
        <= clock_timestamp() + %(window)s
    RETURNING key, extract(epoch FROM full_at - clock_timestamp())::float8 AS ahead_s
)
SELECT found.*, counted.ahead_s,
    CASE WHEN found.fully_proven_at > now() - make_interval(secs => %(proof_life_s)s) THEN 2
        WHEN found.proven_at > now() - make_interval(secs => %(proof_life_s)s) THEN 1
        ELSE 0 END AS proof
FROM found LEFT JOIN counted ON counted.key = found.counter
"""


class Credentials:
    """Nothing is remembered between statements: what was revoked or ended is refused at once.

    `two_factors`: operators operate with two factors only.
    """

    def __init__(self, sessions: Sessions, pool: ConnectionPool, *, two_factors: bool) -> None:
        self._sessions, self._pool, self._two_factors = sessions, pool, two_factors

    def admit(self, secrets: Sequence[Secret], policy: Policy) -> list[Admission | None]:
        values = {
            "hashes": [secret.hash for secret in secrets],
            "are_keys": [secret.is_key for secret in secrets],
            "prefix": policy.prefix,
            "cost": policy.cost,
            "window": policy.window,
            "used_every_s": USED_EVERY_S,
            "renew_below_s": SESSION_S - RENEW_AFTER_S,
            "session_life": self._sessions.life,
            "proof_life_s": PROOF_LIFE_S,
        }
        admissions: list[Admission | None] = [None] * len(secrets)
        with self._pool.connection() as connection:
            clean_now_and_then(connection)
            cursor = connection.cursor(row_factory=namedtuple_row)
            rows: Sequence[Any] = cursor.execute(_ADMIT, values).fetchall()
            for row in rows:
                admissions[row.number - 1] = Admission(self._caller(row), row.ahead_s)
                if row.aged:
                    _note_use(connection, row)
        return admissions

    def _caller(self, row: Any) -> Caller:
        factors = {
            "second_factor": row.second_factor,
            "factor_missing": self._two_factors and row.operator and not row.second_factor,
        }
        if row.session_id is not None:
            caller = self._sessions.caller(
                row.session_id, row.account_id, row.workspace_id, row.operator, **factors
            )
        else:
            caller = Caller(
                row.account_id,
                row.workspace_id,
                frozenset(row.scopes),
                row.operator,
                key_id=row.key_id,
                **factors,
            )
        return replace(caller, proof=Proof(row.proof))


def _note_use(connection: psycopg.Connection[Any], row: Any) -> None:
    if row.session_id is None:
        connection.execute(
            "UPDATE credentials_keys SET last_used_at = now() WHERE key_id = %s", (row.key_id,)
        )
    else:
        connection.execute(
            "UPDATE credentials_sessions SET expires_at = now() + make_interval(secs => %s)"
            " WHERE session_id = %s",
            (SESSION_S, row.session_id),
        )
