"""A serial port of an emulated device that speaks when it has something to say: a pty under a symbolic link."""

from __future__ import annotations

import os
import tty
from pathlib import Path


class SerialLine:
    """What is sent while nobody reads waits on the line; when that is full (4 KiB), sending waits, too."""

    def __init__(self, link: Path) -> None:
        """Plugged in. `link` must not be there yet, and its directory must be."""
        self._controller, self._device = os.openpty()
        tty.setraw(self._device)
        link.symlink_to(os.ttyname(self._device))

    def send(self, data: bytes) -> None:
        """All of it, in order."""
        while data:
            data = data[os.write(self._controller, data) :]

    def close(self) -> None:
        """Unplug it."""
        os.close(self._controller)
        os.close(self._device)
