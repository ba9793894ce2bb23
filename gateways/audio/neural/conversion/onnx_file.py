"""Writes an ONNX model by hand: the few protobuf messages that a graph of float32 layers needs.

Field numbers are those of onnx.proto (IR version 7, opset 13). Byte for byte the same each time.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np

IR_VERSION = 7
OPSET = 13
_TENSOR_TYPES = {np.dtype("<f4"): 1, np.dtype("<i8"): 7}
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_INTS = 1, 2, 7

Shape = Sequence[int | str]
"""A size, or the name of one that is not fixed."""
Attribute = int | float | Sequence[int]


class Graph:
    """Collects layers; a layer's result is known by its name, given or made from a count."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[bytes] = []
        self._weights: list[bytes] = []
        self._count = 0

    def weight(self, values: np.ndarray) -> str:
        """A constant, stored as float32 or int64."""
        kind = "<i8" if values.dtype.kind == "i" else "<f4"
        name = f"w{len(self._weights)}"
        self._weights.append(_tensor(name, np.ascontiguousarray(values, kind)))
        return name

    def add(self, kind: str, *inputs: str, result: str = "", **attributes: Attribute) -> str:
        """One layer of ONNX's operator `kind`; answers the name of its first result."""
        self._count += 1
        result = result or f"x{self._count}"
        self._nodes.append(
            b"".join(_text(1, one) for one in inputs)
            + _text(2, result)
            + _text(4, kind)
            + b"".join(_bytes(5, _attribute(key, attributes[key])) for key in sorted(attributes))
        )
        return result

    def model(self, inputs: Mapping[str, Shape], outputs: Mapping[str, Shape]) -> bytes:
        """The file: every input and output is float32."""
        graph = (
            b"".join(_bytes(1, node) for node in self._nodes)
            + _text(2, self._name)
            + b"".join(_bytes(5, weight) for weight in self._weights)
            + b"".join(_bytes(11, _value(name, shape)) for name, shape in inputs.items())
            + b"".join(_bytes(12, _value(name, shape)) for name, shape in outputs.items())
        )
        return _number(1, IR_VERSION) + _bytes(7, graph) + _bytes(8, _number(2, OPSET))


def _tensor(name: str, values: np.ndarray) -> bytes:
    return (
        b"".join(_number(1, size) for size in values.shape)
        + _number(2, _TENSOR_TYPES[values.dtype])
        + _text(8, name)
        + _bytes(9, values.tobytes())
    )


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _ATTRIBUTE_INT)
    if isinstance(value, float):
        single = _varint(2 << 3 | 5) + struct.pack("<f", value)
        return _text(1, name) + single + _number(20, _ATTRIBUTE_FLOAT)
    numbers = b"".join(_number(8, one) for one in value)
    return _text(1, name) + numbers + _number(20, _ATTRIBUTE_INTS)


def _value(name: str, shape: Shape) -> bytes:
    sizes = [_text(2, size) if isinstance(size, str) else _number(1, size) for size in shape]
    tensor_type = _number(1, 1) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _text(1, name) + _bytes(2, _bytes(1, tensor_type))


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
