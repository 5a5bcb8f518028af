"""One lane's face checks: frames in, what to tell the traveller out, and at the end the one record that may leave.

`FaceLane.begin` for each traveller, then `TravellerCheck.frame` for each frame: Wait says what to show, Done holds the
record. Templates and pictures stay in here and are dropped when the check is over. `Done.picture` is there only where
the lane's policy says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge_agent.model.moment import MonoNs
from edge_agent.vision.faces.advice import STAFF, Advice
from edge_agent.vision.faces.calibration import Calibration
from edge_agent.vision.faces.check import NOT_CALIBRATED, Compared, FaceCheck, Liveness, Outcome
from edge_agent.vision.faces.gallery import Gallery, GalleryError, Recognised
from edge_agent.vision.faces.liveness import LivenessModel
from edge_agent.vision.faces.matching import Match, Template, TemplateError, fused, match
from edge_agent.vision.faces.reader import Face, FaceReader, largest
from edge_agent.vision.faces.sailing import SailingKey
from edge_agent.vision.faces.session import Compare, FaceSession, Finished, Policy, Shot, Step, Wait
from edge_agent.vision.image import Image


@dataclass(frozen=True, slots=True)
class Portrait:
    """One to one: the document's portrait.

    Attributes:
        subject: who the document says it is (its number and issuer); recorded only as a pseudonym.
        template: of the portrait, by `portrait_template`.
    """

    subject: str
    template: Template


@dataclass(frozen=True, slots=True)
class Done:
    """The check is over.

    Attributes:
        check: the record.
        advice: what to tell the traveller.
        subject: who it is, for this process only; None when it is not known.
        picture: the best one, only where the lane's policy keeps it.
    """

    check: FaceCheck
    advice: Advice
    subject: str | None
    picture: Image | None


_Seen = tuple[Image, Face]


class FaceLane:
    """What the checks of one lane share.

    Args:
        reader: the models.
        policy: tries, times, and whether a picture may be kept.
        calibration: this site's; the threshold is the model's default without one.
        liveness: the operator's model; without one every record says that it was not checked.
    """

    def __init__(
        self,
        reader: FaceReader,
        policy: Policy | None = None,
        calibration: Calibration | None = None,
        liveness: LivenessModel | None = None,
    ) -> None:
        self.reader, self.policy = reader, policy or Policy()
        self.calibration, self.liveness = calibration, liveness

    @property
    def recogniser(self) -> Recognised:
        """For galleries that are made or opened for this lane."""
        return Recognised(self.reader.model_name, self.reader.model_sha256)

    def begin(self, reference: Portrait | Gallery, key: SailingKey, now: MonoNs) -> TravellerCheck:
        """A traveller comes: compare with the portrait, or look in the open sailing's gallery.

        Args:
            reference: what to compare with.
            key: of the sailing; the gallery's own for a gallery.
            now: the monotonic clock.
        """
        if isinstance(reference, Gallery) and reference.recogniser.sha256 != self.reader.model_sha256:
            raise GalleryError(
                f"the gallery of {reference.sailing} cannot be used",
                cause=f"its templates are of {reference.recogniser.name}, and {self.reader.model_name} is in use",
                fix="Make the gallery again from the document portraits",
            )
        return TravellerCheck(self, reference, key, now)

    def without_template(self, subject: str, key: SailingKey) -> Done:
        """The document's portrait gives no template: nothing can be compared, and a person decides."""
        check = FaceCheck(
            outcome=Outcome.STAFFED_LANE,
            reason="the document's portrait cannot be compared with",
            reason_zh="证件照片无法用于比对",
            compared=Compared.ONE_TO_ONE,
            score=None,
            threshold=self.threshold(None),
            model_sha256=self.reader.model_sha256,
            calibration_id=NOT_CALIBRATED if self.calibration is None else self.calibration.id,
            tries=0,
            pseudonym=key.pseudonym(subject),
        )
        return Done(check, STAFF, None, None)

    def threshold(self, reference: Portrait | Gallery | None) -> float:
        """That applies: the calibration's, stricter for a gallery; else the model's default."""
        if self.calibration is None:
            return self.reader.threshold
        if isinstance(reference, Gallery):
            return self.calibration.threshold_in_gallery(len(reference))
        return self.calibration.threshold


