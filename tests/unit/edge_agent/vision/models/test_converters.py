import struct

import pytest

pytest.importorskip("onnx", reason="the extra `vision` is not installed here")

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models.build import caffe, caffe_onnx, chip, forward
from edge_agent.vision.models.build.dlib_file import DlibError, DlibLayer, read_dlib
from edge_agent.vision.models.directory import make_session

PROTOTXT = """
name: "trial" input: "data" input_dim: 1 input_dim: 2 input_dim: 7 input_dim: 5
layer { name: "c" type: "Convolution" bottom: "data" top: "c"
  convolution_param { num_output: 3 kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0 } }
layer { name: "b" type: "BatchNorm" bottom: "c" top: "c" batch_norm_param { eps: 0.001 } }
layer { name: "s" type: "Scale" bottom: "c" top: "c" scale_param { bias_term: true } }
layer { name: "r" type: "ReLU" bottom: "c" top: "c" }
layer { name: "p" type: "Pooling" bottom: "c" top: "p"
  pooling_param { pool: MAX kernel_h: 2 kernel_w: 3 stride_h: 2 stride_w: 3 } }
layer { name: "j" type: "Concat" bottom: "p" bottom: "p" top: "j" }
layer { name: "prob" type: "Softmax" bottom: "j" top: "prob" }
"""


def weights(*, half: bool = False) -> bytes:
    net = caffe._net_class()()
    values = np.random.default_rng(3)
    shapes_of: dict[str, list[tuple[int, ...]]] = {"c": [(3, 2, 3, 2), (3,)], "b": [(3,), (3,), (1,)], "s": [(3,)] * 2}
    for name, shapes in shapes_of.items():
        layer = net.layer.add(name=name)
        for shape in shapes:
            blob = layer.blobs.add()
            blob.shape.dim.extend(shape)
            data = values.uniform(0.5, 2.0, shape)
            if half:
                blob.raw_data_type, blob.raw_data = 2, data.astype("<f2").tobytes()
            else:
                blob.data.extend(data.reshape(-1).tolist())
    return bytes(net.SerializeToString())


def by_hand(layers: tuple[caffe.CaffeLayer, ...], given: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The trial network in loops, straight from Caffe's documentation."""
    kernel, bias = layers[0].blobs
    padded = np.zeros((2, 9, 5))
    padded[:, 1:8] = given[0]
    made = np.zeros((3, 4, 4))
    for f in range(3):
        for y in range(4):
            for x in range(4):
                made[f, y, x] = (padded[:, 2 * y : 2 * y + 3, x : x + 2] * kernel[f]).sum() + bias[f]
    mean, variance, count = layers[1].blobs
    made = (made - (mean / count)[:, None, None]) / np.sqrt((variance / count)[:, None, None] + 0.001)
    made = np.maximum(made * layers[2].blobs[0][:, None, None] + layers[2].blobs[1][:, None, None], 0)
    pooled = np.zeros((3, 2, 2))
    for y in range(2):
        for x in range(2):  # the second window reaches over the edge: 4 columns, windows of 3 every 3
            pooled[:, y, x] = made[:, 2 * y : 2 * y + 2, 3 * x : 3 * x + 3].max(axis=(1, 2))
    joined = np.exp(np.concatenate([pooled, pooled]))
    return np.asarray(joined / joined.sum(axis=0), np.float64)


@pytest.mark.parametrize("half", [False, True])
def test_a_caffe_network_by_hand_by_numpy_and_as_onnx_is_the_same(half: bool) -> None:
    shape, layers = caffe.read_caffe(PROTOTXT, weights(half=half))
    assert shape == (1, 2, 7, 5)
    given = np.random.default_rng(4).normal(size=shape)
    expected = by_hand(layers, given)
    assert np.allclose(forward.run_caffe(layers, given)[0], expected, atol=1e-12)
    session = make_session(caffe_onnx.convert("trial", shape, layers, (1, 6, 2, 2)), "trial")
    made = session.run(None, {"data": given.astype(np.float32)})[0][0]
    assert np.allclose(made, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (PROTOTXT.replace("pad_w: 0", "dilation: 2"), "dilation"),
        (PROTOTXT.replace('"ReLU"', '"PReLU"'), "PReLU, which is not known"),
        (PROTOTXT.replace("MAX", "AVE"), "another way than by maximum"),
        (PROTOTXT.replace('name: "b"', 'name: "bb"'), "bb has no weights"),
        ("no prototxt at all", "not known here"),
    ],
)
def test_what_a_caffe_network_has_and_the_converter_has_not_is_said(text: str, cause: str) -> None:
    with pytest.raises(caffe.CaffeError, match=cause):
        caffe.read_caffe(text, weights())


