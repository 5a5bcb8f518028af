"""A model directory: which models are there, and a session made from the very bytes whose hash was checked."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from pydantic import TypeAdapter, ValidationError

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.models.licences import refusal
from edge_agent.vision.models.manifest import LARGEST_FILE, LARGEST_MANIFEST, MANIFEST, Manifest, manifest_problem
from edge_agent.vision.models.tasks import Task

ENVIRONMENT = "TIDEGATE_MODELS"
SYSTEM_DIRECTORY = Path("/var/lib/tidegate/models")


class ModelError(EdgeAgentError):
    """A model is missing, damaged, tampered with or not licensed for use; names it, the cause and the next step."""


def default_directory() -> Path:
    """$TIDEGATE_MODELS; else the machine's, /var/lib/tidegate/models, if it exists; else the user's own."""
    if named := os.environ.get(ENVIRONMENT):
        return Path(named)
    own = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "tidegate" / "models"
    if SYSTEM_DIRECTORY.is_dir():
        return SYSTEM_DIRECTORY
    return SYSTEM_DIRECTORY if not own.is_dir() and os.access(SYSTEM_DIRECTORY.parent, os.W_OK) else own


class Node(Protocol):
    """An input or output of a graph; a free size is a text or None."""

    name: str
    shape: list[int | str | None]
    type: str


class Session(Protocol):
    """What is used of onnxruntime.InferenceSession, which has no types of its own."""

    def run(self, output_names: list[str] | None, input_feed: dict[str, Any]) -> list[Any]:
        """Outputs by name, or all in the graph's order."""
        ...

    def get_inputs(self) -> list[Node]:
        """What goes in."""
        ...

    def get_outputs(self) -> list[Node]:
        """What comes out."""
        ...


@dataclass(frozen=True, slots=True)
class Model:
    """One model whose manifest and licence are in order; its bytes are checked when they are read.

    Attributes:
        name: the model's own.
        task: what it is for.
        path: its directory.
        sha256: of its ONNX file, 64 hexadecimal digits: its identity in records.
        licence: SPDX.
        source: package and version, or the operator's statement.
        threshold: of the score that decides; None where the reader has none.
        manifest: everything else.
    """

    name: str
    task: Task
    path: Path
    sha256: str
    licence: str
    source: str
    threshold: float | None
    manifest: Manifest

    def read(self, file: str) -> bytes:
        """One of the manifest's files, whole; ModelError where it is missing or its SHA-256 is another."""
        path = self.path / file
        data = read_regular_file(path, LARGEST_FILE)
        if hashlib.sha256(data).hexdigest() != self.manifest.files[file]:
            raise ModelError(
                f"The model {self.task} is not the one that was built",
                cause=f"the SHA-256 of {path} is not what its manifest says",
                fix=f"Somebody or something changed it: find out, then {build_command(self.path.parent)}",
            )
        return data

    def labels(self) -> tuple[str, ...]:
        """The names of its classes, in order; empty when it has none."""
        if self.manifest.labels is None:
            return ()
        try:
            return tuple(TypeAdapter(list[str]).validate_json(self.read(self.manifest.labels), strict=True))
        except ValidationError as error:
            raise ModelError(
                f"The model {self.task} has no labels",
                cause=f"{self.path / self.manifest.labels} is no JSON list of texts",
                fix="See docs/vision/models.md",
            ) from error


