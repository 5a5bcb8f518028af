"""What was read in a camera's pictures, where it stands for itself: containers, faces, and how good the picture is.

Plates are `readings.PlateSeen`, as of any plate camera.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_agent.model.readings import CharacterRead, EvidenceRef


@dataclass(frozen=True, slots=True)
class ContainerSeen:
    """One container's number (ISO 6346), voted over the pictures in which it was read.

    Attributes:
        number: owner code, category, serial number and check digit, as read.
        check_digit_ok: the last digit is the check digit of the others.
        confidence: 0..1, the weakest character's.
        unattended: read surely enough to be used without a person.
        size_type: code beside it, e.g. "22G1"; "" when it was not read.
        layout: "horizontal", "two-part", "two-line", "vertical"; "" when not known.
        views: pictures in which it was read.
        characters: in order.
        pictures: the best one, role "container" the cut-out, role "view" all of it.
    """

    number: str
    check_digit_ok: bool
    confidence: float
    unattended: bool
    size_type: str = ""
    layout: str = ""
    views: int = 1
    characters: tuple[CharacterRead, ...] = ()
    pictures: tuple[EvidenceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class FaceMeasure:
    """One measure of a face's picture: its name, value in `unit`, and whether it is within its limits."""

    name: str
    value: float
    unit: str
    ok: bool


@dataclass(frozen=True, slots=True)
class FaceChecked:
    """One traveller's face check. Holds no template.

    Attributes:
        outcome: "matched", or "staffed lane".
        reason: why, for the officer.
        reason_zh: the same in 简体中文.
        compared: "1:1" with the document's portrait, "1:N" in the gallery of one sailing.
        score: cosine of the templates, -1..1; None when nothing could be compared.
        threshold: from this score on two faces are the same person's.
        model_sha256: of the recogniser.
        calibration_id: SHA-256 of the calibration that the threshold is from; "none" for the model's default.
        tries: that were made.
        pseudonym: the person in this sailing's records; "" when nobody was recognised.
        quality: of the best picture.
        liveness: "not checked" without a model for it, else "live" or "attack suspected".
        liveness_model_sha256: that model; "" without one.
        gallery_size: templates that were searched; None for one to one.
        pictures: only where the lane's policy keeps them.
    """

    outcome: str
    reason: str
    reason_zh: str
    compared: str
    score: float | None
    threshold: float
    model_sha256: str
    calibration_id: str
    tries: int
    pseudonym: str = ""
    quality: tuple[FaceMeasure, ...] = ()
    liveness: str = "not checked"
    liveness_model_sha256: str = ""
    gallery_size: int | None = None
    pictures: tuple[EvidenceRef, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """What was measured of a camera's picture when its condition changed (see vision.exposure for the measures).

    Attributes:
        condition: "dark", "glare", "fog", "blur"; "": it is good again.
        brightness: mean grey level, 0..255.
        blown_out: share of white pixels, 0..1.
        contrast: grey levels between the darkest and the brightest twentieth of the pixels, 0..255.
        sharpness: variance of the Laplacian over the variance.
        seen: pictures since the agent started.
        dropped: of these, those that a newer one took the place of.
        spoiled: of these, those that could not be decoded.
    """

    condition: str
    brightness: float
    blown_out: float
    contrast: float
    sharpness: float
    seen: int = 0
    dropped: int = 0
    spoiled: int = 0


VisionReading = ContainerSeen | FaceChecked | CameraHealth
