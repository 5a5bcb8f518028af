"""The other devices at work: link, reader, watch; readings out to lanes or as records, faults as incidents."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar, get_args

import structlog

from edge_agent.app.device_outcomes import Began, Ended, FaultSubject, Kept, Outcome, Reader, Reply
from edge_agent.app.scale import GarbledBuffer
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.engine import Garbled
from edge_agent.errors import JournalError, LinkError
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.lane_readings import DeviceReading
from edge_agent.model.moment import Moment
from edge_agent.model.reading_wire import reading_message
from edge_agent.model.readings import DeviceEvent, DeviceState
from gate_contract.v1.reading_pb2 import Reading

LOG = structlog.get_logger()

PAUSE_S = 1.0
"""No pause inside a message is so long: what is held back then is complete."""

RETRY_S = 0.5
TICK_S = 0.5

Data = TypeVar("Data")
Data_co = TypeVar("Data_co", covariant=True)


class Link(Protocol[Data_co]):
    """A transport that delivers data until it is stopped."""

    def run(
        self,
        on_data: Callable[[Data_co, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: threading.Event,
        /,
    ) -> None:
        """Open, deliver, and open again until `stop`."""
        ...


@dataclass(frozen=True, slots=True)
class DeviceOutputs:
    """Where what devices say goes; called from several threads at once.

    Attributes:
        record: makes a reading durable; JournalError while the disk takes nothing.
        event: a device changed its state.
        garbled: device id, bytes, how many there were, reason, when the first came.
        began: subject, code, text, when, device id of a fault that the device itself tells.
        ended: subject and moment: that fault is over.
    """

    record: Callable[[Reading], None]
    event: Callable[[DeviceEvent], None]
    garbled: Callable[[str, bytes, int, str, Moment], None]
    began: Callable[[str, str, str, Moment, str], None]
    ended: Callable[[str, Moment], None]


@dataclass(frozen=True, slots=True)
class LastReading:
    """The last thing understood, for a person."""

    text: str
    at: Moment


class DeviceStation(Generic[Data]):
    """Runs one device until stopped.

    Attributes:
        last: what was understood last; None before.
        event: the last change of its state.
    """

    def __init__(
        self,
        table: DeviceTable,
        link: Link[Data],
        reader: Reader[Data],
        clock: Callable[[], Moment],
        outputs: DeviceOutputs,
        *,
        watch: DeviceWatch | None = None,
        write: Callable[[str, bool], None] | None = None,
        answered: Callable[[], None] | None = None,
    ) -> None:
        """`watch` judges a device that sends by itself; without one the link tells the state, as polling links do.

        `write` sets an output by name. `answered` is called, by the link's thread, when something was understood: the
        next question may go out.
        """
        self.table = table
        self.last: LastReading | None = None
        self.event: DeviceEvent | None = None
        self._link, self._reader, self._clock, self._outputs = link, reader, clock, outputs
        self._watch, self._write, self._answered = watch, write, answered
        self._understood = 0
        self._polled_state = DeviceState.STARTING
        self._garbled = GarbledBuffer()
        self._heard: Moment | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, name=f"device {table.id}", daemon=True),
            threading.Thread(target=self._tick, name=f"watch {table.id}", daemon=True),
        ]

    @property
    def subjects(self) -> frozenset[str]:
        """What its incidents may be about."""
        return frozenset((self.table.id, *map(self._subject, get_args(FaultSubject))))

    @property
    def state(self) -> DeviceState:
        """What is known of the device now."""
        return self._watch.state if self._watch is not None else self._polled_state

    def start(self) -> None:
        """Open the port."""
        for thread in self._threads:
            thread.start()

    def halt(self) -> None:
        """Read no more."""
        self._stop.set()

    def stop(self) -> None:
        """Halt, and wait until the port is closed."""
        self.halt()
        for thread in self._threads:
            thread.join(timeout=3)

    def write(self, output: str, *, active: bool) -> None:
        """Set an output; only ever on command. LinkError when it has none of that name or did not confirm it."""
        if self._write is None:
            raise LinkError(f"{self.table.id} has no outputs", fix="Only io/… devices have")
        self._write(output, active)
        LOG.info("device.output", device=self.table.id, output=output, active=active)

    def take(self, data: Data, now: Moment) -> bytes:
        """Data of the link in; what the device must be answered out."""
        with self._lock:
            self._heard = now
            if self._watch is not None and isinstance(data, bytes):
                self._watch.bytes_seen(len(data), now)
            before = self._understood
            kept, reply = self._sorted(self._reader.take(data, now), now)
            if self._answered is not None and self._understood > before:
                self._answered()
        self._keep(kept, now)
        return reply

    def _read(self) -> None:
        def on_data(data: Data, now: Moment) -> None:
            self.take(data, now)

        self._link.run(on_data, self._on_link, self._stop)
        with self._lock:
            now = self._clock()
            kept, _ = self._sorted(self._reader.closed(now), now)
        self._keep(kept, now)

    def _tick(self) -> None:
        while not self._stop.wait(TICK_S):
            kept: list[Kept] = []
            with self._lock:
                now = self._clock()
                if self._heard is not None and now.seconds_since(self._heard) >= PAUSE_S:
                    self._heard = None
                    kept, _ = self._sorted(self._reader.pause(now), now)
                if self._watch is not None and (event := self._watch.tick(now)) is not None:
                    self._tell(event)
                    if event.state is DeviceState.SILENT:  # what was under way is over, as when the line is lost
                        kept += self._sorted(self._reader.closed(now), now)[0]
                self._flush_garbled()
            self._keep(kept, now)
        with self._lock:
            self._flush_garbled(final=True)

    def _on_link(self, event: DeviceEvent) -> None:
        kept: list[Kept] = []
        with self._lock:
            if event.state is DeviceState.STARTING:
                self._reader.opened()
            elif event.state is not DeviceState.OK:
                kept, _ = self._sorted(self._reader.closed(event.at), event.at)
            self._tell(self._judged(event))
        self._keep(kept, event.at)

    def _judged(self, event: DeviceEvent) -> DeviceEvent | None:
        if self._watch is None:
            self._polled_state = event.state
            return event
        if event.state is DeviceState.STARTING:
            return self._watch.link_up(event.at, event.attempts)
        return self._watch.link_down(event.text, event.at, event.attempts)

    def _sorted(self, outcomes: Iterable[Outcome], now: Moment) -> tuple[list[Kept], bytes]:
        """What must be recorded, and what must be answered; the rest is told here."""
        kept, replies = [], []
        for outcome in outcomes:
            match outcome:
                case Garbled():
                    self._garbled.add(outcome, now)
                    continue
                case Began():
                    subject = self._subject(outcome.subject)
                    self._outputs.began(subject, outcome.code, outcome.text, now, self.table.id)
                    continue
                case Ended():
                    self._outputs.ended(self._subject(outcome.subject), now)
                    continue
                case Reply():
                    replies.append(outcome.data)
                    continue
                case Kept():
                    kept.append(outcome)
            self._understood += 1
            if self._watch is not None:
                self._watch.frame_seen(now)
                self._tell(self._watch.reading_seen(now))
            if outcome.shown:
                self.last = LastReading(outcome.shown, now)
        return kept, b"".join(replies)

    def _subject(self, fault: str) -> str:
        return f"{self.table.id} {fault}"

    def _keep(self, kept: Iterable[Kept], now: Moment) -> None:
        """Make readings durable. While the disk takes nothing the link waits, and the device's bytes in the kernel."""
        for each in kept:
            self.keep(each.reading, each.raw, now)

    def keep(self, reading: DeviceReading, raw: bytes, at: Moment) -> bool:
        """Whether the reading is durable: False only when the station was halted while the disk took nothing."""
        message = reading_message(self.table.id, self.table.lane or "", at, raw, reading)
        told = False
        while True:
            try:
                self._outputs.record(message)
            except JournalError as error:
                if not told:
                    LOG.error("device.append_failed", device=self.table.id, problem=str(error))  # noqa: TRY400 - told in words
                told = True
                if self._stop.wait(RETRY_S):
                    return False
            else:
                return True

    def _tell(self, event: DeviceEvent | None) -> None:
        if event is not None:
            self.event = event
            self._outputs.event(event)

    def _flush_garbled(self, *, final: bool = False) -> None:
        if (gathered := self._garbled.due(self._clock(), final=final)) is not None:
            self._outputs.garbled(self.table.id, *gathered)
