from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest

from edge_agent import app
from edge_agent.actuate.words import Word
from edge_agent.app.device_readers import RadiationReader
from edge_agent.app.incidents import FLAPPING
from edge_agent.model.readings import DeviceState
from edge_agent.status.chinese.records import INCIDENTS, WORDS
from edge_agent.status.screens.records import record_json, record_line
from gate_contract.v1.act_pb2 import Actuation, LiftHolds, OfficerAct, SignedAct
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_RELEASE, Decision, Finding
from gate_contract.v1.passage_pb2 import Passage, PlateRead, Weighing
from gate_contract.v1.reading_pb2 import Reading, Scan, Vessel
from gate_contract.v1.record_pb2 import (
    LIFECYCLE_EVENT_STARTED,
    Garbled,
    Incident,
    Lifecycle,
    Loss,
    LostInbox,
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


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            {"incident": Incident(code="device-unplugged", device_id="s1", text="/dev/ttyUSB0 hung up")},
            "✗ 设备未连接 (device-unplugged) s1  /dev/ttyUSB0 已断开",
        ),
        ({"incident": Incident(code="of-a-newer-release", text="x")}, "✗ of-a-newer-release   x"),
        ({"garbled": Garbled(device_id="s1", length=17, reason="not of this form")}, "s1: 17 字节  格式不符"),
        (
            {
                "orphan": Orphan(
                    device_id="x1",
                    reason="more readings of one scan than a passage holds",
                    reading=Reading(scan=Scan()),
                )
            },
            "x1: 扫描  一次通行的扫描读数超过上限",
        ),
        ({"reading": Reading(device_id="ais-1", vessel=Vessel())}, "ais-1: 船舶"),
        (
            {"loss": Loss(inbox=LostInbox(count=2), text="the evidence 00ff is gone. somebody deleted it")},
            "设备数据  证据 00ff 已丢失。文件被删除",
        ),
        ({"probe": Probe(payload=b"x")}, "测试数据"),
        (
            {"actuation": Actuation(lane_id="L1", device_id="io-1", command="open", cause="decision")},
            "L1  io-1  开闸  系统判定",
        ),
        (
            {"actuation": Actuation(lane_id="L1", device_id="io-1", outcome="not passed within 30 s", cause="act 9f")},
            "L1  io-1  30 秒内未通过  执法人员操作 9f",
        ),
        (
            {
                "act": SignedAct(
                    act=OfficerAct(
                        passage_id="L1-ab", officer_id="C-17", authority="customs", reason="见纸质单", lift=LiftHolds()
                    ).SerializeToString()
                )
            },
            "L1-ab  C-17 (海关)  解除拦截  见纸质单",
        ),
    ],
)
def test_each_kind_of_record_is_told_in_chinese(content: dict[str, Any], text: str) -> None:
    assert record_line(7, body(**content), "zh").split("  ", 2)[2] == text


def test_whatever_a_record_may_hold_has_a_chinese_word() -> None:
    kinds = [
        *(each.name for each in Reading.DESCRIPTOR.oneofs_by_name["body"].fields),
        *(each.name for each in Loss.DESCRIPTOR.oneofs_by_name["what"].fields),
        *(each.name for each in OfficerAct.DESCRIPTOR.oneofs_by_name["what"].fields),
        *(word.value for word in Word),
        *("act", "probe"),
    ]
    assert sorted(set(kinds)) == sorted(WORDS)


def test_every_incident_has_a_chinese_name_and_none_is_left_over() -> None:
    """Codes as they stand in the source; those of devices and of portals are made from their states."""
    given = {f"device-{state.value}" for state in DeviceState if state not in (DeviceState.OK, DeviceState.STARTING)}
    given |= {f"radiation-{means.replace('_', '-')}" for means in RadiationReader._FAULTS} | {FLAPPING}
    for path in Path(app.__file__).parent.glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(call, "func", None), "attr", getattr(getattr(call, "func", None), "id", ""))
            if isinstance(call, ast.Call) and name in ("began", "over_at_once", "alarm", "_alarm", "Began"):
                texts = [str(each.value) for each in call.args[:2] if isinstance(each, ast.Constant)]
                given |= {text for text in texts if re.fullmatch("[a-z]+(-[a-z]+)+", text)}
    assert sorted(given) == sorted(INCIDENTS)


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
