"""One musical corpus and one warm pool per analyser for the whole session."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator

import pytest

from gateways.audio.pool import AudioPool
from runtime.demo_music import TrackTruth
from tests.fixtures.audio_corpus import make_corpus

ANALYSERS = [
    pytest.param(
        "essentia",
        marks=pytest.mark.skipif(
            importlib.util.find_spec("essentia") is None,
            reason="essentia has no wheel for this platform",
        ),
    ),
    "auto",
]


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[TrackTruth]:
    return make_corpus(tmp_path_factory.mktemp("corpus"), n=14, duration_s=14)


@pytest.fixture(scope="session")
def pool() -> Iterator[AudioPool]:
    with AudioPool(1, models=False) as pool:
        yield pool


@pytest.fixture(scope="session", params=ANALYSERS)
def analysing_pool(request: pytest.FixtureRequest, pool: AudioPool) -> Iterator[AudioPool]:
    if request.param == "auto":
        yield pool
        return
    with AudioPool(1, analyser=request.param, models=False) as other:
        yield other
