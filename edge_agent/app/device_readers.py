"""What each kind of device's data becomes: a reader joins driver and keeping rule. One reader a device."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping

from edge_agent.app.device_outcomes import Began, Ended, FaultSubject, Kept, Outcome, Reply, Understood
from edge_agent.drivers.ais.keep import VesselKeeper
from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.gnss.driver import GnssDriver
from edge_agent.drivers.gnss.keep import PositionKeeper
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.io.driver import InputDriver
from edge_agent.drivers.radiation.driver import PortalSaid, RadiationDriver
from edge_agent.drivers.radiation.lines import Counts
from edge_agent.drivers.radiation.schema import CountsMean, RadiationProfile
from edge_agent.drivers.rfid.messages import LlrpMessage
from edge_agent.drivers.rfid.parser import LlrpParser
from edge_agent.drivers.rfid.presence import TagPresence
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.rfid.session import LlrpSession
from edge_agent.drivers.stream import Heard
from edge_agent.drivers.ultrasonic.driver import DistanceDriver
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.model.lane_readings import RadiationOccupancy, Vessel
from edge_agent.model.moment import Moment
from edge_agent.optional import importing

_FAILS = "a detector fails or its cable is loose. Its alarms cannot be relied on until it is back"


class RadiationReader:
    """A radiation portal: occupancies; its background alarms and tampering as faults."""

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
        self._driver = RadiationDriver(profile)

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """An occupancy when its end was told or shown."""
        del now
        for item in self._driver.feed(data):
            yield from self._outcomes(item)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """The rest of a line; an occupancy goes on."""
        del now
        for item in self._driver.flush():
            yield from self._outcomes(item)

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """An occupancy under way is recorded, incomplete: an alarm in it must not be lost with the line."""
        yield from self.pause(now)
        if (occupancy := self._driver.interrupt()) is not None:
            yield Kept(occupancy, b"", _shown(occupancy))

    def _outcomes(self, item: Heard[PortalSaid] | Garbled) -> Iterator[Outcome]:
        if isinstance(item, Garbled):
            yield item
            return
        told, occupancy = item.said.told, item.said.occupancy
        if isinstance(told, Counts):
            if told.means in self._FAULTS:
                subject, text = self._FAULTS[told.means]
                yield Began(subject, f"radiation-{told.means.replace('_', '-')}", text)
            elif told.means in self._WELL:
                yield Ended(self._WELL[told.means])
        yield Kept(occupancy, item.raw, _shown(occupancy)) if occupancy else Understood()


def _shown(occupancy: RadiationOccupancy) -> str:
    alarms = [name for name in ("gamma", "neutron") if getattr(occupancy, f"{name}_alarm")]
    number = "occupancy" if occupancy.number is None else f"occupancy {occupancy.number}"
    return f"{number}: {' and '.join(alarms) + ' alarm' if alarms else 'no alarm'}"


class AisReader:
    """An AIS receiver: a ship's messages as the keeping rule says."""

    def __init__(self, profile: AisProfile) -> None:
        with importing("AIS messages", "pyais"):
            self._ais = importlib.import_module("edge_agent.drivers.ais.driver")
        self._driver = self._ais.AisDriver()
        self._keeper = VesselKeeper(profile.keep.every_seconds)

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """A kept message is a record; the others only show that the receiver lives."""
        yield from self._outcomes(self._driver.feed(data), now)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """Parts may come seconds apart: only the rest of a line is given up."""
        del now
        return iter(())

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """Parts whose message never came whole."""
        yield from self._outcomes(self._driver.flush(), now)

    def _outcomes(self, items: list[Heard[object] | Garbled], now: Moment) -> Iterator[Outcome]:
        for item in items:
            if isinstance(item, Garbled):
                yield item
            elif not isinstance(item.said, self._ais.AisMessage):
                yield Understood()
            else:
                vessel: Vessel = item.said.vessel
                shown = f"{vessel.mmsi} {vessel.name or ''}".strip()
                yield Kept(vessel, item.raw, shown) if self._keeper.keep(vessel, now) else Understood(shown)


