"""One lane: frames in, what to say out, one record at the end, and nothing else leaves."""

import json
from collections.abc import Callable
from typing import Any, cast

import numpy as np
import pytest

from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.vision.faces.calibration import Calibration
from edge_agent.vision.faces.check import FaceCheck, Liveness, Outcome
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.lane import Done, FaceLane, Portrait, TravellerCheck, portrait_template
from edge_agent.vision.faces.lifetime import Lifetime
from edge_agent.vision.faces.liveness import LivenessModel
from edge_agent.vision.faces.matching import TemplateError
from edge_agent.vision.faces.quality import Quality
from edge_agent.vision.faces.reader import Face, FaceReader
from edge_agent.vision.faces.sailing import SailingKey
from edge_agent.vision.faces.session import Policy, Wait

Make = Callable[..., np.ndarray]
NET = "ab" * 32


class FakeReader:
    """Sees in a picture the traveller whose number its first pixel is: 0 is nobody."""

    model_name, model_sha256, threshold = "net", NET, 0.94

    def __init__(self, template: Make, quality: Quality) -> None:
        self._template, self.quality = template, quality
        self.thorough = True

    def find(self, image: np.ndarray, *, thorough: bool = True) -> list[Face]:
        self.thorough = thorough
        if image[0, 0, 0] == 0:
            return []
        marks = ((40.0, 40.0), (60.0, 40.0), (50.0, 50.0), (42.0, 60.0), (58.0, 60.0))
        return [Face((30, 25, 40, 50), marks, 0.9, self.quality)]

    def template(self, image: np.ndarray, face: Face) -> np.ndarray:
        assert face.box[0] >= 0
        return self._template(int(image[0, 0, 0]))


class FakeLiveness:
    sha256 = "11" * 32

    def __init__(self, verdict: Liveness) -> None:
        self._verdict = verdict

    def check(self, image: np.ndarray, face: Face) -> Liveness:
        assert image.ndim == 3
        assert face.landmarks
        return self._verdict


def picture(person: int) -> np.ndarray:
    return np.full((120, 100, 3), person, np.uint8)


@pytest.fixture
def reader(template: Make, quality: Callable[..., Quality]) -> FaceReader:
    return cast("FaceReader", FakeReader(template, quality()))


@pytest.fixture
def gallery(moment: Callable[..., Moment], template: Make) -> Gallery:
    life = Lifetime.beginning(WallNs(1_800_003_600 * SECOND), moment(1_800_000_000, 100))
    made = Gallery("SAIL-1", SailingKey.generate(), Recognised("net", NET), life)
    for seed in (1, 2, 3):
        made.add(f"CHN {seed}", template(seed))
    return made


def run(check: TravellerCheck, image: np.ndarray) -> Done:
    for tenth in range(700):
        step = check.frame(image, MonoNs((10 + tenth) * SECOND // 10))
        if isinstance(step, Done):
            return step
        assert isinstance(step, Wait)
    raise AssertionError("the check did not end in 70 seconds")


def test_a_traveller_who_is_the_documents_is_matched(reader: FaceReader, template: Make) -> None:
    key = SailingKey.generate()
    done = run(FaceLane(reader).begin(Portrait("CHN E1", template(5)), key, MonoNs(0)), picture(5))
    assert done.check.outcome is Outcome.MATCHED
    assert done.subject == "CHN E1"
    assert done.check.pseudonym == key.pseudonym("CHN E1")
    assert done.check.tries == 1
    assert done.check.model_sha256 == NET
    assert done.check.calibration_id == "none"
    assert done.check.liveness is Liveness.NOT_CHECKED
    assert done.picture is None
    assert cast("FakeReader", reader).thorough is False  # an empty lane must cost little


def test_another_face_goes_to_the_staffed_lane_after_three_tries(reader: FaceReader, template: Make) -> None:
    key = SailingKey.generate()
    done = run(FaceLane(reader).begin(Portrait("CHN E1", template(5)), key, MonoNs(0)), picture(6))
    assert (done.check.outcome, done.check.tries, done.subject) == (Outcome.STAFFED_LANE, 3, None)
    assert done.check.pseudonym == key.pseudonym("CHN E1")  # whose document it was is still known
    assert done.check.score is not None
    assert done.check.score < 0.94
    assert done.advice.zh == "请走人工通道"


def test_in_the_gallery_only_this_sailings_travellers_are_known(reader: FaceReader, gallery: Gallery) -> None:
    lane = FaceLane(reader)
    done = run(lane.begin(gallery, gallery.key, MonoNs(0)), picture(2))
    assert (done.check.outcome, done.subject, done.check.gallery_size) == (Outcome.MATCHED, "CHN 2", 3)
    assert done.check.pseudonym == gallery.key.pseudonym("CHN 2")
    stranger = run(lane.begin(gallery, gallery.key, MonoNs(0)), picture(9))
    assert (stranger.check.outcome, stranger.check.pseudonym) == (Outcome.STAFFED_LANE, "")


def test_a_gallery_of_another_recogniser_is_refused_by_name(reader: FaceReader, gallery: Gallery) -> None:
    gallery.recogniser = Recognised("old net", "ff" * 32)
    with pytest.raises(GalleryError, match="of old net, and net is in use"):
        FaceLane(reader).begin(gallery, gallery.key, MonoNs(0))


def test_decisions_name_the_calibration_that_they_use(reader: FaceReader, template: Make, gallery: Gallery) -> None:
    table = ((1e-3, 0.95), (1e-4, 0.97))
    made = Calibration("ca" * 32, 0.95, NET, 0.001, supported=True, thresholds_by_fmr=table)
    lane = FaceLane(reader, calibration=made)
    check = run(lane.begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0)), picture(5)).check
    assert (check.threshold, check.calibration_id) == (0.95, "ca" * 32)
    assert run(lane.begin(gallery, gallery.key, MonoNs(0)), picture(2)).check.threshold == 0.97


