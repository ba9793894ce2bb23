"""The view of how recordings sound: vectors as they are in the event, whatever comes first."""

from __future__ import annotations

import base64

import pytest

from events.vault.analysis import AnalysisCompleted
from events.vault.audio import Fingerprint, Vector
from projections.vault.sounds import SOUND_DIMENSIONS, Sounds, components
from tests.specification import projection
from tests.unit.vault.one_asset import ASSET, WORKSPACE, completed, deleted, uploaded


def vector(*numbers: int, dimensions: int = SOUND_DIMENSIONS, model: str = "m1") -> Vector:
    filled = [*numbers, *([0] * (dimensions - len(numbers)))]
    data = base64.b64encode(bytes(number % 256 for number in filled)).decode()
    return Vector(model=model, data=data)


def heard(**found: object) -> AnalysisCompleted:
    measurement = completed.measurement.model_copy(update=found)
    return completed.model_copy(update={"measurement": measurement})


def test_a_recording_is_compared_by_the_vectors_of_its_analysis():
    listened = heard(
        sound=vector(1, -2, 127),
        words=vector(5, dimensions=384, model="m2"),
        fingerprint=Fingerprint(algorithm="f1", data="AAAA"),
    )
    seen = projection(Sounds()).given(uploaded, listened)
    row = {
        "workspace_id": WORKSPACE,
        "sound_model": "m1",
        "sound": f"[1,-2,127{',0' * 253}]",
        "words_model": "m2",
        "words": f"[5{',0' * 383}]",
        "fingerprint": "AAAA",
    }
    seen.then_rows({ASSET: row}).in_any_interleaving()


def test_a_deleted_recording_belongs_to_nobody():
    seen = projection(Sounds()).given(uploaded, heard(sound=vector(1)), deleted)
    seen.then_rows({ASSET: {"workspace_id": None}}).in_any_interleaving()


def test_a_run_that_heard_less_leaves_nothing_of_the_run_before():
    seen = projection(Sounds()).given(uploaded, heard(sound=vector(1)), heard())
    seen.then_rows({ASSET: {"sound": None, "sound_model": None}})


@pytest.mark.parametrize(
    "strange",
    [None, vector(), vector(1, dimensions=128), Vector(model="m", data="no base64 at all!")],
)
def test_what_is_no_vector_of_this_space_is_none(strange: Vector | None):
    assert components(strange, SOUND_DIMENSIONS) is None
