from __future__ import annotations

import json
from typing import Any

import pytest

from edge_agent.status.records import record_json, record_line
from gate_contract.v1.act_pb2 import Actuation, LiftHolds, OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, Decision, Finding
from gate_contract.v1.passage_pb2 import Passage, PlateRead, Weighing
from gate_contract.v1.reading_pb2 import Reading, Scan
from gate_contract.v1.record_pb2 import (
    LIFECYCLE_EVENT_STARTED,
    Garbled,
    Incident,
    Lifecycle,
    Orphan,
    Probe,
    Record,
)
from gate_contract.v1.stamp_pb2 import Stamp

CAPTURED_NS = 1_760_000_000_999_999_999  # 2025-10-09T08:53:20Z, and a second that is not rounded up


@pytest.fixture(autouse=True)
def hainan_time(monkeypatch: pytest.MonkeyPatch) -> Any:
    import time

    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def body(**content: Any) -> bytes:
    record = Record(format=1, site_id="xiuying", captured=Stamp(wall_unix_ns=CAPTURED_NS), **content)
    return record.SerializeToString()


def summary(**content: Any) -> str:
    index, at, text = record_line(7, body(**content), "en").split("  ", 2)
    assert (index, at) == ("7", "2025-10-09T16:53:20+08:00")
    return text


def test_a_passage_shows_plates_weights_what_to_do_and_why() -> None:
    passage = Passage(
        passage_id="L1-ab",
        revision=2,
        plates=[PlateRead(text="琼A12345"), PlateRead(text="")],
        weighings=[Weighing(kilograms="12340"), Weighing(kilograms="12360")],
        local_decision=Decision(action=ACTION_HOLD, findings=[Finding(code="W01"), Finding(code="D02")]),
    )
    assert summary(passage=passage) == "L1-ab.2  琼A12345/?  12340 kg/12360 kg  HOLD: call the officer  W01 D02"
    assert record_line(7, body(passage=passage), "zh").endswith("拦截：请联系执法人员  W01 D02")


def test_an_officers_act_shows_who_did_what_and_why() -> None:
    act = OfficerAct(passage_id="L1-ab", officer_id="C-17", authority="customs", reason="paper shown", lift=LiftHolds())
    signed = SignedAct(act=act.SerializeToString(), signature=b"not looked at here")
    assert summary(act=signed) == "L1-ab  C-17 (customs)  lift  paper shown"
    assert summary(act=SignedAct(act=b"\xff")) == "act"


def test_a_command_to_a_barrier_shows_what_for_and_what_came_of_it() -> None:
    command = Actuation(lane_id="L1", device_id="io-1", command="open", cause="decision")
    assert summary(actuation=command) == "L1  io-1  open  decision"
    assert summary(actuation=Actuation(lane_id="L1", device_id="io-1", outcome="passed")) == "L1  io-1  passed"


def test_a_passage_with_nothing_read_says_so() -> None:
    passage = Passage(passage_id="L1-ab", revision=1, local_decision=Decision(action=ACTION_RELEASE))
    assert summary(passage=passage) == "L1-ab.1  -  -  RELEASE"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"incident": Incident(code="device-silent", device_id="s1", text="No bytes")}, "✗ device-silent s1  No bytes"),
        (
            {"incident": Incident(code="device-silent", device_id="s1", text="x", closed=Stamp(wall_unix_ns=1))},
            "✓ device-silent s1  x",
        ),
        (
            {"lifecycle": Lifecycle(event=LIFECYCLE_EVENT_STARTED, agent_version="0.1.0")},
            "the agent started (0.1.0)",
        ),
        ({"garbled": Garbled(device_id="s1", length=17, reason="checksum")}, "s1: 17 B  checksum"),
        ({"orphan": Orphan(device_id="p1", reason="too late", plate=PlateRead(text="琼A1"))}, "p1: 琼A1  too late"),
        ({"orphan": Orphan(device_id="p1", reason="too late")}, "p1: -  too late"),
        ({"orphan": Orphan(device_id="x1", reason="nobody", reading=Reading(scan=Scan()))}, "x1: scan  nobody"),
        ({"probe": Probe(payload=b"x")}, "probe"),
        ({}, "not known"),
    ],
)
def test_each_kind_of_record_is_told_in_a_line(content: dict[str, Any], text: str) -> None:
    assert summary(**content) == text


def test_what_only_a_newer_agent_knows_is_shown_as_not_known() -> None:
    newer: Any = 99
    assert summary(lifecycle=Lifecycle(event=newer, agent_version="9.0")) == "not known (9.0)"
    assert summary(passage=Passage(passage_id="p", local_decision=Decision(action=newer))) == "p.0  -  -  not known"


def test_what_a_device_said_cannot_steer_the_terminal() -> None:
    line = record_line(7, body(garbled=Garbled(device_id="s1", reason="\x1b[2J\n8  forged")), "en")
    assert "\x1b" not in line
    assert "\n" not in line


def test_bytes_that_are_no_record_are_told_as_that() -> None:
    assert record_line(7, b"\xff", "en") == "7  (cannot be decoded)"
    assert record_line(7, b"\xff", "zh") == "7  (无法解码)"
    assert json.loads(record_json(7, b"\xff")) == {"index": 7, "undecodable": "ff"}


def test_a_record_as_json_has_the_names_of_the_contract() -> None:
    line = record_json(7, body(lifecycle=Lifecycle(event=LIFECYCLE_EVENT_STARTED)))
    assert json.loads(line) == {
        "index": 7,
        "record": {
            "format": 1,
            "site_id": "xiuying",
            "captured": {"wall_unix_ns": str(CAPTURED_NS)},
            "lifecycle": {"event": "LIFECYCLE_EVENT_STARTED"},
        },
    }
