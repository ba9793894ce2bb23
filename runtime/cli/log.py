"""`log read|verify|compare|recover`: the auditor's way to the log."""

from __future__ import annotations

import json as jsonlib
import sys
from typing import Annotated, Any

import typer

from runtime.cli.output import Json, print_json
from runtime.settings import Settings, load_settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Read the log, verify its hash chain, compare it with Kafka.",
)
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
    with open_core(_running(), connections=2) as core:
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
def verify(json: Json = False) -> None:
    """Re-do every hash and the claims; name the first position that is wrong (exit code 1)."""
    import psycopg

    from events.store.verify import verify as verify_log

    settings = _running()
    url = settings.database_url or settings.app_database_url
    with psycopg.connect(url, autocommit=True) as connection:
        head = connection.execute("SELECT coalesce(max(position), 0) FROM events").fetchone()
        with _progress("verifying", head[0] if head else 0) as moved:
            verified = verify_log(connection, moved)
    if json:
        answer: dict[str, Any] = {"ok": verified.ok}
        if verified.ok:
            answer |= {"events": verified.events, "head": verified.head}
        else:
            answer |= {"position": verified.position, "reason": verified.reason}
        print_json(answer)
    elif verified.ok:
        print(f"{verified.events} events follow from each other, head {verified.head}.")
    else:
        print(f"Position {verified.position} is wrong: {verified.reason}.")
    if not verified.ok:
        raise typer.Exit(1)


def _running() -> Settings:
    from runtime.errors import NothingRunning

    settings = load_settings()
    if not (settings.app_database_url or settings.database_url):
        raise NothingRunning(settings.data)
    return settings


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
    from runtime.composition import kafka_config, open_core
    from runtime.errors import PartUnavailable

    settings = _running()
    if settings.event_log != "kafka":
        raise PartUnavailable(
            "This installation runs without Kafka (--event-log postgres): there is nothing to"
            " compare. `./noculture log verify` checks the store itself."
        )
    with open_core(settings, connections=3) as core:
        compared = compare_with_kafka(core.pool, kafka_config(settings))
    if json:
        print_json({"ok": compared.ok} | asdict(compared))
    else:
        for name, value in asdict(compared).items():
            print(f"{name:<11}{value}")
        print("Store and Kafka are the same." if compared.ok else "Store and Kafka differ.")
    if not compared.ok:
        raise typer.Exit(1)


@app.command()
def recover(json: Json = False) -> None:
    """After a restore: raise the epoch, refill the topics, hold every consumer to the store."""
    from processors.consumers.projection import ProjectionConsumer
    from processors.recover import recover as recover_log
    from runtime.composition import kafka_config, new_wakes, open_core
    from runtime.consumers import consumers, rebuilder

    settings = _running()
    with open_core(settings, connections=6) as core:
        views = [c for c in consumers(core, new_wakes()) if isinstance(c, ProjectionConsumer)]
        config = kafka_config(settings) if settings.event_log == "kafka" else None
        done = recover_log(
            settings.database_url or core.url, core.pool, config, rebuilder(core), views
        )
    rebuilt = [view.name for view in done.rebuilt]
    if json:
        print_json({"epoch": done.epoch, "events": done.events, "rebuilt": rebuilt})
    else:
        print(f"Epoch {done.epoch}: {done.events} events published into new topics.")
        print(f"Read models made anew: {', '.join(rebuilt) or 'none'}.")
