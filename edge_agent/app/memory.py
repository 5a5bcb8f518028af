"""A lane's state across restarts, in the agent's own form (not part of the contract)."""

from __future__ import annotations

import base64
import json
from typing import Any

from google.protobuf.message import DecodeError

from edge_agent.assemble.state import LaneState
from edge_agent.model.moment import Moment
from edge_agent.model.passage import Passage
from edge_agent.model.wire import moment_of, passage_message, passage_of, plate_message, plate_of, stamp_of
from gate_contract.v1 import passage_pb2
from gate_contract.v1.stamp_pb2 import Stamp

FORMAT = 1


def remember(state: LaneState) -> bytes:
    """The state as bytes; b"" for an empty lane with nothing to remember."""
    if state == LaneState():
        return b""
    return json.dumps(
        {
            "format": FORMAT,
            "passage": _passage(state.passage),
            "recorded": state.recorded,
            "on_scale": state.on_scale,
            "settled": _moment(state.settled),
            "left": _moment(state.left),
            "seen": _moment(state.seen),
            "before": _passage(state.before),
            "before_left": _moment(state.before_left),
            "queued": [_text(plate_message(plate).SerializeToString()) for plate in state.queued],
        }
    ).encode()


def recall(data: bytes) -> LaneState | None:
    """What `remember` wrote; None when it is of another release or damaged: the lane then begins empty."""
    if not data:
        return LaneState()
    try:
        kept: dict[str, Any] = json.loads(data)
        if kept["format"] != FORMAT:
            return None
        return LaneState(
            passage=_passage_of(kept["passage"]),
            recorded=kept["recorded"],
            on_scale=kept["on_scale"],
            settled=_moment_of(kept["settled"]),
            left=_moment_of(kept["left"]),
            seen=_moment_of(kept["seen"]),
            before=_passage_of(kept["before"]),
            before_left=_moment_of(kept["before_left"]),
            queued=tuple(plate_of(passage_pb2.PlateRead.FromString(_bytes(item))) for item in kept["queued"]),
        )
    except (ValueError, KeyError, TypeError, StopIteration, DecodeError):
        return None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _passage(passage: Passage | None) -> str | None:
    return None if passage is None else _text(passage_message(passage).SerializeToString())


def _passage_of(text: str | None) -> Passage | None:
    return None if text is None else passage_of(passage_pb2.Passage.FromString(_bytes(text)))


def _moment(moment: Moment | None) -> str | None:
    return None if moment is None else _text(stamp_of(moment).SerializeToString())


def _moment_of(text: str | None) -> Moment | None:
    return None if text is None else moment_of(Stamp.FromString(_bytes(text)))
