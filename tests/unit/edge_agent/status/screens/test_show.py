from __future__ import annotations

import copy
from typing import Any

from edge_agent.status.screens.layout import width
from edge_agent.status.screens.show import devices_lines, status_lines
from edge_agent.status.words import Language

WELL: dict[str, Any] = {
    "level": "healthy",
    "red": False,
    "reasons": [],
    "site": "xiuying",
    "devices": [
        {"id": "scale-1", "state": "ok", "text": "", "last_reading": "12340 kg", "age_s": 0},
        {"id": "plate-1", "state": "starting", "text": "no push yet", "last_reading": None, "age_s": None},
        {"id": "plate-2", "state": "ok", "text": "", "last_reading": "琼A12345", "age_s": 300},
    ],
    "lanes": [
        {
            "id": "L1",
            "passage": "L1-ab",
            "last": {
                "passage": "L1-ab",
                "plate": "琼A12345",
                "kilograms": "12340",
                "action": "hold",
                "findings": [{"code": "W01", "severity": 4, "explanation": "Too heavy."}],
            },
        },
        {"id": "L2", "passage": None, "last": None},
    ],
    "journal": {
        "captured": 10,
        "acknowledged": 6,
        "pending": 3,
        "dead_lettered": 1,
        "oldest_pending_age_s": 61,
        "last_receipt_age_s": 7200,
        "days_of_disk_left": 12.5,
        "disk_free_bytes": 80_999_999_999,
        "disk_percent": 25,
    },
    "uplink": {"connected": True, "problem": "", "address": "collector:7443"},
    "certificate": {"days_left": 60, "life_days": 90},
    "clock": {"synchronised": True, "error_bound_ns": 1},
    "reference": {"declarations": 40, "age_s": 2},
}

NEVER_RAN: dict[str, Any] = {
    "level": "down",
    "red": True,
    "reasons": [{"code": "agent-never-ran", "text": "…", "values": {}}],
    "site": None,
    "devices": [],
    "lanes": [],
    "journal": None,
    "uplink": None,
    "certificate": None,
    "clock": None,
    "reference": None,
}


def test_the_whole_status_in_english() -> None:
    assert list(status_lines(WELL, "en")) == [
        "healthy  xiuying",
        "device   state     last reading  age",
        "scale-1  ok        12340 kg      0 s",
        "plate-1  starting  -             never",
        "plate-2  ok        琼A12345      5 min",
        "lane L1: vehicle at the gate L1-ab",
        "  HOLD: call the officer  琼A12345  12340 kg",
        "    W01: Too heavy.",
        "lane L2: vehicle at the gate none",
        "journal                10 captured = 6 acknowledged + 3 pending + 1 dead-lettered",
        "oldest unacknowledged  61 s",
        "last receipt           2 h ago",
        "days of disk left      12.5 (80 GB free, 25 % used)",
        "collector              connected  collector:7443",
        "certificate            60 days",
        "clock                  synchronised",
        "declarations here      40 (2 s ago)",
    ]


def test_the_whole_status_in_chinese_lines_up() -> None:
    lines = list(status_lines(WELL, "zh"))
    assert lines[0] == "正常  xiuying"
    assert lines[1:5] == [
        "设备     状态    最近读数    距今",
        "scale-1  正常    12340 千克  0 秒",
        "plate-1  启动中  -           无",
        "plate-2  正常    琼A12345    5 分钟",
    ]
    assert (
        len(
            {
                width(line[: line.index(end)])
                for line, end in zip(lines[1:5], ("距今", "0 秒", "无", "5 分"), strict=True)
            }
        )
        == 1
    )
    assert lines[6] == "  拦截：请联系执法人员  琼A12345  12340 千克"
    assert "日志          已采集 10 = 已确认 6 + 待上传 3 + 无法解析 1" in lines
    assert "磁盘剩余天数  12.5 (剩余 80 GB，已用 25%)" in lines


def test_control_orders_are_counted_and_those_that_do_not_hold_are_shown() -> None:
    orders = {"active": 3, "waiting": 0, "expired": 7, "lifted": 1, "refused": 2}
    reference = {"declarations": 40, "age_s": 2, "orders": orders}
    shown = list(status_lines({**WELL, "reference": reference}, "en"))
    assert shown[-1] == "control orders         3 in force, 2 refused"
    assert list(status_lines({**WELL, "reference": reference}, "zh"))[-1] == "布控指令      生效中 3，被拒绝 2"


