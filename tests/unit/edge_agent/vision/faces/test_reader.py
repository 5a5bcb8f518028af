"""Faces in real pictures. The astronaut comes with scikit-image; the others are ../shared/faces."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path

import numpy as np
import pytest

from edge_agent.vision.faces.lane import portrait_template
from edge_agent.vision.faces.reader import FaceReader, largest
from edge_agent.vision.image import Image, load_image
from edge_agent.vision.models.directory import ModelDirectory

REPOSITORY = next(parent for parent in Path(__file__).parents if (parent / "pyproject.toml").exists())
SHARED = REPOSITORY.parent / "shared" / "faces"


@pytest.fixture(scope="module")
def reader(models: ModelDirectory) -> FaceReader:
    return FaceReader(models)


@pytest.fixture(scope="module")
def astronaut() -> Image:
    spec = util.find_spec("skimage")
    if spec is None or spec.origin is None:
        pytest.skip("scikit-image, which insightface brings, is not installed")
    return load_image(Path(spec.origin).parent / "data" / "astronaut.png")


def test_a_face_is_found_where_it_is_with_eyes_above_nose_above_mouth(reader: FaceReader, astronaut: Image) -> None:
    (face,) = reader.find(astronaut)
    x, y, width, height = face.box
    assert 160 < x < 200
    assert 40 < y < 80
    assert 70 < width < 120
    assert 100 < height < 150
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert face.quality.ok


def test_the_same_face_smaller_turned_darker_and_mirrored_is_the_same(reader: FaceReader, astronaut: Image) -> None:
    dark = (astronaut * 0.5).astype(np.uint8)
    small = np.ascontiguousarray(astronaut[:300:2, 100:350:2])
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    for other in (dark, mirrored, small):
        found = reader.match_images(other, astronaut)
        assert found.same, found.reason


def test_a_tight_portrait_whose_face_touches_the_edges_is_found(reader: FaceReader, astronaut: Image) -> None:
    tight = np.ascontiguousarray(astronaut[58:180, 178:270])
    face = largest(reader.find(tight))
    assert face is not None
    assert reader.match_images(tight, astronaut).same


def test_a_small_face_in_a_large_picture_is_found_when_there_is_time_to_look(
    reader: FaceReader, astronaut: Image
) -> None:
    scene = np.full((1200, 1600, 3), 90, np.uint8)
    scene[500:628, 700:828] = astronaut[::4, ::4]
    assert len(reader.find(scene)) == 1


def test_a_picture_without_a_face_is_no_match_and_says_which(reader: FaceReader, astronaut: Image) -> None:
    wall = np.full((300, 400, 3), 128, np.uint8)
    assert reader.find(wall) == []
    found = reader.match_images(astronaut, wall)
    assert (found.score, found.same) == (None, False)
    assert found.reason == "no face was found in the second picture"


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (33, 31)])
def test_pictures_of_odd_sizes_have_no_face_and_do_no_harm(reader: FaceReader, shape: tuple[int, int]) -> None:
    assert reader.find(np.zeros((*shape, 3), np.uint8)) == []


def test_in_pictures_of_several_people_the_likest_faces_are_compared_and_it_says_so(
    reader: FaceReader, astronaut: Image
) -> None:
    both = np.concatenate([astronaut, np.ascontiguousarray(astronaut[:, ::-1])], axis=1)
    found = reader.match_images(both, astronaut)
    assert found.same
    assert found.reason.endswith("the likest of 2 and 1 faces")


@dataclass(frozen=True)
class Known:
    file: str
    identity: str
    template: np.ndarray


@pytest.fixture(scope="module")
def shared(reader: FaceReader) -> list[Known]:
    if not SHARED.is_dir():
        pytest.skip("../shared/faces is not here")
    return list(known_faces(reader))


def known_faces(reader: FaceReader) -> Iterator[Known]:
    """Every face of the shared pictures; in a picture of two they stand in the order of the names."""
    for row in csv.DictReader((SHARED / "ground_truth.csv").read_text("utf-8").splitlines()):
        image, names = load_image(SHARED / row["file"]), row["identity"].split("+")
        faces = sorted(reader.find(image), key=lambda face: face.box[0])
        assert len(faces) == int(row["faces_in_image"]), row["file"]
        for face, name in zip(faces, names, strict=True):
            yield Known(row["file"], name, reader.template(image, face))


def test_on_the_shared_pictures_every_genuine_pair_is_above_and_every_impostor_pair_below(
    reader: FaceReader, shared: list[Known]
) -> None:
    pairs = [(a, b) for place, a in enumerate(shared) for b in shared[:place]]
    scores = [(a.identity == b.identity, float(a.template @ b.template), a.file, b.file) for a, b in pairs]
    genuine = [score for score in scores if score[0]]
    impostor = [score for score in scores if not score[0]]
    assert len(genuine) == 5
    assert len(impostor) == 23
    assert min(score[1] for score in genuine) >= reader.threshold, genuine
    assert max(score[1] for score in impostor) < reader.threshold, impostor


def test_two_people_in_a_portrait_give_no_template(reader: FaceReader) -> None:
    if not SHARED.is_dir():
        pytest.skip("../shared/faces is not here")
    with pytest.raises(Exception, match="faces of several people"):
        portrait_template(reader, load_image(SHARED / "two_people.jpg"), "it")
