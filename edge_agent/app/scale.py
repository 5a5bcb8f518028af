"""One scale at work: link, driver, stability, curve; readings out to its lane, faults out as incidents."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import structlog

from edge_agent.app.line import Line
from edge_agent.assemble.curve import WeightCurve
from edge_agent.config import LaneTable, ScaleTable
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.drivers.scale.stability import StabilityDetector
from edge_agent.errors import JournalError
from edge_agent.journal.evidence import EvidenceStore
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment
from edge_agent.model.observation import LaneReading
from edge_agent.model.readings import (
    KILOGRAMS_PER_UNIT,
    DeviceEvent,
    DeviceState,
    EvidenceRef,
    Weight,
    WeightSample,
)
from edge_agent.profiles import load_profile

LOG = structlog.get_logger()

PAUSE_S = 1.0
"""No pause inside a frame is so long: what is held back then is complete."""

MOST_CURVES = 16
"""Curves kept of one load: each is the whole curve so far, and a scale that never rests would fill the disk."""

GARBLED_EVERY_S = 5.0
GARBLED_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ScaleOutputs:
    """Where a scale's findings go.

    Attributes:
        reading: to the lane; may wait while the lane is busy.
        event: the device changed its state.
        garbled: device id, bytes, how many there were, reason, when the first came.
    """

    reading: Callable[[LaneReading], None]
    event: Callable[[DeviceEvent], None]
    garbled: Callable[[str, bytes, int, str, Moment], None]


def _axles(ticket: Read) -> list[Decimal]:
    """In kilograms, of the vehicle's groups before this one, too; none where the tickets tell none."""
    weight = ticket.reading
    factor = KILOGRAMS_PER_UNIT[weight.unit] if isinstance(weight, Weight) else Decimal(1)
    earlier = (ticket.before or {}).get("axles", ())
    return [axle * factor for axle in (*earlier, *ticket.parts.get("axles", ()))]


class GarbledBuffer:
    """Gathers garbage so that a babbling port makes one record every few seconds, not one a byte."""

    def __init__(self) -> None:
        self._raw = bytearray()
        self._length = 0
        self._reason = ""
        self._since: Moment | None = None

    def add(self, garbled: Garbled, now: Moment) -> None:
        """Keep the bytes (the first GARBLED_BYTES of them) and the first reason."""
        if self._since is None:
            self._since, self._reason = now, garbled.reason
        self._raw += garbled.raw[: GARBLED_BYTES - len(self._raw)]
        self._length += len(garbled.raw)

    def due(self, now: Moment, *, final: bool = False) -> tuple[bytes, int, str, Moment] | None:
        """What was gathered, once it has waited long enough or the device is done; None otherwise."""
        if self._since is None or not (final or now.seconds_since(self._since) >= GARBLED_EVERY_S):
            return None
        gathered = (bytes(self._raw), self._length, self._reason, self._since)
        self._raw, self._length, self._since = bytearray(), 0, None
        return gathered


