"""Plate cameras that push, at work: a push is understood, its pictures and readings are kept, then it is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from edge_agent.app.lane import Input
from edge_agent.config import CameraTable
from edge_agent.drivers.plate.hikvision import ParsedPush, Unreadable, parse_push, plates_seen
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.links.http_push import Push, PushListener, Route
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, PlateSeen
from edge_agent.model.wire import plate_message

LOG = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CameraOutputs:
    """Where what the cameras say goes; called from several threads at once.

    Attributes:
        reading: device id and reading, to its lane.
        garbled: device id, bytes, how many there were, reason, when; makes a record of what is no event.
        event: a camera was heard for the first time.
        refused: a push was not answered with 200: the reason, and the peer's address.
        kept: a push was.
    """

    reading: Callable[[str, Input], None]
    garbled: Callable[[str, bytes, int, str, Moment], None]
    event: Callable[[DeviceEvent], None]
    refused: Callable[[str, str], None]
    kept: Callable[[], None]


class CameraDesk:
    """All cameras of one listening address. Its listener calls `take` from several threads at once."""

    def __init__(
        self,
        cameras: Sequence[CameraTable],
        journal: Journal,
        evidence: EvidenceStore,
        clock: Callable[[], Moment],
        outputs: CameraOutputs,
    ) -> None:
        """Listens from `start` on."""
        self._journal, self._evidence, self._clock, self._outputs = journal, evidence, clock, outputs
        self.heard: dict[str, Moment] = {}
        self.last: dict[str, PlateSeen] = {}
        self.device_ids = tuple(camera.id for camera in cameras)
        self.refused = 0
        self._listening = False
        host, port = cameras[0].address
        routes = {camera.push_path: Route(device_id=camera.id, allow=camera.networks) for camera in cameras}
        self._listener = PushListener(host, port, routes, self.take, self._refuse)

    @property
    def port(self) -> int:
        """The port listened on."""
        return self._listener.port

    @property
    def listening(self) -> bool:
        """Whether cameras can reach it."""
        return self._listening

    def start(self) -> None:
        """Listen; LinkError when the address cannot be bound now, and then it may be tried again."""
        self._listener.start()
        self._listening = True

    def stop(self) -> None:
        """Stop listening."""
        self._listener.stop()

    def take(self, push: Push) -> None:
        """Make a push durable: pictures and message as evidence, each vehicle in the inbox.

        Raises JournalError when the disk cannot take it; the camera is then not answered with 200 and sends it again.
        """
        now = self._clock()
        parsed = parse_push(push.content_type, push.body)
        if parsed.faults:
            LOG.warning("camera.push_faults", device=push.device_id, faults=parsed.faults)
        self._take_unreadable(push.device_id, parsed, now)
        if plates_seen(parsed, push.device_id, now, ()):
            # Kept for vehicles only: heartbeats and motion events would fill the disk.
            kept = [self._evidence.keep(p.body, p.media_type, p.role) for p in parsed.pictures]
            kept += [self._evidence.keep(document, "application/xml", "message") for document in parsed.documents]
            for plate in plates_seen(parsed, push.device_id, now, tuple(kept)):
                self._spool(plate)
        self._well(push.device_id, now)

    def _spool(self, plate: PlateSeen) -> None:
        body = plate_message(plate).SerializeToString()
        inbox_id = self._journal.spool.keep(plate.device_id, plate.event_id, body)
        if inbox_id is None:
            LOG.info("camera.repetition", device=plate.device_id, event_id=plate.event_id)
            return
        self.last[plate.device_id] = plate
        self._outputs.reading(plate.device_id, Input(plate, inbox_id))

    def _take_unreadable(self, device_id: str, parsed: ParsedPush, now: Moment) -> None:
        for event in parsed.events:
            if isinstance(event, Unreadable):
                self._outputs.garbled(device_id, event.raw, len(event.raw), event.reason, now)

    def _well(self, device_id: str, now: Moment) -> None:
        first = device_id not in self.heard
        self.heard[device_id] = now
        if first:
            self._outputs.event(DeviceEvent(device_id, now, DeviceState.OK, "the camera pushes"))
        self._outputs.kept()

    def _refuse(self, reason: str, peer: str) -> None:
        self.refused += 1
        LOG.warning("camera.push_refused", reason=reason, peer=peer)
        self._outputs.refused(reason, peer)
