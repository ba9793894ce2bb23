"""The handler of the emptying saga's command: transport above, rules below."""

from __future__ import annotations

from aggregates.vault import asset
from commands.command import Command
from commands.forwarding import Handler, forward
from commands.vault.emptying import EmptyFromTrash

HANDLERS: dict[str, tuple[type[Command], Handler]] = {
    EmptyFromTrash.stored_name: forward(EmptyFromTrash, asset, asset.empty)
}
