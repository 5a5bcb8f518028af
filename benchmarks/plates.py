"""How fast each plate profile understands its cameras' events: `python -m benchmarks.plates`.

One core, process time. For each profile its own captures are fed as one stream again and again, in chunks of 64 KiB as
a socket gives them; pictures are part of it, as they are on the wire. Printed are events of all kinds and vehicles a
second, and the bytes of one event with its pictures.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from benchmarks.report import table
from edge_agent.drivers.plate.camera import CameraReader
from edge_agent.drivers.plate.events import Unreadable
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.profiles import load_profile, profile_names

CAPTURES = Path(__file__).parents[1] / "tests" / "captures"
CHUNK = 65_536
SECONDS = 1.0


def stream_of(name: str) -> bytes:
    """The captures of a profile in which every line is an event, one after another."""
    folder = CAPTURES / name
    rows = [json.loads(line) for line in (folder / "expected.jsonl").read_text("utf-8").splitlines()]
    good = [row for row in rows if row["lines"] and all(line["kind"] != "garbled" for line in row["lines"])]
    whole = [row for row in good if "cut" not in row["file"]]
    return b"\n".join((folder / row["file"]).read_bytes() for row in whole) + b"\n"


def measure(name: str) -> tuple[float, float, float]:
    """Events a second, vehicles a second, bytes an event."""
    reader, stream = CameraReader(load_profile(name, of=PlateProfile)), stream_of(name)
    data = stream * max(1, CHUNK * 4 // len(stream))
    events = vehicles = size = 0
    began = time.process_time()
    while time.process_time() - began < SECONDS:
        for start in range(0, len(data), CHUNK):
            for message in reader.feed(data[start : start + CHUNK]):
                events += sum(not isinstance(event, Unreadable) for event in message.events)
                vehicles += len(message.vehicles)
        size += len(data)
    seconds = time.process_time() - began
    return events / seconds, vehicles / seconds, size / events


def main() -> None:
    """Prints a table."""
    names = [name for name in profile_names() if name.startswith("plate/")]
    rows = [(name, *(f"{figure:,.0f}" for figure in measure(name))) for name in names]
    print(table(("profile", "events a second, one core", "vehicles a second", "bytes an event, with pictures"), rows))


if __name__ == "__main__":
    main()