class ModelDirectory:
    """The models of one directory, one subdirectory a task.

    Sessions are made once for a task and a number of threads, and shared: onnxruntime's `run` may be called from
    several threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._sessions: dict[tuple[Task, int], Session] = {}

    def tasks(self) -> tuple[Task, ...]:
        """The tasks that have a directory here, in the table's order; ModelError when there is no directory at all."""
        if not self.path.is_dir():
            raise ModelError(
                f"There are no models at {self.path}",
                cause="the directory is not there",
                fix=f"Make them, without the network, with: {build_command(self.path)}",
            )
        return tuple(task for task in Task if (self.path / task).is_dir())

    def has(self, task: Task | str) -> bool:
        """There is a model for this task; whether it is in order shows when it is loaded."""
        return (self.path / Task(task)).is_dir()

    def model(self, task: Task | str) -> Model:
        """One task's model; ModelError where it is missing, its manifest is wrong or its licence forbids the use."""
        task = Task(task)
        if task not in self.tasks():
            raise ModelError(
                f"There is no model {task} in {self.path}",
                cause="its directory is not there",
                fix=f"Make the default models with: {build_command(self.path)}; "
                f"add your own with: edge-agent models add DIR --dir {self.path}",
            )
        model = read_model(self.path / task)
        if model.task is not task:
            raise ModelError(f"The model in {self.path / task} is for {model.task}", fix="Put it where it belongs")
        if why := refusal(model.licence, model.manifest.operator_licence):
            raise ModelError(
                f"The model {task} ({model.name}) is not used",
                cause=why,
                fix="Use another, or have the agreement's reference as operator_licence in its manifest",
            )
        if task is Task.FACE_RECOGNISER:
            self._check_pair(model)
        return model

    def session(self, task: Task | str, threads: int = 1) -> Session:
        """An onnxruntime session of one task's model, from the bytes whose SHA-256 was checked; on the processor.

        Args:
            task: what it is for.
            threads: that one run may use.
        """
        task = Task(task)
        with self._lock:
            made = self._sessions.get((task, threads))
            if made is None:
                model = self.model(task)
                made = make_session(model.read(model.manifest.model), str(task), threads)
                self._sessions[task, threads] = made
            return made

    def _check_pair(self, recogniser: Model) -> None:
        """A recogniser's threshold holds for faces as its own detector finds and aligns them."""
        detector = self.model(Task.FACE_DETECTOR)
        if detector.sha256 != recogniser.manifest.detector_sha256:
            raise ModelError(
                f"The model {recogniser.task} ({recogniser.name}) does not belong to {detector.name}",
                cause="its threshold was measured with another face detector",
                fix="Add both together: edge-agent models add DIR, with face-detector and face-recogniser in DIR",
            )


def make_session(data: bytes, what: str, threads: int = 1) -> Session:
    """A session on the processor from an ONNX model's bytes; ModelError where they are none."""
    with importing_vision("Running models", "onnxruntime"):
        onnxruntime = import_module("onnxruntime")  # here: an extra, and it takes a third of a second

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors only: warnings about other people's graphs help nobody at a gate
    # An arena keeps the largest picture's memory for good: 160 MB more with all readers, for a tenth of the time less.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # leave the core to the other lanes
    try:
        return cast("Session", onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"]))
    except Exception as error:  # its exceptions have no common base but Exception
        raise ModelError(f"The model {what} cannot be loaded", cause=str(error).splitlines()[0]) from error


def read_model(path: Path) -> Model:
    """The model in one directory, by its manifest alone; its files and its licence are not judged here."""
    place = path / MANIFEST
    data = read_regular_file(place, LARGEST_MANIFEST)
    try:
        manifest = Manifest.model_validate_json(data)
    except ValidationError as error:
        raise ModelError(
            f"{place} is wrong", cause=manifest_problem(error), fix="See docs/vision/models.md for what it holds"
        ) from error
    source = manifest.source
    return Model(
        name=manifest.name,
        task=manifest.task,
        path=path,
        sha256=manifest.sha256,
        licence=manifest.licence.spdx,
        source=f"{source.package} {source.version}" if source.package else source.statement,
        threshold=manifest.threshold,
        manifest=manifest,
    )


def read_regular_file(path: Path, largest: int) -> bytes:
    """A file beside a manifest, whole; ModelError where it is missing, too large, a link, a device or a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_size <= largest:
                return file.read(largest)
    except FileNotFoundError as error:
        raise ModelError(
            f"The model in {path.parent} is not whole",
            cause=f"{path.name} is missing",
            fix=build_command(path.parent.parent),
        ) from error
    except OSError as error:
        raise ModelError(f"{path} cannot be read", cause=error.strerror or str(error)) from error
    raise ModelError(f"{path} is not taken", cause=f"it is no plain file of at most {largest // 1024 // 1024} MiB")


def build_command(path: Path) -> str:
    """What makes the default models there."""
    return f"edge-agent models build --dir {path}"
