"""`log read|verify|compare|recover` and what proofs.py adds: the auditor's way to the log."""

from __future__ import annotations

import json as jsonlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli import proofs
from runtime.cli.output import Json, print_json
from runtime.cli.proofs import exported_checkpoints, running

if TYPE_CHECKING:
    from events.store.verify import Verification

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Read the log, verify its hash chain, compare it with Kafka, prove it to others.",
)
app.command("checkpoint")(proofs.checkpoint)
app.command("checkpoints")(proofs.checkpoints)
app.command("keys")(proofs.keys)
app.command("proof")(proofs.proof)
PAGE = 1_000


@app.command()
def read(
    from_position: Annotated[
        int, typer.Option("--from", min=0, metavar="P", help="First position, inclusive.")
    ] = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, metavar="N", help="At most this many.")
    ] = None,
    type: Annotated[
        str | None, typer.Option("--type", metavar="T", help="Only this type, as asset.uploaded.")
    ] = None,
    stream: Annotated[
        str | None, typer.Option("--stream", metavar="S", help="Only this stream, as ast_….")
    ] = None,
    json: Json = False,
) -> None:
    """Print envelopes in position order: JSON Lines with --json, a line each without."""
    from runtime.composition import open_core

    left = limit
    with open_core(running(), connections=2) as core:
        after = max(from_position, 1) - 1
        while left is None or left > 0:
            page = core.log.events.after(
                after,
                PAGE if left is None else min(PAGE, left),
                types=[type] if type else None,
                stream_id=stream,
            )
            if not page:
                break
            for envelope in page:
                _print_event(envelope.to_json(), as_json=json)
            after = page[-1].position
            left = None if left is None else left - len(page)


@app.command()
def verify(
    checkpoint: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Exported checkpoints; else those of the data folder."),
    ] = None,
    since_checkpoint: Annotated[
        bool, typer.Option("--since-checkpoint", help="Only what came after the newest of them.")
    ] = False,
    json: Json = False,
) -> None:
    """Re-do every hash, the claims and the commands; name the first position that is wrong (exit
    code 1). With exported checkpoints it also sees a tail that was cut off or hashed anew.
    """
    import psycopg

    from events.store.verify import verify as verify_log

    settings = running()
    with psycopg.connect(settings.dsn("app"), autocommit=True) as connection:
        row = connection.execute(
            "SELECT (SELECT log_id FROM log_identity), coalesce(max(position), 0) FROM events"
        ).fetchone()
        assert row is not None
        signed = exported_checkpoints(settings, row[0], checkpoint)
        if since_checkpoint and not signed:
            raise typer.BadParameter("no checkpoint was exported yet: `log checkpoint` signs one")
        since = signed[-1] if since_checkpoint else None
        with _progress("verifying", row[1]) as moved:
            verified = verify_log(connection, moved, signed, since)
    if json:
        print_json(_verification(verified))
    else:
        _say_verification(verified)
    if not verified.ok:
        raise typer.Exit(1)


def _verification(verified: Verification) -> dict[str, Any]:
    if not verified.ok:
        return {"ok": False, "position": verified.position, "reason": verified.reason}
    return {
        "ok": True,
        "events": verified.events,
        "head": verified.head,
        "checkpoints": verified.checkpoints,
        "abandoned_checkpoints": verified.abandoned,
        "not_rechecked_up_to": verified.since,
    }


def _say_verification(verified: Verification) -> None:
    if not verified.ok:
        print(f"Position {verified.position} is wrong: {verified.reason}.")
        return
    print(f"{verified.events} events follow from each other, head {verified.head}.")
    if verified.since:
        print(
            f"Positions 1 to {verified.since}, their claims and commands were not checked again:"
            " the signed checkpoint and the stored tree agree there."
        )
    print(
        f"{verified.checkpoints} signed checkpoints agree."
        if verified.checkpoints
        else "No exported checkpoint was compared: a tail that was cut off would not be seen."
    )
    if verified.abandoned:
        print(f"{verified.abandoned} lie on a branch that `log recover` gave up.")


def _print_event(envelope: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(jsonlib.dumps(envelope, ensure_ascii=False) + "\n")
        return
    data = jsonlib.dumps(envelope["data"], ensure_ascii=False)
    shown = data if len(data) <= 100 else data[:99] + "…"
    print(
        f"{envelope['position']:>8}  {envelope['recorded_at'][:19]}  {envelope['type']:<26}"
        f"{envelope['stream_id']} v{envelope['stream_version']}  {shown}"
    )


def _progress(what: str, total: int) -> Any:
    from runtime.cli.bar import bar

    return bar(what, total)


@app.command()
def compare(json: Json = False) -> None:
    """Compare the store with the Kafka topics, event by event (exit code 1 if they differ)."""
    from dataclasses import asdict

    from processors.compare import compare as compare_with_kafka
    from runtime.composition import kafka_config, open_core, record_proofs
    from runtime.engines.kafka_users import KafkaUser
    from runtime.errors import PartUnavailable

    settings = running()
    if settings.event_log != "kafka":
        raise PartUnavailable(
            "This installation runs without Kafka (--event-log postgres): there is nothing to"
            " compare. `./noculture log verify` checks the store itself."
        )
    with open_core(settings, connections=3) as core:
        compared = compare_with_kafka(
            core.pool, kafka_config(settings, KafkaUser.AUDITOR), record_proofs(core)
        )
    if json:
        print_json(compared.to_json())
    else:
        for name, value in asdict(compared).items():
            print(f"{name:<11}{value}")
        print("Store and Kafka are the same." if compared.ok else "Store and Kafka differ.")
    if not compared.ok:
        raise typer.Exit(1)


@app.command()
def recover(json: Json = False) -> None:
    """After a restore: raise the epoch, refill the topics, hold every consumer to the store, sign
    the log as it is now.
    """
    import psycopg

    from processors.consumers.projection import ProjectionConsumer
    from processors.recover import recover as recover_log
    from runtime.checkpoints import checkpointer
    from runtime.composition import kafka_config, new_wakes, open_core, record_proofs
    from runtime.consumers import consumers, rebuilder
    from runtime.engines.kafka_users import KafkaUser
    from runtime.erasure import replay_register
    from runtime.owner import owner_database_url

    settings = running()
    owner_url = owner_database_url(settings) or settings.dsn("worker")
    with open_core(settings, acting="worker", connections=6) as core:
        replay_register(core)
        views = [c for c in consumers(core, new_wakes()) if isinstance(c, ProjectionConsumer)]
        with_kafka = settings.event_log == "kafka"
        config = kafka_config(settings, KafkaUser.RELAY) if with_kafka else None
        done = recover_log(
            owner_url, core.pool, config, record_proofs(core), rebuilder(core), views
        )
        if config:
            # Every record is proven with the key of today.
            settings.secrets.forget_retired("record_mac_key")
        signing = checkpointer(core)
        with psycopg.connect(owner_url, autocommit=True) as owner:
            signing.sign(owner=owner)
        proofs.export(signing.export)
    rebuilt = [view.name for view in done.rebuilt]
    if json:
        print_json({"epoch": done.epoch, "events": done.events, "rebuilt": rebuilt})
    else:
        print(f"Epoch {done.epoch}: {done.events} events published into new topics.")
        print(f"Read models made anew: {', '.join(rebuilt) or 'none'}.")
