"""gatectl why and passages: what is shown of the agent's last words."""

from __future__ import annotations

import json
from typing import Any

from tests.unit.edge_agent.status.desk_room import HOLD, NEEDS, Room, stopped


def test_for_each_lane_who_is_in_front_is_shown_with_what_would_release_them(room: Room) -> None:
    room.says(stopped("L1-bb"), stopped("L1-aa"))
    lines = room.ask("why").stdout.splitlines()
    assert lines[0].startswith("L1: HOLD: call the officer  since ")
    assert lines[0].endswith("(4 min)")
    assert lines[1:] == [
        "  passage L1-bb  plate 琼A12345",
        "  ✗ D02  Customs  No booking is its declaration.",
        "  What would release it:",
        "    → Customs must lift the hold (D02).",
        "    → The staffed lane.",
        "  1 more: gatectl passages",
        "L2: nobody is stopped",
    ]
    assert "须由海关解除拦截" in room.ask("why", "L1", "--lang", "zh").stdout
    assert room.ask("why", "L2").stdout == "L2: nobody is stopped\n"


def test_what_an_officer_types_stands_below_what_would_release_it(room: Room) -> None:
    needs = [need | {"act": act} for need, act in zip(NEEDS, ("lift", ""), strict=True)]
    room.says(stopped("L1-aa", needs=needs))
    lines = room.ask("why", "L1").stdout.splitlines()
    assert lines[4:] == [
        "    → Customs must lift the hold (D02).",
        '      gatectl lift L1-aa --as ID --key FILE --reason "…"',
        "    → The staffed lane.",
    ]


def test_of_one_who_has_left_the_lane_it_is_said(room: Room) -> None:
    room.says(stopped("L1-aa"), lanes=[{"id": "L1", "passage": "L1-bb"}])
    assert "  It is not in the lane any more; what is held stays held" in room.ask("why").stdout.splitlines()
    assert "已不在车道内" in room.ask("why", "L1", "--lang", "zh").stdout
    room.says(stopped("L1-aa"), lanes=[{"id": "L1", "passage": "L1-aa"}])
    assert "not in the lane" not in room.ask("why").stdout


def test_of_one_who_went_back_nobody_has_to_do_anything(room: Room) -> None:
    room.says(stopped("L1-bb", went_back=True), stopped("L1-aa"))
    shown = room.ask("why").stdout
    assert "passage L1-aa" in shown
    assert "more: gatectl passages" not in shown
    assert "It went back the way it came" in room.ask("why", "L1-bb").stdout
    assert "went back" in room.ask("passages").stdout.splitlines()[0]
    room.says(stopped("L1-bb", released=True, went_back=True))
    assert room.ask("why", "L1").stdout.startswith("L1: released")
    assert room.ask("why").stdout.splitlines()[0] == "L1: nobody is stopped"


def test_at_an_observation_point_nobody_is_stopped_and_what_was_found_is_to_be_followed_up(room: Room) -> None:
    last = {"passage": "R1-a", "plate": "琼A12345", "action": "hold", "findings": [{"code": "D02"}]}
    point: dict[str, Any] = {"id": "R1", "kind": "observation", "passage": None, "last": last}
    room.says(lanes=[point])
    said = "R1: observation point, nobody is stopped here"
    assert room.ask("why").stdout == f"{said}  seen; to be followed up: 琼A12345 D02\n"
    assert "观测点，不拦车  已记录，待跟进：" in room.ask("why", "--lang", "zh").stdout.replace(": ", "：").replace(
        "R1：", ""
    )
    room.says(lanes=[point | {"last": None}])
    assert room.ask("why", "R1").stdout == f"{said}\n"


def test_while_the_agent_is_down_it_is_said_how_many_acts_wait_for_it(room: Room) -> None:
    room.says(stopped("L1-aa"), running=False)
    assert room.act("lift", "L1-aa", "--reason", "shown on paper").exit_code == 1
    assert "Acts kept for when it runs: 1" in room.ask("why").stdout
    assert "已保存、待其运行后生效的操作：1 项" in room.ask("passages", "--lang", "zh").stdout
    assert json.loads(room.ask("why", "L1-a", "--json").stdout)["stopped"][0]["passage"] == "L1-aa"


def test_who_is_released_and_perhaps_not_let_through_is_told_with_the_next_step(room: Room) -> None:
    named = {key: value for key, value in stopped("L1-aa").items() if key not in ("action", "holds", "needs", "acts")}
    room.says({**named, "released": True, "opening": "unsure"})
    assert "look whether the barrier opened" in room.ask("why").stdout
    room.says({**named, "released": True, "opening": "not"})
    assert "nothing opened by itself" in room.ask("why").stdout
    behind = {**named, "passage": "L1-00"}
    room.says({**named, "released": True, "opening": "done"}, {**behind, "released": True, "opening": "not"})
    assert room.ask("why").stdout.splitlines() == ["L1: nobody is stopped", "L2: nobody is stopped"]
    room.says({**named, "released": True, "opening": "not"})
    assert "nobody is stopped" in room.ask("why", "L2").stdout
    assert "gatectl override L1-aa --action release" in room.ask("why", "L1-aa").stdout
    assert room.ask("passages").stdout.split() == ["L1", "L1-aa", "4", "min", "released", "琼A12345"]


def test_what_a_lifted_hold_was_lifted_for_is_shown(room: Room) -> None:
    room.says(stopped("L1-aa", holds=[{**HOLD, "lifted_by": "C-1", "lift_reason": "paper shown\x1b[2J"}]))
    assert "settled by C-1: paper shown\N{REPLACEMENT CHARACTER}[2J" in room.ask("why").stdout


def test_every_passage_that_is_kept_is_listed(room: Room) -> None:
    room.says(stopped("L1-bb"), stopped("L2-aa", "L2", plates=[], containers=["CSQU3054383"]))
    assert [line.split() for line in room.ask("passages").stdout.splitlines()] == [
        ["L1", "L1-bb", "4", "min", "HOLD:", "call", "the", "officer", "琼A12345", "D02"],
        ["L2", "L2-aa", "4", "min", "HOLD:", "call", "the", "officer", "CSQU3054383", "D02"],
    ]
    assert len(json.loads(room.ask("passages", "--json").stdout)["passages"]) == 2
    room.says()
    assert room.ask("passages").stdout == "none\n"


def test_an_agent_that_does_not_run_is_said_to_and_what_it_knew_is_shown(room: Room) -> None:
    room.says(stopped("L1-aa"), running=False)
    shown = room.ask("why").stdout.splitlines()
    assert shown[0].startswith("The agent does not run.")
    assert "L1-aa" in shown[2]
    assert json.loads(room.ask("why", "--json").stdout)["running"] is False
