"""The matrix of all routes: those of this folder, and of each area that has a `routes.py`."""

from __future__ import annotations

import importlib
from pathlib import Path

from tests.integration.http import routes

_OF_AREAS = sorted(Path(__file__).parents[1].glob("*/routes.py"))
ROUTES: dict[tuple[str, str], routes.Route] = {}
for path in _OF_AREAS:
    module = importlib.import_module(f"tests.integration.{path.parent.name}.routes")
    assert not ROUTES.keys() & module.ROUTES.keys(), f"{path} says what another says"
    ROUTES |= module.ROUTES
