"""A lane's desk across restarts, in the agent's own form (not part of the contract). Pure."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.message import DecodeError

from edge_agent.desk.core import resumed
from edge_agent.desk.state import Kept, LaneDesk, Looks, Opening
from gate_contract.acts import OpenedAct
from gate_contract.v1.act_pb2 import OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.order_pb2 import Officer

FORMAT = 1


def remember(lane: LaneDesk) -> bytes:
    """The lane as bytes."""
    return json.dumps(
        {"format": FORMAT, "last": lane.last, "kept": [_kept(each) for each in lane.kept]}, ensure_ascii=False
    ).encode()


def recall(lane_id: str, data: bytes) -> LaneDesk | None:
    """What `remember` wrote, as after a start; None when it is of another release or damaged."""
    try:
        said: dict[str, Any] = json.loads(data)
        if said["format"] != FORMAT:
            return None
        last = said["last"]
        lane = LaneDesk(lane_id, tuple(map(_kept_of, said["kept"])), None if last is None else (last[0], last[1]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, DecodeError):
        return None
    return resumed(lane)


def _kept(kept: Kept) -> dict[str, Any]:
    return {
        "passage": kept.passage_id,
        "revision": kept.revision,
        "since": kept.since_unix_ns,
        "plates": kept.looks.plates,
        "containers": kept.looks.containers,
        "documents": kept.looks.documents,
        "decision": _text(kept.decision.SerializeToString()),
        "earlier": [_text(each.SerializeToString()) for each in kept.earlier],
        "acts": [[_text(signed), _text(opened.officer.SerializeToString())] for signed, opened in kept.acts],
        "waiting": [_text(each) for each in kept.waiting],
        "released": kept.released,
        "gone": kept.gone,
        "causes": kept.causes,
        "opening": kept.opening.value,
    }


def _kept_of(said: dict[str, Any]) -> Kept:
    return Kept(
        passage_id=said["passage"],
        revision=said["revision"],
        since_unix_ns=said["since"],
        looks=Looks(tuple(said["plates"]), tuple(said["containers"]), tuple(said["documents"])),
        decision=Decision.FromString(_bytes(said["decision"])),
        earlier=tuple(Decision.FromString(_bytes(each)) for each in said["earlier"]),
        acts=tuple(_act(_bytes(signed), _bytes(officer)) for signed, officer in said["acts"]),
        waiting=tuple(map(_bytes, said["waiting"])),
        released=said["released"],
        gone=said["gone"],
        causes=tuple(said["causes"]),
        opening=Opening(said["opening"]),
    )


def _act(signed: bytes, officer: bytes) -> tuple[bytes, OpenedAct]:
    """An act whose signature was verified when it was recorded; the officer as they were known then."""
    act = OfficerAct.FromString(SignedAct.FromString(signed).act)
    return signed, OpenedAct(act, Officer.FromString(officer))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
