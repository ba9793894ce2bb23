"""Which modules may hold event models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from events import catalogue


def test_models_in_folders_are_found_and_machinery_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A model that no process imports would be skipped by every reader, silently and for good."""
    for path in ("shelf.py", "lending/__init__.py", "lending/loan.py", "store/postgres.py"):
        module = tmp_path / "shop" / path
        module.parent.mkdir(parents=True, exist_ok=True)
        module.write_text("")
    (tmp_path / "shop/__init__.py").write_text("")
    (tmp_path / "shop/store/__init__.py").write_text("raise AssertionError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(catalogue, "WITHOUT_MODELS", {"shop.store"})
    try:
        import shop

        assert [*catalogue.modules(shop)] == ["shop.lending.loan", "shop.shelf"]
    finally:
        for name in [each for each in sys.modules if each.partition(".")[0] == "shop"]:
            del sys.modules[name]
