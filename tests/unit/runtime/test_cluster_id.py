"""Regression: every 64th first start failed, its cluster id began with a dash."""

from __future__ import annotations

import uuid

import pytest

from runtime.engines import kafka


def test_a_cluster_id_never_begins_with_a_dash(monkeypatch: pytest.MonkeyPatch):
    dashed, plain = uuid.UUID(int=0b111110 << 122), uuid.UUID(int=1)
    drawn = iter([dashed, dashed, plain])
    monkeypatch.setattr(kafka.uuid, "uuid4", lambda: next(drawn))
    assert kafka.new_cluster_id() == "AAAAAAAAAAAAAAAAAAAAAQ"
