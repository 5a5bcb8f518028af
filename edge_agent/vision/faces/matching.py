"""Two templates -> are they the same person's? One to one; cosine similarity against a threshold that has a source."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edge_agent.errors import EdgeAgentError

Template = npt.NDArray[np.float32]
"""float32 (D,), length 1. Personal data: it stays in the process or is stored encrypted."""


SHORTEST, LONGEST = 16, 4096
"""Numbers in a template: dlib's has 128, InsightFace's 512."""

_UNIT = 1e-3  # room for float32 in a length of 1


class TemplateError(EdgeAgentError):
    """A template is none, or is of another recogniser than the one it is compared with."""


@dataclass(frozen=True, slots=True)
class Match:
    """The result of comparing two faces.

    Attributes:
        score: cosine similarity, -1..1; None when there was nothing to compare.
        threshold: that was applied.
        same: the score reaches the threshold.
        reason: in words; names what was missing when there was nothing to compare.
    """

    score: float | None
    threshold: float
    same: bool
    reason: str


def checked(template: npt.ArrayLike, what: str = "the template") -> Template:
    """The template as float32 (D,); TemplateError when it is not one finite vector of length 1."""
    vector = np.asarray(template, np.float32)
    if vector.ndim != 1 or not SHORTEST <= vector.size <= LONGEST or not np.all(np.isfinite(vector)):
        raise TemplateError(
            f"{what} is no face template", cause=f"it is not one vector of {SHORTEST} to {LONGEST} finite numbers"
        )
    if abs(float(np.linalg.norm(vector)) - 1.0) > _UNIT:
        raise TemplateError(f"{what} is no face template", cause="its length is not 1")
    return vector


def match(probe: npt.ArrayLike, reference: npt.ArrayLike, threshold: float) -> Match:
    """Compare a face with the document's portrait; TemplateError when the two are not of one recogniser."""
    left, right = checked(probe, "the probe"), checked(reference, "the reference")
    if left.size != right.size:
        raise TemplateError(
            "the two templates cannot be compared",
            cause=f"one has {left.size} numbers and the other {right.size}: they are of different recognisers",
            fix="Make both with the recogniser in use",
        )
    return decided(float(left @ right), threshold)


def decided(score: float, threshold: float) -> Match:
    """A score against a threshold; reaching it is enough."""
    score = min(1.0, max(-1.0, score))
    same = score >= threshold
    word = "reaches" if same else "is below"
    return Match(score, threshold, same, f"similarity {score:.4f} {word} the threshold {threshold:.4f}")


def no_match(threshold: float, reason: str) -> Match:
    """Nothing could be compared; `reason` says what was missing."""
    return Match(None, threshold, same=False, reason=reason)


def fused(templates: Sequence[Template]) -> Template:
    """One template of several frames of one person: their mean, length 1. ValueError without any."""
    if not templates:
        raise ValueError("there is no template to fuse")
    mean = np.mean([checked(each) for each in templates], axis=0, dtype=np.float64)
    length = float(np.linalg.norm(mean))
    if length < _UNIT:  # opposite vectors: no person's
        raise TemplateError("the templates cannot be fused", cause="they cancel one another")
    return np.asarray(mean / length, np.float32)