class GnssReader:
    """A GNSS receiver: positions as the keeping rule says."""

    def __init__(self, profile: GnssProfile) -> None:
        self._driver = GnssDriver()
        self._keeper = PositionKeeper(profile.keep.every_seconds, profile.keep.moved_metres)

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """A position is complete with the first sentence of the next moment."""
        for item in self._driver.feed(data):
            if isinstance(item, Garbled):
                yield item
                continue
            position = item.said.position
            if position is None:
                yield Understood()
                continue
            shown = f"{position.latitude_degrees} {position.longitude_degrees}" if position.fix else "no fix"
            yield Kept(position, item.raw, shown) if self._keeper.keep(position, now) else Understood(shown)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """Nothing is held back that the next sentence would not complete."""
        del now
        return iter(())

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """A line that was cut; the moment under way is not whole."""
        del now
        self._driver.interrupt()
        return (item for item in self._driver.flush() if isinstance(item, Garbled))


class TagReader:
    """A radio tag reader: the conversation that makes it report, and each tag's arrival."""

    def __init__(self, profile: RfidProfile) -> None:
        self._profile = profile
        self._presence = TagPresence(profile.keep.gone_after_seconds)
        self.opened()

    def opened(self) -> None:
        """A new conversation."""
        self._parser, self._session = LlrpParser(), LlrpSession(self._profile)

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """Tags of reports, answers for the reader, and what it refuses."""
        for item in self._parser.feed(data):
            if isinstance(item, Garbled):
                yield item
                continue
            yield from self._conversation(item.said)
            yield Understood()
            for tag in item.said.tags:
                if self._presence.arrived(tag, now):
                    yield Kept(tag, item.raw, tag.epc)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """A message may be on its way in several pieces: nothing is given up."""
        del now
        return iter(())

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """A message that was cut."""
        del now
        return (item for item in self._parser.flush() if isinstance(item, Garbled))

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


class ScanReader:
    """A scanner that sends a line for each scan."""

    def __init__(self, driver: XrayDriver) -> None:
        self._driver = driver

    def take(self, data: bytes, now: Moment) -> Iterator[Outcome]:
        """Each scan is a record."""
        del now
        for item in self._driver.feed(data):
            if isinstance(item, Garbled):
                yield item
            else:
                yield Kept(item.said, item.raw, f"{item.said.scan_id}: {item.said.device_verdict or '?'}")

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """A line without its end."""
        del now
        return (item for item in self._driver.flush() if isinstance(item, Garbled))

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """A line that was cut."""
        return self.pause(now)


class InputReader:
    """Inputs by name: debounced changes."""

    def __init__(self, debounce_s: float) -> None:
        self._driver = InputDriver(debounce_s)

    def take(self, data: Mapping[str, int], now: Moment) -> Iterator[Outcome]:
        """Each change is a record."""
        yield Understood()
        for change in self._driver.feed({name: bool(value) for name, value in data.items()}, now):
            yield Kept(change, b"", f"{change.name} {'on' if change.active else 'off'}")

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """Nothing is held back."""
        del now
        return iter(())

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """What the inputs do meanwhile is not known."""
        del now
        self._driver.interrupt()
        return iter(())


MEASURED = "distance"
"""The name under which a distance sensor's register is polled."""


class DistanceReader:
    """A distance sensor: changes between empty and occupied."""

    def __init__(self, driver: DistanceDriver) -> None:
        self._driver = driver

    def take(self, data: Mapping[str, int], now: Moment) -> Iterator[Outcome]:
        """A change is a record; every measurement is shown."""
        change = self._driver.feed(data[MEASURED], now)
        last = self._driver.last
        shown = "no echo" if last is None or last.millimetres is None else f"{last.millimetres:.0f} mm"
        yield Kept(change, data[MEASURED].to_bytes(2), shown) if change else Understood(shown)

    def pause(self, now: Moment) -> Iterator[Outcome]:
        """Nothing is held back."""
        del now
        return iter(())

    def opened(self) -> None:
        """Nothing to do."""

    def closed(self, now: Moment) -> Iterator[Outcome]:
        """The place may be anything."""
        del now
        self._driver.interrupt()
        return iter(())
