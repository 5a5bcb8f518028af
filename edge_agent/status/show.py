"""gatectl's screens."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError
from rich.console import Console
from rich.table import Table

from edge_agent.status.words import Language, duration, label, sentence
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.record_pb2 import LifecycleEvent, Record

COLOURS = {"healthy": "green", "degraded": "yellow", "down": "red", "ok": "green", "starting": "cyan"}
ACTION_COLOURS = {"release": "green", "review": "yellow", "inspect": "dark_orange", "hold": "red"}


def show_status(shown: dict[str, Any], language: Language) -> None:
    """The whole status."""
    console = Console(highlight=False)
    level = shown["level"]
    console.print(f"[bold {COLOURS[level]}]{label(level, language)}[/]  {shown['site'] or ''}")
    for reason in shown["reasons"]:
        console.print(f"  • {sentence(reason['code'], reason['values'], language)}", markup=False)
    _print_devices(console, shown, language)
    for lane in shown["lanes"]:
        _print_lane(console, lane, language)
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _facts(shown, language):
        table.add_row(name, value)
    console.print(table)


def show_devices(shown: dict[str, Any], language: Language) -> None:
    """Devices alone, with what to do."""
    console = Console(highlight=False)
    _print_devices(console, shown, language)
    for device in shown["devices"]:
        if device["text"]:
            console.print(f"{device['id']}: {device['text']}", markup=False)


def record_line(index: int, body: bytes, language: Language, *, as_json: bool) -> str:
    """One record as a line: index, time, what happened."""
    try:
        record = Record.FromString(body)
    except DecodeError:
        return json.dumps({"index": index, "undecodable": body.hex()}) if as_json else f"{index}  (cannot be decoded)"
    if as_json:
        return json.dumps(
            {"index": index, "record": MessageToDict(record, preserving_proto_field_name=True)}, ensure_ascii=False
        )
    at = datetime.fromtimestamp(record.captured.wall_unix_ns / 1e9, UTC).astimezone().isoformat(timespec="seconds")
    return f"{index}  {at}  {_summary(record, language)}"


def _summary(record: Record, language: Language) -> str:
    match record.WhichOneof("body"):
        case "passage":
            passage = record.passage
            action = Action.Name(passage.local_decision.action).removeprefix("ACTION_").lower()
            plates = "/".join(plate.text or "?" for plate in passage.plates) or "-"
            weights = "/".join(f"{weighing.kilograms} kg" for weighing in passage.weighings) or "-"
            codes = " ".join(finding.code for finding in passage.local_decision.findings)
            return f"{passage.passage_id}.{passage.revision}  {plates}  {weights}  {label(action, language)}  {codes}"
        case "incident":
            incident = record.incident
            ended = "✓" if incident.HasField("closed") else "✗"
            return f"{ended} {incident.code} {incident.device_id}  {incident.text}"
        case "lifecycle":
            return LifecycleEvent.Name(record.lifecycle.event).removeprefix("LIFECYCLE_EVENT_").lower()
        case "garbled":
            return f"{record.garbled.device_id}: {record.garbled.length} B  {record.garbled.reason}"
        case "orphan":
            return f"{record.orphan.device_id}: {record.orphan.plate.text}  {record.orphan.reason}"
        case other:
            return str(other)


def _print_devices(console: Console, shown: dict[str, Any], language: Language) -> None:
    table = Table(box=None, pad_edge=False)
    for head in ("device", "state", "last", "age"):
        table.add_column(label(head, language), no_wrap=True)
    for device in shown["devices"]:
        state = device["state"]
        table.add_row(
            device["id"],
            f"[{COLOURS.get(state, 'red')}]{label(state, language)}[/]",
            device["last_reading"] or "-",
            duration(device["age_s"], language),
        )
    console.print(table)


def _print_lane(console: Console, lane: dict[str, Any], language: Language) -> None:
    last = lane["last"]
    here = lane["passage"] or label("none", language)
    console.print(f"{label('lane', language)} {lane['id']}: {label('vehicle', language)} {here}", markup=False)
    if last is None:
        return
    action = last["action"]
    weight = f"{last['kilograms']} kg" if last["kilograms"] else "-"
    console.print(
        f"  [bold {ACTION_COLOURS.get(action, 'red')}]{label(action, language)}[/]  {last['plate'] or '-'}  {weight}"
    )
    for finding in last["findings"]:
        console.print(f"    {finding['code']}: {finding['explanation']}", markup=False)


def _facts(shown: dict[str, Any], language: Language) -> list[tuple[str, str]]:
    def ago(seconds: int | None) -> str:
        text = duration(seconds, language)
        return text if seconds is None else label("ago", language).format(text)

    facts: list[tuple[str, str]] = []
    journal = shown["journal"]
    if journal is not None:
        counts = " = {} + {} + {}".format(
            *(f"{journal[name]} {label(name, language)}" for name in ("acknowledged", "pending", "dead_lettered"))
        )
        facts.append((label("journal", language), f"{journal['captured']} {label('captured', language)}{counts}"))
        facts.append((label("oldest", language), duration(journal["oldest_pending_age_s"], language)))
        facts.append((label("receipt", language), ago(journal["last_receipt_age_s"])))
        disk = journal.get("days_of_disk_left")
        facts.append((label("disk", language), label("unknown", language) if disk is None else str(disk)))
    if shown["certificate"] is not None:
        facts.append((label("certificate", language), f"{shown['certificate']['days_left']} {label('days', language)}"))
    if shown["clock"] is not None:
        state = "synchronised" if shown["clock"]["synchronised"] else "unsynchronised"
        facts.append((label("clock", language), label(state, language)))
    if shown["reference"] is not None:
        age = ago(shown["reference"]["age_s"])
        facts.append((label("reference", language), f"{shown['reference']['declarations']} ({age})"))
    return facts
