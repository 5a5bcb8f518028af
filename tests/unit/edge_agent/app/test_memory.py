"""A lane's state across restarts."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from edge_agent.app.memory import recall, remember
from edge_agent.assemble.state import LaneState, RecentVehicle
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.observation_wire import observation_of
from edge_agent.model.passage import ClosedBy, Missing, OpenedBy, Passage
from edge_agent.model.readings import EvidenceRef, PlateSeen, Stability, StableWeight, Weight
from edge_agent.model.wire import stamp_of
from gate_contract.v1.reading_pb2 import Reading, Scan

NOW = Moment(WallNs(1_790_000_000_123_456_789), MonoNs(5_000), b"b" * 16, synchronised=True, error_bound_ns=7)
PLATE = PlateSeen("camera-1", NOW, "粤B12345", 0.85, "forward", "1", "2026-01-01T00:00:00+08:00", "e1",
                  (EvidenceRef(b"h" * 32, 5, "image/jpeg", "plate"),))  # fmt: skip
WEIGHT = StableWeight(
    "scale-1", NOW, Weight(Decimal("12.340"), "t", "gross", stable=True, tare=None, raw=b"\x02raw"), Stability.DEVICE,
    9, 500, Decimal("23.5"), Decimal(20), EvidenceRef(b"c" * 32, 9, "text/csv", "weight-curve"),
)  # fmt: skip
PASSAGE = Passage(
    "P1", 2, "L1", "outbound", NOW, NOW, OpenedBy.PLATE, ClosedBy.GRACE_EXPIRED,
    (PLATE, replace(PLATE, confidence=None)),
    (WEIGHT, replace(WEIGHT, division_kilograms=None, curve=None, stability=Stability.INFERRED,
                     weight=Weight(Decimal(-20), "kg", None, None, None, b""))),
    (Missing("camera-1", "plate", "no camera event came"),), frozenset({1}), frozenset({0}), "late",
)  # fmt: skip

SCAN = observation_of(Reading(device_id="xray-1", lane_id="L1", at=stamp_of(NOW), raw=b"A1", scan=Scan(scan_id="A1")))
assert SCAN is not None
READ = replace(PASSAGE, lane_kind="empty-container", opened_by=OpenedBy.TRIGGER, closed_by=ClosedBy.BACKED_OUT,
               readings=(SCAN, SCAN), late_readings=frozenset({1}))  # fmt: skip
EMPTY = replace(PASSAGE, direction=None, plates=(), weighings=(), late_plates=frozenset(), late_weighings=frozenset())
CUT_OFF = remember(LaneState(passage=PASSAGE))[:-30]


@pytest.mark.parametrize(
    "state",
    [
        LaneState(),
        LaneState(passage=PASSAGE, recorded=True, on_scale=True, settled=NOW, seen=NOW),
        LaneState(before=PASSAGE, before_left=NOW, queued=(PLATE, PLATE)),
        LaneState(passage=EMPTY, left=NOW),
        LaneState(passage=READ, entered=True, exited=True, again=True, queued=(PLATE, SCAN), in_active=True),
        LaneState(passage=READ, turned=True, behind=True, unrecorded=True, out_active=True),
        LaneState(recent=(RecentVehicle(PASSAGE, NOW), RecentVehicle(EMPTY, NOW, unrecorded=True))),
    ],
)
def test_a_lane_is_recalled_as_it_was(state: LaneState) -> None:
    assert recall(remember(state)) == state


def test_what_the_release_before_remembered_is_still_known() -> None:
    state = LaneState(passage=PASSAGE, recorded=True, on_scale=True, settled=NOW, queued=(PLATE,))
    kept = json.loads(remember(state))
    new = {"entered", "exited", "again", "turned", "behind", "unrecorded", "in_active", "out_active", "recent"}
    old = {"format": 1, **{word: value for word, value in kept.items() if word not in {"format", *new}}}
    assert recall(json.dumps(old).encode()) == state


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"[]",
        b'{"format": 1}',
        b'{"format": 2}',
        b'{"format": 3}',
        remember(LaneState(passage=PASSAGE))[:-30],
    ],
)
def test_what_cannot_be_read_is_no_state(data: bytes) -> None:
    assert recall(data) is None
