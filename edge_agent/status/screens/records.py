"""One record of the journal as a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from google.protobuf.message import DecodeError

from edge_agent.status.chinese.records import INCIDENTS, WORDS
from edge_agent.status.chinese.telling import in_chinese
from edge_agent.status.screens.layout import GAP, plain
from edge_agent.status.words import Language, kilograms, label
from gate_contract.hold_words import named
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
            text = (
                f"{mark} {_incident(incident.code, language)} {incident.device_id}{GAP}{_told(incident.text, language)}"
            )
        case "lifecycle":
            event = label(EVENTS.get(record.lifecycle.event, "unknown"), language)
            text = f"{event} ({record.lifecycle.agent_version})"
        case "garbled":
            size = label("bytes", language).format(record.garbled.length)
            text = f"{record.garbled.device_id}: {size}{GAP}{_told(record.garbled.reason, language)}"
        case "orphan":
            body = record.orphan.reading.WhichOneof("body")
            what = _word(body, language) if body else record.orphan.plate.text or "-"
            text = f"{record.orphan.device_id}: {what}{GAP}{_told(record.orphan.reason, language)}"
        case "reading":
            text = f"{record.reading.device_id}: {_word(record.reading.WhichOneof('body') or '-', language)}"
        case "loss":
            text = f"{_word(record.loss.WhichOneof('what') or '-', language)}{GAP}{_told(record.loss.text, language)}"
        case "act" | "actuation":
            text = _act(record.act, language) if kind == "act" else _actuation(record.actuation, language)
        case "probe" | None:  # None: a kind that only a newer agent knows
            text = _word(kind, language) if kind else label("unknown", language)
    return text


def _told(text: str, language: Language) -> str:
    """What the agent wrote down in words."""
    return in_chinese(text) if language == "zh" else text


def _word(word: str, language: Language) -> str:
    """A word that stands for itself in the record."""
    return WORDS.get(word, word) if language == "zh" else word


def _incident(code: str, language: Language) -> str:
    """An incident's code: the manual and the metrics go by it, so it is shown in Chinese, too."""
    return f"{INCIDENTS[code]} ({code})" if language == "zh" and code in INCIDENTS else code


def _act(signed: SignedAct, language: Language) -> str:
    try:
        act = OfficerAct.FromString(signed.act)
    except DecodeError:
        return _word("act", language)
    authority = named(act.authority)[1] if language == "zh" else act.authority
    what = _word(act.WhichOneof("what") or "-", language)
    return GAP.join((act.passage_id, f"{act.officer_id} ({authority})", what, act.reason))


def _actuation(actuation: Actuation, language: Language) -> str:
    """A display's own text stands for itself; whatever else was told is a word."""
    told = _told(actuation.outcome, language) or _word(actuation.command, language)
    rest = (_told(actuation.cause, language), _told(actuation.problem, language))
    return GAP.join((actuation.lane_id, actuation.device_id, told, *rest)).rstrip()


def _passage(passage: Passage, language: Language) -> str:
    decision = passage.local_decision
    action = label(ACTIONS.get(decision.action, "unknown"), language)
    plates = "/".join(plate.text or "?" for plate in passage.plates) or "-"
    weights = "/".join(kilograms(weighing.kilograms, language) for weighing in passage.weighings) or "-"
    codes = " ".join(finding.code for finding in decision.findings)
    name = f"{passage.passage_id}.{passage.revision}"
    return GAP.join((name, plates, weights, action, codes)).rstrip()
