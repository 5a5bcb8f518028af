"""An emulated X-ray scanner: a picture in a folder, and a line that names it.

No maker's line protocol is public: this is the delimited form that docs/devices/others.md describes, with a checksum.
"""

from __future__ import annotations

import hashlib
from functools import reduce
from operator import xor
from pathlib import Path

from edge_agent.simulate.jpeg import tiles_as_jpeg
from edge_agent.simulate.serial_line import SerialLine

PICTURE_TILES = (24, 10)  # 192 x 80 pixels


def scan_line(scan_id: str, verdict: str, object_class: str, confidence: str, picture: str) -> bytes:
    """`A-0002,CHECK,organic,0.55,A-0002.jpg*63`: five columns, and the exclusive-or of all bytes before the star."""
    text = f"{scan_id},{verdict},{object_class},{confidence},{picture}".encode()
    return text + f"*{reduce(xor, text):02X}\r\n".encode()


class XrayScanner:
    """One scanner controller, on a serial line of its own; pictures come into `folder`, which is made."""

    def __init__(self, link: Path, folder: Path) -> None:
        """Plugged in."""
        folder.mkdir()
        self._line, self._folder = SerialLine(link), folder
        self._scans = 0

    def scan(self, verdict: str, object_class: str) -> None:
        """A vehicle goes through; `verdict` in the scanner's words: PASS, CHECK or ALARM."""
        self._scans += 1
        scan_id = f"S-{self._scans:05d}"
        width, height = PICTURE_TILES
        greys = hashlib.shake_256(f"{self._folder} {scan_id}".encode()).digest(width * height)
        rows = [greys[start : start + width] for start in range(0, len(greys), width)]
        part = self._folder / f"{scan_id}.part"
        part.write_bytes(tiles_as_jpeg(rows, f"Picture of an emulated scanner: {scan_id}"))
        part.rename(self._folder / f"{scan_id}.jpg")  # whole once it has its name
        self._line.send(scan_line(scan_id, verdict, object_class, "0.93", f"{scan_id}.jpg"))

    def stop(self) -> None:
        """Unplug it."""
        self._line.close()
