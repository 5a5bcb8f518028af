"""`edge-agent decode --profile plate/…`: pushes, streams, documents or logs of them in, one JSON line an event out.

A vehicle, read or not:  {"kind": "plate", "plate", "confidence", "direction", "lane", "time", "state", "pictures"}
A sign of life:          {"kind": "heartbeat", …}    the same keys, null
Another event:           {"kind": "other", "event": what the camera calls it, …}
Not understood:          {"kind": "garbled", "garbled": why, "hex": its first bytes}

`confidence` is a number from 0 to 1. `time` is ISO 8601; without an offset the camera did not say its zone. `state` is
"unread" for a vehicle without a plate, else what the packet says of the vehicle ("new", "update", "lost").
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from edge_agent.commands.decoders.stream import many
from edge_agent.drivers.plate.camera import CameraReader, Message
from edge_agent.drivers.plate.capture_time import CameraClock
from edge_agent.drivers.plate.events import Event, Heartbeat, OtherEvent, Unreadable, VehicleEvent
from edge_agent.drivers.plate.recording import Recording
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.errors import ConfigError
from edge_agent.profiles import load_profile

SHOWN_BYTES = 64
FIELDS: dict[str, object] = dict.fromkeys(("plate", "confidence", "direction", "lane", "time"))


class PlateDecoder:
    """A KindDecoder for plate cameras."""

    def __init__(self, profile: PlateProfile, clock: CameraClock | None = None) -> None:
        """`clock` is what the site knows of this camera's."""
        self._profile = profile
        self._recording = Recording()
        self._reader = CameraReader(profile, clock)
        self._counts: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._bytes = self._pictures = 0
        self._faults: list[str] = []

    @property
    def readings(self) -> int:
        """Vehicles so far, read or not."""
        return self._counts["plate"]

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """The lines of the messages that these bytes complete."""
        self._bytes += len(data)
        yield from self._lines(self._reader.feed(self._recording.feed(data)))

    def pause(self) -> Iterator[dict[str, object]]:
        """An event that waits for its pictures."""
        yield from self._lines(self._reader.settle())

    def finish(self) -> Iterator[dict[str, object]]:
        """The lines of what was held back."""
        yield from self._lines(self._reader.feed(self._recording.flush()))
        yield from self._lines(self._reader.flush())

    def summary(self) -> Iterator[str]:
        """What was found, the likely cause, the next step."""
        counts = self._counts
        yield (
            f"{self._profile.name}: {many(self._bytes, 'byte')}, {many(counts['plate'], 'vehicle')}, "
            f"{many(counts['heartbeat'], 'heartbeat')}, {many(counts['other'], 'other event')}, "
            f"{many(counts['garbled'], 'garbled piece')}, {many(self._pictures, 'picture')}"
        )
        yield from self._faults
        if not self._bytes:
            yield "No bytes: nothing arrived. Check the camera's power, its network and the URL it posts to"
        elif not counts["plate"]:
            yield from self._no_vehicles()

    def _no_vehicles(self) -> Iterator[str]:
        if self._others:
            types = ", ".join(f"{kind or 'without a type'} ({count})" for kind, count in self._others.most_common(5))
            yield (
                f"Events but no vehicle: {types}. Switch on plate recognition in the camera, and its notification of "
                "this gate"
            )
        elif self._counts["heartbeat"]:
            yield "The camera lives, and no vehicle came"
        else:
            maker = self._profile.device.maker
            yield f"Bytes but no event: is this a camera of {maker}? Compare the profile with the camera's make"

    def _lines(self, messages: list[Message]) -> Iterator[dict[str, object]]:
        for message in messages:
            self._pictures += len(message.pictures)
            self._faults = [*self._faults, *message.faults][:10]
            pictures = [{"role": p.role, "media_type": p.media_type, "bytes": len(p.body)} for p in message.pictures]
            for event in message.events:
                line = as_line(event)
                self._counts[str(line["kind"])] += 1
                if isinstance(event, OtherEvent):
                    self._others[event.type] += 1
                yield line | {"pictures": pictures} if isinstance(event, VehicleEvent) else line


def as_line(event: Event) -> dict[str, object]:
    """One event as a line, without its pictures."""
    match event:
        case VehicleEvent():
            line: dict[str, object] = {
                "kind": "plate",
                "plate": event.plate,
                "confidence": None if event.confidence is None else float(event.confidence),
                "direction": event.direction,
                "lane": event.lane,
                "time": event.time,
                "event": event.type or None,
                "state": event.state or (None if event.plate else "unread"),
            }
            optional = {"track": event.track, "cursor": event.cursor}
            return line | {name: text for name, text in optional.items() if text}
        case Heartbeat():
            return {"kind": "heartbeat"} | FIELDS | {"time": event.time}
        case OtherEvent():
            return {"kind": "other"} | FIELDS | {"time": event.time, "event": event.type or None, "state": event.state}
        case Unreadable():
            shown = event.raw[:SHOWN_BYTES].hex(" ")
            return {"kind": "garbled"} | FIELDS | {"garbled": event.reason, "hex": shown, "bytes": len(event.raw)}


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> PlateDecoder:
    """The decoder for this profile; ConfigError for an unknown one, or for a variant: plate profiles have none."""
    if variant is not None:
        raise ConfigError(f"'{profile_name}' has no variants", fix="Leave --variant out")
    return PlateDecoder(load_profile(profile_name, profile_dir, of=PlateProfile))
