"""A writer that is stopped in the middle: `stopped_writer.py HOW URL`, then SIGCONT to go on.

It says `ready` when everything is open, `stopping` right before it stops itself or is to be
stopped, and in the end what became of its command, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from psycopg_pool import ConnectionPool

from aggregates.vault import analysis
from commands.unit import CommandContext, Commands, Unit
from events.errors import NoCultureError
from events.ids import AnalysisId, AssetId, CommandId, CorrelationId, WorkspaceId
from events.store.codec import EventCodec
from events.store.log import SESSION, PostgresLog
from events.store.subject_keys import PostgresSubjectKeys

ALONGSIDE = "INSERT INTO rate_limits (key, full_at) VALUES (%s, now())"


def say(text: str) -> None:
    print(text, flush=True)


def stop_myself() -> None:
    say("stopping")
    os.kill(os.getpid(), signal.SIGSTOP)


def unit_of(commands: Commands, context: CommandContext, how: str) -> Unit:
    stream = AnalysisId.new()
    unit = commands.unit(context, input={"how": how})
    unit.change(
        analysis,
        stream,
        analysis.request,
        asset_id=AssetId.beside(stream),
        workspace_id=context.tenant,
        sha256="a" * 64,
    )
    if how != "in a group":
        unit.alongside(ALONGSIDE, (context.command_id.encode(),))
    return unit


def stop_holding_the_lock(log: PostgresLog) -> None:
    """After the append, before the commit."""
    append_in, stopped = log.append_in, []

    def then_stop(connection, appends):
        verdicts = append_in(connection, appends)
        if not stopped:
            stopped.append(True)
            stop_myself()
        return verdicts

    log.append_in = then_stop


def main(how: str, url: str) -> None:
    kwargs = {"autocommit": True, "options": SESSION}
    with ConnectionPool(url, min_size=1, max_size=4, kwargs=kwargs, open=True) as pool:
        log = PostgresLog(url, pool)
        codec = EventCodec(PostgresSubjectKeys(pool, b"m" * 32))
        commands = Commands(log, pool, codec, b"k" * 32)
        context = CommandContext(None, WorkspaceId.new(), CommandId.new(), CorrelationId.new())
        if how == "in a transaction":
            stop_holding_the_lock(log)
        say("ready")
        sys.stdin.readline()
        outcome: dict[str, object] = {"command": context.command_id}
        try:
            committed = unit_of(commands, context, how).commit()
            outcome |= {"position": committed.position}
        except NoCultureError as error:
            outcome |= {"status": error.status, "code": error.code}
            # What a client does with a 503.
            again = unit_of(commands, context, how).commit()
            outcome |= {"again": again.position}
        say(json.dumps(outcome))
        log.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
