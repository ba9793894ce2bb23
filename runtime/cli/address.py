"""The e-mail address that a command is about."""

from __future__ import annotations

import typer

from runtime.cli.output import as_text


def address(typed: str) -> str:
    """In its normal form. Raises BadParameter, which ends the command with exit code 2."""
    from commands.account.logins import valid_email

    try:
        return valid_email(typed)
    except ValueError as error:
        raise typer.BadParameter(f"{as_text(typed)} is no e-mail address: {error}") from error
