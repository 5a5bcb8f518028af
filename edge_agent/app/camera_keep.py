"""What one plate camera said, made durable: pictures and messages as evidence, vehicles in the inbox.

Several packets of one vehicle are one reading (`drivers.plate.merge`). While they come, what is known of the vehicle
lies in the journal: a packet that was answered is never only in memory.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from google.protobuf.message import DecodeError

from edge_agent.app.lane import Input
from edge_agent.config_camera import CameraTable
from edge_agent.config_video import VideoTable
from edge_agent.drivers.plate.camera import CameraReader, Message, plates_seen
from edge_agent.drivers.plate.capture_time import CameraClock
from edge_agent.drivers.plate.events import VehicleEvent
from edge_agent.drivers.plate.merge import Merged, Read, Vehicle, VehicleMerger
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.errors import ConfigError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import Moment
from edge_agent.model.readings import EvidenceRef, PlateSeen
from edge_agent.model.wire import moment_of, plate_message, plate_of, stamp_of
from edge_agent.profiles import load_profile
from gate_contract.v1.passage_pb2 import PlateRead
from gate_contract.v1.stamp_pb2 import Stamp

LOG = structlog.get_logger()

FORMAT = 1
MEDIA_TYPES = {"xml": "application/xml", "json": "application/json"}


@dataclass(frozen=True, slots=True)
class KeeperStores:
    """Where things are kept, and who is told of what was."""

    journal: Journal
    evidence: EvidenceStore
    reading: Callable[[str, Input], None] = field(repr=False)


class CameraKeeper:
    """Keeps what one camera said. Safe to use from several threads."""

    def __init__(self, table: CameraTable, stores: KeeperStores) -> None:
        """ConfigError when the profile cannot be used, or is for a camera that is reached the other way round."""
        self.table, self.profile = table, camera_profile(table)
        self._stores = stores
        self._lock = threading.Lock()
        self._merger = VehicleMerger(self.profile.track) if self.profile.track else None
        self.last: PlateSeen | None = None

    @property
    def silent_after_s(self) -> float | None:
        """How long the camera may say nothing; None: it speaks only when a vehicle comes."""
        return self.table.silent_after or self.profile.link.silent_after_s

    def reader(self) -> CameraReader:
        """A reader for the camera's bytes."""
        zone = ZoneInfo(self.table.zone) if self.table.zone else None
        return CameraReader(self.profile, CameraClock(zone, self.table.local_as_utc))

    def resume(self, remembered: Mapping[str, bytes]) -> None:
        """Go on with the vehicles that were under way when the agent was stopped or killed."""
        if self.profile.track is not None:
            self._merger = VehicleMerger(self.profile.track, _recall(remembered.get(self._memory, b"")))

    def keep(self, message: Message, now: Moment) -> None:
        """Make a message durable, as far as it is about vehicles.

        Raises JournalError when the disk cannot take it; then nothing of it counts, and it is to be kept again.
        """
        if message.faults:
            LOG.warning("camera.faults", device=self.table.id, faults=message.faults)
        if not self._is_news(message, now):
            self._note(message, now)
            return  # heartbeats, motion events, and the same vehicle in every frame, would fill the disk
        blobs = [(each.body, each.media_type, each.role) for each in message.pictures]
        blobs += [(each.raw, MEDIA_TYPES.get(each.form, "text/plain"), "message") for each in message.documents]
        kept = self._stores.evidence.keep_all(blobs)
        for event, seen in plates_seen(message, self.table.id, now, tuple(kept)):
            if self._merger is not None and event.track:
                self._merged(_adding(event, seen, now))
            else:
                self._spool(seen)

    def _is_news(self, message: Message, now: Moment) -> bool:
        merger = self._merger
        return any(
            merger is None or not event.track or merger.is_news(event.track, seen)
            for event, seen in plates_seen(message, self.table.id, now, ())
        )

    def _note(self, message: Message, now: Moment) -> None:
        """Vehicles that are still there, or gone, with nothing new about their plates."""
        for event, seen in plates_seen(message, self.table.id, now, ()):
            self._merged(_adding(event, seen, now))

    def tick(self, now: Moment) -> None:
        """Time has passed; JournalError as `keep`."""
        if self._merger is not None and self._merger.vehicles:
            self._merged(lambda merger: merger.tick(now))

    @property
    def _memory(self) -> str:
        """Where the vehicles under way lie, among the lanes' passages; no lane can have this name."""
        return f"/vehicles/{self.table.id}"

    def _merged(self, step: Callable[[VehicleMerger], list[Merged]]) -> None:
        """One step of the merger; it counts only once it is durable."""
        with self._lock:
            if self.profile.track is None or self._merger is None:
                return
            merger = VehicleMerger(self.profile.track, self._merger.vehicles)
            for merged in step(merger):
                self._spool(self._with_others(merged))
            if merger.gist != self._merger.gist:
                self._stores.journal.append([], in_flight={self._memory: _remember(merger.vehicles)})
            self._merger = merger

    def _with_others(self, merged: Merged) -> PlateSeen:
        """The reading, with the reads that were not taken among its evidence."""
        if not merged.others:
            return merged.seen
        reads = [Read(merged.seen, merged.packets - sum(read.packets for read in merged.others)), *merged.others]
        told = [{"plate": r.seen.text, "confidence": r.seen.confidence, "packets": r.packets} for r in reads]
        body = json.dumps(told, ensure_ascii=False).encode()
        reference: EvidenceRef = self._stores.evidence.keep(body, "application/json", "reads")
        return replace(merged.seen, pictures=(*merged.seen.pictures, reference))

    def _spool(self, seen: PlateSeen) -> None:
        body = plate_message(seen).SerializeToString()
        inbox_id = self._stores.journal.spool.keep(seen.device_id, seen.event_id, body)
        if inbox_id is None:
            LOG.info("camera.repetition", device=seen.device_id, event_id=seen.event_id)
            return
        self.last = seen
        self._stores.reading(seen.device_id, Input(seen, inbox_id))


