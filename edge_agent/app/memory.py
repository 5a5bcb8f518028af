"""A lane's state across restarts, in the agent's own form (not part of the contract).

Not remembered: faults of devices, which their links tell again.
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

from google.protobuf.message import DecodeError

from edge_agent.app.inbox import body_of, reading_of
from edge_agent.assemble.state import LaneState, RecentVehicle
from edge_agent.model.moment import Moment
from edge_agent.model.passage import Passage
from edge_agent.model.passage_wire import passage_message, passage_of
from edge_agent.model.wire import moment_of, stamp_of
from gate_contract.v1 import passage_pb2
from gate_contract.v1.stamp_pb2 import Stamp

FORMAT = 2
OLD_FORMAT = 1
"""Of lanes with scales and plate cameras only: it lacks the words below, and its `queued` holds plates."""

_WORDS = ("recorded", "on_scale")
_NEW_WORDS = ("entered", "exited", "again", "turned", "behind", "unrecorded", "in_active", "out_active")


def remember(state: LaneState) -> bytes:
    """The state as bytes; b"" for an empty lane with nothing to remember."""
    if replace(state, faults=(), resumed=None, in_active=False, out_active=False) == LaneState():
        return b""
    return json.dumps(
        {
            "format": FORMAT,
            "passage": _passage(state.passage),
            "settled": _moment(state.settled),
            "left": _moment(state.left),
            "seen": _moment(state.seen),
            "before": _passage(state.before),
            "before_left": _moment(state.before_left),
            "queued": [_text(body_of(reading)) for reading in state.queued],
            "recent": [[_passage(each.passage), _moment(each.last), each.unrecorded] for each in state.recent],
            **{word: getattr(state, word) for word in (*_WORDS, *_NEW_WORDS)},
        }
    ).encode()


def recall(data: bytes) -> LaneState | None:
    """What `remember` wrote, here or in the release before; None when it is neither: the lane then begins empty."""
    if not data:
        return LaneState()
    try:
        kept: dict[str, Any] = json.loads(data)
        words = _WORDS if kept["format"] == OLD_FORMAT else (*_WORDS, *_NEW_WORDS)
        if kept["format"] not in (FORMAT, OLD_FORMAT):
            return None
        return LaneState(
            passage=_passage_of(kept["passage"]),
            settled=_moment_of(kept["settled"]),
            left=_moment_of(kept["left"]),
            seen=_moment_of(kept["seen"]),
            before=_passage_of(kept["before"]),
            before_left=_moment_of(kept["before_left"]),
            queued=tuple(reading_of(_bytes(item)) for item in kept["queued"]),
            recent=tuple(_recent(*each) for each in kept.get("recent", ())),
            **{word: kept[word] for word in words},
        )
    except (ValueError, KeyError, TypeError, StopIteration, DecodeError):
        return None


def _recent(passage: str, last: str, unrecorded: bool) -> RecentVehicle:
    known, when = _passage_of(passage), _moment_of(last)
    if known is None or when is None:
        raise ValueError("a vehicle that was seen has a passage and a moment")
    return RecentVehicle(known, when, unrecorded)


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
