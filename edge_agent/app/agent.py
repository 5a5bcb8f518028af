"""The agent: every stage, joined. Nothing else imports across stages."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path

import structlog

from edge_agent import __version__
from edge_agent.app.camera import CameraDesk, CameraOutputs
from edge_agent.app.connector import CollectorConnector
from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.lane import Input, LaneWorker, new_passage_id
from edge_agent.app.line import Line, lines_of
from edge_agent.app.records import RecordMaker
from edge_agent.app.scale import ScaleOutputs, ScaleStation
from edge_agent.app.stations import AnyStation, Parts, make_stations
from edge_agent.app.uplink import COLLECTOR, UPLINK, Carried, UplinkDesk
from edge_agent.assemble.lane import VehicleLane
from edge_agent.assemble.state import LaneSettings
from edge_agent.config import CameraTable, LaneTable, SiteFile
from edge_agent.decide.vehicle import Judge
from edge_agent.errors import ConfigError, JournalError, LinkError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, Reading
from edge_agent.model.wire import plate_of
from edge_agent.reference.cache import ReferenceCache
from edge_agent.uplink.progress import UplinkState
from gate_contract.rules import RULE_BOOK_HASH, BookingIndex, Policy, PolicyError
from gate_contract.v1.passage_pb2 import PlateRead
from gate_contract.v1.reading_pb2 import Reading as DeviceReading
from gate_contract.v1.record_pb2 import LIFECYCLE_EVENT_STARTED, LIFECYCLE_EVENT_STOPPED, Incident

LOG = structlog.get_logger()

KEEP_HOUSE_EVERY_S = 5.0
SCRUB_EVERY_S = 60.0
HANGING_S = 20.0
INCIDENTS = "/incidents"
"""Where open incidents are remembered, among the lanes' passages under way; no lane can have this name."""

DISK = "disk"
NO_ROOM = (
    "The disk is nearly full. What is left is for records: pictures and weight curves are not kept, and the records "
    "say so. Free space, or let the uplink deliver what waits (gatectl status)"
)

MAX_UNWRITTEN = 256
"""Incidents and garbled bytes waiting while the disk takes nothing; the oldest go first, counted in the log."""


