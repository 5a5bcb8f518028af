"""How fast each plate profile understands its cameras' events: `python -m benchmarks.plates`.

One core, process time, the best of several passes. For each profile its own captures are fed as one stream, in chunks
of 64 KiB as a socket gives them, again and again with other digits in the plates: as they are on the wire, in multipart
and with their pictures, and then their documents alone. The pictures are small; what a large one costs is told apart.

A frame is what has an end of its own on the wire: a document or a picture. An event is what a document says. Forms are
learned before they are measured (`edge_agent.drivers.plate.forms`); "in full" is what finding the fields of a document
of no known form costs, as a camera's first two of each form do.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.report import table
from edge_agent.drivers.plate.body import BodyReader
from edge_agent.drivers.plate.camera import CameraReader
from edge_agent.drivers.plate.fields import FieldFinder
from edge_agent.drivers.plate.parts import Document, Picture
from edge_agent.drivers.plate.recording import Recording
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.profiles import load_profile, profile_names

CAPTURES = Path(__file__).parents[1] / "tests" / "captures"
CHUNK = 65_536
PASSES, VARIANTS = 12, 32
HEAD = (
    "profile",
    "events a second",
    "frames a second",
    "bytes an event",
    "events a second, documents alone",
    "in full, µs a document",
)


def stream_of(name: str) -> bytes:
    """The captures of a profile in which every line is an event, one after another, with VARIANTS of their plates."""
    folder = CAPTURES / name
    rows = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    good = [row for row in rows if row["lines"] and all(line["kind"] != "garbled" for line in row["lines"])]
    whole = [row for row in good if "cut" not in row["file"]]
    plates = {line["plate"] for row in whole for line in row["lines"] if line.get("plate")}
    once = b"\n".join(_as_sent((folder / row["file"]).read_bytes()) for row in whole) + b"\n"
    return b"".join(_with_plates(once, plates, number) for number in range(VARIANTS))


def _as_sent(recorded: bytes) -> bytes:
    recording = Recording()
    return recording.feed(recorded) + recording.flush()


def _with_plates(raw: bytes, plates: set[str], number: int) -> bytes:
    for plate in plates:
        digits = (re.findall(r"\d{2,}", plate) or [""])[-1]
        other = plate.replace(digits, f"{number % 10 ** len(digits):0{len(digits)}d}") if digits else plate
        raw = raw.replace(plate.encode(), other.encode())
    return raw


def measure(name: str) -> tuple[float, float, float, float, float]:
    """The figures of HEAD."""
    profile, data = load_profile(name, of=PlateProfile), stream_of(name)
    frames = [token for token in BodyReader().feed(data) if isinstance(token, Document | Picture)]
    documents = [each for each in frames if isinstance(each, Document)]
    alone = b"\n".join(each.raw for each in documents) + b"\n"
    events, seconds = _fed(profile, data)
    events_alone, seconds_alone = _fed(profile, alone)
    finder, read = FieldFinder(profile), [each for each in documents if each.form != "word"]
    full = _seconds_of(lambda: [finder.find(each) for each in read]) / len(read)
    return events / seconds, len(frames) / seconds, len(data) / events, events_alone / seconds_alone, full * 1e6


def _fed(profile: PlateProfile, data: bytes) -> tuple[int, float]:
    """The events in it, and the seconds that they take once their forms are known."""
    reader = CameraReader(profile)

    def feed() -> int:
        events = 0
        for start in range(0, len(data), CHUNK):
            for message in reader.feed(data[start : start + CHUNK]):
                events += len(message.events)
        return events

    feed()
    events = feed()
    return events, min(_seconds_of(feed) for _ in range(PASSES))


def _seconds_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _megabyte() -> float:
    """Milliseconds for a picture of a megabyte, from the socket's chunks to the message."""
    picture = b"\xff\xd8\xff" + bytes(range(1, 255)) * 4_096 + b"\xff\xd9"
    head = f"--b\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n".encode()
    part = head + picture + b"\r\n--b\r\n"
    reader = BodyReader()

    def feed() -> None:
        for start in range(0, len(part), CHUNK):
            reader.feed(part[start : start + CHUNK])

    return min(_seconds_of(feed) for _ in range(10)) * 1e3 * 2**20 / len(picture)


def main() -> None:
    """Prints a table."""
    names = [name for name in profile_names() if name.startswith("plate/")]
    print(table(HEAD, [(name, *(f"{figure:,.0f}" for figure in measure(name))) for name in names]))
    print(f"\na picture of a megabyte costs {_megabyte():.1f} ms more")


if __name__ == "__main__":
    main()
