"""The whole reader, with the default models: drawn plates of every kind, shared photographs, and hostile pictures."""

import csv
from pathlib import Path

import numpy as np
import pytest

from benchmarks.vision_plates_drawn import EXAMPLES, Drawn, draw_plate, place_plate, street
from edge_agent.vision.image import Image, load_image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Form, Task
from edge_agent.vision.plates import reader as reader_module
from edge_agent.vision.plates.detector import Found
from edge_agent.vision.plates.reader import PlateReader

SHARED = Path(__file__).parents[6] / "shared" / "plates"
ONE_OF_EACH = list({example.kind: example for example in EXAMPLES}.values())


def scene_with(example: Drawn, width: float = 190, x: float = 520, y: float = 400) -> Image:
    tall = {"green": 140 / 480}.get(example.kind, 0.5 if example.kind.endswith("double") else 140 / 440) * width
    corners = np.array([[x, y], [x + width, y + 9], [x + width - 2, y + 9 + tall], [x - 2, y + tall]], np.float32)
    return place_plate(street(), example, corners)


@pytest.mark.parametrize("example", ONE_OF_EACH, ids=lambda each: each.kind)
def test_a_plate_of_every_kind_is_read(reader: PlateReader, example: Drawn) -> None:
    (read,) = reader.read(scene_with(example))
    assert (read.text, read.kind, read.grammar_ok) == (example.text, example.kind, True)
    assert len(read.characters) == len(example.text)
    assert read.confidence == pytest.approx(min(character.confidence for character in read.characters))
    x, y, width, height = read.box
    assert abs(x - 518) < 15
    assert abs(y - 400) < 25
    assert abs(width - 192) < 25
    assert height < 130


def test_a_plate_of_two_rows_is_read_though_only_its_lower_row_is_found(
    reader: PlateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_with(Drawn("琼A26815", "yellow-double"))
    lower = np.array([[520, 435], [710, 444], [708, 504], [518, 495]], np.float32)
    monkeypatch.setattr(reader._detector, "find", lambda *_: [Found(0.9, lower)])
    (read,) = reader.read(scene)
    assert (read.text, read.kind, read.unattended) == ("琼A26815", "yellow-double", False)


def test_two_plates_in_one_picture_are_both_read(reader: PlateReader) -> None:
    scene = scene_with(Drawn("粤E90M36", "blue"), x=250)
    corners = np.array([[700, 300], [880, 306], [878, 363], [698, 357]], np.float32)
    reads = reader.read(place_plate(scene, Drawn("湘F61J24", "yellow"), corners))
    assert {read.text for read in reads} == {"粤E90M36", "湘F61J24"}


@pytest.mark.parametrize("thorough", [True, False])
def test_a_picture_without_a_plate_has_none(reader: PlateReader, thorough: bool) -> None:
    assert reader.read(street(), thorough=thorough) == []


@pytest.mark.parametrize("shape", [(1, 1), (15, 4000), (16, 16), (3000, 17), (40, 2000)])
def test_pictures_of_odd_shapes_are_no_error(reader: PlateReader, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(2).integers(0, 255, (*shape, 3)).astype(np.uint8)
    assert reader.read(picture, thorough=False) == []


def test_a_plate_that_fills_the_picture_is_found_at_another_scale(reader: PlateReader) -> None:
    plate = draw_plate(Drawn("琼B7K219", "blue"))
    framed = np.full((plate.shape[0] + 60, plate.shape[1] + 60, 3), 60, np.uint8)
    framed[30:-30, 30:-30] = plate
    assert [read.text for read in reader.read(framed)] == ["琼B7K219"]


def test_a_large_picture_is_reduced_first_and_its_boxes_are_the_pictures_own(
    reader: PlateReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_module, "LONGEST", 640)
    (read,) = reader.read(scene_with(Drawn("琼B7K219", "blue"), width=300))
    assert read.text == "琼B7K219"
    assert abs(read.box[0] - 518) < 20
    assert abs(read.box[2] - 302) < 30


def test_a_drawn_plate_without_a_province_is_not_bent_into_one(reader: PlateReader) -> None:
    for read in reader.read(scene_with(Drawn("RK735AS", "white"))):
        assert (read.grammar_ok, read.unattended) == (False, False)
        assert read.text == "RK735AS"


def test_a_given_box_is_read_without_grammar(reader: PlateReader) -> None:
    read = reader.read_box(scene_with(Drawn("RK735AS", "white")), (515, 398, 200, 74))
    assert read is not None
    assert (read.text, read.kind, read.grammar_ok, read.unattended) == ("RK735AS", "western", False, False)


@pytest.mark.parametrize("box", [(0, 0, 0, 0), (5000, 5000, 10, 10), (-40, -40, 30, 30), (10, 10, 1, 300)])
def test_a_box_that_holds_nothing_is_none(reader: PlateReader, box: tuple[int, int, int, int]) -> None:
    assert reader.read_box(street(), box) is None


class _OneBox:
    """A detector of another region, as an operator may supply: it always finds the same plate."""

    threshold = 0.5

    def find(self, _image: Image, _side: int) -> list[Found]:
        plate = np.array([[515, 398], [715, 398], [715, 472], [515, 472]], np.float32)
        return [Found(0.9, plate, exact=False), Found(0.4, plate - 200, exact=False)]


def test_the_western_slot_reads_what_its_detector_finds(
    models: ModelDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = scene_with(Drawn("RK735AS", "white"))
    reader = PlateReader(models)
    monkeypatch.setattr(reader, "_western", _OneBox())
    monkeypatch.setattr(reader, "_mainland", lambda *_: [])
    (read,) = reader.read(scene)
    assert (read.text, read.kind, read.box) == ("RK735AS", "western", (515, 398, 200, 74))


def test_without_a_model_in_it_the_western_slot_is_empty(reader: PlateReader, models: ModelDirectory) -> None:
    assert not models.has(Task.PLATE_DETECTOR_WESTERN)
    assert reader._western is None
    assert models.model(Task.PLATE_DETECTOR).manifest.output.form is Form.PRIORS


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared photographs are not beside the repository")
def test_the_shared_photographs_are_read_and_none_wrongly_without_a_person(reader: PlateReader) -> None:
    rows = csv.DictReader((SHARED / "ground_truth.csv").read_text("utf-8").splitlines())
    mainland = [row for row in rows if row["region"] == "CN"]
    reads = {row["plate"]: reader.read(load_image(SHARED / row["file"])) for row in mainland}
    assert {plate: [read.text for read in found] for plate, found in reads.items()} == {
        plate: [plate] for plate in reads
    }
    assert sum(read.unattended for found in reads.values() for read in found) >= len(reads) * 2 // 3