class Agent:
    """One gate machine's agent: `start`, `stop_capture`, `close`. A journal has one agent at a time."""

    def __init__(self, site: SiteFile, keys: AgentKeys, clock: Callable[[], Moment]) -> None:
        """Opens journal and caches; raises EdgeAgentError when anything cannot work."""
        self.site, self.clock = site, clock
        state_dir = site.agent.state_dir
        self.journal = Journal(state_dir / "journal", keys.signer)
        self.evidence = EvidenceStore(state_dir, lambda: self.journal.room_is_low)
        self.reference = ReferenceCache(state_dir / "reference.db")
        self.records = RecordMaker(site.site, clock)
        self._policy = load_policy(site.agent.policy)
        self._incidents = IncidentBook()
        self._unwritten: list[bytes] = []
        self._record_lock = threading.Lock()
        self._stop = threading.Event()
        self._scrubbed = clock()
        carried = Carried(self.journal, self.evidence, self.reference)
        limit = site.collector.max_records_per_s
        self.uplink = UplinkDesk(carried, keys, limit, clock, self._incidents, self._tell)
        self.lanes = [self._lane(table) for table in site.lane]
        self._lane_of = {device: lane for lane in self.lanes for device in lane.devices}
        lines = lines_of(site.scale, clock)
        self.scales = [self._scale(table.id, lines[table.id]) for table in site.scale]
        self.cameras = [self._cameras(group) for group in _by_address(site.camera)]
        self.devices = make_stations(site.device, Parts(self.evidence, clock, self._device_outputs()))
        self.stations: list[ScaleStation | AnyStation] = [*self.scales, *self.devices]
        self._keeper = threading.Thread(target=self._keep_house, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Record the start, resume passages under way, open devices and uplink."""
        self.journal.restore_reserve()
        remembered = self.journal.in_flight()
        open_incidents = self._incidents.resume(remembered.get(INCIDENTS, b""))
        site_hash = self.site.sha256
        self.record([self.records.lifecycle(LIFECYCLE_EVENT_STARTED, __version__, site_hash, RULE_BOOK_HASH)])
        self._record_losses()
        self._end_orphans(open_incidents)
        for lane in self.lanes:
            lane.start(remembered.get(lane.lane_id, b""))
        self._open_cameras()
        for station in self.stations:
            station.start()
        self.uplink.start()
        self._keeper.start()

    @property
    def connector(self) -> CollectorConnector:
        """Where the collector is, and the certificate for it."""
        return self.uplink.connector

    @property
    def uplink_state(self) -> UplinkState:
        """How the uplink gets on."""
        return self.uplink.state

    @property
    def hangs(self) -> bool:
        """Whether a lane has not gone round for so long that only a restart helps."""
        now = self.clock()
        return any(now.seconds_since(lane.turned) > HANGING_S for lane in self.lanes)

    def stop_capture(self) -> None:
        """Close devices first, then lanes, then record the stop and close the uplink. Loses nothing."""
        self._stop.set()
        for station in self.stations:
            station.halt()
        for lane in self.lanes:
            lane.halt()  # before any scale is waited for: it may itself be waiting for its lane
        for station in self.stations:
            station.stop()
        for camera in self.cameras:
            camera.stop()
        for lane in self.lanes:
            lane.stop()
        site_hash = self.site.sha256
        self.record([self.records.lifecycle(LIFECYCLE_EVENT_STOPPED, __version__, site_hash, RULE_BOOK_HASH)])
        self.uplink.stop()
        self._keeper.join(timeout=2)

    def close(self) -> None:
        """Close journal and cache, after `stop_capture`."""
        self.journal.close()
        self.evidence.close()
        self.reference.close()

    def record(self, bodies: Iterable[bytes]) -> None:
        """Append records that no device waits for; kept in memory, bounded, while the disk takes nothing."""
        with self._record_lock:
            self._unwritten += bodies
            if not self._unwritten:
                return
            try:
                self.journal.append(self._unwritten, in_flight={INCIDENTS: self._incidents.remember()})
            except JournalError as error:
                LOG.error("journal.append_failed", problem=str(error), waiting=len(self._unwritten))  # noqa: TRY400 - told in words
                if (excess := len(self._unwritten) - MAX_UNWRITTEN) > 0:
                    del self._unwritten[:excess]
                    LOG.error("journal.dropped", records=excess)  # noqa: TRY400 - told in words
                return
            self._unwritten.clear()
        self.uplink.stream.wake()

    # --- joining -------------------------------------------------------------------------------------------------

    def _lane(self, table: LaneTable) -> LaneWorker:
        settings = LaneSettings(
            lane_id=table.id,
            direction=table.direction,
            scales=table.scales,
            cameras=table.cameras,
            open_kilograms=table.open_weight,
            clear_kilograms=table.clear_weight,
            grace_s=table.grace,
            settle_s=table.settle,
            approach_s=table.approach,
            late_s=table.late,
        )
        judge = Judge(self.site.site, table.goods, self._policy, self._bookings)
        lane = VehicleLane(settings, new_passage_id(table.id))
        return LaneWorker(table, lane, judge, self.journal, self.records, self.clock, self.uplink.stream.live)

    def _scale(self, device_id: str, line: Line) -> ScaleStation:
        table = next(scale for scale in self.site.scale if scale.id == device_id)
        lane_table = next(lane for lane in self.site.lane if device_id in lane.scales)
        lane = self._lane_of[device_id]

        def to_lane(reading: Reading) -> None:
            lane.put(Input(reading))

        outputs = ScaleOutputs(to_lane, self._on_device, self._keep_garbled)
        return ScaleStation(table, lane_table, line, self.evidence, self.clock, outputs)

    def _cameras(self, group: list[CameraTable]) -> CameraDesk:
        subject = _pushes_to(group[0].listen)

        def refused(reason: str, peer: str) -> None:
            text = f"A push from {peer or 'somewhere'} was refused. {reason}. docs/cameras.md says what to do"
            self._tell(self._incidents.began(subject, "push-refused", text, self.clock()))

        def kept() -> None:
            self._tell(self._incidents.ended(subject, self.clock()))

        outputs = CameraOutputs(self._hand_over, self._keep_unreadable, self._on_device, refused, kept)
        return CameraDesk(group, self.journal, self.evidence, self.clock, outputs)

    def _device_outputs(self) -> DeviceOutputs:
        def began(subject: str, code: str, text: str, at: Moment, device_id: str) -> None:
            self._tell(self._incidents.began(subject, code, text, at, device_id=device_id))

        def ended(subject: str, at: Moment) -> None:
            self._tell(self._incidents.ended(subject, at))

        return DeviceOutputs(self._keep_reading, self._on_device, self._keep_garbled, began, ended)

    def _hand_over(self, device_id: str, item: Input) -> None:
        self._lane_of[device_id].put(item)

    # --- what happens --------------------------------------------------------------------------------------------

    def _on_device(self, event: DeviceEvent) -> None:
        LOG.info("device", device=event.device_id, state=event.state.value, text=event.text, attempts=event.attempts)
        self._tell(self._incidents.device(event))

    def _end_orphans(self, open_incidents: list[str]) -> None:
        """What is left of devices that are no longer in the site file: their incidents, and plates no lane can take."""
        listening = (_pushes_to(camera.listen) for camera in self.site.camera)
        devices = (subject for station in self.devices for subject in station.subjects)
        here = {UPLINK, COLLECTOR, "journal", *self._lane_of, *listening, *devices}
        for subject in set(open_incidents) - here:
            self._tell(self._incidents.ended(subject, self.clock()))
        entries = [entry for entry in self.journal.spool.inbox() if entry.device_id not in self._lane_of]
        reason = "its device is no longer in the site file"
        bodies = [self.records.orphan(plate_of(PlateRead.FromString(entry.body)), reason) for entry in entries]
        try:
            self.journal.append(bodies, consumed=[entry.inbox_id for entry in entries])
        except JournalError as error:
            LOG.warning("inbox.not_taken", entries=len(entries), problem=str(error))

    def _record_losses(self) -> None:
        """What the journal found to be gone is itself a record."""
        for loss in self.journal.losses:
            LOG.error("journal.loss", text=loss.text, quarantined=loss.quarantined)
        try:
            self.journal.record_losses(self.records.loss)
        except JournalError as error:
            LOG.error("journal.losses_not_recorded", problem=str(error))  # noqa: TRY400 - told in words
        else:
            self.uplink.stream.wake()

    def _scrub(self) -> None:
        """Look at a part of the journal that lies long, now and then: damage is found before it is needed."""
        now = self.clock()
        if now.seconds_since(self._scrubbed) < SCRUB_EVERY_S:
            return
        self._scrubbed = now
        try:
            self.journal.scrub()
        except JournalError as error:
            LOG.error("journal.not_scrubbed", problem=str(error))  # noqa: TRY400 - told in words

    def _watch_journal(self) -> None:
        """That nothing could be written is written down as soon as it can be."""
        now, problem = self.clock(), self.journal.problem
        if problem:
            self._tell(self._incidents.began("journal", "journal-not-written", problem, now))
        else:
            self._tell(self._incidents.ended("journal", now))

    def _open_cameras(self) -> None:
        """Listen for cameras; an address that cannot be had now is told and tried again by housekeeping."""
        for desk in self.cameras:
            if desk.listening:
                continue
            try:
                desk.start()
            except LinkError as error:
                for device_id in desk.device_ids:
                    self._on_device(DeviceEvent(device_id, self.clock(), DeviceState.UNPLUGGED, str(error)))
            else:
                for device_id in desk.device_ids:
                    self._tell(self._incidents.ended(device_id, self.clock()))

    def _is_well(self, subject: str) -> bool:
        states = {station.table.id: station.state for station in self.stations}
        return states.get(subject, DeviceState.OK) is DeviceState.OK

    def _tell(self, incidents: list[Incident]) -> None:
        self.record([self.records.incident(incident) for incident in incidents])

    def _keep_garbled(self, device_id: str, raw: bytes, length: int, reason: str, at: Moment) -> None:
        self.record([self.records.garbled(device_id, raw, length, reason, at)])

    def _keep_reading(self, reading: DeviceReading) -> None:
        """Durable when it returns; JournalError while the disk takes nothing."""
        self.journal.append([self.records.reading(reading)])
        self.uplink.stream.wake()

    def _keep_unreadable(self, device_id: str, raw: bytes, length: int, reason: str, at: Moment) -> None:
        """A push is answered after this: it must be on disk, so a JournalError goes to the camera as 503."""
        self.journal.append([self.records.garbled(device_id, raw, length, reason, at)])
        self.uplink.stream.wake()

    def _bookings(self, now: Moment) -> tuple[BookingIndex, int | None]:
        return self.reference.index(), self.reference.age_s(now)

    def _keep_house(self) -> None:
        """What must happen now and then: late records written, acknowledged ones forgotten."""
        while not self._stop.wait(KEEP_HOUSE_EVERY_S):
            self._open_cameras()
            self.record([])
            self._scrub()
            self._record_losses()
            self._watch_journal()
            self._tell(self._incidents.settled(self._is_well, self.clock()))
            self._make_room()

    def _make_room(self) -> None:
        """Forget what is acknowledged, and say when the disk takes no more pictures."""
        try:
            self.journal.prune(self.site.agent.keep_acknowledged)
        except JournalError as error:
            LOG.warning("journal.not_pruned", problem=str(error))
        whole = self.journal.restore_reserve()
        if self.journal.room_is_low:
            self._tell(self._incidents.began(DISK, "evidence-not-kept", NO_ROOM, self.clock()))
        elif whole:
            self._tell(self._incidents.ended(DISK, self.clock()))


def load_policy(path: Path | None) -> Policy:
    """The policy file, or the rule book's defaults; ConfigError names what is wrong."""
    if path is None:
        return Policy.default()
    try:
        return Policy.from_toml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, PolicyError) as error:
        cause = error.strerror if isinstance(error, OSError) else str(error)
        fix = "correct the file, or remove the key"
        raise ConfigError(f"the policy file {path} cannot be used", cause=cause or "", fix=fix) from error


def _pushes_to(listen: str) -> str:
    return f"pushes to {listen}"


def _by_address(cameras: Iterable[CameraTable]) -> list[list[CameraTable]]:
    groups: defaultdict[str, list[CameraTable]] = defaultdict(list)
    for camera in cameras:
        groups[camera.listen].append(camera)
    return list(groups.values())