def _adding(event: VehicleEvent, seen: PlateSeen, now: Moment) -> Callable[[VehicleMerger], list[Merged]]:
    return lambda merger: merger.add(event.track, event.state, seen, now)


def camera_profile(table: CameraTable) -> PlateProfile:
    """A camera's profile; ConfigError when it cannot be used, or does not fit `listen` or `url`."""
    profile = load_profile(table.profile, table.profile_dir, of=PlateProfile)
    pushes = profile.link.mode == "push"
    if pushes and table.url:
        fix = "Write listen and allow in place of url"
        raise ConfigError(f"A camera with the profile {table.profile} pushes to the gate and is not asked", fix=fix)
    if not pushes and table.listen:
        fix = 'Write url = "http://CAMERA" in place of listen and allow'
        raise ConfigError(f"A camera with the profile {table.profile} does not push: the gate asks it", fix=fix)
    return profile


def password_of(table: CameraTable | VideoTable) -> str:
    """The camera's password, "" for none; ConfigError when its file cannot be read."""
    if table.password_file is None:
        return ""
    try:
        lines = table.password_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"The password file {table.password_file} cannot be read",
            cause=getattr(error, "strerror", "") or str(error),
            fix="Make it readable for the agent's user, and for nobody else",
        ) from error
    if not lines or not lines[0]:
        raise ConfigError(
            f"The password file {table.password_file} is empty", fix="Write the password as its first line"
        )
    return lines[0]


def _remember(vehicles: tuple[Vehicle, ...]) -> bytes:
    """The vehicles under way in the agent's own form (not part of the contract); b"" for none."""
    if not vehicles:
        return b""
    return json.dumps({"format": FORMAT, "vehicles": [_kept(vehicle) for vehicle in vehicles]}).encode()


def _recall(data: bytes) -> list[Vehicle]:
    """What `_remember` wrote; none when it is of another release or damaged."""
    if not data:
        return []
    try:
        kept = json.loads(data)
        return [_vehicle(each) for each in kept["vehicles"]] if kept["format"] == FORMAT else []
    except (ValueError, KeyError, TypeError, DecodeError):
        LOG.warning("camera.memory_unreadable")
        return []


def _kept(vehicle: Vehicle) -> dict[str, Any]:
    return {
        "track": vehicle.track,
        "first": _text(plate_message(vehicle.first).SerializeToString()),
        "opened": _text(stamp_of(vehicle.opened).SerializeToString()),
        "last": _text(stamp_of(vehicle.last).SerializeToString()),
        "reads": [[_text(plate_message(r.seen).SerializeToString()), r.packets] for r in vehicle.reads],
        "told": vehicle.told and _text(plate_message(vehicle.told).SerializeToString()),
    }


def _vehicle(kept: dict[str, Any]) -> Vehicle:
    return Vehicle(
        track=kept["track"],
        first=_plate(kept["first"]),
        opened=moment_of(Stamp.FromString(base64.b64decode(kept["opened"]))),
        last=moment_of(Stamp.FromString(base64.b64decode(kept["last"]))),
        reads=tuple(Read(_plate(text), packets) for text, packets in kept["reads"]),
        told=_plate(kept["told"]) if kept["told"] else None,
    )


def _plate(text: str) -> PlateSeen:
    return plate_of(PlateRead.FromString(base64.b64decode(text)))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
