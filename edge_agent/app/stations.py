"""The stations of a site file's [[device]] tables: profile, link and reader of each kind, in one closed table."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from edge_agent.app.device_outcomes import Reader
from edge_agent.app.device_readers import (
    AisReader,
    DocumentReader,
    GnssReader,
    RadiationReader,
    TagReader,
)
from edge_agent.app.devices import DeviceOutputs, DeviceStation, Link
from edge_agent.app.point_links import PointLinks
from edge_agent.app.point_readers import DistanceReader, InputReader
from edge_agent.app.scans import EvidenceKeeper, FileStation, ScanStation
from edge_agent.app.stream_link import StreamLinks, port_of, watch_of
from edge_agent.clock import SystemClock
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.io.schema import GpioLayer, IoProfile
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.stream import StreamLink
from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.ultrasonic.schema import EmptyLayer, UltrasonicProfile
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.links.llrp_link import TalkLink
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.document_reading import SailingKey, SailingOf
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, EvidenceRef
from edge_agent.profiles import load_profile

AnyStation = DeviceStation[Any]
"""A station of any kind: its data is its own affair."""


def no_sailing(_issuer: str, _number: str, _now: Moment) -> SailingKey | None:
    """Of a gate that has no sailing's key: documents are read and nobody is recognised."""
    return None


@dataclass(slots=True)
class Parts:
    """What stations share."""

    evidence: EvidenceKeeper
    clock: Callable[[], Moment]
    outputs: DeviceOutputs
    sailing_of: SailingOf = no_sailing
    points: PointLinks = field(init=False)
    streams: StreamLinks = field(init=False)

    def __post_init__(self) -> None:
        self.points, self.streams = PointLinks(self.clock), StreamLinks(self.clock)


def make_stations(tables: Sequence[DeviceTable], parts: Parts) -> list[AnyStation]:
    """A station a table, not started. ConfigError when a profile, port or library cannot work."""
    return [_MAKERS[table.kind](table, parts) for table in tables]


def device_problems(tables: Sequence[DeviceTable]) -> Iterator[str]:
    """What keeps a table from being a station, with its key; nothing is opened."""
    nowhere = DeviceOutputs(_nothing, _nothing, _nothing, _nothing, _nothing)

    def problem(some: Sequence[DeviceTable]) -> EdgeAgentError | None:
        try:
            make_stations(some, Parts(_KeepsNothing(), SystemClock(), nowhere))
        except EdgeAgentError as error:
            return error
        return None

    alone = {table.id: found for table in tables if (found := problem([table])) is not None}
    yield from (f'device "{name}": {found}' for name, found in alone.items())
    if not alone and (together := problem(tables)) is not None:
        yield str(together)


def _nothing(*_: object) -> None:
    """An output of a station that never starts."""


class _KeepsNothing:
    """Evidence of a station that never starts."""

    def keep(self, data: bytes, media_type: str, role: str) -> EvidenceRef:
        """Never called."""
        raise AssertionError((len(data), media_type, role))


def _radiation(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=RadiationProfile)
    return _listening(table, profile.link, RadiationReader(profile), parts)


def _ais(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=AisProfile)
    return _listening(table, profile.link, AisReader(profile), parts)


def _gnss(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=GnssProfile)
    return _listening(table, profile.link, GnssReader(profile), parts)


def _document(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=DocumentProfile)
    return _listening(table, profile.link, DocumentReader(profile, parts.sailing_of), parts)


def _xray(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=XrayProfile)
    if profile.dicos is not None:
        return FileStation(table, profile, profile.dicos.suffixes, parts.evidence, parts.clock, parts.outputs)
    return ScanStation(table, profile, parts.evidence, parts.clock, parts.outputs, parts.streams)


def _listening(table: DeviceTable, layer: StreamLink, reader: Reader[bytes], parts: Parts) -> AnyStation:
    """A device that sends lines or messages over a serial port, here or across the network."""
    link, answered = parts.streams.of(table, layer)
    watch = watch_of(table, layer)
    return DeviceStation(table, link, reader, parts.clock, parts.outputs, watch=watch, answered=answered)


class _TagStation(DeviceStation[bytes]):
    """A tag reader is answered on the connection that its messages come by."""

    def __init__(self, table: DeviceTable, profile: RfidProfile, parts: Parts) -> None:
        address = urlsplit(port_of(table))
        talk = TalkLink(table.id, address.hostname or "", address.port or profile.link.tcp_port, parts.clock)
        reader = TagReader(profile)
        silent_after = table.silent_after or profile.link.silent_after
        watch = DeviceWatch(table.id, by_network=True, silent_after_s=silent_after)
        super().__init__(table, _Answered(talk, self, reader), reader, parts.clock, parts.outputs, watch=watch)


@dataclass(frozen=True, slots=True)
class _Answered:
    """The link of a tag reader, as stations run links: its data goes to the station, whose answer goes back."""

    talk: TalkLink
    station: DeviceStation[bytes]
    reader: TagReader

    def run(
        self,
        _on_data: Callable[[bytes, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: threading.Event,
    ) -> None:
        """As TalkLink.run."""
        self.talk.run(self.station.take, on_event, stop, self.reader.goodbye)


def _rfid(table: DeviceTable, parts: Parts) -> AnyStation:
    return _TagStation(table, load_profile(table.profile, table.profile_dir, of=RfidProfile), parts)


def _io(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=IoProfile)
    debounced = isinstance(profile.link, GpioLayer)  # by the kernel
    reader = InputReader(0 if debounced else profile.debounce_milliseconds / 1000)
    return _polled(table, parts.points.of_io(table, profile), reader, parts)


def _ultrasonic(table: DeviceTable, parts: Parts) -> AnyStation:
    profile = load_profile(table.profile, table.profile_dir, of=UltrasonicProfile)
    below = profile.empty.occupied_below_mm if table.occupied_below_mm is None else table.occupied_below_mm
    above = profile.empty.empty_above_mm if table.empty_above_mm is None else table.empty_above_mm
    if below > above:
        fix = "Correct one of them"
        raise ConfigError(f'device "{table.id}": occupied_below_mm is more than empty_above_mm', fix=fix)
    empty: EmptyLayer = profile.empty.model_copy(update={"occupied_below_mm": below, "empty_above_mm": above})
    reader = DistanceReader(DistanceDriver(profile, empty), profile.measure)
    return _polled(table, parts.points.of_distance(table, profile), reader, parts)


def _polled(table: DeviceTable, link: Any, reader: Reader[Mapping[str, int]], parts: Parts) -> AnyStation:
    """A device that is asked; its link tells its state, and can write."""

    def write(output: str, active: bool) -> None:
        link.write(output, active=active)

    polled: Link[Mapping[str, int]] = link
    return DeviceStation(table, polled, reader, parts.clock, parts.outputs, write=write)


_MAKERS: dict[str, Callable[[DeviceTable, Parts], AnyStation]] = {
    "ais": _ais,
    "document": _document,
    "gnss": _gnss,
    "io": _io,
    "radiation": _radiation,
    "rfid": _rfid,
    "ultrasonic": _ultrasonic,
    "xray": _xray,
}
