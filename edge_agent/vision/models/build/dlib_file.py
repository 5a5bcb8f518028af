"""Reads dlib's serialised face recognition network (dlib_face_recognition_resnet_model_v1.dat) without dlib.

The file holds the layers in order from the input, each as a short tag followed by its fields. Integers are one byte
with the sign in bit 7 and the count of bytes in bits 0..3, then that many bytes, little-endian; floats are two such
integers, mantissa and exponent of 2; tensors are a version, four sizes and raw little-endian float32. Source: dlib
19.4 and later, dlib/serialize.h, dlib/dnn/layers.h, dlib/dnn/tensor_data.h.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Kind: TypeAlias = Literal["input", "con", "affine", "relu", "max_pool", "avg_pool", "add_prev", "fc"]

_TAGS = re.compile(rb"\x01[\x04-\x20](con_4|affine_|relu_|max_pool_2|avg_pool_2|add_prev_|fc_2|input_rgb_image_sized)")
_KINDS: dict[bytes, Kind] = {
    b"input_rgb_image_sized": "input",
    b"con_4": "con",
    b"affine_": "affine",
    b"relu_": "relu",
    b"max_pool_2": "max_pool",
    b"avg_pool_2": "avg_pool",
    b"add_prev_": "add_prev",
    b"fc_2": "fc",
}
_MOST_BYTES_OF_AN_INTEGER = 8
_TENSOR_VERSION = 2


class DlibError(ValueError):
    """The file is not the network that is converted here; says why."""


@dataclass(frozen=True, slots=True)
class DlibLayer:
    """One layer as the file has it.

    Attributes:
        kind: what it does.
        sizes: con: filters, rows, columns, stride y, stride x, pad y, pad x. Pools: rows, columns, strides and pads
            in the same order, 0 x 0 meaning the whole. fc: outputs, inputs. input: rows, columns.
        weights: con: filters x channels x rows x columns, then a bias a filter. affine: a factor a channel, then an
            offset a channel. fc: inputs x outputs. input: mean of red, green, blue. Others: empty.
    """

    kind: Kind
    sizes: tuple[int, ...]
    weights: Floats


class _Reader:
    """A position in the file."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def integer(self) -> int:
        head = self.data[self.at]
        count = head & 0x0F
        if not 1 <= count <= _MOST_BYTES_OF_AN_INTEGER or head & 0x70:
            raise DlibError(f"no integer at byte {self.at}")
        value = int.from_bytes(self.data[self.at + 1 : self.at + 1 + count], "little")
        self.at += 1 + count
        return -value if head & 0x80 else value

    def integers(self, count: int) -> tuple[int, ...]:
        return tuple(self.integer() for _ in range(count))

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return float(mantissa) * 2.0**exponent

    def tensor(self) -> Floats:
        version, *sizes = self.integers(5)
        if version != _TENSOR_VERSION:
            raise DlibError(f"a tensor of version {version}, not {_TENSOR_VERSION}")
        count = int(np.prod(sizes))
        if len(self.data) < self.at + 4 * count:
            raise DlibError("it is cut short")
        values = np.frombuffer(self.data, "<f4", count, self.at)
        self.at += 4 * count
        return values


def read_dlib(data: bytes) -> tuple[DlibLayer, ...]:
    """The layers from the input to the embedding; DlibError where the file is another one."""
    reader, layers = _Reader(data), list[DlibLayer]()
    try:
        while found := _TAGS.search(data, reader.at):
            reader.at = found.end() if found[1] not in {b"relu_", b"add_prev_"} else found.end() + 3
            layers.append(_layer(_KINDS[found[1]], reader))
    except IndexError as error:
        raise DlibError("it is cut short") from error
    if not layers or layers[0].kind != "input" or layers[-1].kind != "fc":
        raise DlibError("it does not go from an RGB image to an embedding")
    return tuple(layers)


def _layer(kind: Kind, reader: _Reader) -> DlibLayer:
    nothing = np.empty(0, np.float32)
    if kind == "input":
        means = np.array([reader.real() for _ in range(3)], np.float32)
        return DlibLayer(kind, reader.integers(2), means)
    if kind == "con":
        weights = reader.tensor()
        return DlibLayer(kind, reader.integers(7), weights)
    if kind == "affine":
        return DlibLayer(kind, (), reader.tensor())
    if kind in {"max_pool", "avg_pool"}:
        return DlibLayer(kind, reader.integers(6), nothing)
    if kind == "fc":
        sizes = reader.integers(2)
        return DlibLayer(kind, sizes, reader.tensor())
    return DlibLayer(kind, (), nothing)
