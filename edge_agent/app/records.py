"""Making records: one place that turns what happened into the bytes that are signed."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from uuid import uuid4

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState, PlateSeen
from edge_agent.model.wire import plate_message, stamp_of
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Garbled, Incident, Lifecycle, LifecycleEvent, Orphan, Record

FORMAT = 1
MAX_RAW = 4096

FLAPPING = "flapping"
MOST_IN_A_ROW = 6
FLAPPING_S = 300.0


class RecordMaker:
    """Serialised records of one site. Records are serialised nowhere else: their bytes are signed and never remade."""

    def __init__(self, site_id: str, clock: Callable[[], Moment]) -> None:
        """`clock` stamps each record when it is made."""
        self._site_id, self._clock = site_id, clock

    def passage(self, passage: Passage) -> bytes:
        """A passage with its decision."""
        return self._finish(Record(passage=passage))

    def lifecycle(self, event: LifecycleEvent.ValueType, version: str, site_sha256: bytes, rule_book: str) -> bytes:
        """The agent started or stopped."""
        body = Lifecycle(event=event, agent_version=version, site_file_sha256=site_sha256, rule_book=rule_book)
        return self._finish(Record(lifecycle=body))

    def garbled(self, device_id: str, raw: bytes, length: int, reason: str, at: Moment) -> bytes:
        """Bytes that were no frame; of `raw` the first MAX_RAW are kept, `length` says how many there were."""
        body = Garbled(device_id=device_id, raw=raw[:MAX_RAW], length=length, reason=reason, at=stamp_of(at))
        return self._finish(Record(garbled=body))

    def orphan(self, plate: PlateSeen, reason: str) -> bytes:
        """A plate that belongs to no passage."""
        body = Orphan(device_id=plate.device_id, reason=reason, plate=plate_message(plate), at=stamp_of(plate.at))
        return self._finish(Record(orphan=body))

    def incident(self, incident: Incident) -> bytes:
        """A fault that began or ended."""
        return self._finish(Record(incident=incident))

    def _finish(self, record: Record) -> bytes:
        record.format = FORMAT
        record.site_id = self._site_id
        record.captured.CopyFrom(stamp_of(self._clock()))
        return record.SerializeToString()


class IncidentBook:
    """Open incidents by what they concern; each is told once when it begins and once when it ends.

    A subject that fails again and again (a loose plug) would fill the journal: after MOST_IN_A_ROW incidents within
    FLAPPING_S it is told once that it flaps, and what it does then is counted, not told, until it kept well so long.
    """

    def __init__(self) -> None:
        self._open: dict[str, Incident] = {}
        self._begun: dict[str, deque[Moment]] = defaultdict(lambda: deque(maxlen=MOST_IN_A_ROW))

    def device(self, event: DeviceEvent) -> list[Incident]:
        """What a device's event begins and ends. A new kind of fault ends the one before."""
        match event.state:
            case DeviceState.OK:
                return self.ended(event.device_id, event.at)
            case DeviceState.STARTING:  # the link is open again, after so many failures; nothing is heard yet
                self._counted(event.device_id, event.attempts)
                return []
            case state:
                code = f"device-{state.value}"
                return self.began(
                    event.device_id, code, event.text, event.at, device_id=event.device_id, count=event.attempts
                )

    def began(
        self, subject: str, code: str, text: str, at: Moment, *, device_id: str = "", count: int = 1
    ) -> list[Incident]:
        """A fault of `subject`: nothing new while the same one lasts."""
        known = self._open.get(subject)
        if known is not None and known.code in (code, FLAPPING):
            known.count = max(known.count + 1, count)
            return []
        ended = self.ended(subject, at)
        begun = self._begun[subject]
        if len(begun) == MOST_IN_A_ROW and at.seconds_since(begun[0]) < FLAPPING_S:
            text = (
                f"it failed {MOST_IN_A_ROW} times within {FLAPPING_S:g} s: look for a loose plug or cable. Now: {text}"
            )
            code = FLAPPING
        begun.append(at)
        incident = Incident(
            incident_id=uuid4().hex, code=code, device_id=device_id, text=text, opened=stamp_of(at), count=count
        )
        self._open[subject] = incident
        return [*ended, incident]

    def ended(self, subject: str, at: Moment) -> list[Incident]:
        """Whatever was wrong with `subject` is over; one that flaps must keep well first (see `settled`)."""
        incident = self._open.get(subject)
        if incident is None or incident.code == FLAPPING:
            return []
        return self._close(subject, incident, at)

    def settled(self, well: Callable[[str], bool], now: Moment) -> list[Incident]:
        """Those that flapped, are `well` now and had no new fault for FLAPPING_S; ask now and then."""
        return [
            closed
            for subject, incident in list(self._open.items())
            if incident.code == FLAPPING and well(subject) and now.seconds_since(self._begun[subject][-1]) >= FLAPPING_S
            for closed in self._close(subject, incident, now)
        ]

    def _close(self, subject: str, incident: Incident, at: Moment) -> list[Incident]:
        del self._open[subject]
        incident.closed.CopyFrom(stamp_of(at))
        return [incident]

    def _counted(self, subject: str, count: int) -> None:
        if (incident := self._open.get(subject)) is not None:
            incident.count = max(incident.count, count)
