"""What goes wrong and comes right again: each incident is told once when it begins and once when it ends."""

from __future__ import annotations

import json
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from uuid import uuid4

from google.protobuf.message import DecodeError

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState
from edge_agent.model.wire import moment_of, stamp_of
from gate_contract.v1.record_pb2 import Incident

FLAPPING = "flapping"
MOST_IN_A_ROW = 6
FLAPPING_S = 300.0


class IncidentBook:
    """Open incidents by what they concern. Safe to use from several threads.

    A subject that fails again and again (a loose plug) would fill the journal: after MOST_IN_A_ROW incidents within
    FLAPPING_S it is told once that it flaps, and what it does then is counted, not told, until it kept well so long.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: dict[str, Incident] = {}
        self._begun: dict[str, deque[Moment]] = defaultdict(lambda: deque(maxlen=MOST_IN_A_ROW))

    def remember(self) -> bytes:
        """What is open, for `resume` after a restart."""
        with self._lock:
            kept = [[subject, incident.SerializeToString().hex()] for subject, incident in self._open.items()]
        return json.dumps(kept).encode()

    def resume(self, data: bytes) -> list[str]:
        """Go on with what an agent before left open, whose subjects are returned; nothing if it cannot be read."""
        try:
            kept = {subject: Incident.FromString(bytes.fromhex(text)) for subject, text in json.loads(data or b"[]")}
        except (ValueError, TypeError, DecodeError):
            return []
        with self._lock:
            self._open.update(kept)
            for subject, incident in kept.items():
                self._begun[subject].append(moment_of(incident.opened))
        return list(kept)

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
        with self._lock:
            known = self._open.get(subject)
            if known is not None and known.code in (code, FLAPPING):
                known.count = max(known.count + 1, count)
                return []
            ended = self.ended(subject, at)
            begun = self._begun[subject]
            if len(begun) == MOST_IN_A_ROW and at.seconds_since(begun[0]) < FLAPPING_S:
                often = f"it failed {MOST_IN_A_ROW} times within {FLAPPING_S:g} s: look for a loose plug or cable"
                code, text = FLAPPING, f"{often}. Now: {text}"
            begun.append(at)
            incident = Incident(
                incident_id=uuid4().hex, code=code, device_id=device_id, text=text, opened=stamp_of(at), count=count
            )
            self._open[subject] = incident
            return [*ended, incident]

    def ended(self, subject: str, at: Moment) -> list[Incident]:
        """Whatever was wrong with `subject` is over; one that flaps must keep well first (see `settled`)."""
        with self._lock:
            incident = self._open.get(subject)
            if incident is None or incident.code == FLAPPING:
                return []
            return self._close(subject, incident, at)

    def over_at_once(self, code: str, text: str, at: Moment) -> Incident:
        """What happened in one moment and cannot end."""
        stamp = stamp_of(at)
        return Incident(incident_id=uuid4().hex, code=code, text=text, opened=stamp, closed=stamp, count=1)

    def settled(self, well: Callable[[str], bool], now: Moment) -> list[Incident]:
        """Those that flapped, are `well` now and had no new fault for FLAPPING_S; ask now and then."""
        with self._lock:
            return [
                closed
                for subject, incident in list(self._open.items())
                if incident.code == FLAPPING
                and well(subject)
                and now.seconds_since(self._begun[subject][-1]) >= FLAPPING_S
                for closed in self._close(subject, incident, now)
            ]

    def _close(self, subject: str, incident: Incident, at: Moment) -> list[Incident]:
        del self._open[subject]
        incident.closed.CopyFrom(stamp_of(at))
        return [incident]

    def _counted(self, subject: str, count: int) -> None:
        with self._lock:
            if (incident := self._open.get(subject)) is not None:
                incident.count = max(incident.count, count)
