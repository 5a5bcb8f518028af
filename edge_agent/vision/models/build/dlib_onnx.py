"""dlib's face recognition network as ONNX, for faces aligned the way ArcFace aligns them."""

from __future__ import annotations

import numpy as np

from edge_agent.vision.models.build.chip import CHIP_SIDE, CROP_SIDE, sampling_matrices
from edge_agent.vision.models.build.dlib_file import DlibError, DlibLayer
from edge_agent.vision.models.build.graph import Graph


def convert(layers: tuple[DlibLayer, ...], *, aligned: bool = True) -> bytes:
    """The network as an ONNX model with the input `input`, RGB 0..255, and the output `embedding`, 128 numbers.

    Args:
        layers: as the file has them.
        aligned: the input is a 112 x 112 crop aligned by ArcFace's five points, which the first nodes bring to dlib's
            chip; else it is that 150 x 150 chip itself.
    """
    graph = Graph("dlib_face_recognition_resnet_v1")
    side = CROP_SIDE if aligned else CHIP_SIDE
    tensor = graph.add("Sub", ["input", graph.constant(layers[0].weights.reshape(1, 3, 1, 1))])
    tensor = graph.add("Mul", [tensor, graph.constant(np.float32(1 / 256))])
    if aligned:
        tensor = _resample(graph, tensor)
    tensor = _body(graph, tensor, layers[1:-1])
    tensor = graph.add("Flatten", [tensor])
    made = layers[-1].sizes[0]
    weights = graph.constant(layers[-1].weights.reshape(layers[-1].sizes[1], made))
    graph.add("MatMul", [tensor, weights], output="embedding")
    return graph.serialise(("input", ["N", 3, side, side]), ("embedding", ["N", made]))


def _resample(graph: Graph, tensor: str) -> str:
    """Bilinear sampling as two products, of rows and of columns: the geometry has no rotation."""
    rows, columns = sampling_matrices()
    tensor = graph.add("MatMul", [graph.constant(rows), tensor])
    return graph.add("MatMul", [tensor, graph.constant(columns.T)])


def _body(graph: Graph, tensor: str, layers: tuple[DlibLayer, ...]) -> str:
    """All layers between input and embedding; `block` is where the running residual block began."""
    builder = _Body(graph, tensor)
    for layer, after in zip(layers, (*layers[1:], None), strict=True):
        builder.take(layer, after)
    return builder.tensor


class _Body:
    """The tensor so far, with its size, and where the residual block began, with its size."""

    def __init__(self, graph: Graph, tensor: str) -> None:
        self.graph = graph
        self.tensor, self.channels, self.side = tensor, 3, CHIP_SIDE
        self.block = (tensor, 3, CHIP_SIDE)
        self._adding = False

    def take(self, layer: DlibLayer, after: DlibLayer | None) -> None:
        """Append one layer; an affine was folded into the convolution before it."""
        if layer.kind == "con":
            if after is None or after.kind != "affine":
                raise DlibError("a convolution is not followed by its affine layer")
            self._convolution(layer, after)
        elif layer.kind == "relu":
            self.tensor = self.graph.add("Relu", [self.tensor])
            if self._adding:
                self._begin_block()
        elif layer.kind == "max_pool":
            self._pool(layer, "MaxPool")
            self._begin_block()
        elif layer.kind == "avg_pool" and layer.sizes[0] == 0:
            self.tensor = self.graph.add("GlobalAveragePool", [self.tensor])
        elif layer.kind == "avg_pool":
            branch = (self.tensor, self.channels, self.side)
            self.tensor, self.channels, self.side = self.block
            self._pool(layer, "AveragePool")
            self.block = (self.tensor, self.channels, self.side)
            self.tensor, self.channels, self.side = branch
        elif layer.kind == "add_prev":
            self._add()

    def _begin_block(self) -> None:
        self.block, self._adding = (self.tensor, self.channels, self.side), False

    def _convolution(self, layer: DlibLayer, affine: DlibLayer) -> None:
        filters, rows, columns, stride, _, pad, _ = layer.sizes
        count = filters * self.channels * rows * columns
        weights, bias = layer.weights[:count], layer.weights[count:]
        factor, offset = affine.weights[:filters], affine.weights[filters:]
        shape = (filters, self.channels, rows, columns)
        folded = weights.reshape(shape) * factor.reshape(-1, 1, 1, 1)
        self.tensor = self.graph.add(
            "Conv",
            [self.tensor, self.graph.constant(folded), self.graph.constant(bias * factor + offset)],
            kernel_shape=(rows, columns),
            strides=(stride, stride),
            pads=(pad,) * 4,
        )
        self.channels, self.side = filters, (self.side + 2 * pad - rows) // stride + 1

    def _pool(self, layer: DlibLayer, kind: str) -> None:
        rows, columns, stride, _, pad, _ = layer.sizes
        self.tensor = self.graph.add(
            kind, [self.tensor], kernel_shape=(rows, columns), strides=(stride, stride), pads=(pad,) * 4
        )
        self.side = (self.side + 2 * pad - rows) // stride + 1

    def _add(self) -> None:
        """Dlib adds tensors of different size as if the smaller one went on with zeros."""
        channels, side = max(self.channels, self.block[1]), max(self.side, self.block[2])
        left = self._grown(self.tensor, self.channels, self.side, channels, side)
        right = self._grown(*self.block, channels, side)
        self.tensor = self.graph.add("Add", [left, right])
        self.channels, self.side, self._adding = channels, side, True

    def _grown(self, tensor: str, channels: int, side: int, to_channels: int, to_side: int) -> str:
        if (channels, side) == (to_channels, to_side):
            return tensor
        more = (0, 0, 0, 0, 0, to_channels - channels, to_side - side, to_side - side)
        return self.graph.add("Pad", [tensor, self.graph.constant(np.array(more, np.int64))])
