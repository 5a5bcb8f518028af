"""The original networks computed with numpy alone, in float64: what a conversion is checked against.

Nothing here is shared with the converters but the reading of the files: weights are not folded, layers are taken one
by one as the original's own documentation defines them. Slow, and meant to be: a few seconds a network.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models.build.caffe import CaffeLayer
from edge_agent.vision.models.build.chip import CHIP_SIDE, CROP_SIDE, mapping
from edge_agent.vision.models.build.dlib_file import DlibLayer

Tensor = npt.NDArray[np.float64]


def run_caffe(layers: tuple[CaffeLayer, ...], given: Tensor) -> Tensor:
    """The network's last output for one input (1, channels, height, width)."""
    tensors = {"data": given[0]}
    for layer in layers:
        tensors[layer.top] = _caffe_layer(layer, [tensors[bottom] for bottom in layer.bottoms])
    return np.asarray(tensors[layers[-1].top][None], np.float64)


def run_dlib(layers: tuple[DlibLayer, ...], chip: Tensor) -> Tensor:
    """The embedding of one chip, RGB 0..255, (3, 150, 150): 128 numbers."""
    tensor = block = (chip - layers[0].weights.astype(np.float64).reshape(3, 1, 1)) / 256.0
    added = False
    for layer in layers[1:]:
        if layer.kind == "con":
            tensor = _dlib_convolution(layer, tensor)
        elif layer.kind == "affine":
            factor, offset = np.split(layer.weights.astype(np.float64), 2)
            tensor = tensor * factor.reshape(-1, 1, 1) + offset.reshape(-1, 1, 1)
        elif layer.kind == "relu":
            tensor = np.maximum(tensor, 0.0)
            block, added = (tensor, False) if added else (block, added)
        elif layer.kind == "max_pool":
            tensor = block = _windows(tensor, layer.sizes[:2], layer.sizes[2:4]).max(axis=(3, 4))
        elif layer.kind == "avg_pool" and layer.sizes[0] == 0:
            tensor = tensor.mean(axis=(1, 2), keepdims=True)
        elif layer.kind == "avg_pool":
            block = _windows(block, layer.sizes[:2], layer.sizes[2:4]).mean(axis=(3, 4))
        elif layer.kind == "add_prev":
            tensor, added = _add_unequal(tensor, block), True
        else:
            tensor = tensor.reshape(-1) @ layer.weights.astype(np.float64).reshape(layer.sizes[1], layer.sizes[0])
    return tensor


def chip_of_crop(crop: Tensor, mean: npt.NDArray[np.float32]) -> Tensor:
    """The chip, (3, 150, 150), of a crop aligned as ArcFace does, (3, 112, 112): each pixel from four neighbours."""
    scale, (across, down) = mapping()
    filling = mean.astype(np.float64).reshape(3, 1, 1)
    bordered = np.pad(crop - filling, ((0, 0), (1, 2), (1, 2)))  # outside the crop: the mean colour
    u = np.clip((np.arange(CHIP_SIDE) - across) / scale + 1, 0, CROP_SIDE + 1)
    v = np.clip((np.arange(CHIP_SIDE) - down) / scale + 1, 0, CROP_SIDE + 1)
    left, top = u.astype(int), v.astype(int)
    a, b = u - left, (v - top)[:, None]
    upper = bordered[:, top][:, :, left] * (1 - a) + bordered[:, top][:, :, left + 1] * a
    lower = bordered[:, top + 1][:, :, left] * (1 - a) + bordered[:, top + 1][:, :, left + 1] * a
    return np.asarray(upper * (1 - b) + lower * b + filling, np.float64)


def _caffe_layer(layer: CaffeLayer, inputs: list[Tensor]) -> Tensor:
    if layer.kind in {"Convolution", "BatchNorm", "Scale"}:
        return _weighted(layer, inputs[0], [blob.astype(np.float64) for blob in layer.blobs])
    if layer.kind == "ReLU":
        return np.maximum(inputs[0], 0.0)
    if layer.kind == "Pooling":
        return _pool_up(inputs[0], layer.sizes["kernel"], layer.sizes["stride"])
    axis = layer.sizes["axis"][0] - 1  # without the batch
    if layer.kind == "Concat":
        return np.concatenate(inputs, axis=axis)
    powers = np.exp(inputs[0] - inputs[0].max(axis=axis, keepdims=True))
    return np.asarray(powers / powers.sum(axis=axis, keepdims=True), np.float64)


def _weighted(layer: CaffeLayer, tensor: Tensor, blobs: list[Tensor]) -> Tensor:
    if layer.kind == "Convolution":
        bias = blobs[1].reshape(-1) if len(blobs) > 1 else None
        return _convolve(tensor, blobs[0], bias, layer.sizes["stride"], layer.sizes["pad"])
    if layer.kind == "BatchNorm":
        count = float(blobs[2].reshape(-1)[0])
        mean, variance = (blob.reshape(-1, 1, 1) / count for blob in blobs[:2])
        return np.asarray((tensor - mean) / np.sqrt(variance + layer.epsilon), np.float64)
    return np.asarray(tensor * blobs[0].reshape(-1, 1, 1) + blobs[1].reshape(-1, 1, 1), np.float64)


def _dlib_convolution(layer: DlibLayer, tensor: Tensor) -> Tensor:
    filters, rows, columns = layer.sizes[:3]
    count = filters * tensor.shape[0] * rows * columns
    weights = layer.weights.astype(np.float64)
    shape = (filters, tensor.shape[0], rows, columns)
    return _convolve(tensor, weights[:count].reshape(shape), weights[count:], layer.sizes[3:5], layer.sizes[5:7])


def _convolve(
    tensor: Tensor, weights: Tensor, bias: Tensor | None, stride: tuple[int, ...], pad: tuple[int, ...]
) -> Tensor:
    padded = np.pad(tensor, ((0, 0), (pad[0], pad[0]), (pad[1], pad[1])))
    windows = _windows(padded, weights.shape[2:], stride)
    made = np.tensordot(weights, windows, axes=([1, 2, 3], [0, 3, 4]))
    return made if bias is None else made + bias.reshape(-1, 1, 1)


def _windows(tensor: Tensor, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """(channels, rows, columns, size[0], size[1]): every whole window."""
    windows = np.lib.stride_tricks.sliding_window_view(tensor, size, axis=(1, 2))
    return np.asarray(windows[:, :: stride[0], :: stride[1]], np.float64)


def _pool_up(tensor: Tensor, size: tuple[int, ...], stride: tuple[int, ...]) -> Tensor:
    """Maximum of each window; one that reaches over the edge counts too (Caffe rounds up)."""
    more = [(-(length - size[i]) % stride[i]) for i, length in enumerate(tensor.shape[1:])]
    padded = np.pad(tensor, ((0, 0), (0, more[0]), (0, more[1])), constant_values=-np.inf)
    return np.asarray(_windows(padded, size, stride).max(axis=(3, 4)), np.float64)


def _add_unequal(left: Tensor, right: Tensor) -> Tensor:
    """A sum as large as the larger of both in every direction; what one lacks counts as zero."""
    made = np.zeros(tuple(max(a, b) for a, b in zip(left.shape, right.shape, strict=True)))
    for tensor in (left, right):
        made[tuple(slice(length) for length in tensor.shape)] += tensor
    return made
