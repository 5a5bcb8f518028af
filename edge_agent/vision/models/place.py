"""Puts a finished model into a model directory: written beside, flushed, then renamed; one at a time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from edge_agent.vision.models.directory import ModelError
from edge_agent.vision.models.manifest import MANIFEST, Manifest
from edge_agent.vision.models.tasks import Task

_LOCK = ".lock"
_STAGING = ".making-"
_REPLACED = ".replaced-"


class Staging:
    """A place beside the models where new ones are made; nothing of it is seen until `place`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._place = directory / f"{_STAGING}{os.getpid()}"

    def write(self, task: Task, manifest: Manifest, files: Mapping[str, bytes]) -> None:
        """Write one model, flushed to the disk; the manifest last."""
        place = self._place / task
        place.mkdir(parents=True)
        place.chmod(0o755)  # whoever builds, the agent's user reads; what is in a model is no secret
        text = manifest.model_dump_json(indent=2, exclude_defaults=True) + "\n"
        for name, data in (*files.items(), (MANIFEST, text.encode())):
            _write_flushed(place / name, data)
        _flush_directory(place)

    def place(self, task: Task) -> None:
        """Let a written model take its place; the one that was there goes.

        Two renames: between them, for some microseconds, the task has no model. Killed there, the directory lacks
        that model, which is said by name, and the next build or add makes it whole.
        """
        old = self.directory / f"{_REPLACED}{task}"
        target = self.directory / task
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
            target.rename(old)
        (self._place / task).rename(target)
        _flush_directory(self.directory)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def staging(directory: Path) -> Iterator[Staging]:
    """A place to make models in, for one process at a time; what an interrupted one left is removed.

    Raises:
        ModelError: the directory cannot be written, or another process is making models there.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        raise ModelError(
            f"Models cannot be written to {directory}",
            cause=error.strerror or str(error),
            fix="Name another directory with --dir, or run this as the user that owns it",
        ) from error
    try:
        _take_lock(descriptor, directory)
        _sweep(directory)
        yield Staging(directory)
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror or str(error)
        raise ModelError(f"Models could not be written to {directory}", cause=reason) from error
    finally:
        with contextlib.suppress(OSError):
            _sweep(directory)
        os.close(descriptor)


def file_hashes(files: Mapping[str, bytes]) -> dict[str, str]:
    """The SHA-256 of each, for a manifest."""
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def _take_lock(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise ModelError(
            f"Models are being written to {directory} already", cause="another process does", fix="Wait for it"
        ) from error


def _sweep(directory: Path) -> None:
    """Remove what was being made, and finish a replacement that was cut short: the old model comes back."""
    for left in directory.glob(f"{_STAGING}*"):
        shutil.rmtree(left)
    for left in directory.glob(f"{_REPLACED}*"):
        task = directory / left.name.removeprefix(_REPLACED)
        if task.exists():
            shutil.rmtree(left)
        else:
            left.rename(task)


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
