"""Faces: scores on the shared pictures, cost by stage, the gallery's search: `python -m benchmarks.vision_faces`.

Needs a model directory (`edge-agent models build`) and ../shared/faces. The peer is dlib's own path as the package
`face_recognition` goes it (HOG detector, 68 landmarks, ResNet, distance 0.6), measured where dlib is installed.
"""

from __future__ import annotations

import csv
import os
import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module, util
from pathlib import Path
from typing import Any

import numpy as np

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.vision.faces.engine import face_detector
from edge_agent.vision.faces.gallery import Gallery, Recognised
from edge_agent.vision.faces.geometry import aligned_crop
from edge_agent.vision.faces.lifetime import Lifetime
from edge_agent.vision.faces.matching import match
from edge_agent.vision.faces.quality import judge
from edge_agent.vision.faces.rates import wilson
from edge_agent.vision.faces.reader import LARGER, PIXELS, Face, FaceReader, largest
from edge_agent.vision.faces.sailing import SailingKey
from edge_agent.vision.image import Image, load_image
from edge_agent.vision.models.directory import ModelDirectory, default_directory

SHARED = Path(__file__).parents[2] / "shared" / "faces"
DLIB_SAME = 0.6  # face_recognition's default tolerance
RUNS = 21
GALLERY = 2000


@dataclass(frozen=True)
class Known:
    """One face of the shared pictures; `single` is its template without the mirror image."""

    name: str
    identity: str
    template: np.ndarray
    single: np.ndarray


@dataclass(frozen=True)
class Pair:
    """Two faces and how alike they are: ours, without the mirror image."""

    first: str
    second: str
    same: bool
    score: float
    single: float


def rows() -> list[dict[str, str]]:
    """The shared pictures' truth."""
    return list(csv.DictReader((SHARED / "ground_truth.csv").read_text("utf-8").splitlines()))


def faces_of(reader: FaceReader, models: ModelDirectory) -> list[Known]:
    """Every face; in a picture of two they stand in the order of the names."""
    session = models.session("face-recogniser")
    found = []
    for row in rows():
        image, names = load_image(SHARED / row["file"]), row["identity"].split("+")
        faces = sorted(reader.find(image), key=lambda face: face.box[0])
        if len(faces) != len(names):
            print(f"{row['file']}: {len(faces)} faces found, {len(names)} are in it")
            continue
        for face, name in zip(faces, names, strict=True):
            crop = aligned_crop(image, face.landmarks, 112)[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32)
            single = session.run(None, {session.get_inputs()[0].name: crop})[0][0]
            label = row["file"] if len(names) == 1 else f"{row['file']} ({name})"
            found.append(Known(label, name, reader.template(image, face), np.asarray(single / np.linalg.norm(single))))
    return found


def pairs_of(known: list[Known]) -> list[Pair]:
    """Every two faces, likest first."""
    pairs = [
        Pair(a.name, b.name, a.identity == b.identity, float(a.template @ b.template), float(a.single @ b.single))
        for place, a in enumerate(known)
        for b in known[:place]
    ]
    return sorted(pairs, key=lambda pair: -pair.score)


def print_accuracy(pairs: list[Pair], threshold: float) -> None:
    """Every score, then the rates with their intervals."""
    print(f"\n| pair | | cosine (threshold {threshold}) | without the mirror image |\n|---|---|---:|---:|")
    for pair in pairs:
        kind = "genuine" if pair.same else "impostor"
        print(f"| {pair.first}, {pair.second} | {kind} | {pair.score:.4f} | {pair.single:.4f} |")
    genuine, impostor = ([pair for pair in pairs if pair.same is same] for same in (True, False))
    missed = sum(pair.score < threshold for pair in genuine)
    passed = sum(pair.score >= threshold for pair in impostor)
    for what, wrong, of in (("genuine below", missed, genuine), ("impostor above", passed, impostor)):
        low, high = wilson(wrong, len(of))
        print(f"{what}: {wrong} of {len(of)} (95 %: {low:.1%} to {high:.1%})")
    for what in ("score", "single"):
        least = min(getattr(pair, what) for pair in genuine)
        most = max(getattr(pair, what) for pair in impostor)
        print(f"{what}: least genuine {least:.4f}, greatest impostor {most:.4f}, between them {least - most:.4f}")