class ScaleStation:
    """Runs one scale until stopped."""

    def __init__(
        self,
        table: ScaleTable,
        lane: LaneTable,
        line: Line,
        evidence: EvidenceStore,
        clock: Callable[[], Moment],
        outputs: ScaleOutputs,
    ) -> None:
        """On `line`, which `start` opens. ConfigError when the profile cannot work."""
        profile = load_profile(table.profile, table.profile_dir)
        self.table = table
        self._clock, self._evidence, self._outputs = clock, evidence, outputs
        self._driver = ScaleDriver(profile, variant=table.variant, unit=table.unit)
        self._line = line
        line.attach(self)
        self._watch = DeviceWatch(
            table.id,
            continuous=not profile.link.on_demand,
            polled=line.asks,
            by_network=table.port.startswith("socket://"),
            silent_after_s=table.silent_after,
        )
        self._stability = StabilityDetector(
            table.id,
            round(table.stable_window * 1000),
            table.stable_samples,
            table.division,
            lane.open_weight,
            accuracy_class=table.accuracy_class,
        )
        self._curve = WeightCurve(lane.clear_weight)
        self._garbled = GarbledBuffer()
        self._heard: Moment | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._tick, name=f"watch {table.id}", daemon=True)
        self.last: WeightSample | None = None
        self.event: DeviceEvent | None = None

    @property
    def state(self) -> DeviceState:
        """What is known of the device now."""
        return self._watch.state

    def start(self) -> None:
        """Open the port."""
        self._line.start()
        self._thread.start()

    def halt(self) -> None:
        """Read no more."""
        self._line.halt()
        self._stop.set()

    def stop(self) -> None:
        """Halt, and wait until the port is closed."""
        self.halt()
        self._line.stop()
        self._thread.join(timeout=3)

    def _tick(self) -> None:
        while not self._stop.wait(0.5):
            with self._lock:
                now = self._clock()
                if self._heard is not None and now.seconds_since(self._heard) >= PAUSE_S:
                    self._heard = None
                    self._flushed(now)
                self._tell(self._watch.tick(now))
                self._flush_garbled()
        with self._lock:
            self._flush_garbled(final=True)

    def on_link(self, event: DeviceEvent) -> None:
        """The port was opened or lost."""
        with self._lock:
            if event.state is DeviceState.STARTING:
                self._tell(self._watch.link_up(event.at, event.attempts))
                return
            self._flushed(event.at)
            self._stability.interrupt()
            self._tell(self._watch.link_down(event.text, event.at, event.attempts))

    def on_bytes(self, chunk: bytes, now: Moment) -> None:
        """What came on the line; on a shared one, what others say is passed over."""
        with self._lock:
            self._heard = now
            if not self._line.is_shared:
                self._watch.bytes_seen(len(chunk), now)
            items = [item for item in self._driver.feed(chunk) if self._is_mine(item)]
            readings = [reading for item in items for reading in self._understood(item, now)]
        for reading in readings:
            self._outputs.reading(reading)

    def _is_mine(self, item: Read | Garbled) -> bool:
        if not self._line.is_shared:
            return True
        if isinstance(item, Garbled):
            return self._line.is_first(self.table.id)
        return item.is_about_the_load and item.notes.get("address") == self.table.address

    def _flushed(self, now: Moment) -> None:
        """What the parser held back for the next byte, when none comes: garbage is kept, a frame is a frame."""
        for item in filter(self._is_mine, self._driver.flush()):
            for reading in self._understood(item, now):
                self._outputs.reading(reading)

    def _understood(self, item: Read | Garbled, now: Moment) -> list[LaneReading]:
        if isinstance(item, Garbled):
            self._garbled.add(item, now)
            return []
        if self._line.is_shared:
            self._watch.bytes_seen(len(item.frame.raw), now)
        self._line.answered(self.table.id)
        self._watch.frame_seen(now)
        self._tell(self._watch.reading_seen(now))  # an overload is understood, too
        if not isinstance(item.reading, Weight):
            self._stability.interrupt()
            return []
        sample = self.last = WeightSample(self.table.id, now, item.reading)
        self._curve.add(sample)
        if item.printed:
            stable = self._stability.printed(sample, _axles(item), group=item.group)
        else:
            stable = self._stability.feed(sample)
        if stable is None:
            return [sample]
        return [sample, replace(stable, curve=self._kept_curve())]

    def _kept_curve(self) -> EvidenceRef | None:
        if self._curve.copies >= MOST_CURVES:
            return None
        try:
            return self._evidence.keep(self._curve.csv(), "text/csv", "weight-curve")
        except JournalError as error:
            # The weight matters more than its curve: the record then names no curve.
            LOG.error("evidence.not_kept", device=self.table.id, problem=str(error))  # noqa: TRY400 - told in words
            return None

    def _tell(self, event: DeviceEvent | None) -> None:
        if event is not None:
            self.event = event
            self._outputs.event(event)

    def _flush_garbled(self, *, final: bool = False) -> None:
        if (gathered := self._garbled.due(self._clock(), final=final)) is not None:
            self._outputs.garbled(self.table.id, *gathered)
