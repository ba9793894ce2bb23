"""`kafka`: the broker's administration, signed in as somebody who may."""

from __future__ import annotations

from contextlib import closing
from pprint import pprint
from typing import Annotated

import typer

from runtime.settings import load_settings

app = typer.Typer(pretty_exceptions_enable=False)
ANY_ARGUMENTS = {"ignore_unknown_options": True, "help_option_names": []}


@app.command(context_settings=ANY_ARGUMENTS)
def kafka(arguments: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Run `python -m kafka.admin` as the embedded broker's admin (`kafka topics list`), or as
    NOCULTURE_KAFKA_SASL_USERNAME at your own. `kafka --help` lists what it can do.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.cli.admin import main_parser
    from kafka.errors import KafkaError

    from runtime.composition import kafka_config
    from runtime.engines.kafka_users import KafkaUser
    from runtime.errors import KafkaRefused, NothingRunning

    parser = main_parser("./noculture kafka")
    asked = parser.parse_args(arguments or [])
    if not asked.group or not asked.command:
        (asked.group or parser).print_help()
        raise typer.Exit(2)
    settings = load_settings()
    if not settings.kafka_bootstrap:
        raise NothingRunning(settings.data)
    config = kafka_config(settings, KafkaUser.ADMIN)
    try:
        with closing(KafkaAdminClient(**config.client())) as client:
            pprint(asked.command(client, asked))
    except KafkaError as error:
        raise KafkaRefused(str(error)) from error
