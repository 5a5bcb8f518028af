"""What a threshold is worth on a site's own images: error rates by group, and a proposed threshold.

The result is JSON. Its id is the SHA-256 of its canonical bytes (sorted keys, no spaces), so a decision that names the
id names exactly these figures. No name, file or template is in it.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.faces import rates
from edge_agent.vision.faces.matching import Template
from edge_agent.vision.faces.rates import Comparisons

RULE_OF_THREE = 3.0
"""Without an error in n comparisons a rate is below 3 / n with 95 % (Hanley and Lippman-Hand, JAMA 249, 1983)."""

ALL = "all"
FORMAT = 1
_TABLE = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
_LARGEST = 16 * 1024 * 1024
_TWO = 2


class CalibrationError(EdgeAgentError):
    """Images do not suffice for a calibration, or a calibration is damaged or of another model. Names which."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One usable image: whose it is and its template."""

    identity: str
    template: Template


def calibrate(
    samples: Sequence[Sample],
    groups: Mapping[str, str],
    model: Mapping[str, str],
    default_threshold: float,
    target_fmr: float,
) -> dict[str, object]:
    """The result, ready to be written.

    Args:
        samples: at least two people, at least one of them with two images.
        groups: identity -> group; people who are in none belong to "all" only.
        model: name and sha256 of the recogniser, detector_sha256.
        default_threshold: the manifest's.
        target_fmr: the false match rate that the proposed threshold shall keep, in every group.

    Raises:
        CalibrationError: there are too few people or images to say anything.
    """
    if not 0.0 < target_fmr < 1.0:
        raise CalibrationError(f"a target FMR of {target_fmr} is none", cause="it is between 0 and 1, such as 0.001")
    names = sorted({sample.identity for sample in samples})
    numbers = {name: number for number, name in enumerate(names)}
    people = np.array([numbers[sample.identity] for sample in samples], np.int64)
    if len(names) < _TWO or len(names) == len(samples):
        raise CalibrationError(
            "there are too few images to calibrate with",
            cause=f"{len(samples)} usable images of {len(names)} people; at least two people are needed, "
            "and two images of at least one of them",
            fix="Add images: DIR/<identity>/<image>",
        )
    templates = np.stack([sample.template for sample in samples])
    genuine, impostor = rates.compare_all(templates, people)
    parts = {ALL: np.ones(len(names), bool)} | {
        group: np.array([groups.get(name) == group for name in names]) for group in sorted(set(groups.values()))
    }
    chosen = {part: (genuine.chosen(wanted), impostor.chosen(wanted)) for part, wanted in parts.items()}
    threshold, supported, note = _proposal(chosen, default_threshold, target_fmr)
    return {
        "format": FORMAT,
        "model": dict(model),
        "images": len(samples),
        "identities": len(names),
        "target_fmr": target_fmr,
        "default_threshold": default_threshold,
        "threshold": threshold,
        "supported": supported,
        "note": note,
        "groups": {
            part: _part(chosen[part], wanted, people, (threshold, default_threshold)) for part, wanted in parts.items()
        },
        "thresholds_by_fmr": _table(impostor),
    }


def _proposal(
    chosen: Mapping[str, tuple[Comparisons, Comparisons]], default_threshold: float, target: float
) -> tuple[float, bool, str]:
    """Threshold that keeps the target in every group of the sample, whether the sample is enough for it, and why."""
    thin = []
    enough = math.ceil(RULE_OF_THREE / target)
    thresholds = []
    for part, (_, impostor) in chosen.items():
        wanted = rates.threshold_for(impostor.scores, target)
        if wanted is not None:
            thresholds.append(wanted)
        pairs = _pairs(impostor)
        if pairs < enough:
            thin.append(f"{part} has {pairs}")
    found = max(thresholds, default=default_threshold)
    if not thin:
        return found, True, f"FMR is at most {target:g} in every group of the sample"
    note = (
        f"the sample is too small to support an FMR of {target:g}: that takes {enough} pairs of different people "
        f"(rule of three), and {', '.join(thin)}; the threshold is not below the model's default"
    )
    # what a small sample seems to allow is never laxer than what the model came with
    return max(found, default_threshold), False, note


