"""What verified records say: decoded after they were verified, never before. Pure.

A record that is not understood becomes a dead letter with a reason; those after it are understood all the same. The
audit decodes the stored records with the same functions and compares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from google.protobuf.message import DecodeError

from collector.ingest.gate_rows import ActRecord, ActuationRecord, act_of, columns_of_act, without_row
from collector.ingest.ships import Ships
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import Incident, Loss, Record

FORMAT = 1
"""Record.format that this release understands."""

MAX_REVISION = 2**31 - 1
"""Largest revision of a passage that the database's integer holds."""

MAX_QUOTED = 80
"""Characters of a passage id that a reason quotes; the record itself keeps all of it."""

LOST = "lost at the gate"
"""Reason for the dead letter of a record whose bytes the gate has no more."""

_WITHOUT_ROWS = frozenset({"lifecycle", "garbled", "orphan", "probe", "reading"})


@dataclass(frozen=True, slots=True)
class PassageRecord:
    """A record that holds a passage."""

    index: int
    site_id: str
    passage: Passage


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """A record that holds an incident's opening or closing, or a loss, which is told as one."""

    index: int
    incident: Incident


@dataclass(slots=True)
class Contents:
    """What a stretch of records says; everything in order of the index.

    `dead_letters` maps a record's index to the reason why it was not understood, `lost_messages` that of a loss of
    devices' messages to what is said of it.
    """

    passages: list[PassageRecord] = field(default_factory=list)
    incidents: list[IncidentRecord] = field(default_factory=list)
    acts: list[ActRecord] = field(default_factory=list)
    actuations: list[ActuationRecord] = field(default_factory=list)
    ships: Ships = field(default_factory=Ships)
    lost_messages: dict[int, str] = field(default_factory=dict)
    dead_letters: dict[int, str] = field(default_factory=dict)


def understand(indices: Iterable[int], records: Iterable[bytes]) -> Contents:
    """Decode records that stand at these indices. Never fails: what is not understood is a dead letter."""
    contents = Contents()
    parse = Record.FromString
    for index, data in zip(indices, records, strict=True):
        try:
            record = parse(data)
        except DecodeError:
            contents.dead_letters[index] = f"{len(data)} bytes that are no Record"
            continue
        kind = record.WhichOneof("body")
        if record.format != FORMAT or kind not in _WITHOUT_ROWS:
            _sort(contents, index, record, kind)
        elif kind == "reading" and record.reading.HasField("vessel"):
            contents.ships.heard(record.site_id, record.reading)
    return contents


def _sort(contents: Contents, index: int, record: Record, kind: str | None) -> None:
    """Put a record that makes a row where it belongs."""
    reason = _not_understood(record, kind)
    if reason:
        contents.dead_letters[index] = reason
    elif kind == "passage":
        contents.passages.append(PassageRecord(index, record.site_id, record.passage))
    elif kind == "incident":
        contents.incidents.append(IncidentRecord(index, record.incident))
    elif kind == "act":
        contents.acts.append(ActRecord(index, record.act, act_of(record.act)))
    elif kind == "actuation":
        contents.actuations.append(ActuationRecord(index, record.actuation))
    else:
        told = loss_as_incident(record.loss, index)
        contents.incidents.append(IncidentRecord(index, told))
        if record.loss.WhichOneof("what") == "inbox":
            contents.lost_messages[index] = told.text


def _not_understood(record: Record, kind: str | None) -> str:
    """Why a record that parses is not understood; empty when it is."""
    if record.format != FORMAT:
        return f"record format {record.format}; this release understands {FORMAT}"
    if kind is None:
        return "a record without a body that this release knows"
    if "\0" in record.site_id or any("\0" in text for text in _columns(record)):
        return f"a NUL character in the {kind}'s names"
    if kind == "act" and (reason := without_row(record.act)):
        return reason
    if kind == "passage" and not (record.passage.passage_id and 0 < record.passage.revision <= MAX_REVISION):
        return f"a passage with id {_quoted(record.passage.passage_id)!r} and revision {record.passage.revision}"
    return ""


def _quoted(text: str) -> str:
    """Text from outside, short enough for a reason."""
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"


