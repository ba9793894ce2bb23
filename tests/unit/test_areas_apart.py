"""Areas stand apart: what crosses between them is events, and commands that sagas and effects send.

Whatever else one area needs of another is handed over in `runtime/areas/`.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import runtime.areas
from commands.command import Command

ROOT = Path(__file__).parents[2]
AREAS = frozenset(area.name for area in runtime.areas.AREAS)
ROOMS = (
    *("events", "aggregates", "commands", "sagas", "processors", "gateways", "projections"),
    *("read_api", "schemas", "kit", "web"),
)
# Divided by capability instead: what an adapter answers may be said in any area's events.
BY_CAPABILITY = ("gateways.", "schemas.audio.")
SEND_COMMANDS = ("sagas", "processors")


def area_of(module: str) -> str | None:
    return next((part for part in module.split(".")[1:] if part in AREAS), None)


def is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imports(source: str) -> Iterator[tuple[str, str | None]]:
    """(module, name or None) of everything of ours that is imported, wherever in the text."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, None
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, None) if is_module(whole) else (node.module, alias.name)


def is_command(module: str, name: str | None) -> bool:
    thing = None if name is None else getattr(importlib.import_module(module), name)
    return isinstance(thing, type) and issubclass(thing, Command)


def crossing(module: str, source: str) -> list[str]:
    """What a module imports of an area that it may not."""
    room, area = module.partition(".")[0], area_of(module)
    found = []
    for imported, name in imports(source):
        other = area_of(imported)
        if imported.partition(".")[0] not in ROOMS or other is None or other == area:
            continue
        if imported.startswith("events.") and (area or module.startswith(BY_CAPABILITY)):
            continue
        if room in SEND_COMMANDS and area and is_command(imported, name):
            continue
        found.append(f"{module} imports {imported}{f'.{name}' if name else ''}")
    return found


def test_areas_import_of_each_other_events_and_commands_only():
    found = []
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            found += crossing(module, path.read_text("utf-8"))
    assert found == []


@pytest.mark.parametrize(
    ("module", "text", "allowed"),
    [
        ("projections.system.timeline", "from events.vault.comment import CommentAdded", True),
        ("read_api.account.accounts", "from read_api.vault.assets import AssetQueries", False),
        ("read_api.account.accounts", "from read_api.vault import assets", False),
        ("commands.account.keys", "import aggregates.vault.asset", False),
        ("commands.unit", "from events.vault.asset import AssetUploaded", False),
        ("gateways.audio.facts", "from events.vault.audio import Tags", True),
        ("gateways.audio.facts", "from commands.vault.ingest import VerifyAsset", False),
        ("sagas.account.erasure", "from commands.vault.ingest import RequestProbe", True),
        ("sagas.account.erasure", "from commands.vault.ingest_handlers import HANDLERS", False),
        ("web.pages.vault.asset", "from commands.vault.assets import Assets", True),
        ("web.pages.vault.asset", "from web.pages.account.words import allowed", False),
    ],
)
def test_what_may_cross_is_told_from_what_may_not(module: str, text: str, allowed: bool):
    assert (crossing(module, text) == []) is allowed


OUTSIDE = {
    *("events.store", "events.log", "psycopg", "psycopg_pool", "kafka", "os", "socket"),
    *("subprocess", "pathlib", "random", "secrets", "time"),
}


def test_event_models_do_no_input_or_output():
    found = []
    for path in sorted(path for area in AREAS for path in (ROOT / "events" / area).rglob("*.py")):
        for module, _ in imports(path.read_text("utf-8")):
            if any(module == name or module.startswith(f"{name}.") for name in OUTSIDE):
                found.append(f"{path.relative_to(ROOT)} imports {module}")
    assert found == []
