"""Makes `../weights/beatnet-{1,2,3}.onnx` out of the wheel of BeatNet 1.1.3 (CC BY 4.0).

    pip download --no-deps BeatNet==1.1.3
    python -m gateways.audio.neural.conversion.beatnet BeatNet-1.1.3-py3-none-any.whl FOLDER

The network is Heydari's, Cwitkowitz' and Duan's (arXiv:2108.03576), unchanged but for its form: the
beat and the downbeat come out as one sum, the probability that a beat falls on the frame.
"""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from pathlib import Path

import numpy as np

from gateways.audio.neural.conversion.onnx_file import Graph

WHEEL_SHA256 = "1ecfa17bdcbe899975a88bdb6efebd6970d846a4f3b6cfd5c6f320647c641c7e"
MODELS = {f"beatnet-{number}.onnx": f"model_{number}_weights.pt" for number in (1, 2, 3)}
FEATURES, HIDDEN = 272, 150
_FILTERS, _WIDTH, _POOLED = 2, 10, 131


def convert(wheel: Path) -> dict[str, bytes]:
    """The three ONNX files by name. Raises ValueError for any other wheel."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise ValueError(f"{wheel.name} is not the wheel of BeatNet 1.1.3: sha256 {found}")
    with zipfile.ZipFile(wheel) as files:
        return {
            name: build(_storages(files.read(f"BeatNet/models/{file}")), name.partition(".")[0])
            for name, file in MODELS.items()
        }


def build(storages: list[np.ndarray], name: str) -> bytes:
    """The graph: `spectra` (frames, 272) to `beats` (frames,), each 0..1."""
    kernel, bias, dense, dense_bias, recurrent, last, last_bias = storages
    graph = Graph(name)
    rows = graph.add("Unsqueeze", "spectra", graph.weight(np.array([1])))
    seen = graph.add(
        "Conv",
        rows,
        graph.weight(kernel.reshape(_FILTERS, 1, _WIDTH)),
        graph.weight(bias),
        kernel_shape=[_WIDTH],
    )
    seen = graph.add("Relu", seen)
    seen = graph.add("MaxPool", seen, kernel_shape=[2], strides=[2])
    seen = graph.add("Flatten", seen, axis=1)
    state = _dense(graph, seen, dense.reshape(HIDDEN, _FILTERS * _POOLED), dense_bias)
    state = graph.add("Unsqueeze", state, graph.weight(np.array([1])))
    for weights in _layers(recurrent):
        state = graph.add("LSTM", state, *map(graph.weight, weights), hidden_size=HIDDEN)
        state = graph.add("Squeeze", state, graph.weight(np.array([1])))
    state = graph.add("Squeeze", state, graph.weight(np.array([1])))
    shares = graph.add("Softmax", _dense(graph, state, last.reshape(3, HIDDEN), last_bias), axis=1)
    first, end, axis = (graph.weight(np.array([at])) for at in (0, 2, 1))
    beats = graph.add("Slice", shares, first, end, axis)
    graph.add("ReduceSum", beats, axis, result="beats", keepdims=0)
    return graph.model({"spectra": ("frames", FEATURES)}, {"beats": ("frames",)})


def _dense(graph: Graph, values: str, weights: np.ndarray, bias: np.ndarray) -> str:
    product = graph.add("MatMul", values, graph.weight(weights.T))
    return graph.add("Add", product, graph.weight(bias))


def _layers(recurrent: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Cuts PyTorch's flat LSTM, which has the weights of both layers and then the biases. ONNX
    wants another order of gates (in, out, forget, cell) and one leading axis for the direction."""
    square = 4 * HIDDEN * HIDDEN
    matrices = recurrent[: 4 * square].reshape(4, 4 * HIDDEN, HIDDEN)
    biases = recurrent[4 * square :].reshape(4, 4 * HIDDEN)
    return [
        (
            _gates(matrices[at])[None],
            _gates(matrices[at + 1])[None],
            np.concatenate((_gates(biases[at]), _gates(biases[at + 1])))[None],
        )
        for at in (0, 2)
    ]


def _gates(values: np.ndarray) -> np.ndarray:
    into, forget, cell, out = np.split(values, 4)
    return np.concatenate((into, out, forget, cell))


def _storages(checkpoint: bytes) -> list[np.ndarray]:
    """The seven blocks of float32 of a PyTorch file, in their order; its pickle is not run."""
    with zipfile.ZipFile(io.BytesIO(checkpoint)) as files:
        return [np.frombuffer(files.read(f"archive/data/{at}"), "<f4") for at in range(7)]


def main() -> None:
    for name, data in convert(Path(sys.argv[1])).items():
        (Path(sys.argv[2]) / name).write_bytes(data)
        print(name, hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main()