class TravellerCheck:
    """One traveller's check; made by `FaceLane.begin`. `frame` until it gives Done, or `leave`."""

    def __init__(self, lane: FaceLane, reference: Portrait | Gallery, key: SailingKey, now: MonoNs) -> None:
        self._lane, self._reference, self._key = lane, reference, key
        self._threshold = lane.threshold(reference)
        self._session: FaceSession[_Seen] = FaceSession(lane.policy, now)
        self._subject: str | None = None

    def frame(self, image: Image, now: MonoNs) -> Wait | Done:
        """One frame of the camera. It may be written over afterwards: what is kept of it is a copy of the face."""
        face = largest(self._lane.reader.find(image, thorough=False))
        if face is None:
            return self._after(self._session.nobody(now), now)
        return self._after(self._session.frame(_cut_out(image, face), face.quality, now), now)

    def leave(self) -> Done:
        """The traveller has gone, or the lane closes."""
        return self._done(self._session.leave())

    def _after(self, step: Step[_Seen], now: MonoNs) -> Wait | Done:
        if isinstance(step, Compare):
            step = self._session.compared(*self._compare(step.shots), now)
        if isinstance(step, Finished):
            return self._done(step)
        if isinstance(step, Compare):
            raise TypeError("a session that was answered asks again")
        return step

    def _compare(self, shots: Sequence[Shot[_Seen]]) -> tuple[Match, Liveness]:
        liveness = self._look_alive(shots)
        probe = self._probe(shots)
        if isinstance(self._reference, Gallery):
            found = self._reference.search(probe, self._threshold)
            self._subject = found.subject
            return found.match, liveness
        result = match(probe, self._reference.template, self._threshold)
        self._subject = self._reference.subject if result.same else None
        return result, liveness

    def _probe(self, shots: Sequence[Shot[_Seen]]) -> Template:
        """Of the best pictures of one person: one that is not like the best shows somebody else and is left out."""
        templates = [self._lane.reader.template(*shot.picture) for shot in shots]
        alike = [each for each in templates if float(each @ templates[0]) >= self._threshold]
        return fused(alike or templates[:1])

    def _look_alive(self, shots: Sequence[Shot[_Seen]]) -> Liveness:
        """Of every picture that is compared; one that looks like an attack is enough."""
        model = self._lane.liveness
        if model is None:
            return Liveness.NOT_CHECKED
        seen = {model.check(*shot.picture) for shot in shots}
        return Liveness.LIVE if seen == {Liveness.LIVE} else Liveness.ATTACK_SUSPECTED

    def _done(self, end: Finished[_Seen]) -> Done:
        lane, gallery = self._lane, self._reference if isinstance(self._reference, Gallery) else None
        matched = end.outcome is Outcome.MATCHED
        known = self._subject if matched else None if gallery is not None else self._claimed()
        looked = lane.liveness if end.liveness is not Liveness.NOT_CHECKED else None
        check = FaceCheck(
            outcome=end.outcome,
            reason=end.reason,
            reason_zh=end.reason_zh,
            compared=Compared.ONE_TO_ONE if gallery is None else Compared.ONE_TO_MANY,
            score=None if end.match is None else end.match.score,
            threshold=self._threshold,
            model_sha256=lane.reader.model_sha256,
            calibration_id=NOT_CALIBRATED if lane.calibration is None else lane.calibration.id,
            tries=end.tries,
            pseudonym="" if known is None else self._key.pseudonym(known),
            quality={} if end.best is None else end.best.quality.as_json(),
            liveness=end.liveness,
            liveness_model_sha256="" if looked is None else looked.sha256,
            gallery_size=None if gallery is None else len(gallery),
        )
        picture = end.best.picture[0] if end.best is not None and lane.policy.keep_picture else None
        return Done(check, end.advice, known if matched else None, picture)

    def _claimed(self) -> str | None:
        """Who the document says it is: its pseudonym is recorded whether the face is that person's or not."""
        return self._reference.subject if isinstance(self._reference, Portrait) else None


def portrait_template(reader: FaceReader, image: Image, whose: str) -> Template:
    """Of a document's portrait; TemplateError when there is no face in it, or several of like size.

    A smaller second one, as many passports have beside the first, is passed over.

    Args:
        reader: the models.
        image: the portrait.
        whose: how an error names it: not by the person's name.
    """
    face = largest(reader.find(image))
    if face is None or "faces" in face.quality.wanting:
        raise TemplateError(
            f"{whose} gives no template",
            cause="no face was found in it" if face is None else "faces of several people were found in it",
            fix="Read the portrait again, or send the traveller to the staffed lane",
        )
    return reader.template(image, face)


def _cut_out(image: Image, face: Face) -> _Seen:
    """A copy of the face with its own size around it, and where the face is in that."""
    height, width = image.shape[:2]
    x, y, wide, high = face.box
    around = max(wide, high)
    left, top = max(0, x - around), max(0, y - around)
    right, bottom = min(width, x + wide + around), min(height, y + high + around)
    moved = replace(
        face,
        box=(x - left, y - top, wide, high),
        landmarks=tuple((mark_x - left, mark_y - top) for mark_x, mark_y in face.landmarks),
    )
    return np.ascontiguousarray(image[top:bottom, left:right]).copy(), moved
