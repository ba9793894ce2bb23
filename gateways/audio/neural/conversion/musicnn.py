"""Makes `../weights/musicnn-{mtt,msd}.onnx` out of the wheel of musicnn 0.1.0 (ISC).

    pip download --no-deps musicnn==0.1.0
    python -m gateways.audio.neural.conversion.musicnn musicnn-0.1.0-py3-none-any.whl FOLDER

The network is Pons' and Serra's (arXiv:1909.06654). Two things differ from their graph, neither in
its results: batch norms are folded into the layers that follow them where nothing is padded
between, and the two halves that make up the pooled vector come out one after the other.
"""

from __future__ import annotations

import hashlib
import math
import sys
import zipfile
from pathlib import Path

import numpy as np

from gateways.audio.neural.conversion.checkpoint import read_variables
from gateways.audio.neural.conversion.onnx_file import Graph

WHEEL_SHA256 = "f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa"
MODELS = {"musicnn-mtt.onnx": "MTT_musicnn", "musicnn-msd.onnx": "MSD_musicnn"}
MELS, FRAMES, POOLED, TAGS = 96, 187, 753, 50
_EPSILON = 1e-3  # batch norm's in TensorFlow

Variables = dict[str, np.ndarray]


def convert(wheel: Path) -> dict[str, bytes]:
    """The two ONNX files by name. Raises ValueError for any other wheel."""
    found = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if found != WHEEL_SHA256:
        raise ValueError(f"{wheel.name} is not the wheel of musicnn 0.1.0: sha256 {found}")
    with zipfile.ZipFile(wheel) as files:
        return {
            file: build(
                read_variables(
                    files.read(f"musicnn/{folder}/.index"),
                    files.read(f"musicnn/{folder}/.data-00000-of-00001"),
                ),
                folder,
            )
            for file, folder in MODELS.items()
        }


def build(variables: Variables, name: str) -> bytes:
    """The graph: `mel` (patches, 187, 96) to `tags` (patches, 50) and `pooled` (patches, 753)."""
    graph = Graph(name)
    features = _mid_end(graph, variables, _front_end(graph, variables))
    highest = graph.add("ReduceMax", features, result="pooled", axes=[2], keepdims=0)
    mean = graph.add("ReduceMean", features, axes=[2], keepdims=0)
    _back_end(graph, variables, graph.add("Concat", highest, mean, axis=1))
    return graph.model(
        {"mel": ("patches", FRAMES, MELS)},
        {"tags": ("patches", TAGS), "pooled": ("patches", POOLED)},
    )


def scale_and_shift(variables: Variables, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Batch norm number `layer` as y = scale · x + shift, float64 (channels,)."""
    name = "batch_normalization" + (f"_{layer}" if layer else "")
    gamma, beta, mean, variance = (
        variables[f"{name}/{part}"].astype(float)
        for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + _EPSILON)
    return scale, beta - mean * scale


def kernel_and_bias(variables: Variables, layer: int) -> tuple[np.ndarray, np.ndarray]:
    """Convolution number `layer`: (height, width, inputs, outputs) and (outputs,)."""
    name = "conv2d" + (f"_{layer}" if layer else "")
    return variables[f"{name}/kernel"], variables[f"{name}/bias"]


def _front_end(graph: Graph, variables: Variables) -> str:
    """(patches, 561, 187): timbre seen over 7 frames, rhythm over 32, 64 and 128."""
    image = graph.add("Unsqueeze", "mel", graph.weight(np.array([1])))
    image = _affine(graph, image, *scale_and_shift(variables, 0))
    parts = []
    for layer in range(5):
        kernel, bias = kernel_and_bias(variables, layer)
        before, after = (kernel.shape[0] - 1) // 2, kernel.shape[0] // 2
        seen = graph.add(
            "Conv",
            image,
            graph.weight(kernel.transpose(3, 2, 0, 1)),
            graph.weight(bias),
            pads=[before, 0, after, 0],
        )
        seen = graph.add("Relu", seen)
        scale, shift = scale_and_shift(variables, layer + 1)
        parts.append(_loudest_band(graph, seen, scale[:, None], shift[:, None]))
    return graph.add("Concat", *parts, axis=1)


def _loudest_band(graph: Graph, seen: str, scale: np.ndarray, shift: np.ndarray) -> str:
    """max over the bands of scale · x + shift, done after the maximum: where the scale is
    negative, it is the least x that counts."""
    most = graph.add("ReduceMax", seen, axes=[3], keepdims=0)
    least = graph.add("ReduceMin", seen, axes=[3], keepdims=0)
    rising = graph.add("Mul", most, graph.weight(np.maximum(scale, 0)))
    falling = _affine(graph, least, np.minimum(scale, 0), shift)
    return graph.add("Add", rising, falling)


def _mid_end(graph: Graph, variables: Variables, front: str) -> str:
    """(patches, 753, 187): three layers over time, each added to the one before, all kept."""
    kept, x = [front], front
    for layer in (5, 6, 7):
        kernel, bias = kernel_and_bias(variables, layer)
        weight = graph.weight(kernel[:, :, 0, :].transpose(2, 1, 0))
        y = graph.add("Relu", graph.add("Conv", x, weight, graph.weight(bias), pads=[3, 3]))
        scale, shift = scale_and_shift(variables, layer + 1)
        y = _affine(graph, y, scale[:, None], shift[:, None])
        x = y if layer == 5 else graph.add("Add", y, x)
        kept.append(x)
    return graph.add("Concat", *kept, axis=1)


def _back_end(graph: Graph, variables: Variables, pooled: str) -> None:
    """Two dense layers, each with the batch norm before it folded in."""
    halves = np.concatenate((np.arange(0, 2 * POOLED, 2), np.arange(1, 2 * POOLED, 2)))
    x = _dense(graph, variables, "dense", 9, pooled, halves)
    x = _dense(graph, variables, "dense_1", 10, graph.add("Relu", x), np.arange(200))
    graph.add("Sigmoid", x, result="tags")


def _dense(
    graph: Graph, variables: Variables, name: str, norm: int, x: str, order: np.ndarray
) -> str:
    kernel = variables[f"{name}/kernel"].astype(float)
    scale, shift = scale_and_shift(variables, norm)
    weight = graph.weight((scale[:, None] * kernel)[order])
    # Summed exactly: BLAS rounds differently from machine to machine, and the file is checked.
    added = np.array([math.fsum(column) for column in (shift[:, None] * kernel).T])
    bias = graph.weight(variables[f"{name}/bias"] + added)
    return graph.add("Add", graph.add("MatMul", x, weight), bias)


def _affine(graph: Graph, x: str, scale: np.ndarray, shift: np.ndarray) -> str:
    return graph.add("Add", graph.add("Mul", x, graph.weight(scale)), graph.weight(shift))


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    for file, data in convert(Path(sys.argv[1])).items():
        (folder / file).write_bytes(data)
        print(hashlib.sha256(data).hexdigest(), file)
