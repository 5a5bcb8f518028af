"""`models build`: every default model, made, checked and put into its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from edge_agent.vision.models.build.packages import licence_text, package_file, package_version
from edge_agent.vision.models.build.recipes import RECIPES, Recipe
from edge_agent.vision.models.directory import Model, ModelError, read_model
from edge_agent.vision.models.manifest import Licence, Manifest, Source
from edge_agent.vision.models.place import Staging, file_hashes, staging
from edge_agent.vision.models.tasks import Task

MODEL_FILE = "model.onnx"
LABELS_FILE = "labels.json"

Outcome: TypeAlias = Literal["made", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class Built:
    """What became of one default model: made, unchanged because it was there already, or the operator's was kept."""

    task: Task
    name: str
    sha256: str
    outcome: Outcome


def build_models(directory: Path, *, replace: bool = False, tell: Callable[[str], None]) -> tuple[Built, ...]:
    """Make the default models from installed packages and put them into a directory; nothing is fetched.

    All are made and checked before the first takes its place, so a failed build changes nothing.

    Args:
        directory: the model directory; made where it is not there.
        replace: replace an operator's models too; otherwise they are kept.
        tell: is given one line before each model, for a person who waits.

    Raises:
        ModelError: a package is missing or not the known one, a conversion is not the original, or the directory
            cannot be written.
    """
    built: list[Built] = []
    with staging(directory) as place:
        detector = ""
        for number, recipe in enumerate(RECIPES, 1):
            tell(f"{number}/{len(RECIPES)} {recipe.task}: {recipe.name}, from {recipe.package} {recipe.version}")
            kept = None if replace else _operators(directory / recipe.task)
            result = _kept(kept) if kept else _make(recipe, detector, place)
            detector = result.sha256 if recipe.task is Task.FACE_DETECTOR else detector
            built.append(result)
        for result in built:
            if result.outcome == "made":
                place.place(result.task)
    return tuple(built)


def _operators(path: Path) -> Model | None:
    """The operator's model that is there; a directory that holds no readable model counts as none."""
    try:
        model = read_model(path)
    except ModelError:
        return None
    return model if model.manifest.origin == "operator" else None


def _kept(model: Model) -> Built:
    return Built(model.task, model.name, model.sha256, "kept")


def _make(recipe: Recipe, detector: str, place: Staging) -> Built:
    """Make one model; write it unless the very same one is there already."""
    sources = [package_file(recipe.package, recipe.version, *item) for item in recipe.files.items()]
    made = recipe.make(*sources)
    files = {MODEL_FILE: made.model}
    if made.labels:
        files[LABELS_FILE] = (json.dumps(made.labels, ensure_ascii=False, indent=0) + "\n").encode()
    for name in recipe.licence_files:
        files[name] = licence_text(recipe.package, name)
    manifest = Manifest(
        format=1,
        task=recipe.task,
        name=recipe.name,
        origin="built",
        model=MODEL_FILE,
        files=file_hashes(files),
        labels=LABELS_FILE if made.labels else None,
        licence=Licence(spdx=recipe.licence, text=recipe.licence_files[0], note=recipe.licence_note),
        source=Source(
            package=recipe.package,
            version=package_version(recipe.package),
            files=dict(recipe.files),
            statement=recipe.upstream,
        ),
        conversion=made.conversion,
        input=recipe.given,
        output=recipe.made,
        threshold=recipe.threshold,
        threshold_source=recipe.threshold_source,
        detector_sha256=detector if recipe.task is Task.FACE_RECOGNISER else None,
    )
    if _is_there(place.directory / recipe.task, manifest):
        return Built(recipe.task, recipe.name, manifest.sha256, "unchanged")
    place.write(recipe.task, manifest, files)
    return Built(recipe.task, recipe.name, manifest.sha256, "made")


def _is_there(path: Path, manifest: Manifest) -> bool:
    try:
        model = read_model(path)
        for name in model.manifest.files:
            model.read(name)
    except ModelError:
        return False
    # the last digits of the conversion's check differ between machines; the model does not
    return model.manifest.model_copy(update={"conversion": manifest.conversion}) == manifest
