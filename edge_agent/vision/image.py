"""One picture, from a file or from bytes, into memory: bounded before it is decoded, whatever the file claims."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.extra import importing_vision
from edge_agent.vision.headers import HeaderError, read_header

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    # (height, width, 3), blue green red, C-contiguous
    Image: TypeAlias = npt.NDArray[np.uint8]
else:
    Image = object  # commands that only name it start without numpy, which comes with the extra

MOST_BYTES = 64 * 1024 * 1024
FIX = "Give a JPEG, PNG, BMP or WebP picture"


class ImageError(EdgeAgentError):
    """A picture could not be read: wrong kind, empty, cut short, damaged, too large. Names the file and the cause."""


def load_image(source: Path | bytes, *, name: str = "") -> Image:
    """Read one picture, turned the way its EXIF orientation says.

    Memory is bounded by MOST_BYTES for the file and by six bytes a pixel for headers.MOST_PIXELS, checked from the
    header before anything is decoded. A file is opened without waiting, and only a regular one: no FIFO, no device.

    Args:
        source: a file, or the bytes of one.
        name: how an error names the picture; the file's path when empty.

    Returns:
        uint8 (height, width, 3), blue green red, C-contiguous. Deeper samples are scaled to 8 bits, transparency is
        left out, grey becomes three equal channels.

    Raises:
        ImageError: JPEG, PNG, BMP or WebP it is not, or it is empty, cut short, damaged, animated or too large.
        ConfigError: OpenCV is not installed.
    """
    name = name or (str(source) if isinstance(source, Path) else "the picture")
    data = _bytes_of(source, name) if isinstance(source, Path) else source
    _check(data, name)
    return _decode(data, name)


def _bytes_of(path: Path, name: str) -> bytes:
    try:
        # O_NONBLOCK: opening a FIFO that nobody writes to would wait for ever
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL
        cause = error.strerror if isinstance(error, OSError) else str(error)
        raise ImageError(f"{name} cannot be read", cause=cause or str(error)) from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            kind = "a directory" if stat.S_ISDIR(mode) else "a device, pipe or socket"
            raise ImageError(f"{name} cannot be read", cause=f"it is {kind}, not a file", fix=FIX)
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ImageError(f"{name} cannot be read", cause=error.strerror or str(error)) from error
    finally:
        os.close(descriptor)


def _check(data: bytes, name: str) -> None:
    what = f"{name} is no picture that can be read"
    if not data:
        raise ImageError(what, cause="it is empty", fix=FIX)
    if len(data) > MOST_BYTES:
        raise ImageError(what, cause=f"it is larger than {MOST_BYTES // 1024 // 1024} MiB", fix="Give a smaller one")
    try:
        read_header(data)
    except HeaderError as error:
        raise ImageError(what, cause=str(error), fix=FIX) from error


def _decode(data: bytes, name: str) -> Image:
    with importing_vision("Reading pictures", "opencv-python"):
        import cv2  # noqa: PLC0415 - an extra; and it takes a tenth of a second
        import numpy as np  # noqa: PLC0415 - comes with it
    try:
        decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f"{name} is no picture that can be read", cause=error.err or str(error), fix=FIX) from error
    if decoded is None:
        raise ImageError(f"{name} is no picture that can be read", cause="it is damaged or cut short", fix=FIX)
    return np.ascontiguousarray(decoded, dtype=np.uint8)
