"""Where a document reader's program puts the portrait of the document that lies on it, for a face check one to one.

One picture file a traveller, `<document number>.jpg` (png, bmp, webp), written beside under a name that begins with a
dot and then renamed. It is read once, overwritten and unlinked at once. Only the newest counts; what lay there before
the start is destroyed unread. A directory in memory (/run) keeps portraits off the disk.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from edge_agent.config_video import IMAGES
from edge_agent.errors import ConfigError
from edge_agent.links.camera.frames import Picture
from edge_agent.vision.image import ImageError, load_image

WHOSE = "the document's portrait"
"""How errors name it: never by the document's number."""

_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class DocumentPortrait:
    """What a document reader gave: the document's number, and its portrait; `problem` where that is no picture."""

    subject: str
    image: Picture | None
    problem: str = ""


class PortraitTray:
    """One directory; `open` first."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self) -> None:
        """Make it, and destroy what lies in it; ConfigError when that cannot be done."""
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            for path in self._files():
                _destroy(path)
        except OSError as error:
            raise ConfigError(
                f"the directory for portraits {self._directory} cannot be used",
                cause=error.strerror or str(error),
                fix="Correct `portraits`, or let the agent's user read and delete in it",
            ) from error

    def take(self) -> DocumentPortrait | None:
        """The newest portrait, once; the others are destroyed unread. None while there is none."""
        try:
            files = sorted(self._files(), key=lambda path: path.lstat().st_mtime_ns)
        except OSError:
            return None  # one was taken away while we looked, or the directory is gone: the next look tells
        if not files:
            return None
        subject = files[-1].stem
        try:
            return DocumentPortrait(subject, load_image(files[-1], name=WHOSE))
        except ImageError as error:
            return DocumentPortrait(subject, None, str(error))
        finally:
            for path in files:
                _destroy(path)

    def _files(self) -> list[Path]:
        return [
            path
            for path in self._directory.iterdir()
            if path.suffix.lower() in IMAGES and not path.name.startswith(".") and not path.is_dir()
        ]


def _destroy(path: Path) -> None:
    """Overwrite a file and unlink it; a link is unlinked only, so that nothing elsewhere is overwritten."""
    if path.is_file() and not path.is_symlink():
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            left = os.fstat(descriptor).st_size
            while left > 0:
                left -= os.write(descriptor, bytes(min(left, _PIECE)))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    path.unlink(missing_ok=True)
