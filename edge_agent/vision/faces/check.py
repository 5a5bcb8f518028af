"""The record of one traveller's face check: what leaves the process. No picture and no template is in it.

This module needs no library of the extra `vision`, so records can be made and read without it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum


class Outcome(StrEnum):
    """How a check ended. There is no refusal: a person looks at whom the machine does not know."""

    MATCHED = "matched"
    STAFFED_LANE = "staffed lane"


class Compared(StrEnum):
    """What the face was compared with."""

    ONE_TO_ONE = "1:1"
    ONE_TO_MANY = "1:N"


class Liveness(StrEnum):
    """What is known of whether a living person stood before the camera."""

    NOT_CHECKED = "not checked"
    LIVE = "live"
    ATTACK_SUSPECTED = "attack suspected"


NOT_CALIBRATED = "none"
"""The calibration id of a decision whose threshold is the model's default, not this site's own."""


@dataclass(frozen=True, slots=True)
class FaceCheck:
    """One traveller's face check.

    Attributes:
        outcome: matched, or the staffed lane.
        reason, reason_zh: why, for the officer.
        compared: with the document's portrait, or in the sailing's gallery.
        score: cosine of the deciding comparison; None when nothing could be compared.
        threshold: that was applied.
        model_sha256: of the recogniser.
        calibration_id: SHA-256 of the calibration the threshold is from; "none" for the model's default.
        quality: of the best picture, `Quality.as_json`; empty when there was none.
        tries: that were made.
        liveness: "not checked" unless a liveness model looked.
        liveness_model_sha256: that model; empty without one.
        pseudonym: of the traveller within this sailing, `SailingKey.pseudonym`; empty when it is not known who it is.
        gallery_size: templates that were searched; None for one to one.
    """

    outcome: Outcome
    reason: str
    reason_zh: str
    compared: Compared
    score: float | None
    threshold: float
    model_sha256: str
    calibration_id: str
    tries: int
    pseudonym: str
    quality: Mapping[str, object] = field(default_factory=dict)
    liveness: Liveness = Liveness.NOT_CHECKED
    liveness_model_sha256: str = ""
    gallery_size: int | None = None

    def __post_init__(self) -> None:
        """ValueError for what may never be recorded: a match without its score, or a liveness that nobody checked."""
        if self.outcome is Outcome.MATCHED and (self.score is None or self.score < self.threshold):
            raise ValueError("a match has a score that reaches its threshold")
        if (self.liveness is Liveness.NOT_CHECKED) != (not self.liveness_model_sha256):
            raise ValueError("liveness is said by a model, which is named, or it is not checked")
        if self.outcome is Outcome.MATCHED and self.liveness is Liveness.ATTACK_SUSPECTED:
            raise ValueError("a suspected attack is no match")

    def as_record(self) -> dict[str, object]:
        """Everything as plain values for JSON or a record; scores to four places."""
        shown = asdict(self) | {"quality": dict(self.quality)}
        for name in ("score", "threshold"):
            value = shown[name]
            shown[name] = None if value is None else round(value, 4)
        return {name: str(value) if isinstance(value, StrEnum) else value for name, value in shown.items()}
