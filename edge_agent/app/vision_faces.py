"""The eye for faces: a passenger before the camera, looked for in the open sailing's gallery and nowhere else.

Galleries lie in STATE_DIR/galleries, put there by whoever makes them (edge_agent.vision.faces.gallery_store); this eye
looks for new ones now and then and destroys those whose sailing is over. Without an open gallery no face is looked at.
No picture or template leaves: the record holds what `FaceChecked` says, and a picture only where the site file's
`keep_face_picture` says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from edge_agent.app.vision_keep import VideoKeeper
from edge_agent.links.camera.frames import Picture
from edge_agent.model.moment import Moment
from edge_agent.model.vision_readings import FaceChecked, FaceMeasure
from edge_agent.vision.faces.advice import Advice
from edge_agent.vision.faces.calibration import load_calibration
from edge_agent.vision.faces.check import FaceCheck
from edge_agent.vision.faces.gallery import Gallery
from edge_agent.vision.faces.gallery_store import GalleryStore
from edge_agent.vision.faces.lane import Done, FaceLane, TravellerCheck
from edge_agent.vision.faces.liveness import liveness_model
from edge_agent.vision.faces.reader import FaceReader
from edge_agent.vision.faces.session import Policy
from edge_agent.vision.models.directory import ModelDirectory

LOG = structlog.get_logger()

GALLERIES = "galleries"
"""Of the state directory."""

LOOK_AGAIN_S = 10.0
AWAY_S = 2.0
"""Nobody in the picture for so long: whoever comes next is another traveller."""

NO_GALLERY = "no sailing's gallery is open / 没有打开的航次人脸库"


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
        calibration: Path | None,
        keep_picture: bool,
    ) -> None:
        """`galleries` is where GalleryStore keeps them; `calibration` this site's own, None: the model's threshold."""
        self._directory, self._threads, self._keeper, self._shown = directory, threads, keeper, shown
        self._galleries_at, self._calibration_at, self._keep_picture = galleries, calibration, keep_picture
        self._lane: FaceLane | None = None
        self._store: GalleryStore | None = None
        self._galleries: list[Gallery] = []
        self._loaded: Moment | None = None
        self._check: TravellerCheck | None = None
        self._seen: Moment | None = None
        self._done = False

    def load(self) -> None:
        """See Eye."""
        reader = FaceReader(self._directory, self._threads)
        at = self._calibration_at
        calibration = None if at is None else load_calibration(at, reader.model_sha256)
        alive = liveness_model(self._directory, self._threads)
        self._lane = FaceLane(reader, Policy(keep_picture=self._keep_picture), calibration, alive)
        self._store = GalleryStore(self._galleries_at)

    def tick(self, now: Moment) -> None:
        """See Eye: galleries that are over are destroyed whether or not a picture comes."""
        for gallery in [each for each in self._galleries if each.expired(now)]:
            self._abandon(now)
            gallery.destroy()
            self._galleries.remove(gallery)
        if self._loaded is None or now.seconds_since(self._loaded) >= LOOK_AGAIN_S:
            self._loaded = now
            self._reload(now)

    def look(self, image: Picture, at: Moment) -> None:
        """See Eye."""
        if self._lane is None or not self._galleries:
            return
        if self._check is None and not self._somebody_new(image, at):
            return
        if self._check is None:
            gallery = min(self._galleries, key=lambda each: each.life.ends)  # the next to depart
            self._check = self._lane.begin(gallery, gallery.key, at.mono)
        step = self._check.frame(image, at.mono)
        if isinstance(step, Done):
            self._finish(step, at)
        else:
            self._shown(_both(step.advice), at)

    def quiet(self, at: Moment) -> None:
        """See Eye."""
        self._abandon(at)

    def _somebody_new(self, image: Picture, at: Moment) -> bool:
        """Whether a face is there that was not there when the last check ended."""
        there = self._lane is not None and bool(self._lane.reader.find(image, thorough=False))
        gone = self._seen is None or at.seconds_since(self._seen) >= AWAY_S
        if there:
            self._seen = at
        if gone:
            self._done = False
        return there and not self._done

    def _finish(self, done: Done, at: Moment) -> None:
        self._check, self._done, self._seen = None, True, at
        self._keeper.face(checked(done.check), done.picture, at)
        LOG.info("video.face", outcome=str(done.check.outcome), tries=done.check.tries)
        self._shown(_both(done.advice), at)

    def _abandon(self, at: Moment) -> None:
        """A check that was begun becomes a record all the same."""
        if self._check is not None:
            self._finish(self._check.leave(), at)

    def _reload(self, now: Moment) -> None:
        """What the store holds now; a gallery that is open already stays as it is."""
        if self._store is None or self._lane is None or self._check is not None:
            return
        found = self._store.load(self._lane.recogniser, now)
        for refused in found.refused:
            LOG.warning("video.gallery_refused", problem=str(refused))
        for gallery in self._galleries:
            gallery.destroy()
        self._galleries = found.galleries
        if not self._galleries:
            self._shown(NO_GALLERY, now)


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
