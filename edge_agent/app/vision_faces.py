"""The eye for faces: a traveller before the camera, compared with the document's portrait or looked for in one gallery.

With `portraits` in the site file each traveller is compared with the portrait of the document that lies on the reader
(vision_portraits), one to one, and nobody is looked for anywhere. Without, the next sailing's gallery is searched, and
nothing else (vision_galleries). No picture or template leaves: the record holds what `FaceChecked` says, and a picture
only where the site file's `keep_face_picture` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_agent.app.vision_galleries import OpenGalleries
from edge_agent.app.vision_keep import VideoKeeper
from edge_agent.app.vision_portraits import WHOSE, DocumentPortrait, PortraitTray
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.model.vision_readings import FaceChecked, FaceMeasure
from edge_agent.vision.faces.advice import Advice
from edge_agent.vision.faces.calibration import load_calibration
from edge_agent.vision.faces.check import FaceCheck
from edge_agent.vision.faces.lane import Done, FaceLane, Portrait, TravellerCheck, portrait_template
from edge_agent.vision.faces.liveness import liveness_model
from edge_agent.vision.faces.matching import TemplateError
from edge_agent.vision.faces.reader import FaceReader
from edge_agent.vision.faces.sailing import SailingKey
from edge_agent.vision.faces.session import Policy
from edge_agent.vision.models.directory import ModelDirectory

LOG = structlog.get_logger()

AWAY_S = 2.0
"""Nobody in the picture for so long: whoever comes next is another traveller."""

NO_GALLERY = Advice("no sailing's gallery is open", "没有打开的航次人脸库")
NO_DOCUMENT = Advice("waiting for a document", "请出示证件")


@dataclass(frozen=True, slots=True)
class FacePolicy:
    """What the site file says of one lane's faces.

    Attributes:
        calibration: this site's own; None: the model's threshold.
        portraits: where a document reader's portraits come; None: travellers are looked for in the gallery.
        keep_picture: the best picture of each check becomes evidence.
    """

    calibration: Path | None = None
    portraits: Path | None = None
    keep_picture: bool = False


class FaceEye:
    """Checks one traveller after another. Not gated: who stands still is looked at, too."""

    gated = False

    def __init__(
        self,
        directory: ModelDirectory,
        threads: int,
        keeper: VideoKeeper,
        shown: Callable[[str, Moment], None],
        *,
        galleries: Path,
        policy: FacePolicy,
    ) -> None:
        """`galleries` is where GalleryStore keeps them."""
        self._directory, self._threads, self._keeper, self._shown = directory, threads, keeper, shown
        self._policy = policy
        self._galleries = OpenGalleries(galleries)
        self._tray = None if policy.portraits is None else PortraitTray(policy.portraits)
        self._lane: FaceLane | None = None
        self._check: TravellerCheck | None = None
        self._own_key: SailingKey | None = None
        self._seen: Moment | None = None
        self._done = False

    def load(self) -> None:
        """See Eye."""
        reader = FaceReader(self._directory, self._threads)
        at = self._policy.calibration
        calibration = None if at is None else load_calibration(at, reader.model_sha256)
        alive = liveness_model(self._directory, self._threads)
        if self._tray is not None:
            self._tray.open()
        self._lane = FaceLane(reader, Policy(keep_picture=self._policy.keep_picture), calibration, alive)

    def tick(self, now: Moment) -> None:
        """See Eye: galleries that are over are destroyed whether or not a picture comes, or the models can be used."""
        if self._galleries.over(now):
            self._abandon(now)
        self._galleries.sweep(now)
        if self._lane is None:
            return
        if self._check is None and self._galleries.refresh(self._lane.recogniser, now):
            self._idle(now)
        if self._tray is not None and (portrait := self._tray.take()) is not None:
            self._abandon(now)
            self._begin_with(portrait, self._lane, now)

    def look(self, image: Picture, at: Moment) -> None:
        """See Eye."""
        if self._lane is None or (self._check is None and not self._begin_in_gallery(image, self._lane, at)):
            return
        if self._check is not None:
            try:
                step = self._check.frame(image, at.mono)
            except Exception:
                self._abandon(at)  # else nobody after this traveller could be checked; the caller tells of the failure
                raise
            if isinstance(step, Done):
                self._finish(step, at)
            else:
                self._shown(_both(step.advice), at)

    def quiet(self, at: Moment) -> None:
        """See Eye."""
        self._abandon(at)

    def _begin_with(self, portrait: DocumentPortrait, lane: FaceLane, now: Moment) -> None:
        """One to one. The pseudonym is of the open sailing; without one it is this check's own."""
        if (gallery := self._galleries.next_to_depart) is not None:
            key = gallery.key
        else:
            key = self._own_key = SailingKey.generate()
        problem = portrait.problem
        if portrait.image is not None:
            try:
                template = portrait_template(lane.reader, portrait.image, WHOSE)
            except TemplateError as error:
                problem = str(error)
            else:
                self._check = lane.begin(Portrait(portrait.subject, template), key, now.mono)
                return
        LOG.warning("video.portrait_refused", problem=problem)
        self._finish(lane.without_template(portrait.subject, key), now)

    def _begin_in_gallery(self, image: Picture, lane: FaceLane, at: Moment) -> bool:
        """One to many, as soon as somebody comes; never where travellers are compared with their document."""
        gallery = self._galleries.next_to_depart
        if self._tray is not None or gallery is None or not self._somebody_new(image, lane, at):
            return False
        self._check = lane.begin(gallery, gallery.key, at.mono)
        return True

    def _somebody_new(self, image: Picture, lane: FaceLane, at: Moment) -> bool:
        """Whether a face is there that was not there when the last check ended."""
        there = bool(lane.reader.find(image, thorough=False))
        gone = self._seen is None or at.seconds_since(self._seen) >= AWAY_S
        if there:
            self._seen = at
        if gone:
            self._done = False
        return there and not self._done

    def _finish(self, done: Done, at: Moment) -> None:
        self._check, self._done, self._seen = None, True, at
        if self._own_key is not None:
            self._own_key.destroy()
            self._own_key = None
        self._keeper.face(checked(done.check), done.picture, at)
        LOG.info("video.face", outcome=str(done.check.outcome), tries=done.check.tries)
        self._shown(_both(done.advice), at)

    def _abandon(self, at: Moment) -> None:
        """A check that was begun becomes a record all the same."""
        if self._check is not None:
            self._finish(self._check.leave(), at)

    def _idle(self, now: Moment) -> None:
        if self._tray is not None:
            self._shown(_both(NO_DOCUMENT), now)
        elif self._galleries.next_to_depart is None:
            self._shown(_both(NO_GALLERY), now)


def checked(check: FaceCheck) -> FaceChecked:
    """A check as a reading."""
    return FaceChecked(
        outcome=str(check.outcome),
        reason=check.reason,
        reason_zh=check.reason_zh,
        compared=str(check.compared),
        score=None if check.score is None else round(check.score, 4),
        threshold=round(check.threshold, 4),
        model_sha256=check.model_sha256,
        calibration_id=check.calibration_id,
        tries=check.tries,
        pseudonym=check.pseudonym,
        quality=_measures(check.quality),
        liveness=str(check.liveness),
        liveness_model_sha256=check.liveness_model_sha256,
        gallery_size=check.gallery_size,
    )


def _measures(quality: Mapping[str, object]) -> tuple[FaceMeasure, ...]:
    """The measures of `Quality.as_json`."""
    measures = quality.get("measures")
    if not isinstance(measures, Mapping):
        return ()
    return tuple(
        FaceMeasure(str(name), float(each["value"]), str(each["unit"]), bool(each["ok"]))
        for name, each in measures.items()
    )


def _both(advice: Advice) -> str:
    return f"{advice.en} / {advice.zh}"