def _columns(record: Record) -> Iterator[str]:
    """Text of the record that becomes text in the database, where a NUL cannot stand."""
    passage, incident = record.passage, record.incident
    yield from (passage.passage_id, passage.lane_id, passage.revision_reason)
    yield from (plate.text for plate in passage.plates)
    yield from (weighing.kilograms for weighing in passage.weighings)
    yield from (incident.incident_id, incident.code, incident.device_id, incident.text)
    yield from (record.loss.text, record.loss.quarantined)
    yield from columns_of_act(record.act)
    actuation = record.actuation
    yield from (actuation.actuation_id, actuation.passage_id, actuation.lane_id)


def loss_as_incident(loss: Loss, index: int) -> Incident:
    """A loss as an incident that was over when it was found; `index` is that of its record."""
    what = loss.WhichOneof("what")
    code, words = "captured-data-lost", "captured data"
    if what == "records":
        last = loss.records.first_index + loss.records.count - 1
        code, words = "records-lost", f"records {loss.records.first_index} to {last}"
    elif what == "inbox":
        code, words = "messages-lost", f"{loss.inbox.count or 'an unknown number of'} captured messages of devices"
    elif what == "evidence":
        code, words = "evidence-lost", f"evidence {loss.evidence.sha256.hex()}"
    text = f"{words} lost: {loss.text}"
    if loss.quarantined:
        text += f" (put aside as {loss.quarantined}, SHA-256 {loss.quarantined_sha256.hex() or 'not known'})"
    return Incident(incident_id=f"loss-{index}", code=code, text=text, opened=loss.found, closed=loss.found, count=1)


def repeated(seen: PassageRecord, index: int) -> str:
    """Reason for the dead letter of a passage's revision that the record `index` of the journal has said before."""
    return f"revision {seen.passage.revision} of passage {_quoted(seen.passage.passage_id)} is record {index} already"


def passage_row(seen: PassageRecord, journal_id: int, received_ns: int) -> dict[str, Any]:
    """Its row in `passages`."""
    passage = seen.passage
    return {
        "passage_id": passage.passage_id,
        "revision": passage.revision,
        "journal_id": journal_id,
        "record_index": seen.index,
        "site_id": seen.site_id,
        "lane_id": passage.lane_id,
        "opened_ns": passage.opened.wall_unix_ns,
        "plate": best_plate(passage),
        "kilograms": heaviest(passage),
        "received_ns": received_ns,
        "body": passage.SerializeToString(deterministic=True),
    }


def incident_row(seen: IncidentRecord, journal_id: int) -> dict[str, Any]:
    """Its row in `incidents`."""
    incident = seen.incident
    return {
        "journal_id": journal_id,
        "record_index": seen.index,
        "incident_id": incident.incident_id,
        "code": incident.code,
        "device_id": incident.device_id,
        "opened_ns": incident.opened.wall_unix_ns,
        "closed_ns": incident.closed.wall_unix_ns if incident.HasField("closed") else None,
        "text": incident.text,
    }


def dead_letter_rows(dead_letters: Mapping[int, str], journal_id: int, received_ns: int) -> list[dict[str, Any]]:
    """Rows in `dead_letters`, by index."""
    return [
        {"journal_id": journal_id, "record_index": index, "reason": reason, "received_ns": received_ns}
        for index, reason in sorted(dead_letters.items())
    ]


def best_plate(passage: Passage) -> str:
    """The plate read with the highest confidence (unset counts as none), the first of equals; "" when none was read."""
    read = [plate for plate in passage.plates if plate.text]
    return max(read, key=lambda plate: plate.confidence).text if read else ""


def heaviest(passage: Passage) -> str:
    """The greatest stable weight in kilograms as written, the first of equals; "" when there is none.

    While a truck rolls on, the scale may stand still on its front axle alone; the whole truck is the greatest.
    """
    weights = [
        (kilograms, text)
        for text in (w.kilograms for w in passage.weighings)
        if (kilograms := _number(text)) is not None
    ]
    return max(weights, key=lambda weight: weight[0])[1] if weights else ""


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None
