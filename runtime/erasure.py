"""Erasure put together: its effects, what memory forgets, and the register replayed at start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import psycopg

from commands.account.addresses import address_of
from commands.account.leftovers import Leftovers
from commands.leaving import Contents
from events.ids import PartyId, PersonId, SubjectId
from events.store.master_key_ids import require_master_key
from processors.account.acknowledgements import Acknowledgements
from processors.account.erasure import (
    CertifyEffect,
    DestroyKeyEffect,
    EraseContentsEffect,
    Remains,
    RemainsOfAccount,
    RemainsOfParty,
)
from processors.consumers.consumer import Consumer
from processors.consumers.letting_go import LettingGo
from processors.effects.effect import Effect
from runtime.composition import Core
from runtime.erasure_register import ErasureRegister, register_of
from runtime.log_signing import LogSigning
from runtime.mailing import forget_mails
from runtime.settings import Settings

log = logging.getLogger(__name__)


def effects_of(
    core: Core, contents: Contents, consumers: Callable[[], Sequence[Consumer]]
) -> tuple[Effect, ...]:
    """The three parts of an erasure."""
    reading = consumers()
    moving_money = [each.name for each in reading if each.kind == "processor" and each.money]
    acknowledgements = Acknowledgements(core.pool, core.progress, contents.arriving, moving_money)
    forget_mails = _forget_mails(core)
    account = RemainsOfAccount(
        contents,
        core.log,
        forget_mails,
        acknowledgements,
        LettingGo(core.pool, core.codec, reading).let_go,
    )
    party = RemainsOfParty(
        Leftovers(core.pool).delete_rows_of_party, core.log, forget_mails, acknowledgements
    )

    def remains_of(subject: PersonId) -> Remains:
        return party if isinstance(subject, PartyId) else account

    signing = LogSigning(core.settings.secrets)
    return (
        EraseContentsEffect(remains_of),
        DestroyKeyEffect(register_of(core.settings)),
        CertifyEffect(remains_of, core.log, core.codec, signing, acknowledgements),
    )


def _forget_mails(core: Core) -> Callable[[str], None]:
    def forget(person_id: str) -> None:
        """Forgets the mails while the key is there: only with it can their address be read."""
        address = address_of(core.commands, person_id)
        if address is not None:
            forget_mails(core.settings, address)

    return forget


def before_ready(core: Core) -> None:
    """Makes sure, before a part serves anybody, that it can read what it must, and that nobody
    who was erased is back. Raises MasterKeyMissing, RegisterDamaged.
    """
    with core.pool.connection() as connection:
        require_master_key(connection, core.settings.secrets.master_keys())
    replay_register(core)


def replay_register(core: Core) -> int:
    """Erase again whom a restored backup brought back, before a part is ready; answers how many.

    Raises RegisterDamaged.
    """
    register = register_of(core.settings)
    entries = {entry.subject_id: entry for entry in register.entries()}
    with core.pool.connection() as connection:
        known = connection.execute(
            "SELECT subject, wrapped_key IS NOT NULL FROM subject_keys"
            " WHERE subject = ANY(%s) OR erased_at IS NOT NULL",
            (list(entries),),
        ).fetchall()
    back = [subject for subject, has_key in known if has_key]
    if back:
        # Here: they bring the web framework, which a worker does without.
        from commands.account.erasures import Erasures
        from commands.account.logins import Logins

        logins = Logins(core.pool, core.settings.secrets.installation_key)
        erasures = Erasures(core.commands, logins, core.pool)
        for subject in back:
            entry = entries[subject]
            erasures.redo(entry.subject_id, entry.workspace_id, entry.erasure_id)
            core.codec.keys.forget(subject)
            core.commands.aggregates.forget_subject(subject)
        log.warning("%d erased people were back in the database and are erased again", len(back))
    forgotten = [subject for subject, has_key in known if not has_key and subject not in entries]
    for subject in forgotten:
        _register_again(core, register, subject)
    return len(back)


def _register_again(core: Core, register: ErasureRegister, subject: str) -> None:
    """The database knows of an erasure that the register has lost: it must know it too."""
    stream = core.log.events.stream(SubjectId.beside(subject), limit=1)
    if not stream:
        return
    data = stream[0].to_json()["data"]
    register.add(
        subject_id=subject, workspace_id=data["workspace_id"], erasure_id=data["erasure_id"]
    )
    log.warning("the erasure register did not know %s: added", subject)


def unregistered(settings: Settings, registered: set[str]) -> int:
    """How many erased people of the database the register lacks; 0 if no database answers."""
    url = settings.dsn("app")
    if not url:
        return 0
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            rows = connection.execute(
                "SELECT subject FROM subject_keys WHERE erased_at IS NOT NULL"
            ).fetchall()
    except psycopg.Error:
        return 0
    return len({subject for (subject,) in rows} - registered)
