"""A Caffe network as ONNX: one node or two a layer, nothing folded, so that each layer can be found again."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edge_agent.vision.models.build.caffe import CaffeLayer
from edge_agent.vision.models.build.graph import Graph


def convert(name: str, shape: tuple[int, ...], layers: tuple[CaffeLayer, ...], made: tuple[int, ...]) -> bytes:
    """The network as an ONNX model with the input `data` and the output `prob`.

    Args:
        name: the graph's.
        shape: the input's.
        layers: in order; the last one's output is the network's.
        made: the output's shape.
    """
    graph = Graph(name)
    tensors = {"data": "data"}
    for layer in layers:
        inputs = [tensors[bottom] for bottom in layer.bottoms]
        tensors[layer.top] = _CONVERTERS[layer.kind](graph, layer, inputs)
    last = graph.add("Identity", [tensors[layers[-1].top]], output="prob")
    return graph.serialise(("data", shape), (last, made))


def normalisation(layer: CaffeLayer) -> tuple[np.ndarray, np.ndarray]:
    """A BatchNorm's factor and offset a channel: Caffe keeps sums of mean and variance and what to divide them by."""
    mean, variance, count = (blob.astype(np.float64).reshape(-1) for blob in layer.blobs)
    scale = 1.0 / count[0] if count[0] else 0.0
    factor = 1.0 / np.sqrt(variance * scale + layer.epsilon)
    return factor, -mean * scale * factor


def _affine(graph: Graph, tensor: str, factor: np.ndarray, offset: np.ndarray) -> str:
    shape = (1, -1, 1, 1)
    scaled = graph.add("Mul", [tensor, graph.constant(factor.astype(np.float32).reshape(shape))])
    return graph.add("Add", [scaled, graph.constant(offset.astype(np.float32).reshape(shape))])


def _convolution(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    constants = [graph.constant(layer.blobs[0])]
    if len(layer.blobs) > 1:
        constants.append(graph.constant(layer.blobs[1].reshape(-1)))
    return graph.add(
        "Conv",
        inputs + constants,
        kernel_shape=layer.sizes["kernel"],
        strides=layer.sizes["stride"],
        pads=layer.sizes["pad"] * 2,
    )


def _batch_norm(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    return _affine(graph, inputs[0], *normalisation(layer))


def _scale(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    return _affine(graph, inputs[0], layer.blobs[0], layer.blobs[1])


def _relu(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:  # noqa: ARG001 - one signature for all
    return graph.add("Relu", inputs)


def _pooling(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    return graph.add(
        "MaxPool",
        inputs,
        kernel_shape=layer.sizes["kernel"],
        strides=layer.sizes["stride"],
        pads=layer.sizes["pad"] * 2,
        ceil_mode=1,  # Caffe rounds a pool's size up
    )


def _concat(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    return graph.add("Concat", inputs, axis=layer.sizes["axis"][0])


def _softmax(graph: Graph, layer: CaffeLayer, inputs: list[str]) -> str:
    return graph.add("Softmax", inputs, axis=layer.sizes["axis"][0])


_CONVERTERS: dict[str, Callable[[Graph, CaffeLayer, list[str]], str]] = {
    "Convolution": _convolution,
    "BatchNorm": _batch_norm,
    "Scale": _scale,
    "ReLU": _relu,
    "Pooling": _pooling,
    "Concat": _concat,
    "Softmax": _softmax,
}
