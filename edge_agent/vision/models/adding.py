"""`models add`: an operator's own models, checked first, then copied in whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_agent.vision.models.conformance import check_model
from edge_agent.vision.models.directory import Model, ModelDirectory, ModelError, read_model
from edge_agent.vision.models.licences import refusal
from edge_agent.vision.models.manifest import MANIFEST
from edge_agent.vision.models.place import staging
from edge_agent.vision.models.tasks import Task

MANUAL = "See docs/vision/models.md"


def add_models(source: Path, directory: Path, *, tell: Callable[[str], None]) -> tuple[Model, ...]:
    """Check the models under a directory and copy them into a model directory; all of them or none.

    Args:
        source: one model's directory, or one that holds several: a recogniser comes with its detector.
        directory: the model directory; made where it is not there.
        tell: is given one line before each model, for a person who waits.

    Raises:
        ModelError: a model is not whole, not licensed, does not keep its contract, or does not belong to the one
            beside it. Nothing is changed then.
    """
    models = supplied(source)
    _check_pairs(models, directory)
    with staging(directory) as place:
        for number, model in enumerate(models, 1):
            tell(f"{number}/{len(models)} {model.task}: {model.name}")
            _accept(model)
            place.write(model.task, model.manifest, {file: model.read(file) for file in model.manifest.files})
        for model in models:
            place.place(model.task)
    return models


def supplied(source: Path) -> tuple[Model, ...]:
    """The models of a directory: itself, or its subdirectories; ModelError for none, or for two with one task."""
    if not source.is_dir():
        raise ModelError(f"{source} holds no model", cause="it is no directory", fix=MANUAL)
    places = [source] if (source / MANIFEST).exists() else sorted(path.parent for path in source.glob(f"*/{MANIFEST}"))
    models = tuple(read_model(place) for place in places)
    if not models:
        raise ModelError(
            f"{source} holds no model", cause=f"neither it nor a directory in it has a {MANIFEST}", fix=MANUAL
        )
    tasks = [model.task for model in models]
    for task in tasks:
        if tasks.count(task) > 1:
            raise ModelError(f"{source} holds two models for {task}", fix="Leave one of them out")
    return models


def _accept(model: Model) -> None:
    what = f"The model {model.task} ({model.name}) is not taken"
    if model.manifest.origin != "operator":
        raise ModelError(what, cause='its manifest does not say "origin": "operator"', fix=MANUAL)
    if why := refusal(model.licence, model.manifest.operator_licence):
        raise ModelError(what, cause=why, fix="Say which agreement allows it as operator_licence in its manifest")
    for check in check_model(model):
        if not check.ok:
            raise ModelError(what, cause=f"it should hold that {check.what}, and {check.problem}", fix=MANUAL)


def _check_pairs(models: tuple[Model, ...], directory: Path) -> None:
    """The recogniser that will be there belongs to the detector that will be there."""
    there = ModelDirectory(directory)
    by_task = {model.task: model for model in models}
    for task in (Task.FACE_DETECTOR, Task.FACE_RECOGNISER):
        if task not in by_task and there.has(task):
            by_task[task] = read_model(directory / task)
    detector, recogniser = by_task.get(Task.FACE_DETECTOR), by_task.get(Task.FACE_RECOGNISER)
    if recogniser is None or (detector and recogniser.manifest.detector_sha256 == detector.sha256):
        return
    raise ModelError(
        f"The recogniser {recogniser.name} would be without its detector",
        cause="its threshold holds with faces as one detector finds them, which detector_sha256 in its manifest names",
        fix="Add both at once: a directory with face-detector and face-recogniser in it",
    )
