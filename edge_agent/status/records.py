"""One record of the journal as a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from edge_agent.status.layout import GAP, plain
from edge_agent.status.words import Language, label
from gate_contract.v1.act_pb2 import Actuation, OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import LifecycleEvent, Record

ACTIONS = {number: name.removeprefix("ACTION_").lower() for name, number in Action.items()}
EVENTS = {number: name.removeprefix("LIFECYCLE_EVENT_").lower() for name, number in LifecycleEvent.items()}
"""Labels by number. A number that is in neither comes from a newer agent."""


def record_line(index: int, body: bytes, language: Language) -> str:
    """For a person: index, local time, what happened."""
    try:
        record = Record.FromString(body)
    except DecodeError:
        return f"{index}{GAP}({label('undecodable', language)})"
    captured = datetime.fromtimestamp(record.captured.wall_unix_ns // 1_000_000_000, UTC).astimezone()
    return plain(GAP.join((str(index), captured.isoformat(timespec="seconds"), _summary(record, language))))


def record_json(index: int, body: bytes) -> str:
    """For a program: {"index", "record"} with the names of record.proto, or {"index", "undecodable"} in hex."""
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - slow to import

    try:
        record = Record.FromString(body)
    except DecodeError:
        return json.dumps({"index": index, "undecodable": body.hex()})
    return json.dumps(
        {"index": index, "record": MessageToDict(record, preserving_proto_field_name=True)}, ensure_ascii=False
    )


def _summary(record: Record, language: Language) -> str:
    kind = record.WhichOneof("body")
    match kind:
        case "passage":
            text = _passage(record.passage, language)
        case "incident":
            incident = record.incident
            mark = "✓" if incident.HasField("closed") else "✗"
            text = f"{mark} {incident.code} {incident.device_id}{GAP}{incident.text}"
        case "lifecycle":
            event = label(EVENTS.get(record.lifecycle.event, "unknown"), language)
            text = f"{event} ({record.lifecycle.agent_version})"
        case "garbled":
            text = f"{record.garbled.device_id}: {record.garbled.length} B{GAP}{record.garbled.reason}"
        case "orphan":
            what = record.orphan.reading.WhichOneof("body") or record.orphan.plate.text or "-"
            text = f"{record.orphan.device_id}: {what}{GAP}{record.orphan.reason}"
        case "reading":
            text = f"{record.reading.device_id}: {record.reading.WhichOneof('body')}"
        case "loss":
            text = f"{record.loss.WhichOneof('what')}{GAP}{record.loss.text}"
        case "act" | "actuation":
            text = _act(record.act) if kind == "act" else _actuation(record.actuation)
        case "probe" | None:  # None: a kind that only a newer agent knows
            text = kind or label("unknown", language)
    return text


def _act(signed: SignedAct) -> str:
    try:
        act = OfficerAct.FromString(signed.act)
    except DecodeError:
        return "act"
    return GAP.join((act.passage_id, f"{act.officer_id} ({act.authority})", act.WhichOneof("what") or "-", act.reason))


def _actuation(actuation: Actuation) -> str:
    told = actuation.outcome or actuation.command
    return GAP.join((actuation.lane_id, actuation.device_id, told, actuation.cause, actuation.problem)).rstrip()


def _passage(passage: Passage, language: Language) -> str:
    decision = passage.local_decision
    action = label(ACTIONS.get(decision.action, "unknown"), language)
    plates = "/".join(plate.text or "?" for plate in passage.plates) or "-"
    weights = "/".join(f"{weighing.kilograms} kg" for weighing in passage.weighings) or "-"
    codes = " ".join(finding.code for finding in decision.findings)
    name = f"{passage.passage_id}.{passage.revision}"
    return GAP.join((name, plates, weights, action, codes)).rstrip()
