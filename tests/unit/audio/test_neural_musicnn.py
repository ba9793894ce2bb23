"""The networks' graph, the picture of sound that goes in, and how the files were made."""

from __future__ import annotations

import hashlib
import struct

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.audio.neural import mel
from gateways.audio.neural.conversion import checkpoint, musicnn
from gateways.audio.neural.errors import BrokenWeights
from gateways.audio.neural.musicnn import MSD, MTT, WEIGHTS, Tagger, open_session

RATE = mel.SAMPLE_RATE_HZ


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger()


def noise(seconds: float, level: float = 0.1, seed: int = 1) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal(round(seconds * RATE))
    return (level * samples).astype(np.float32)


def random_variables(seed: int) -> dict[str, np.ndarray]:
    """A checkpoint of the right shapes, with scales of both signs."""
    random = np.random.default_rng(seed)
    kernels = [(7, 38, 1, 204), (7, 67, 1, 204), (128, 1, 1, 51), (64, 1, 1, 51), (32, 1, 1, 51)]
    kernels += [(7, 561, 1, 64), (7, 64, 1, 64), (7, 64, 1, 64)]
    layers = {"conv2d" + (f"_{n}" if n else ""): shape for n, shape in enumerate(kernels)}
    layers |= {"dense": (1506, 200), "dense_1": (200, 50)}
    variables = {}
    for name, shape in layers.items():
        spread = 1 / np.sqrt(np.prod(shape[:-1]))
        variables[f"{name}/kernel"] = random.normal(0, spread, shape)
        variables[f"{name}/bias"] = random.normal(0, 0.1, shape[-1])
    for n, size in enumerate([1, 204, 204, 51, 51, 51, 64, 64, 64, 1506, 200]):
        name = "batch_normalization" + (f"_{n}" if n else "")
        variables[f"{name}/gamma"] = random.normal(0, 1, size)
        variables[f"{name}/beta"] = random.normal(0, 0.3, size)
        variables[f"{name}/moving_mean"] = random.normal(0, 0.3, size)
        variables[f"{name}/moving_variance"] = random.uniform(0.5, 2, size)
    return {name: values.astype(np.float32) for name, values in variables.items()}


