"""The network that hears beats: what it hears, what it adds to the choice, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from gateways.audio.neural.beats import FRAME_RATE_HZ, MODEL, BeatNetwork
from gateways.audio.neural.conversion import beatnet
from gateways.audio.neural.errors import BrokenWeights
from gateways.audio.rhythm import rhythm
from gateways.audio.rhythm.choice import BY_ATTACKS, BY_BEATS, Evidence
from gateways.audio.rhythm.measure import BY_NETWORK, heard_beats
from gateways.audio.rhythm.onsets import onsets
from gateways.audio.sound import SAMPLE_RATE_HZ, Sound

LENGTH_S = 12


@pytest.fixture(scope="module")
def network() -> BeatNetwork:
    return BeatNetwork()


@pytest.fixture(scope="module")
def beaten() -> Sound:
    """A kick on every beat of 120, a snare on every second, hats between."""
    random = np.random.default_rng(3)
    t = np.arange(round(0.12 * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    kick = np.sin(2 * np.pi * 60 * t) * np.exp(-25 * t)
    snare = 0.4 * random.normal(0, 1, len(t)) * np.exp(-40 * t)
    hat = 0.1 * random.normal(0, 1, len(t)) * np.exp(-150 * t)
    samples = np.zeros((LENGTH_S + 1) * SAMPLE_RATE_HZ, np.float32)
    for half in range(LENGTH_S * 4):
        part = hat if half % 2 else kick + snare * (half % 4 == 2)
        at = half * SAMPLE_RATE_HZ // 4
        samples[at : at + len(t)] += part
    return Sound(samples[: LENGTH_S * SAMPLE_RATE_HZ])


def test_what_the_network_hears_repeats_at_the_beat(network: BeatNetwork, beaten: Sound) -> None:
    beats = network.beats(beaten)
    assert len(beats) == LENGTH_S * FRAME_RATE_HZ
    assert beats.min() >= 0
    assert beats.max() <= 1.0001
    settled = beats[4 * 50 :]
    rows = settled[: len(settled) // 25 * 25].reshape(-1, 25).mean(axis=0)
    assert rows.max() > 4 * np.median(rows)


def test_a_network_takes_part_in_the_choice_and_is_named(
    network: BeatNetwork, beaten: Sound
) -> None:
    found = rhythm(beaten, network=network)
    assert found.tempo.value == pytest.approx(120, abs=0.5)
    assert (found.tempo.model, found.tempo.weights_sha256) == (MODEL.id, MODEL.weights_sha256)
    assert BY_NETWORK in found.tempo.method


def test_without_a_network_the_attacks_choose_and_nobody_else_is_named(beaten: Sound) -> None:
    found = rhythm(beaten)
    assert found.tempo.value == pytest.approx(120, abs=0.5)
    assert found.tempo.model is None
    assert BY_NETWORK not in found.tempo.method


def test_every_piece_of_evidence_has_its_weight(network: BeatNetwork, beaten: Sound) -> None:
    attacks = onsets(beaten)
    for evidence, weights in (
        (Evidence(attacks), BY_ATTACKS),
        (Evidence(attacks, heard_beats(beaten, attacks, network)), BY_BEATS),
    ):
        assert evidence.weights is weights
        assert evidence.features(120.0).shape == weights.family.shape
        for octave in weights.octave.values():
            assert len(octave) == 4 + len(evidence.of_beats(120.0))


def test_weights_with_other_bytes_are_refused(tmp_path) -> None:
    (tmp_path / f"{MODEL.id}.onnx").write_bytes(b"something else")
    with pytest.raises(BrokenWeights, match="sha256"):
        BeatNetwork(tmp_path)


def test_another_wheel_than_beatnets_is_not_converted(tmp_path) -> None:
    (tmp_path / "BeatNet-1.1.3-py3-none-any.whl").write_bytes(b"no wheel")
    with pytest.raises(ValueError, match="not the wheel"):
        beatnet.convert(tmp_path / "BeatNet-1.1.3-py3-none-any.whl")
