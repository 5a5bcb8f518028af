"""Making records: one place that turns what happened into the bytes that are signed."""

from __future__ import annotations

from collections.abc import Callable

from edge_agent.model.moment import Moment
from edge_agent.model.observation import Observation
from edge_agent.model.observation_wire import message_of
from edge_agent.model.readings import PlateSeen
from edge_agent.model.wire import plate_message, stamp_of
from gate_contract.v1.act_pb2 import Actuation, SignedAct
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.reading_pb2 import Reading
from gate_contract.v1.record_pb2 import Garbled, Incident, Lifecycle, LifecycleEvent, Loss, Orphan, Record

FORMAT = 1
MAX_RAW = 4096


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

    def orphan(self, reading: PlateSeen | Observation, reason: str) -> bytes:
        """A lane's reading that belongs to no passage."""
        body = Orphan(device_id=reading.device_id, reason=reason, at=stamp_of(reading.at))
        if isinstance(reading, PlateSeen):
            body.plate.CopyFrom(plate_message(reading))
        else:
            body.reading.CopyFrom(message_of(reading))
        return self._finish(Record(orphan=body))

    def loss(self, loss: Loss) -> bytes:
        """Something that was captured is gone; found now."""
        body = Loss()
        body.CopyFrom(loss)
        body.found.CopyFrom(stamp_of(self._clock()))
        return self._finish(Record(loss=body))

    def reading(self, reading: Reading) -> bytes:
        """A reading that stands for itself."""
        return self._finish(Record(reading=reading))

    def act(self, signed: SignedAct) -> bytes:
        """What an officer did, as they signed it."""
        return self._finish(Record(act=signed))

    def actuation(self, actuation: Actuation) -> bytes:
        """A barrier, lamp or display was commanded, or seen to have been."""
        return self._finish(Record(actuation=actuation))

    def incident(self, incident: Incident) -> bytes:
        """A fault that began or ended."""
        return self._finish(Record(incident=incident))

    def _finish(self, record: Record) -> bytes:
        record.format = FORMAT
        record.site_id = self._site_id
        record.captured.CopyFrom(stamp_of(self._clock()))
        return record.SerializeToString()
