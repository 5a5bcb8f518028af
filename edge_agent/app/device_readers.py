"""What each kind of device's data becomes: a reader joins driver and keeping rule. One reader a device."""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, Generic, TypeVar

from edge_agent.app.device_outcomes import Began, Ended, FaultSubject, Kept, Outcome, Reply, Understood
from edge_agent.drivers.ais.keep import VesselKeeper
from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.document.seeing import DocumentKeeper, document_seen, today_of
from edge_agent.drivers.document.zone import Zone, ZoneParser
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.gnss.driver import GnssDriver, GnssSaid
from edge_agent.drivers.gnss.keep import PositionKeeper
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.radiation.driver import PortalSaid, RadiationDriver
from edge_agent.drivers.radiation.lines import Counts
from edge_agent.drivers.radiation.schema import CountsMean, RadiationProfile
from edge_agent.drivers.rfid.messages import LlrpMessage
from edge_agent.drivers.rfid.parser import LlrpParser
from edge_agent.drivers.rfid.presence import TagPresence
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.rfid.session import LlrpSession
from edge_agent.drivers.stream import Heard, StreamDriver
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.model.document_reading import SailingOf
from edge_agent.model.lane_readings import RadiationOccupancy, Scan, Vessel
from edge_agent.model.moment import Moment
from edge_agent.optional import importing

Said = TypeVar("Said")
Data = TypeVar("Data")

_FAILS = "a detector fails or its cable is loose. Its alarms cannot be relied on until it is back"


class PlainReader(ABC, Generic[Data]):
    """A reader that holds nothing back and starts no conversation; the others say what they do beside."""

    @abstractmethod
    def take(self, data: Data, now: Moment) -> Iterator[Outcome]:
        """What this data completes."""

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """Nothing is held back."""
        del now
        return iter(())

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """Nothing is held back."""
        del now
        return iter(())


class StreamReader(PlainReader[bytes], Generic[Said]):
    """A device that sends lines or messages: what its driver hears, one after another; what is garbled is handed on."""

    gives_up: ClassVar[bool]
    """Whether what is held back after a pause is given up: the rest of a line is, parts of a message may still come."""

    def __init__(self, driver: StreamDriver[Said]) -> None:
        self._driver = driver

    @abstractmethod
    def heard(self, heard: Heard[Said], now: Moment) -> Iterator[Outcome]:
        """What one message comes to."""

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """What these bytes complete."""
        return self._each(self._driver.feed(data), now)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """The rest of a line, if lines are what comes."""
        return self._each(self._driver.flush(), now) if self.gives_up else iter(())

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """What was held back."""
        return self._each(self._driver.flush(), now)

    def _each(self, items: Iterable[Heard[Said] | Garbled], now: Moment) -> Iterator[Outcome]:
        for item in items:
            if isinstance(item, Garbled):
                yield item
            else:
                yield from self.heard(item, now)


class RadiationReader(StreamReader[PortalSaid]):
    """A radiation portal: occupancies when their end was told or shown; background alarms and tampering as faults."""

    gives_up = True
    _FAULTS: Mapping[CountsMean, tuple[FaultSubject, str]] = {
        "gamma_background_high": ("gamma", f"The gamma background is too high: a source near the portal, or {_FAILS}"),
        "gamma_background_low": ("gamma", f"The gamma background is too low: {_FAILS}"),
        "neutron_background_high": ("neutron", f"The neutron background is too high: a source near it, or {_FAILS}"),
        "tamper_set": ("tamper", "A door of the portal is open, or its tamper switch is loose. Look at both pillars"),
    }
    _WELL: Mapping[CountsMean, FaultSubject] = {
        "gamma_background": "gamma",
        "neutron_background": "neutron",
        "tamper_cleared": "tamper",
    }

    def __init__(self, profile: RadiationProfile) -> None:
        self._portal = RadiationDriver(profile)
        super().__init__(self._portal)

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """An occupancy under way is recorded, incomplete: an alarm in it must not be lost with the line."""
        yield from super().closed(now)
        if (occupancy := self._portal.interrupt()) is not None:
            yield Kept(occupancy, b"", _shown(occupancy))

    def heard(self, heard: Heard[PortalSaid], now: Moment) -> Iterator[Outcome]:
        """A fault that begins or ends, and the occupancy that is over."""
        del now
        told, occupancy = heard.said.told, heard.said.occupancy
        if isinstance(told, Counts):
            if told.means in self._FAULTS:
                subject, text = self._FAULTS[told.means]
                yield Began(subject, f"radiation-{told.means.replace('_', '-')}", text)
            elif told.means in self._WELL:
                yield Ended(self._WELL[told.means])
        yield Kept(occupancy, heard.raw, _shown(occupancy)) if occupancy else Understood()