def lane_lines(lane: dict[str, Any], language: Language, *stopped: dict[str, Any]) -> list[str]:
    shown = {**WELL, "lanes": [{**WELL["lanes"][0], **lane}], "stopped": list(stopped)}
    lines = list(status_lines(shown, language))
    begin = next(at for at, line in enumerate(lines) if line.startswith(("lane", "车道")))
    return [line.strip() for line in lines[begin : begin + 3]]


def test_what_was_found_is_told_in_chinese_where_there_are_words_for_it() -> None:
    finding = {"code": "W01", "severity": 3, "explanation": "Too heavy.", "zh": "超出允许范围"}
    last = WELL["lanes"][0]["last"] | {"findings": [finding]}
    assert lane_lines({"last": last}, "zh")[2] == "W01: 超出允许范围"
    assert lane_lines({"last": last | {"findings": [finding | {"zh": ""}]}}, "zh")[2] == "W01: Too heavy."


def test_a_vehicle_that_an_officer_released_or_that_has_driven_on_is_not_shown_as_standing_there_held() -> None:
    kept = {"passage": "L1-ab", "released": True}
    assert lane_lines({}, "en", kept)[1].startswith("RELEASED by an officer  琼A12345")
    assert lane_lines({}, "zh", kept)[1].startswith("已由执法人员放行  琼A12345")
    assert lane_lines({"passage": None}, "en")[1].startswith("before: HOLD: call the officer")
    partly = {"passage": "L1-ab", "released": False, "action": "review"}
    assert lane_lines({}, "en", partly)[1].startswith("REVIEW: a person looks")


def test_at_an_observation_point_nobody_is_shown_as_stopped() -> None:
    point = {"kind": "observation", "passage": None}
    assert lane_lines(point, "en")[:2] == [
        "lane L1: observation point, nobody is stopped here",
        "seen; to be followed up  琼A12345  12340 kg",
    ]
    assert "观测点，不拦车" in lane_lines(point, "zh")[0]
    clear = WELL["lanes"][0]["last"] | {"action": "release", "findings": []}
    assert lane_lines(point | {"last": clear}, "zh")[1].startswith("已记录  琼A12345")


def test_how_many_wait_for_an_officer_is_told_with_what_to_ask() -> None:
    shown = {**WELL, "stopped": [{"passage": "L1-x", "released": n == 1} for n in range(3)]}
    assert "waiting for an officer: 2. See: gatectl why" in status_lines(shown, "en")
    assert "2 起等待处理：gatectl why" in status_lines(shown, "zh")
    assert not [
        line
        for line in status_lines({**WELL, "stopped": [{"passage": "L1-x", "released": True}]}, "en")
        if "officer:" in line
    ]


def test_a_machine_on_which_nothing_ever_ran_shows_only_that() -> None:
    assert list(status_lines(NEVER_RAN, "en")) == [
        "down",
        "  • The agent has not run since this machine was switched on. Start it: systemctl start edge-agent",
    ]


def test_what_is_not_known_is_said() -> None:
    shown = copy.deepcopy(WELL)
    shown["journal"] |= {"days_of_disk_left": None, "oldest_pending_age_s": None, "last_receipt_age_s": None}
    shown["uplink"]["connected"] = shown["clock"]["synchronised"] = False
    shown["lanes"][0]["last"] |= {"plate": "", "kilograms": None, "findings": []}
    lines = list(status_lines(shown, "en"))
    for line in (
        "  HOLD: call the officer  -  -",
        "oldest unacknowledged  none",
        "last receipt           never",
        "days of disk left      not known (80 GB free, 25 % used)",
        "collector              not connected  collector:7443",
        "clock                  not synchronised",
    ):
        assert line in lines


def test_devices_alone_come_with_what_to_do() -> None:
    assert list(devices_lines(WELL, "en"))[-1] == "plate-1: no push yet"
    assert list(devices_lines(NEVER_RAN, "en")) == []


def test_what_devices_and_peers_say_cannot_steer_the_terminal() -> None:
    shown = copy.deepcopy(WELL)
    evil = "\x1b[2J\nhealthy"
    shown["devices"][0] |= {"last_reading": evil, "text": evil}
    shown["lanes"][0]["last"] |= {"plate": evil, "findings": [{"code": "V01", "severity": 1, "explanation": evil}]}
    shown["uplink"]["address"] = evil
    shown["reasons"] = [{"code": "uplink-down", "text": "", "values": {"text": evil}}]
    for lines in (list(status_lines(shown, "en")), list(devices_lines(shown, "zh"))):
        assert not [line for line in lines if "\x1b" in line or "\n" in line]
