"""`log checkpoint|checkpoints|proof`: what others can hold us to, and how they check it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.output import Json, print_exactly, print_json, say
from runtime.settings import Settings, load_settings

if TYPE_CHECKING:
    from events.store.checkpoints import Checkpoint


def running() -> Settings:
    """The settings of the installation whose database can be reached. Raises NothingRunning."""
    from runtime.errors import NothingRunning

    settings = load_settings()
    if not settings.dsn("app"):
        raise NothingRunning(settings.data)
    return settings


def exported_checkpoints(settings: Settings, log_id: str, file: Path | None) -> list[Checkpoint]:
    """From `file`, or the installation's own. Raises BadCheckpoint for a foreign signature."""
    from events.store.checkpoints import CheckpointFile
    from runtime.log_signing import LogSigning, checkpoint_path

    path = file or checkpoint_path(settings, log_id)
    if file and not file.exists():
        raise typer.BadParameter(f"{file} does not exist")
    read = CheckpointFile(path).read()
    _, known = LogSigning(settings.secrets).now()
    known.check(read, str(path))
    return read


def checkpoint(
    public_key: Annotated[
        bool, typer.Option("--public-key", help="Print only the key to check signatures with.")
    ] = False,
    json: Json = False,
) -> None:
    """Sign the log as it is now, into table, file and topic; print it as a signed note."""
    from runtime.checkpoints import checkpointer
    from runtime.composition import open_core
    from runtime.log_signing import LogSigning

    if public_key:
        key = LogSigning(load_settings().secrets).now()[0].public_key.hex()
        print_json({"public_key": key}) if json else print(key)
        return
    with open_core(running(), acting="worker", connections=3) as core:
        signing = checkpointer(core)
        signed = signing.sign()
        export(signing.export)
    if signed is None:
        say("The log is empty: there is nothing to sign.")
        raise typer.Exit(1)
    if json:
        print_json(signed.to_json())
    else:
        print_exactly(signed.note)


def checkpoints(json: Json = False) -> None:
    """Every checkpoint of the exported file: JSON Lines with --json."""
    from runtime.composition import open_core

    settings = running()
    with open_core(settings, connections=2) as core:
        log_id, _ = core.log.events.log_identity()
    for each in exported_checkpoints(settings, log_id, None):
        if json:
            print_json(each.to_json())
        else:
            print(
                f"{each.size:>10}  epoch {each.epoch}  {each.to_json()['recorded_at'][:19]}  "
                f"{each.root.hex()}"
            )


def keys(json: Json = False) -> None:
    """Each exchange of the key that signs, signed by the key before it: JSON Lines with --json.

    In front of checkpoints or proofs they lead tools/check_log.py from the key that you kept to
    those of later checkpoints.
    """
    from runtime.log_signing import LogSigning, key_names

    for change in LogSigning(load_settings().secrets).now()[1].changes:
        if json:
            print_json(change.to_json())
        else:
            old, new = key_names(change)
            print(f"behind {change.size} events of epoch {change.epoch}: {old} -> {new}")


def proof(
    position: Annotated[
        int | None, typer.Option(min=1, metavar="P", help="Prove that this event is in the log.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="… against the checkpoint of N events.")
    ] = None,
    from_size: Annotated[
        int | None, typer.Option(min=1, metavar="A", help="Prove that the log of B events …")
    ] = None,
    to_size: Annotated[
        int | None, typer.Option(min=1, metavar="B", help="… begins with the log of A events.")
    ] = None,
) -> None:
    """Print a proof as one JSON object, to be checked with tools/check_log.py."""
    from events.store.proofs import consistency_proof, inclusion_proof
    from runtime.composition import open_core

    if (position is None) == (from_size is None):
        raise typer.BadParameter("give --position, or --from-size and --to-size")
    settings = running()
    with open_core(settings, connections=2) as core:
        log_id, _ = core.log.events.log_identity()
        signed = exported_checkpoints(settings, log_id, None)
        with core.pool.connection() as connection:
            answer: dict[str, Any]
            if position is not None:
                answer = inclusion_proof(connection, position, _of_size(signed, size, position))
            else:
                first = _of_size(signed, from_size, 1)
                answer = consistency_proof(connection, first, _of_size(signed, to_size, first.size))
    print_json(answer)


def _of_size(signed: list[Checkpoint], size: int | None, at_least: int) -> Checkpoint:
    """The newest of that size; without one, the newest there is."""
    from events.store.proofs import NotProvable

    fitting = [each for each in signed if size in (None, each.size)]
    if not fitting or fitting[-1].size < at_least:
        raise NotProvable(
            f"No checkpoint of {size or f'{at_least} or more'} events was signed:"
            " `log checkpoint` signs one now, `log checkpoints` lists them"
        )
    return fitting[-1]


def export(work: Callable[[], None]) -> None:
    """The signature is safe in the database; a broker that is away gets it later."""
    from kafka.errors import KafkaError

    try:
        work()
    except KafkaError as error:
        say(f"Kafka gets it later: {type(error).__name__}: {error}")