def _shown(occupancy: RadiationOccupancy) -> str:
    alarms = [name for name in ("gamma", "neutron") if getattr(occupancy, f"{name}_alarm")]
    number = "occupancy" if occupancy.number is None else f"occupancy {occupancy.number}"
    return f"{number}: {' and '.join(alarms) + ' alarm' if alarms else 'no alarm'}"


class AisReader(StreamReader[object]):
    """An AIS receiver: a ship's messages as the keeping rule says; the others only show that the receiver lives."""

    gives_up = False

    def __init__(self, profile: AisProfile) -> None:
        with importing("AIS messages", "pyais"):
            self._ais = importlib.import_module("edge_agent.drivers.ais.driver")
        super().__init__(self._ais.AisDriver())
        self._keeper = VesselKeeper(profile.keep.every_seconds)

    def heard(self, heard: Heard[object], now: Moment) -> Iterator[Outcome]:
        """A kept message is a record."""
        if not isinstance(heard.said, self._ais.AisMessage):
            yield Understood()
            return
        vessel: Vessel = heard.said.vessel
        shown = f"{vessel.mmsi} {vessel.name or ''}".strip()
        yield Kept(vessel, heard.raw, shown) if self._keeper.keep(vessel, now) else Understood(shown)


class GnssReader(StreamReader[GnssSaid]):
    """A GNSS receiver: positions as the keeping rule says."""

    gives_up = False

    def __init__(self, profile: GnssProfile) -> None:
        self._receiver = GnssDriver()
        super().__init__(self._receiver)
        self._keeper = PositionKeeper(profile.keep.every_seconds, profile.keep.moved_metres)

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """A line that was cut; the moment under way is not whole."""
        self._receiver.interrupt()
        return super().closed(now)

    def heard(self, heard: Heard[GnssSaid], now: Moment) -> Iterator[Outcome]:
        """A position is complete with the first sentence of the next moment."""
        position = heard.said.position
        if position is None:
            yield Understood()
            return
        shown = f"{position.latitude_degrees} {position.longitude_degrees}" if position.fix else "no fix"
        yield Kept(position, heard.raw, shown) if self._keeper.keep(position, now) else Understood(shown)


class TagReader(StreamReader[LlrpMessage]):
    """A radio tag reader: the conversation that makes it report, and each tag's arrival."""

    gives_up = False

    def __init__(self, profile: RfidProfile) -> None:
        super().__init__(LlrpParser())
        self._profile, self._session = profile, LlrpSession(profile)
        self._presence = TagPresence(profile.keep.gone_after_seconds)

    def opened(self) -> None:
        """A new conversation."""
        self._driver, self._session = LlrpParser(), LlrpSession(self._profile)

    def heard(self, heard: Heard[LlrpMessage], now: Moment) -> Iterator[Outcome]:
        """Tags of reports, answers for the reader, and what it refuses."""
        yield from self._conversation(heard.said)
        yield Understood()
        for tag in heard.said.tags:
            if tag.epc and self._presence.arrived(tag, now):  # a blank tag names nothing
                yield Kept(tag, heard.raw, tag.epc)

    def goodbye(self) -> bytes:
        """What to send at an orderly end."""
        return self._session.close()

    def _conversation(self, message: LlrpMessage) -> Iterator[Outcome]:
        if answer := self._session.take(message):
            yield Reply(answer)
        if self._session.problem:
            yield Began("session", "device-refuses", self._session.problem)
        elif self._session.running:
            yield Ended("session")


class ScanReader(StreamReader[Scan]):
    """A scanner that sends a line for each scan."""

    gives_up = True

    def __init__(self, driver: XrayDriver) -> None:
        super().__init__(driver)

    def heard(self, heard: Heard[Scan], now: Moment) -> Iterator[Outcome]:
        """Each scan is a record."""
        del now
        yield Kept(heard.said, heard.raw, f"{heard.said.scan_id}: {heard.said.device_verdict or '?'}")


class DocumentReader(StreamReader[Zone]):
    """A document reader. The bytes of a document are kept nowhere, and its number is shown to nobody."""

    gives_up = True

    def __init__(self, profile: DocumentProfile, sailing_of: SailingOf) -> None:
        super().__init__(ZoneParser(profile.zone))
        self._sailing_of = sailing_of
        self._keeper = DocumentKeeper(profile.keep.again_after_seconds)

    def heard(self, heard: Heard[Zone], now: Moment) -> Iterator[Outcome]:
        """Each document once, however often it is sent while it lies there."""
        document = heard.said.document(today_of(now))
        faults = f", wrong check digits: {', '.join(document.faults)}" if document.faults else ""
        shown = f"{document.kind} of {document.issuer}{faults}"
        if self._keeper.keep(heard.said, now):
            yield Kept(document_seen(document, self._sailing_of, now), b"", shown)
        else:
            yield Understood(shown)