@pytest.mark.parametrize(
    ("verdict", "outcome"), [(Liveness.LIVE, Outcome.MATCHED), (Liveness.ATTACK_SUSPECTED, Outcome.STAFFED_LANE)]
)
def test_a_liveness_model_is_asked_and_named(
    reader: FaceReader, template: Make, verdict: Liveness, outcome: Outcome
) -> None:
    lane = FaceLane(reader, liveness=cast("LivenessModel", FakeLiveness(verdict)))
    check = run(lane.begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0)), picture(5)).check
    assert (check.outcome, check.liveness, check.liveness_model_sha256) == (outcome, verdict, "11" * 32)


def test_a_picture_leaves_only_where_the_policy_says_so_and_is_a_copy(reader: FaceReader, template: Make) -> None:
    lane = FaceLane(reader, Policy(keep_picture=True))
    frame = picture(5)
    done = run(lane.begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0)), frame)
    assert done.picture is not None
    frame[:] = 0  # the camera writes the next frame into the same memory
    assert done.picture.min() == 5


def test_nobody_ever_comes(reader: FaceReader, template: Make) -> None:
    done = run(FaceLane(reader).begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0)), picture(0))
    assert (done.check.outcome, done.check.tries, done.check.quality) == (Outcome.STAFFED_LANE, 0, {})
    left = FaceLane(reader).begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0)).leave()
    assert left.check.reason == "the check was not finished"


def test_somebody_else_who_looks_in_is_left_out_of_the_template(
    template: Make, quality: Callable[..., Quality]
) -> None:
    reader = FakeReader(template, quality())
    lane = FaceLane(cast("FaceReader", reader))
    check = lane.begin(Portrait("x", template(5)), SailingKey.generate(), MonoNs(0))
    check.frame(picture(5), MonoNs(SECOND))
    reader.quality = quality(size=50)  # worse than the traveller's
    check.frame(picture(6), MonoNs(SECOND + SECOND // 2))
    done = check.frame(picture(5), MonoNs(2 * SECOND))
    assert isinstance(done, Done)
    assert done.check.score == pytest.approx(1.0, abs=1e-5)


def test_records_of_a_whole_day_hold_no_picture_no_template_and_no_name(
    reader: FaceReader, template: Make, gallery: Gallery
) -> None:
    lane, records = FaceLane(reader), []
    for person in range(1, 9):
        one = lane.begin(Portrait(f"CHN E{person}", template(5)), gallery.key, MonoNs(0))
        records.append(run(one, picture(person)).check)
        records.append(run(lane.begin(gallery, gallery.key, MonoNs(0)), picture(person)).check)
    text = json.dumps([record.as_record() for record in records], ensure_ascii=False)
    assert "CHN" not in text
    assert largest_list(json.loads(text)[0]) == 0
    raw = text.encode()
    for person in range(1, 9):
        vector = template(person)
        assert vector.tobytes()[:12] not in raw
        assert str(vector[0])[:8] not in text
    assert all(isinstance(record, FaceCheck) for record in records)


def largest_list(value: Any) -> int:
    """Length of the longest list anywhere in a JSON value."""
    if isinstance(value, dict):
        return max((largest_list(each) for each in value.values()), default=0)
    return len(value) if isinstance(value, list) else 0


def test_a_portrait_without_a_face_or_with_several_gives_no_template(
    template: Make, quality: Callable[..., Quality]
) -> None:
    several = cast("FaceReader", FakeReader(template, quality(faces=2)))
    with pytest.raises(TemplateError, match=r"the portrait of a passport gives no template\. faces of several"):
        portrait_template(several, picture(3), "the portrait of a passport")
    with pytest.raises(TemplateError, match="no face was found"):
        portrait_template(several, picture(0), "the portrait of a passport")
    one = cast("FaceReader", FakeReader(template, quality(size=25)))
    assert np.array_equal(portrait_template(one, picture(3), "it"), template(3))


def test_a_document_whose_portrait_gives_no_template_is_a_record_for_a_person(reader: FaceReader) -> None:
    key = SailingKey.generate()
    done = FaceLane(reader).without_template("CHN E1", key)
    assert (done.check.outcome, done.check.score, done.check.tries) == (Outcome.STAFFED_LANE, None, 0)
    assert done.check.pseudonym == key.pseudonym("CHN E1")
    assert done.check.as_record()["liveness"] == "not checked"
    assert (done.subject, done.picture) == (None, None)