def forward(variables: dict[str, np.ndarray], patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """musicnn as its authors wrote it, layer by layer, for one patch (187, 96): tags, pooled."""

    def norm(x: np.ndarray, n: int) -> np.ndarray:
        name = "batch_normalization" + (f"_{n}" if n else "")
        part = {key: variables[f"{name}/{key}"] for key in ("gamma", "beta")}
        mean, variance = variables[f"{name}/moving_mean"], variables[f"{name}/moving_variance"]
        return part["gamma"] * (x - mean) / np.sqrt(variance + 1e-3) + part["beta"]

    def convolve(x: np.ndarray, n: int) -> np.ndarray:
        name = "conv2d" + (f"_{n}" if n else "")
        kernel = variables[f"{name}/kernel"][:, :, 0, :]
        height, width = kernel.shape[:2]
        x = np.pad(x, (((height - 1) // 2, height // 2), (0, 0)))
        seen = np.lib.stride_tricks.sliding_window_view(x, (height, width))
        y = np.tensordot(seen, kernel, axes=([2, 3], [0, 1])) + variables[f"{name}/bias"]
        return norm(np.maximum(y, 0), n + 1)  # (frames, bands, filters)

    picture = norm(patch, 0)
    x = np.concatenate([convolve(picture, n).max(axis=1) for n in range(5)], axis=1)
    kept = [x]
    for n in (5, 6, 7):
        y = convolve(x, n)[:, 0, :]
        x = y if n == 5 else y + x
        kept.append(x)
    features = np.concatenate(kept, axis=1)
    pooled = features.max(axis=0)
    both = np.stack([pooled, features.mean(axis=0)], axis=1).reshape(-1)
    hidden = norm(both, 9) @ variables["dense/kernel"] + variables["dense/bias"]
    hidden = norm(np.maximum(hidden, 0), 10)
    logits = hidden @ variables["dense_1/kernel"] + variables["dense_1/bias"]
    return 1 / (1 + np.exp(-logits)), pooled


def test_the_converted_graph_computes_what_the_published_network_does(tmp_path):
    variables = random_variables(seed=7)
    (tmp_path / "made.onnx").write_bytes(musicnn.build(variables, "made"))
    session = open_session(tmp_path / "made.onnx")
    batch = np.random.default_rng(8).uniform(0, 4, (3, 187, 96)).astype(np.float32)
    tags, pooled = session.run(["tags", "pooled"], {"mel": batch})
    for patch, its_tags, its_pooled in zip(batch, tags, pooled, strict=True):
        expected_tags, expected_pooled = forward(variables, patch)
        assert np.abs(its_tags - expected_tags).max() < 1e-4
        assert np.abs(its_pooled - expected_pooled).max() < 1e-3


def test_the_same_checkpoint_gives_the_same_file_byte_for_byte():
    assert musicnn.build(random_variables(1), "m") == musicnn.build(random_variables(1), "m")


def test_another_wheel_is_not_converted(tmp_path):
    (tmp_path / "musicnn-0.1.0-py3-none-any.whl").write_bytes(b"PK")
    with pytest.raises(ValueError, match="not the wheel"):
        musicnn.convert(tmp_path / "musicnn-0.1.0-py3-none-any.whl")


@pytest.mark.parametrize("model", [MTT, MSD])
def test_the_weights_in_the_repository_are_those_that_were_measured(model):
    data = (WEIGHTS / f"{model.id}.onnx").read_bytes()
    assert hashlib.sha256(data).hexdigest() == model.weights_sha256


def test_weights_with_one_byte_changed_are_refused(tmp_path):
    for model in (MTT, MSD):
        data = bytearray((WEIGHTS / f"{model.id}.onnx").read_bytes())
        data[1_000_000] ^= 1
        (tmp_path / f"{model.id}.onnx").write_bytes(data)
    with pytest.raises(BrokenWeights, match="sha256"):
        Tagger(tmp_path)


def test_the_mel_picture_is_librosas():
    samples = noise(4)
    # librosa's own transform is the same; to compile it costs half a minute.
    window = np.hanning(513)[:512]
    padded = np.pad(samples.astype(np.float64), 256)
    spectra = [np.fft.rfft(padded[at : at + 512] * window) for at in range(0, 187 * 256, 256)]
    filters = librosa.filters.mel(sr=RATE, n_fft=512, n_mels=96)
    theirs = filters @ (np.abs(np.array(spectra)) ** 2).T
    ours = next(mel.patches(samples))[0]
    expected = np.log10(10_000 * theirs.T + 1)
    # The last frames of librosa's see on; ours do too, for the patch is cut after the padding.
    assert np.abs(ours - expected).max() < 1e-4


def test_loud_music_does_not_overflow_as_it_did_in_float16(tagger):
    samples = noise(3, level=0.9)
    power = (10 ** next(mel.patches(samples)) - 1) / 10_000
    assert power.max() > 6.55  # where float16 · 10,000 becomes infinite
    tags = tagger.tag(samples)
    assert np.isfinite(tags.mtt).all()
    assert np.isfinite(tags.pooled).all()


def test_many_patches_answer_what_each_alone_does(tagger):
    samples = np.concatenate([noise(3, 0.1 * (n + 1), seed=n) for n in range(6)])
    whole = tagger.tag(samples)
    starts = mel.patch_starts(len(samples))
    assert len(whole.mtt) == len(starts)
    # In the middle of a patch: at its edges it sees 16 ms of its neighbours.
    alone = tagger.tag(samples[starts[2] : starts[2] + mel.PATCH_SAMPLES])
    assert np.abs(whole.mtt[2] - alone.mtt[0]).max() < 0.02


@given(st.integers(min_value=1, max_value=20_000_000))
@settings(max_examples=200, deadline=None)
def test_patches_cover_all_but_half_a_patch_and_stay_inside(sample_count):
    starts = mel.patch_starts(sample_count)
    assert starts[0] == 0
    assert starts == sorted(set(starts))
    if sample_count >= mel.PATCH_SAMPLES:
        last = starts[-1] + mel.PATCH_SAMPLES
        assert 0 <= sample_count - last <= mel.PATCH_SAMPLES // 2


@pytest.mark.parametrize("count", [1, 3, 255, 256, RATE, mel.PATCH_SAMPLES - 1])
def test_the_shortest_sounds_have_one_patch(tagger, count):
    tags = tagger.tag(noise(3)[:count])
    assert tags.mtt.shape == tags.msd.shape == (1, 50)
    assert np.isfinite(tags.pooled).all()


def test_a_checkpoint_is_read_without_tensorflow():
    values = np.arange(6, dtype="<f4").reshape(2, 3)
    entry = b"\x08\x01\x12\x08\x12\x02\x08\x02\x12\x02\x08\x03\x20\x04\x28\x18"
    index = table([(b"", b"\x08\x01"), (b"dense/kernel", entry)])
    read = checkpoint.read_variables(index, b"\0\0\0\0" + values.tobytes())
    assert list(read) == ["dense/kernel"]
    assert (read["dense/kernel"] == values).all()


def test_what_is_no_checkpoint_is_refused():
    with pytest.raises(checkpoint.NotACheckpoint):
        checkpoint.read_variables(b"not a table" * 10, b"")


def table(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A LevelDB table with one block of data, its keys not shortened."""

    def block(pairs: list[tuple[bytes, bytes]]) -> bytes:
        rows = b"".join(bytes((0, len(k), len(v))) + k + v for k, v in pairs)
        return rows + struct.pack("<II", 0, 1)

    data = block(entries)
    index_at = len(data) + 5  # one byte of kind and a checksum follow each block
    handle = bytes((0, len(data)))
    index = block([(b"\xff", handle)])
    footer = bytes((0, 0, index_at, len(index))).ljust(40, b"\0")
    return data + b"\0" * 5 + index + b"\0" * 5 + footer + struct.pack("<Q", 0xDB4775248B80FB57)
