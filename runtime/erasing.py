"""Erasure put together: its effects, what memory forgets, and the register replayed at start."""

from __future__ import annotations

import logging

from commands.contents import WorkspaceContents
from commands.erasures import Erasures
from commands.logins import Logins
from commands.passwords import Passwords
from events.ids import SubjectId
from events.store.signing import LogSigner
from processors.effects.acknowledgements import Acknowledgements
from processors.effects.effect import Effect
from processors.effects.erasure import CertifyEffect, DestroyKeyEffect, EraseContentsEffect
from runtime.composition import Core
from runtime.erasure_register import ErasureRegister
from runtime.settings import Settings

log = logging.getLogger(__name__)


def register_of(settings: Settings) -> ErasureRegister:
    return ErasureRegister(settings.erasure_dir, settings.secrets.installation_key)


def effects_of(core: Core) -> tuple[Effect, ...]:
    """The three parts of an erasure."""
    contents = WorkspaceContents(core.commands, core.objects)
    return (
        EraseContentsEffect(contents, core.log),
        DestroyKeyEffect(register_of(core.settings)),
        CertifyEffect(
            contents,
            core.log,
            core.codec,
            LogSigner(core.settings.secrets.log_signing_seed),
            Acknowledgements(core.pool, core.progress),
        ),
    )


def erasures_of(core: Core, logins: Logins, passwords: Passwords) -> Erasures:
    return Erasures(core.commands, logins, passwords, core.pool)


def replay_register(core: Core) -> int:
    """Erase again whom a restored backup brought back; answers how many. Before a part is ready.

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
        logins = Logins(core.pool, core.settings.secrets.installation_key)
        erasures = erasures_of(core, logins, Passwords())
        for subject in back:
            entry = entries[subject]
            erasures.redo(entry.subject_id, entry.workspace_id, entry.erasure_id)
        log.warning("%d erased accounts were back in the database and are erased again", len(back))
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
