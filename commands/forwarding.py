"""Handlers that only pass on: the command's fields are what the rule asks for, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Concatenate, get_type_hints

from aggregates.decision import Decision
from commands.command import Command
from commands.rules import AggregateModule, State, StreamId
from commands.unit import Unit

Handler = Callable[[Unit, Any], None]
# What sagas and effects send, by stored name: its model and its handler.
Handlers = Mapping[str, tuple[type[Command], Handler]]


def forward(
    model: type[Command],
    module: AggregateModule[State],
    decide: Callable[Concatenate[State | None, StreamId, ...], Decision],
) -> tuple[type[Command], Handler]:
    """The model with a handler that stages this rule: one field is named as the rule's stream id,
    the others as the rest of its arguments, and all have the rule's types.

    Raises TypeError, where it is written, for a model that says anything else.
    """
    _, stream, *rest = inspect.signature(decide).parameters
    said, asked = get_type_hints(model), get_type_hints(decide)
    fields = {name: said[name] for name in model.model_fields}
    wanted = {name: asked[name] for name in (stream, *rest)}
    if fields != wanted:
        raise TypeError(f"{model.__name__} says {fields}, {decide.__name__} asks for {wanted}")

    def handle(unit: Unit, command: Any) -> None:
        arguments = {name: getattr(command, name) for name in rest}
        unit.change(module, getattr(command, stream), decide, **arguments)

    return model, handle
