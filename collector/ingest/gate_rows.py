"""Rows of what happened at a gate besides passages: what officers did, and what barriers, lamps and displays did. Pure.

An act is stored as its gate recorded it, whether it counts or not: that is judged when it is read (gate_contract.acts).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from gate_contract.v1.act_pb2 import Actuation, OfficerAct, SignedAct
from gate_contract.v1.passage_pb2 import Passage

PSEUDONYM_BYTES = 32


@dataclass(frozen=True, slots=True)
class ActRecord:
    """A record that holds an officer's act; `act` is what `signed` says, not yet believed."""

    index: int
    signed: SignedAct
    act: OfficerAct


@dataclass(frozen=True, slots=True)
class ActuationRecord:
    """A record that holds a command to an actuator, or what was seen of it."""

    index: int
    actuation: Actuation


def act_of(signed: SignedAct) -> OfficerAct:
    """What a signed act says; empty when that cannot be read."""
    try:
        return OfficerAct.FromString(signed.act)
    except DecodeError:
        return OfficerAct()


def without_row(signed: SignedAct) -> str:
    """Why an act gets no row; "" when it gets one."""
    act = act_of(signed)
    if not act.act_id or act.WhichOneof("what") is None:
        return "an officer's act without an id, or of a kind that this release does not know"
    return ""


def columns_of_act(signed: SignedAct) -> Iterator[str]:
    """Text of it that becomes text in the database."""
    act = act_of(signed)
    yield from (act.act_id, act.passage_id, act.officer_id, act.authority)


def act_row(seen: ActRecord, journal_id: int, received_ns: int) -> dict[str, Any]:
    """Its row in `officer_acts`."""
    act = seen.act
    return {
        "journal_id": journal_id,
        "record_index": seen.index,
        "act_id": act.act_id,
        "passage_id": act.passage_id,
        "officer_id": act.officer_id,
        "authority": act.authority,
        "kind": act.WhichOneof("what") or "",
        "at_ns": act.at_unix_ns,
        "received_ns": received_ns,
        "body": seen.signed.SerializeToString(deterministic=True),
    }


def actuation_row(seen: ActuationRecord, journal_id: int) -> dict[str, Any]:
    """Its row in `actuations`."""
    actuation = seen.actuation
    return {
        "journal_id": journal_id,
        "record_index": seen.index,
        "actuation_id": actuation.actuation_id,
        "passage_id": actuation.passage_id,
        "lane_id": actuation.lane_id,
        "commanded_ns": actuation.commanded.wall_unix_ns,
        "body": actuation.SerializeToString(deterministic=True),
    }


def pseudonyms_of(passage: Passage) -> set[bytes]:
    """Of the documents that were shown in it."""
    shown = (each.document.pseudonym for each in passage.readings if each.WhichOneof("body") == "document")
    return {each for each in shown if len(each) == PSEUDONYM_BYTES}


def document_rows(passage: Passage, site_id: str) -> list[dict[str, Any]]:
    """Its rows in `passage_documents`."""
    return [
        {
            "pseudonym": pseudonym,
            "passage_id": passage.passage_id,
            "site_id": site_id,
            "direction": passage.direction,
            "at_ns": passage.opened.wall_unix_ns,
        }
        for pseudonym in sorted(pseudonyms_of(passage))
    ]
