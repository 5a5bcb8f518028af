"""`passages`, `findings` and `explain`: what a person and a program are told of the same facts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete, insert

from collector.cli import cli
from collector.commands._show import local, utc
from collector.errors import CollectorError
from collector.store import schema
from gate_contract.rules import RULE_BOOK_HASH
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_UNSYNCHRONISED
from tests.unit.collector.reconcile.island import HOUR, NOON, SECOND, Island, a_declaration, a_passage
from tests.unit.collector.reconcile.registers import policy

PICTURE = Evidence(sha256=b"\x01" * 32, size=51_000, media_type="image/jpeg", role="plate")
CURVE = Evidence(sha256=b"\x02" * 32, size=900, media_type="text/csv", role="weight-curve")


def run(island: Island, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--config", str(island.config_file)])


def ask(island: Island, *arguments: str) -> Any:
    done = run(island, *arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def busy(island: Island) -> Island:
    """One truck as declared, one too heavy, one undeclared that was declared late, one not judged yet."""
    island.declare(a_declaration("D-1"), a_declaration("D-2", plate="琼B67890"))
    gate = Decision(action=ACTION_RELEASE, rule_book=RULE_BOOK_HASH, policy="00", reference_age_s=90)
    heavy = a_passage("P-2", plates=["琼B67890"], kilograms="28000", at=NOON + SECOND, gate=gate)
    heavy.plates[0].pictures.append(PICTURE)
    heavy.weighings[0].curve.CopyFrom(CURVE)
    heavy.missing.add(device_id="camera-2", kind="plate", reason="device silent since 11:58")
    island.receive(a_passage("P-1"), heavy, a_passage("P-3", plates=["粤C11111"], at=NOON + 2 * SECOND))
    island.reconcile(NOON + 10 * SECOND)
    island.declare(a_declaration("D-3", plate="粤C11111"), at=NOON + HOUR)
    island.reconcile(NOON + HOUR)
    island.receive(a_passage("P-4", at=NOON + HOUR, lane="first-line"), at=NOON + HOUR)
    with island.store.write() as connection:
        row = {"sha256": PICTURE.sha256, "size": PICTURE.size, "media_type": PICTURE.media_type, "received_ns": NOON}
        connection.execute(insert(schema.evidence), row)
    return island


def test_passages_are_listed_with_what_they_were_judged_against(busy: Island) -> None:
    found = {each["passage_id"]: each for each in ask(busy, "passages")}
    assert list(found) == ["P-4", "P-3", "P-2", "P-1"]
    assert found["P-4"]["action"] is None
    heavy = found["P-2"]
    assert (heavy["action"], heavy["findings"], heavy["gate_action"]) == ("inspect", ["W01"], "release")
    assert heavy["differs_from_gate"].startswith("The gate decided release, the collector inspect.")
    assert heavy["declarations"] == [{"declaration_id": "D-2", "version": 1}]
    assert (heavy["opened"], heavy["opened_unix_ns"]) == ("2026-03-01T04:00:01.000000000Z", NOON + SECOND)
    assert (heavy["plate"], heavy["kilograms"], heavy["revision"]) == ("琼B67890", "28000", 1)
    assert heavy["record"] == f"{busy.journal().origin}#1"
    assert found["P-3"]["verdict_sequence"] == 2


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        (["--action", "inspect"], ["P-2"]),
        (["--plate", "b·678"], ["P-2"]),
        (["--plate", "%"], ["P-4", "P-3", "P-2", "P-1"]),
        (["--site", "xinhai"], ["P-4", "P-3", "P-2", "P-1"]),
        (["--site", "nowhere"], []),
        (["--since", "2026-03-01T12:00:02+08:00"], ["P-4", "P-3"]),
        (["--since", "1m"], []),
        (["--limit", "1"], ["P-4"]),
    ],
)
def test_passages_are_found_by_what_is_known_of_them(busy: Island, arguments: list[str], ids: list[str]) -> None:
    assert [each["passage_id"] for each in ask(busy, "passages", *arguments)] == ids


def test_a_list_that_was_cut_says_so(busy: Island) -> None:
    assert "--limit shows more" in run(busy, "passages", "--limit", "1").stdout
    assert "--limit" not in run(busy, "passages").stdout
    assert "--limit shows more" in run(busy, "findings", "--limit", "1").stdout


def test_a_moment_that_is_none_is_wrong_usage(busy: Island) -> None:
    done = run(busy, "passages", "--since", "yesterday")
    assert done.exit_code == 2
    assert "90m, 24h, 7d" in done.stderr


def test_only_the_latest_revision_is_listed(busy: Island) -> None:
    busy.receive(a_passage("P-1", revision=2, plates=["琼A12346"], revision_reason="late"))
    assert [(each["revision"], each["plate"]) for each in ask(busy, "passages") if each["passage_id"] == "P-1"] == [
        (2, "琼A12346")
    ]


def test_the_table_is_for_people(busy: Island) -> None:
    lines = run(busy, "passages").stdout.splitlines()
    heads = ("passage", "time", "lane", "plate", "kg", "declaration", "verdict", "findings", "revision")
    assert lines[0].split() == list(heads)
    assert lines[1].split()[:3] == ["P-4", local(NOON + HOUR), "xinhai/first-line"]
    assert "not judged" in lines[1]
    assert lines[3].split() == [
        "P-2",
        local(NOON + SECOND),
        "xinhai/lane-1",
        "琼B67890",
        "28000",
        "D-2",
        "v1",
        "inspect",
        "W01",
        "1",
    ]


def test_what_a_sender_wrote_cannot_steer_a_terminal(island: Island) -> None:
    island.receive(a_passage("P-\x1b[31m[bold]", plates=["[link=x]"], lane="\x07"))
    island.reconcile()
    for command in (["passages"], ["findings"], ["explain", "P-\x1b[31m[bold]"]):
        done = run(island, *command)
        assert done.exit_code == 0, done.output
        assert "\x1b" not in done.stdout
        assert "\x07" not in done.stdout
        assert "[bold]" in done.stdout


def test_findings_that_stand_are_listed_with_their_inputs(busy: Island) -> None:
    found = ask(busy, "findings")
    assert [(each["code"], each["subject"]) for each in found] == [("K02", "P-3"), ("W01", "P-2")]
    heavy = found[1]
    assert (heavy["action"], heavy["severity"], heavy["subject_kind"]) == ("inspect", 3, "passage")
    assert (heavy["at"], heavy["at_unix_ns"]) == (utc(NOON + 10 * SECOND), NOON + 10 * SECOND)
    assert {"name": "gross_kilograms", "value": "28000"}.items() <= heavy["inputs"][0].items()
    assert "min(5 % of 13000 kg, 1000 kg)" in heavy["tolerance"]
    assert "W01" in run(busy, "findings").stdout


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        (["--code", "w01"], ["W01"]),
        (["--code", "W01", "--code", "K02"], ["K02", "W01"]),
        (["--code", "D02"], []),
        (["--action", "review"], ["K02"]),
        (["--since", "2026-03-01T12:30:00+08:00"], ["K02"]),
    ],
)
def test_findings_are_found_by_code_action_and_time(busy: Island, arguments: list[str], codes: list[str]) -> None:
    assert [each["code"] for each in ask(busy, "findings", *arguments)] == codes


def test_an_unknown_code_is_wrong_usage(busy: Island) -> None:
    assert run(busy, "findings", "--code", "Z99").exit_code == 2


def test_a_verdict_is_explained_with_every_input_tolerance_and_version(busy: Island) -> None:
    account = ask(busy, "explain", "P-2")
    [weighing] = account["passage"]["weighings"]
    assert (weighing["kilograms"], weighing["uncertainty_kilograms"], weighing["stability"]) == (
        "28000",
        "20",
        "inferred",
    )
    assert account["passage"]["plates"][0]["confidence"] == 0.95
    assert account["passage"]["missing"][0]["reason"] == "device silent since 11:58"
    assert account["passage"]["record"] == f"{busy.journal().origin}#1"
    verdict = account["verdict"]
    assert (verdict["action"], verdict["codes"], verdict["sequence"]) == ("inspect", ["W01"], 1)
    assert verdict["rule_book"] == RULE_BOOK_HASH
    assert len(verdict["policy"]) == 64
    assert verdict["findings"][0]["tolerance"]
    assert [(each["declaration_id"], each["version"], each["latest_version"]) for each in account["declarations"]] == [
        ("D-2", 1, 1)
    ]
    assert account["gate"]["action"] == "release"
    assert account["gate"]["reference_age_s"] == 90
    assert "Only at the collector: W01" in account["gate"]["difference"]
    assert [(each["role"], each["stored"]) for each in account["evidence"]] == [
        ("plate", True),
        ("weight-curve", False),
    ]
    assert account["evidence"][0]["sha256"] == "01" * 32
    assert account["waiting"] is None


def test_a_release_is_explained_with_what_was_compared(busy: Island) -> None:
    account = ask(busy, "explain", "P-1")
    assert (account["verdict"]["action"], account["verdict"]["findings"]) == ("release", [])
    comparison = account["comparison"]
    assert (comparison["match"], comparison["plate_read"], comparison["edits"]) == ("exact", "琼A12345", 0)
    assert comparison["policy_is_the_verdicts"] is True
    weight = comparison["weight"]
    assert (weight["measured_kilograms"], weight["expected_kilograms"], weight["difference_kilograms"]) == (
        "25150",
        "25150",
        "0",
    )
    assert weight["tolerance_kilograms"] == "650"
    shown = run(busy, "explain", "P-1").stdout
    assert "25150 kg measured, 25150 kg expected: 0 kg of difference" in shown
    assert "the gate itself decided" not in shown


def test_the_history_names_each_verdict_and_why_it_was_superseded(busy: Island) -> None:
    account = ask(busy, "explain", "P-3")
    assert [(each["sequence"], each["action"], each["codes"], each["reason"]) for each in account["history"]] == [
        (1, "hold", ["D02"], ""),
        (2, "review", ["K02"], "declaration D-3 version 1 came after the passage"),
    ]
    assert all(isinstance(each["ledger_index"], int) for each in account["history"])
    shown = run(busy, "explain", "P-3").stdout
    assert "first judged" in shown
    assert "declaration D-3 version 1 came after the passage" in shown


def test_a_person_is_told_the_same(busy: Island) -> None:
    shown = run(busy, "explain", "P-2").stdout
    for part in (
        f"record {busy.journal().origin}#1",
        "28000 kg gross",
        "u = 20 kg",
        "stable (inferred)",
        "confidence 0.95",
        "device silent since 11:58",
        "verdict 1: inspect",
        "min(5 % of 13000 kg, 1000 kg)",
        RULE_BOOK_HASH,
        "the gate itself decided: release, its declarations 90 s old",
        "Only at the collector: W01",
        "01" * 32,
        "stored",
        "not here yet",
    ):
        assert part in shown, part


def test_a_passage_that_waits_is_explained_as_far_as_it_is_known(busy: Island) -> None:
    account = ask(busy, "explain", "P-4")
    assert (account["verdict"], account["comparison"], account["waiting"]) == (None, None, "")
    assert "waits to be judged" in run(busy, "explain", "P-4").stdout


def test_another_policy_of_today_is_said_to_be_another(busy: Island) -> None:
    policy = busy.config_file.with_name("policy.toml")
    policy.write_text("[W01]\nmost_kilograms = 100\n", encoding="utf-8")
    text = busy.config_file.read_text(encoding="utf-8")
    busy.config_file.write_text('policy_file = "policy.toml"\n' + text, encoding="utf-8")
    assert ask(busy, "explain", "P-1")["comparison"]["policy_is_the_verdicts"] is False
    assert "given under another policy" in run(busy, "explain", "P-1").stdout


def test_a_weight_that_cannot_be_judged_says_why(island: Island) -> None:
    declared = a_declaration()
    declared.vehicle_tare_kilograms = ""
    island.declare(declared)
    island.receive(a_passage(clock=CLOCK_STATE_UNSYNCHRONISED))
    island.reconcile()
    assert ask(island, "explain", "P-1")["comparison"]["weight"]["cannot_be_judged"]
    shown = run(island, "explain", "P-1").stdout
    assert "cannot be judged: the empty mass of the vehicle" in shown
    assert "clock unsynchronised" in shown


def test_an_unknown_passage_names_the_closest(busy: Island) -> None:
    done = run(busy, "explain", "P-22")
    assert isinstance(done.exception, CollectorError)
    assert "did you mean" in str(done.exception)
    assert "P-2" in str(done.exception)


def test_an_unknown_passage_of_an_empty_database_says_how_to_list(island: Island) -> None:
    done = run(island, "explain", "P-1")
    assert isinstance(done.exception, CollectorError)
    assert "gate-collector passages" in str(done.exception)


def test_all_that_was_judged_and_judged_again_passes_the_audit(busy: Island) -> None:
    with busy.store.write() as connection:
        connection.execute(delete(schema.evidence))  # a row without its file, made for these tests
    busy.declare(a_declaration("D-9", plate="粤C99999", departure=NOON - 30 * HOUR))
    busy.receive(a_passage("P-1", revision=2, plates=["琼A12346"], revision_reason="late"))
    busy.fork(1)
    busy.reconcile(NOON + 2 * HOUR)
    assert {each["code"] for each in ask(busy, "findings")} == {"D01", "K02", "K03", "V01", "W01"}
    done = run(busy, "audit")
    assert done.exit_code == 0, done.output


def test_moments_keep_their_nanoseconds_and_bear_any_number() -> None:
    assert utc(NOON + 123) == "2026-03-01T04:00:00.000000123Z"
    assert utc(0) is None
    assert local(0) == "-"
    for extreme in (2**63 - 1, -(2**63)):
        assert utc(extreme)
        assert local(extreme)


def test_the_comparison_is_made_with_the_tolerances_that_the_register_had_then(island: Island) -> None:
    island.enter(policy("[W01]\nmost_kilograms = 77\n"))
    island.declare(a_declaration("D-1"))
    island.receive(a_passage("P-1"))
    island.reconcile()
    island.enter(policy("[W01]\nmost_kilograms = 99\n"))
    comparison = ask(island, "explain", "P-1")["comparison"]
    assert comparison["policy_is_the_verdicts"] is True
    assert "77 kg" in comparison["weight"]["tolerance"]
    assert "another policy" not in run(island, "explain", "P-1").stdout
