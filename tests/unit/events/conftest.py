from __future__ import annotations

import pytest

from events.model import Registry


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Registry:
    """A registry of its own, so that invented events stay in their test."""
    own = Registry()
    monkeypatch.setattr("events.model.REGISTRY", own)
    monkeypatch.setattr("events.store.codec.REGISTRY", own)
    return own
