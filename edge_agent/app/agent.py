"""The agent: every stage, joined. Nothing else imports across stages."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import structlog

from edge_agent import __version__
from edge_agent.app.actuators import ActuatorDesk, GatewayWorker
from edge_agent.app.camera import CameraDesk, CameraOutputs, by_address, pushes_to
from edge_agent.app.connector import CollectorConnector
from edge_agent.app.desk_ports import DeskStores
from edge_agent.app.desk_station import DeskStation
from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.documents import sailing_of
from edge_agent.app.gateway_tables import gateways_of
from edge_agent.app.house import DISK, JOURNAL, Beside, House
from edge_agent.app.inbox import reading_of
from edge_agent.app.incidents import IncidentBook
from edge_agent.app.lane import Input, LaneWorker, new_passage_id
from edge_agent.app.lanes import Routes, lane_settings, make_lane
from edge_agent.app.line import Line, lines_of
from edge_agent.app.policy import load_policy
from edge_agent.app.recorder import INCIDENTS, Recorder
from edge_agent.app.records import RecordMaker
from edge_agent.app.reference import REFERENCE, ReferenceDesk, Reporting
from edge_agent.app.scale import ScaleOutputs, ScaleStation
from edge_agent.app.stations import AnyStation, Parts, make_stations
from edge_agent.app.uplink import COLLECTOR, UPLINK, Carried, UplinkDesk
from edge_agent.config import CameraTable, LaneTable, SiteFile
from edge_agent.config_lanes import devices_of
from edge_agent.decide.vehicle import Judge
from edge_agent.errors import JournalError, LinkError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.journal.journal import Journal
from edge_agent.keys import AgentKeys
from edge_agent.model.moment import Moment
from edge_agent.model.observation import LaneReading
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.uplink.progress import UplinkState
from edge_agent.vision.extra import importing_vision
from gate_contract.rules import RULE_BOOK_HASH
from gate_contract.rules.plates import normalise
from gate_contract.v1.reading_pb2 import Reading as DeviceReading
from gate_contract.v1.record_pb2 import LIFECYCLE_EVENT_STARTED, LIFECYCLE_EVENT_STOPPED

if TYPE_CHECKING:
    from edge_agent.app.vision_station import VideoStation

LOG = structlog.get_logger()

HANGING_S = 20.0


class Agent:
    """One gate machine's agent: `start`, `stop_capture`, `close`. A journal has one agent at a time."""

    def __init__(self, site: SiteFile, keys: AgentKeys, clock: Callable[[], Moment]) -> None:
        """Opens journal and caches; raises EdgeAgentError when anything cannot work."""
        self.site, self.clock = site, clock
        state_dir = site.agent.state_dir
        self.journal = Journal(state_dir / "journal", keys.signer)
        self.evidence = EvidenceStore(state_dir, lambda: self.journal.room_is_low)
        self.records = RecordMaker(site.site, clock)
        self._policy = load_policy(site.agent.policy)
        self._incidents = IncidentBook()
        self._recorder = Recorder(self.journal, self.records, self._incidents, self._appended)
        self._tell = self._recorder.tell
        reporting = Reporting(clock, self._incidents, self._tell)
        self.reference = ReferenceDesk(state_dir, keys, site.site, self._policy, reporting)
        carried = Carried(self.journal, self.evidence, self.reference)
        limit = site.collector.max_records_per_s
        self.uplink = UplinkDesk(carried, keys, limit, clock, self._incidents, self._tell)
        stores = DeskStores(self.journal, self.evidence, self.records)
        self.desk = DeskStation(site, stores, lambda: self.reference.officers, reporting, self.uplink.stream.live)
        self.lanes = [self._lane(table) for table in site.lane]
        for lane in self.lanes:
            lane.on_decided.append(self.desk.decided)
        self._lane_of = {device: lane for lane in self.lanes for device in lane.devices}
        self._routes = Routes(site.lane, self.lanes)
        lines = lines_of(site.scale, clock)
        self.scales = [self._scale(table.id, lines[table.id]) for table in site.scale]
        self.cameras = [self._cameras(group) for group in by_address(site.camera)]
        parts = Parts(self.evidence, clock, self._device_outputs(), sailing_of(self.reference))
        self.devices = make_stations(site.device, parts)
        self.actuators = self._gateways()
        self.desk.connect(self.actuators.released, self.actuators.stopped)
        self.videos = self._videos()
        self.stations: list[ScaleStation | AnyStation | VideoStation] = [*self.scales, *self.devices, *self.videos]
        beside = Beside(self._open_cameras, self._is_well, self._appended)
        keep = site.agent.keep_acknowledged
        self._house = House(self.journal, self.records, self._recorder, self._incidents, keep, clock, beside)

    def start(self) -> None:
        """Record the start, resume passages under way, open devices and uplink."""
        self.journal.restore_reserve()
        remembered = self.journal.in_flight()
        open_incidents = self._incidents.resume(remembered.get(INCIDENTS, b""))
        site_hash = self.site.sha256
        self.record([self.records.lifecycle(LIFECYCLE_EVENT_STARTED, __version__, site_hash, RULE_BOOK_HASH)])
        self._house.record_losses()
        self._end_orphans(open_incidents)
        self.reference.start()
        self.desk.start(remembered)
        for lane in self.lanes:
            lane.start(remembered.get(lane.lane_id, b""))
        self._open_cameras()
        for station in self.stations:
            station.start()
        self.actuators.start(remembered)
        self.uplink.start()
        self._house.start()

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
        self._house.halt()
        self.desk.stop()  # lets nobody through any more; what the lanes still decide it takes in at the next start
        self.actuators.stop()  # fail-safe, while the devices can still be told
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
        self._house.stop()

    def close(self) -> None:
        """Close journal and cache, after `stop_capture`."""
        self.journal.close()
        self.evidence.close()
        self.reference.close()

    def record(self, bodies: Iterable[bytes]) -> None:
        """Append records that no device waits for: see Recorder."""
        self._recorder.record(bodies)

    # --- joining -------------------------------------------------------------------------------------------------

    def _lane(self, table: LaneTable) -> LaneWorker:
        reference = self.reference
        judge = Judge(self.site.site, table.goods, self._policy, reference.known, reference.decided)
        settings, names = lane_settings(table, self.site), new_passage_id(table.id)
        lane = make_lane(settings, names, lambda plate: bool(reference.cache.index().exact(normalise(plate))))
        devices, live = devices_of(table, self.site), self.uplink.stream.live
        return LaneWorker(table, devices, lane, judge, self.journal, self.records, self.clock, live)

    def _scale(self, device_id: str, line: Line) -> ScaleStation:
        table = next(scale for scale in self.site.scale if scale.id == device_id)
        lane_table = next(lane for lane in self.site.lane if device_id in lane.scales)
        lane = self._lane_of[device_id]

        def to_lane(reading: LaneReading) -> None:
            lane.put(Input(reading))

        outputs = ScaleOutputs(to_lane, self._on_device, self._keep_garbled)
        return ScaleStation(table, lane_table, line, self.evidence, self.clock, outputs)

    def _cameras(self, group: list[CameraTable]) -> CameraDesk:
        subject = pushes_to(group[0].listen)

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

    def _gateways(self) -> ActuatorDesk:
        outputs = {station.table.id: station for station in self.devices}

        def unreleased(lane_id: str) -> None:
            text = f"Somebody went through lane {lane_id} whom nothing had let through. Look at its cameras and barrier"
            self._tell([self._incidents.over_at_once("passed-without-release", text, self.clock())])

        lanes = gateways_of(self.site.actuator)
        return ActuatorDesk(
            [GatewayWorker(lane, outputs, self.journal, self.records, self.clock, unreleased) for lane in lanes]
        )

    def _videos(self) -> list[VideoStation]:
        if not self.site.video:
            return []  # without cameras the agent needs none of the extra `vision`
        with importing_vision("Reading cameras", "numpy"):
            importlib.import_module("numpy")
        vision = importlib.import_module("edge_agent.app.vision")
        stores = vision.VideoStores(self.journal.spool, self.evidence, self._keep_reading, self._hand_over)
        parts = vision.VideoParts(
            stores, self.clock, self._device_outputs(), self.site.agent.state_dir / vision.GALLERIES
        )
        stations: list[VideoStation] = vision.make_videos(self.site, parts)
        return stations

    def _hand_over(self, device_id: str, item: Input) -> None:
        self._lane_of[device_id].put(item)

    # --- what happens --------------------------------------------------------------------------------------------

    def _on_device(self, event: DeviceEvent) -> None:
        LOG.info("device", device=event.device_id, state=event.state.value, text=event.text, attempts=event.attempts)
        self._tell(self._incidents.device(event))
        self._routes.tell(event)
        if event.state is not DeviceState.STARTING:
            self.actuators.device(event.device_id, works=event.state is DeviceState.OK)

    def _end_orphans(self, open_incidents: list[str]) -> None:
        """What is left of devices that are no longer in the site file: their incidents, and plates no lane can take."""
        listening = (pushes_to(camera.listen) for camera in self.site.camera)
        devices = (subject for station in self.devices for subject in station.subjects)
        videos = (subject for station in self.videos for subject in station.subjects)
        here = {UPLINK, COLLECTOR, REFERENCE, JOURNAL, DISK, *self._lane_of, *listening, *devices, *videos}
        for subject in set(open_incidents) - here:
            self._tell(self._incidents.ended(subject, self.clock()))
        entries = [entry for entry in self.journal.spool.inbox() if entry.device_id not in self._lane_of]
        reason = "its device is no longer in the site file"
        bodies = [self.records.orphan(reading_of(entry.body), reason) for entry in entries]
        try:
            self.journal.append(bodies, consumed=[entry.inbox_id for entry in entries])
        except JournalError as error:
            LOG.warning("inbox.not_taken", entries=len(entries), problem=str(error))

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

    def _keep_garbled(self, device_id: str, raw: bytes, length: int, reason: str, at: Moment) -> None:
        self.record([self.records.garbled(device_id, raw, length, reason, at)])

    def _keep_reading(self, reading: DeviceReading) -> None:
        """Durable when it returns; JournalError while the disk takes nothing."""
        if reading.HasField("input"):
            self.actuators.input_changed(reading.device_id, reading.input.name, active=reading.input.active)
        if self._routes.take(reading):
            return
        self.journal.append([self.records.reading(reading)])
        self._appended()

    def _keep_unreadable(self, device_id: str, raw: bytes, length: int, reason: str, at: Moment) -> None:
        """A push is answered after this: it must be on disk, so a JournalError goes to the camera as 503."""
        self.journal.append([self.records.garbled(device_id, raw, length, reason, at)])
        self._appended()

    def _appended(self) -> None:
        self.uplink.stream.wake()
