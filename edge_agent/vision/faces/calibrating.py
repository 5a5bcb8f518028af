"""A calibration from a directory of labelled images to its two files: what `edge-agent vision calibrate` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.vision.faces.calibration import CalibrationError, Sample, calibrate, calibration_id
from edge_agent.vision.faces.det_plot import det_svg
from edge_agent.vision.faces.labelled import Labelled, labelled_images, read_groups
from edge_agent.vision.faces.lane import portrait_template
from edge_agent.vision.faces.matching import TemplateError
from edge_agent.vision.faces.reader import FaceReader
from edge_agent.vision.image import ImageError, load_image
from edge_agent.vision.models.directory import ModelDirectory
from edge_agent.vision.models.tasks import Task

RESULT, PLOT = "calibration.json", "det.svg"


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was found.

    Attributes:
        named: id and calibration, as RESULT holds them.
        unusable: file -> why it gave no template; these names are in no file.
    """

    named: dict[str, Any]
    unusable: dict[str, str]


def calibrated(images: Path, models: ModelDirectory, target_fmr: float, threads: int = 1) -> Calibrated:
    """Calibrate on labelled images (edge_agent.vision.faces.labelled); one picture is in memory at a time.

    Raises:
        CalibrationError: the directory is wrong or there are too few usable images.
        ModelError, ConfigError: as FaceReader does.
    """
    listed = labelled_images(images)
    groups = read_groups(images, frozenset(image.identity for image in listed))
    reader = FaceReader(models, threads)
    samples, unusable = _templates(reader, listed)
    model = {
        "name": reader.model_name,
        "sha256": reader.model_sha256,
        "detector_sha256": models.model(Task.FACE_DETECTOR).sha256,
    }
    result = calibrate(samples, groups, model, reader.threshold, target_fmr)
    return Calibrated({"id": calibration_id(result), "calibration": result}, unusable)


def write_calibration(out: Path, named: Mapping[str, Any]) -> tuple[Path, Path]:
    """The result as JSON and the DET plot as SVG, in a directory that is made when needed; their paths."""
    groups = named["calibration"]["groups"]
    marked = {}
    for rates in groups["all"]["rates"]:
        fmr, fnmr = rates["fmr"]["rate"], rates["fnmr"]["rate"]
        if fmr is not None and fnmr is not None:
            marked[f"threshold {rates['threshold']:.4f}"] = (fmr, fnmr)
    picture = det_svg({name: part["det"] for name, part in groups.items()}, marked, f"DET, {named['id'][:12]}")
    paths = out / RESULT, out / PLOT
    try:
        out.mkdir(parents=True, exist_ok=True)
        paths[0].write_text(json.dumps(named, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
        paths[1].write_text(picture, "utf-8")
    except OSError as error:
        raise CalibrationError(
            f"{error.filename or out} cannot be written", cause=error.strerror or str(error), fix="Give another --out"
        ) from error
    return paths


def _templates(reader: FaceReader, listed: list[Labelled]) -> tuple[list[Sample], dict[str, str]]:
    samples, unusable = [], {}
    for image in listed:
        try:
            template = portrait_template(reader, load_image(image.path), str(image.path))
        except (ImageError, TemplateError) as error:
            unusable[str(image.path)] = error.cause
        else:
            samples.append(Sample(image.identity, template))
    return samples, unusable
