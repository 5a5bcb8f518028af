"""Reads a Caffe network: its prototxt (text) and its caffemodel (weights), with the fields that networks here use.

Source of the field numbers: caffe.proto of BVLC Caffe 1.0; of raw_data: OpenCV's opencv-caffe.proto. A field of the
prototxt that is not listed is an error, so that nothing of a network is left out in silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

Floats = npt.NDArray[np.float32]

_FIELD = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _FIELD.TYPE_STRING,
    "int32": _FIELD.TYPE_INT32,
    "uint32": _FIELD.TYPE_UINT32,
    "int64": _FIELD.TYPE_INT64,
    "bool": _FIELD.TYPE_BOOL,
    "float": _FIELD.TYPE_FLOAT,
    "bytes": _FIELD.TYPE_BYTES,
}
# message -> "label type name number"; + repeated, = one
_MESSAGES = {
    "NetParameter": "= string name 1|+ string input 3|+ int32 input_dim 4|+ LayerParameter layer 100",
    "LayerParameter": (
        "= string name 1|= string type 2|+ string bottom 3|+ string top 4|+ BlobProto blobs 7"
        "|= AxisParameter concat_param 104|= ConvolutionParameter convolution_param 106"
        "|= PoolingParameter pooling_param 121|= AxisParameter softmax_param 125"
        "|= BatchNormParameter batch_norm_param 139|= ScaleParameter scale_param 142"
    ),
    "BlobProto": "= BlobShape shape 7|+ float data 5|= uint32 raw_data_type 10|= bytes raw_data 12",
    "BlobShape": "+ int64 dim 1",
    "AxisParameter": "= int32 axis 2",
    "ConvolutionParameter": (
        "= uint32 num_output 1|= bool bias_term 2|= uint32 pad_h 9|= uint32 pad_w 10|= uint32 kernel_h 11"
        "|= uint32 kernel_w 12|= uint32 stride_h 13|= uint32 stride_w 14"
    ),
    "PoolingParameter": (
        "= PoolMethod pool 1|= uint32 kernel_h 5|= uint32 kernel_w 6|= uint32 stride_h 7|= uint32 stride_w 8"
        "|= uint32 pad_h 9|= uint32 pad_w 10"
    ),
    "BatchNormParameter": "= bool use_global_stats 1|= float moving_average_fraction 2|= float eps 3",
    "ScaleParameter": "= bool bias_term 4",
}
_PACKED = {("BlobProto", "data"), ("BlobShape", "dim")}
_RAW_FLOAT16 = 2
_MAX_POOLING = 0


class CaffeError(ValueError):
    """The network is not one that is converted here; says why."""


@dataclass(frozen=True, slots=True)
class CaffeLayer:
    """One layer: its kind, what goes in and out by name, its sizes and its weights.

    Attributes:
        kind: Caffe's type.
        name: Caffe's name.
        bottoms, top: of the tensors.
        sizes: kernel, stride and pad as (height, width); axis as (axis,).
        epsilon: of a BatchNorm.
        blobs: weights, float32.
    """

    kind: str
    name: str
    bottoms: tuple[str, ...]
    top: str
    sizes: dict[str, tuple[int, ...]]
    epsilon: float
    blobs: tuple[Floats, ...]


@cache
def _net_class() -> Any:
    """The message class of a whole network, made from the table above: Caffe's own package is not needed."""
    file = descriptor_pb2.FileDescriptorProto(name="tidegate/caffe.proto", package="caffe", syntax="proto2")
    method = file.enum_type.add(name="PoolMethod")
    for number, name in enumerate(("MAX", "AVE", "STOCHASTIC")):
        method.value.add(name=name, number=number)
    for message, fields in _MESSAGES.items():
        made = file.message_type.add(name=message)
        for field in fields.split("|"):
            label, kind, key, tag = field.split()
            added = made.field.add(name=key, number=int(tag))
            added.label = _FIELD.LABEL_REPEATED if label == "+" else _FIELD.LABEL_OPTIONAL
            if kind in _TYPES:
                added.type = _TYPES[kind]
            else:
                added.type = _FIELD.TYPE_ENUM if kind == "PoolMethod" else _FIELD.TYPE_MESSAGE
                added.type_name = f".caffe.{kind}"
            if (message, key) in _PACKED:
                added.options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("caffe.NetParameter"))


def read_caffe(prototxt: str, weights: bytes) -> tuple[tuple[int, ...], tuple[CaffeLayer, ...]]:
    """The input's shape (batch, channels, height, width) and the layers in order; CaffeError where it is another kind.

    Raises:
        CaffeError: the text has a field not listed here, or a layer has no weights.
    """
    net = _net_class()()
    try:
        text_format.Parse(prototxt, net)
    except text_format.ParseError as error:
        raise CaffeError(f"the prototxt has something not known here: {error}") from error
    blobs = {layer.name: tuple(_blob(blob) for blob in layer.blobs) for layer in _net_class().FromString(weights).layer}
    return tuple(net.input_dim), tuple(_layer(layer, blobs.get(layer.name, ())) for layer in net.layer)


def _blob(blob: Any) -> Floats:
    if blob.raw_data:
        data = np.frombuffer(blob.raw_data, "<f2" if blob.raw_data_type == _RAW_FLOAT16 else "<f4").astype(np.float32)
    else:
        data = np.array(blob.data, np.float32)
    return data.reshape(tuple(blob.shape.dim))


def _layer(layer: Any, blobs: tuple[Floats, ...]) -> CaffeLayer:
    sizes: dict[str, tuple[int, ...]] = {}
    if layer.type == "Convolution":
        sizes = _window(layer.convolution_param)
    elif layer.type == "Pooling":
        sizes = _window(layer.pooling_param)
        if layer.pooling_param.pool != _MAX_POOLING:
            raise CaffeError(f"layer {layer.name} pools in another way than by maximum")
    elif layer.type in {"Concat", "Softmax"}:
        parameter = layer.concat_param if layer.type == "Concat" else layer.softmax_param
        sizes = {"axis": (parameter.axis if parameter.HasField("axis") else 1,)}
    elif layer.type not in {"BatchNorm", "Scale", "ReLU"}:
        raise CaffeError(f"layer {layer.name} is of the kind {layer.type}, which is not known here")
    if layer.type in {"Convolution", "BatchNorm", "Scale"} and not blobs:
        raise CaffeError(f"layer {layer.name} has no weights")
    batch_norm = layer.batch_norm_param
    return CaffeLayer(
        kind=layer.type,
        name=layer.name,
        bottoms=tuple(layer.bottom),
        top=layer.top[0],
        sizes=sizes,
        epsilon=batch_norm.eps if batch_norm.HasField("eps") else 1e-5,
        blobs=blobs,
    )


def _window(parameter: Any) -> dict[str, tuple[int, ...]]:
    return {
        "kernel": (parameter.kernel_h, parameter.kernel_w),
        "stride": (parameter.stride_h or 1, parameter.stride_w or 1),
        "pad": (parameter.pad_h, parameter.pad_w),
    }