def integer(value: int) -> bytes:
    data = abs(value).to_bytes(max(1, (abs(value).bit_length() + 7) // 8), "little")
    return bytes([len(data) | (0x80 if value < 0 else 0)]) + data


def tag(name: bytes) -> bytes:
    return integer(len(name)) + name


def tensor(values: list[float]) -> bytes:
    return b"".join(integer(size) for size in (2, len(values), 1, 1, 1)) + struct.pack(f"<{len(values)}f", *values)


def dlib_bytes() -> bytes:
    means = b"".join(integer(part) for mean in (122, 117, 104) for part in (mean * 4, -2))
    return (
        tag(b"input_rgb_image_sized") + means + integer(150) + integer(150)
        + tag(b"relu_") + b"110"
        + tag(b"fc_2") + integer(1) + integer(3) + tensor([0.5, -1.0, 2.0])
    )  # fmt: skip


def test_dlibs_integers_floats_and_tensors_are_read_as_dlib_writes_them() -> None:
    layers = read_dlib(dlib_bytes())
    assert [layer.kind for layer in layers] == ["input", "relu", "fc"]
    assert layers[0].weights.tolist() == [122.0, 117.0, 104.0]
    assert layers[0].sizes == (150, 150)
    assert layers[2].weights.tolist() == [0.5, -1.0, 2.0]


@pytest.mark.parametrize("part", [0.0, 0.4, 0.9])
def test_a_dlib_file_that_is_cut_short_or_another_is_said(part: float) -> None:
    data = dlib_bytes()
    with pytest.raises(DlibError):
        read_dlib(data[: int(len(data) * part)])


def test_dlib_adds_unequal_tensors_as_if_the_smaller_went_on_with_zeros() -> None:
    nothing = np.empty(0, np.float32)
    layers = (
        DlibLayer("input", (4, 4), np.zeros(3, np.float32)),
        DlibLayer("max_pool", (1, 1, 1, 1, 0, 0), nothing),
        DlibLayer("con", (4, 2, 2, 2, 2, 0, 0), np.ones(4 * 3 * 2 * 2 + 4, np.float32)),
        DlibLayer("add_prev", (), nothing),
        DlibLayer("relu", (), nothing),
    )
    made = forward.run_dlib(layers, np.full((3, 4, 4), 256.0))
    assert made.shape == (4, 4, 4)
    assert made[0, 0, 0] == 12 + 1 + 1  # twelve ones, the bias, and what was added
    assert made[0, 3, 3] == 1  # nothing but what was added
    assert made[3, 0, 0] == 13  # a channel that only the convolution has
    assert made[3, 3, 3] == 0


def test_the_chip_puts_the_eyes_where_dlib_has_them() -> None:
    scale, shift = chip.mapping()
    eyes = chip.ARCFACE_EYES * scale + shift
    wanted = (chip.DLIB_EYES + 0.25) / 1.5 * 150
    assert np.abs(eyes - wanted).max() < 0.2  # ArcFace's own eyes are a fifth of a pixel from level
    rows, columns = chip.sampling_matrices()
    crop = np.random.default_rng(5).uniform(0, 255, (3, 112, 112))
    sampled = np.stack([rows @ plane @ columns.T for plane in crop])
    assert np.allclose(sampled, forward.chip_of_crop(crop, np.zeros(3, np.float32)), atol=1e-3)