@dataclass(frozen=True)
class Cost:
    """Milliseconds: the median of processor time, and the fastest by the clock. The machine may be shared."""

    processor: float
    fastest: float


def cost_of(action: Callable[[], object], runs: int = RUNS) -> Cost:
    """Of some runs, after one to warm up."""
    action()
    processor, wall = [], []
    for _ in range(runs):
        began, began_processor = time.perf_counter(), time.process_time()
        action()
        wall.append(time.perf_counter() - began)
        processor.append(time.process_time() - began_processor)
    return Cost(statistics.median(processor) * 1e3, min(wall) * 1e3)


def worsened(image: Image, face: Face) -> dict[str, Image]:
    """The picture as a worse camera, a worse scan or a worse light would have given it."""
    cv2: Any = import_module("cv2")
    x, y, width, height = face.box
    small = 240 / max(image.shape[:2])
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 25])
    middle = (x + width / 2, y + height / 2)
    turn = cv2.getRotationMatrix2D(middle, 15, 1)
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return {
        "longer side 240 pixels": cv2.resize(image, None, fx=small, fy=small, interpolation=cv2.INTER_AREA),
        "a quarter of the face cut off at the left": image[:, x + width // 4 :],
        "a quarter of the face cut off at the right": image[:, : x + width - width // 4],
        "chin cut off": image[: y + height - height * 3 // 10],
        "nothing but the face": image[y : y + height, x : x + width],
        "blurred by 2 % of the face": cv2.GaussianBlur(image, (0, 0), 0.02 * width),
        "at 40 % of the light": (image * 0.4).astype(np.uint8),
        "grey": cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR),
        "JPEG quality 25": cv2.imdecode(packed, cv2.IMREAD_COLOR),
        "tilted by 15 degrees": cv2.warpAffine(image, turn, (image.shape[1], image.shape[0])),
    }


def print_worsened(reader: FaceReader, known: list[Known]) -> None:
    """Scores of worsened copies of the pictures of one person with the pictures as they are."""
    genuine: dict[str, list[float]] = {}
    impostor: dict[str, list[float]] = {}
    for row in rows():
        image = load_image(SHARED / row["file"])
        face = largest(reader.find(image))
        if face is None or row["faces_in_image"] != "1":
            continue
        for how, worse in worsened(image, face).items():
            picture = np.ascontiguousarray(worse)
            found = largest(reader.find(picture))
            if found is None:
                print(f"{row['file']}, {how}: no face found")
                continue
            template = reader.template(picture, found)
            for other in known:
                if other.name != row["file"]:
                    kind = genuine if other.identity == row["identity"] else impostor
                    kind.setdefault(how, []).append(float(template @ other.template))
    print("\n| worsened copy against the others as they are | least genuine | greatest impostor |\n|---|---:|---:|")
    for how, scores in genuine.items():
        print(f"| {how} | {min(scores):.4f} | {max(impostor[how]):.4f} |")


def print_costs(models: ModelDirectory, image: Image) -> None:
    """Milliseconds by stage at one thread and at two."""
    costs: dict[str, list[Cost]] = {}
    for threads in (1, 2):
        reader = FaceReader(models, threads)
        face = largest(reader.find(image))
        if face is None:
            raise SystemExit("no face in the picture that costs are measured on")
        template = reader.template(image, face)
        stages: dict[str, Callable[[], object]] = {
            f"find faces, {PIXELS} pixels": partial(face_detector(models, threads, PIXELS).detect, image),
            f"find faces, {PIXELS * LARGER} pixels": partial(
                face_detector(models, threads, PIXELS * LARGER).detect, image
            ),
            "quality of one face": partial(judge, image, face.landmarks),
            "template of one face and its mirror image": partial(reader.template, image, face),
            "compare two templates": partial(match, template, template, reader.threshold),
            f"a frame: find and quality of {len(reader.find(image))}": partial(reader.find, image, thorough=False),
        }
        for name, action in stages.items():
            costs.setdefault(name, []).append(cost_of(action))
    height, width = image.shape[:2]
    print(f"\n| stage, {RUNS} runs, {width} x {height} | processor, ms | clock, one thread, ms | two threads, ms |")
    print("|---|---:|---:|---:|")
    for name, (one, two) in costs.items():
        print(f"| {name} | {one.processor:.2f} | {one.fastest:.2f} | {two.fastest:.2f} |")


def print_gallery() -> None:
    """Search of a full gallery, with dlib's and with InsightFace's number of numbers."""
    made = Moment(WallNs(1_800_000_000 * SECOND), MonoNs(SECOND), bytes(16), synchronised=True)
    for numbers in (128, 512):
        life = Lifetime.beginning(WallNs(made.wall + 3600 * SECOND), made)
        gallery = Gallery("bench", SailingKey.generate(), Recognised("bench", "00" * 32), life)
        vectors = np.random.default_rng(1).standard_normal((GALLERY, numbers)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        for place, vector in enumerate(vectors):
            gallery.add(str(place), vector)
        cost = cost_of(partial(gallery.search, vectors[-1], 0.94), 201)
        print(
            f"search among {GALLERY} templates of {numbers} numbers: {cost.processor:.3f} ms of processor, "
            f"{cost.fastest:.3f} ms by the clock; at most 2"
        )


def print_peer() -> None:
    """Dlib as face_recognition uses it, on the same pictures; its models come from the pinned package."""
    if util.find_spec("dlib") is None:
        print("\npeer, face_recognition's dlib path: dlib is not installed here")
        return
    dlib: Any = import_module("dlib")
    spec = util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        print("\npeer, face_recognition's dlib path: its models are not installed here")
        return
    folder = Path(spec.submodule_search_locations[0]) / "models"
    finder = dlib.get_frontal_face_detector()
    marks = dlib.shape_predictor(str(folder / "shape_predictor_68_face_landmarks.dat"))
    network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))
    known, spent = [], []
    for row in rows():
        image = np.ascontiguousarray(load_image(SHARED / row["file"])[:, :, ::-1])
        names = row["identity"].split("+")
        began = time.perf_counter()
        boxes = sorted(finder(image, 1), key=lambda box: box.left())
        vectors = [np.array(network.compute_face_descriptor(image, marks(image, box), 1)) for box in boxes]
        spent.append((time.perf_counter() - began) * 1e3)
        if len(boxes) != len(names):
            print(f"peer: {row['file']}: {len(boxes)} faces found, {len(names)} are in it")
        known += list(zip(names, vectors, strict=False))
    distances = [
        (a[0] == b[0], float(np.linalg.norm(a[1] - b[1]))) for place, a in enumerate(known) for b in known[:place]
    ]
    genuine, impostor = ([distance for same, distance in distances if same is wanted] for wanted in (True, False))
    print(
        f"\npeer, face_recognition's dlib path: genuine distances up to {max(genuine):.3f}, impostor ones from "
        f"{min(impostor):.3f}; same below {DLIB_SAME}: {sum(d > DLIB_SAME for d in genuine)} of {len(genuine)} genuine "
        f"missed, {sum(d <= DLIB_SAME for d in impostor)} of {len(impostor)} impostors passed; "
        f"{statistics.median(spent):.0f} ms a picture"
    )


def main() -> None:
    """Print everything."""
    if not SHARED.is_dir():
        raise SystemExit("the shared pictures are not here: ../shared/faces")
    models = ModelDirectory(default_directory())
    began = time.perf_counter()
    reader = FaceReader(models)
    print(
        f"start-up {time.perf_counter() - began:.1f} s, {os.cpu_count()} processors, model {reader.model_sha256[:12]}"
    )
    known = faces_of(reader, models)
    print_accuracy(pairs_of(known), reader.threshold)
    print_worsened(reader, known)
    print_costs(models, load_image(SHARED / "two_people.jpg"))
    print_gallery()
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print_peer()


if __name__ == "__main__":
    main()