def _pairs(impostor: Comparisons) -> int:
    """Pairs of different people: more images of the same two say little more about how alike people are."""
    both = np.stack([np.minimum(impostor.first, impostor.second), np.maximum(impostor.first, impostor.second)])
    return int(np.unique(both, axis=1).shape[1])


def _part(
    chosen: tuple[Comparisons, Comparisons],
    wanted: npt.NDArray[np.bool_],
    people: npt.NDArray[np.int64],
    thresholds: tuple[float, float],
) -> dict[str, object]:
    genuine, impostor = chosen
    size = len(wanted)
    return {
        "identities": int(wanted.sum()),
        "images": int(wanted[people].sum()),
        "identity_pairs": _pairs(impostor),
        "rates": [
            {
                "threshold": threshold,
                "fmr": rates.false_matches(impostor, threshold, size).as_json(),
                "fnmr": rates.false_non_matches(genuine, threshold, size).as_json(),
            }
            for threshold in dict.fromkeys(thresholds)
        ],
        "det": [
            [round(t, 4), round(fmr, 7), round(fnmr, 7)]
            for t, fmr, fnmr in rates.curve(genuine.scores, impostor.scores)
        ],
    }


def _table(impostor: Comparisons) -> list[list[float]]:
    """[FMR, threshold] for the rates that this many pairs of people can tell."""
    pairs = _pairs(impostor)
    found = [(fmr, rates.threshold_for(impostor.scores, fmr)) for fmr in _TABLE if pairs * fmr >= RULE_OF_THREE]
    return [[fmr, threshold] for fmr, threshold in found if threshold is not None]


def canonical(result: Mapping[str, object]) -> bytes:
    """The bytes whose SHA-256 is the calibration's id."""
    return json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def calibration_id(result: Mapping[str, object]) -> str:
    """64 hexadecimal digits that name exactly these figures."""
    return hashlib.sha256(canonical(result)).hexdigest()


@dataclass(frozen=True, slots=True)
class Calibration:
    """A calibration in use.

    Attributes:
        id: what decisions name.
        threshold: for one to one.
        model_sha256: of the recogniser that it holds for.
        target_fmr: that it was made for.
        supported: the sample was large enough for that target.
        thresholds_by_fmr: (FMR, threshold), falling FMR.
    """

    id: str
    threshold: float
    model_sha256: str
    target_fmr: float
    supported: bool
    thresholds_by_fmr: tuple[tuple[float, float], ...]

    def threshold_in_gallery(self, size: int) -> float:
        """For one to many: the traveller is compared with everyone, so each comparison may err so much less often.

        The strictest known threshold when the sample cannot tell so small a rate.
        """
        wanted = self.target_fmr / max(1, size)
        small = [threshold for fmr, threshold in self.thresholds_by_fmr if fmr <= wanted]
        known = [threshold for _, threshold in self.thresholds_by_fmr]
        return max([self.threshold, *(small[:1] or known)])


def load_calibration(path: Path, model_sha256: str) -> Calibration:
    """A result of `edge-agent vision calibrate`, for the recogniser in use; CalibrationError when it is not that."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CalibrationError(f"{path} cannot be read", cause=error.strerror or str(error)) from error
    try:
        made = _read(data)
    except (ValueError, KeyError, TypeError) as error:
        raise CalibrationError(
            f"{path} is no calibration that can be used", cause=str(error), fix="edge-agent vision calibrate DIR"
        ) from error
    if made.model_sha256 != model_sha256:
        raise CalibrationError(
            f"the calibration in {path} is of another recogniser",
            cause=f"it is for the model {made.model_sha256[:12]}, and {model_sha256[:12]} is in use",
            fix="edge-agent vision calibrate DIR",
        )
    return made


def _read(data: bytes) -> Calibration:
    if len(data) > _LARGEST:
        raise ValueError("it is too large")
    said = json.loads(data)
    named, result = said["id"], said["calibration"]
    if calibration_id(result) != named or result["format"] != FORMAT:
        raise ValueError("its id is not that of its figures")
    return Calibration(
        str(named),
        float(result["threshold"]),
        str(result["model"]["sha256"]),
        float(result["target_fmr"]),
        result["supported"] is True,
        tuple((float(fmr), float(threshold)) for fmr, threshold in result["thresholds_by_fmr"]),
    )
