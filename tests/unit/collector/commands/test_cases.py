"""`cases`, `credit` and `draws`: what a person and a program are told, and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from collector.cli import cli
from collector.draws.days import day_of
from collector.errors import CollectorError
from gate_contract.v1 import case_pb2 as pb
from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile.island import HOUR, a_declaration, a_passage


@pytest.fixture
def bureau(tmp_path: Path) -> Iterator[Bureau]:
    """A truck that is 4 t too heavy, now."""
    made = Bureau(tmp_path)
    now = time.time_ns()
    declaration = a_declaration(departure=now + HOUR, lodged=now - HOUR)
    declaration.declarant_id = "ACME"
    made.declare(declaration, at=now)
    passage = a_passage(kilograms="29000", at=now)
    passage.plates[0].pictures.add(sha256=b"p" * 32, role="plate")
    made.receive(passage, at=now)
    made.go_on(now)
    yield made
    made.close()


def run(bureau: Bureau, *arguments: str) -> Result:
    return CliRunner().invoke(cli, [*arguments, "--config", str(bureau.config_file)])


def said(bureau: Bureau, *arguments: str) -> str:
    done = run(bureau, *arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


def ask(bureau: Bureau, *arguments: str) -> Any:
    return json.loads(said(bureau, *arguments, "--json"))


def test_a_case_goes_from_the_list_to_its_decision(bureau: Bureau) -> None:
    [listed] = ask(bureau, "cases", "list", "--open")
    case_id = listed["case_id"]
    assert (listed["subject"], listed["severity"], listed["overdue"]) == ("P-1", 3, False)
    assert "passage P-1" in said(bureau, "cases", "list")
    assert "O-2 has it" in said(bureau, "cases", "assign", case_id, "O-2", "--as", "CHIEF")
    assert [each["case_id"] for each in ask(bureau, "cases", "list", "--mine", "O-2")] == [case_id]
    assert ask(bureau, "cases", "list", "--overdue") == []
    said(bureau, "cases", "comment", "P-1", "the seal is new", "--as", "O-2")
    told = said(bureau, "cases", "decide", case_id[:8], "violation", "--reason", "hidden goods", "--as", "O-2")
    assert "is decided: violation" in told
    assert "noted in the credit record of ACME" in told
    shown = ask(bureau, "cases", "show", "P-1")
    assert [each["kind"] for each in shown["events"]] == [
        "opened",
        "evidence added",
        "assigned",
        "commented",
        "decided",
    ]
    assert shown["events"][3]["text"] == "the seal is new"
    assert shown["findings"][0]["code"] == "W01"
    text = said(bureau, "cases", "show", case_id)
    assert "hidden goods" in text
    assert "given: O-2" in text
    assert "is open until" in said(bureau, "cases", "reopen", case_id, "--reason", "scale", "--as", "O-1")


def test_an_officer_is_drawn(bureau: Bureau) -> None:
    said(bureau, "cases", "draw", "P-1", "--as", "CHIEF")
    assert bureau.standing_case().assignee in {"O-1", "O-2", "O-3"}
    event = bureau.story().events[-1].event
    assert (event.kind, event.actor) == (pb.CASE_EVENT_KIND_ASSIGNED, "collector")


def test_evidence_is_listed_with_its_file_once_it_has_come(bureau: Bureau) -> None:
    name = (b"p" * 32).hex()
    assert ask(bureau, "cases", "evidence", "P-1") == [{"sha256": name, "file": None}]
    assert said(bureau, "cases", "evidence", "P-1").startswith(f"{name}  is not here: it has not come yet")


def test_what_cannot_be_is_refused_with_the_reason(bureau: Bureau) -> None:
    for arguments, why in (
        (("cases", "show", "P-9"), "there is no case 'P-9'"),
        (("cases", "assign", "P-1", "O-1", "--as", "X"), "there is no officer 'X'"),
        (("cases", "decide", "P-1", "error", "--reason", "r", "--as", "O-1"), "nobody has it; give it to O-1 first"),
        (("credit", "show", "NOBODY"), "nothing is known of 'NOBODY'"),
        (("draws", "publish", "2020-01-01"), "there is no seed of 2020-01-01"),
    ):
        done = run(bureau, *arguments)
        assert done.exit_code == 1
        assert isinstance(done.exception, CollectorError)
        assert why in str(done.exception)


def test_a_word_that_is_no_outcome_class_or_day_is_a_wrong_usage(bureau: Bureau) -> None:
    for arguments in (
        ("cases", "decide", "P-1", "guilty", "--reason", "r", "--as", "O-1"),
        ("credit", "set", "ACME", "excellent", "--reason", "r"),
        ("credit", "set", "ACME", "good", "--reason", " "),
        ("draws", "check", "yesterday"),
    ):
        assert run(bureau, *arguments).exit_code == 2


def test_credit_is_set_listed_and_shown_with_its_reasons(bureau: Bureau) -> None:
    assert "ACME is dishonest" in said(bureau, "credit", "set", "ACME", "dishonest", "--reason", "audit of 2026")
    [listed] = ask(bureau, "credit", "list")
    assert (listed["declarant_id"], listed["credit_class"]) == ("ACME", "dishonest")
    assert "there is no officer 'ghost'" in str(
        run(bureau, "credit", "set", "ACME", "good", "--reason", "appeal", "--as", "ghost").exception
    )
    said(bureau, "credit", "set", "ACME", "good", "--reason", "appeal", "--as", "CHIEF")
    assert [(each["credit_class"], each["reason"]) for each in ask(bureau, "credit", "show", "ACME")] == [
        ("dishonest", "by hand: audit of 2026"),
        ("good", "by hand: CHIEF: appeal"),
    ]
    assert "appeal" in said(bureau, "credit", "list")
    assert "audit of 2026" in said(bureau, "credit", "show", "ACME")


def test_draws_are_listed_and_the_seed_is_told_only_when_the_day_is_over(bureau: Bureau) -> None:
    today = day_of(time.time_ns())
    [selection] = ask(bureau, "draws", "list", "--day", today)
    assert (selection["declaration_id"], selection["mode"], selection["drawn"]) == ("D-1", "by sampling", False)
    assert ask(bureau, "draws", "list", "--drawn") == []
    assert "D-1" in said(bureau, "draws", "list")
    assert {each["seed"] for each in ask(bureau, "draws", "seeds")} == {None}
    assert "secret" in said(bureau, "draws", "seeds")
    assert said(bureau, "draws", "commit").startswith(f"{today}: commitment ")
    assert "2020-01-01 is over" in str(run(bureau, "draws", "commit", "2020-01-01").exception)
    assert "cannot be published yet" in str(run(bureau, "draws", "publish", today).exception)
    checked = run(bureau, "draws", "check", today, "--json")
    assert checked.exit_code == 3
    told = json.loads(checked.stdout)
    assert (told["checkable"], told["holds"], told["recorded"], told["faults"]) == (False, False, 1, [])
    assert "1 draws are recorded and none can be checked yet" in run(bureau, "draws", "check", today).stdout
    assert "nothing was declared and nothing drawn" in said(bureau, "draws", "check", "2020-01-01")


def test_a_rate_that_the_policy_does_not_give_is_named_by_the_check(bureau: Bureau) -> None:
    today = day_of(time.time_ns())
    bureau.draw(time.time_ns() + 48 * HOUR)
    done = run(bureau, "draws", "check", today)  # this bureau draws at another rate than the configuration says
    assert done.exit_code == 1
    assert "D-1: recorded as released sampling at 0" in done.stdout
    assert "1 fault in 1 draws" in done.stdout


def test_others_check_an_export_with_the_public_keys_alone(bureau: Bureau, tmp_path: Path) -> None:
    today, file, trust, policy = day_of(time.time_ns()), tmp_path / "ledger", tmp_path / "keys", tmp_path / "policy"
    bureau.draw(time.time_ns() + 48 * HOUR)
    assert "entries" in said(bureau, "draws", "export", str(file))
    assert "cannot be written" in str(run(bureau, "draws", "export", str(file)).exception)
    trust.write_text(said(bureau, "keys"))
    policy.write_text("[release]\nunknown_of_ten_thousand = 0\n")
    arguments = ["draws", "verify", str(file), today, "--trust", str(trust)]
    done = CliRunner().invoke(cli, [*arguments, "--policy", str(policy)])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, f"{today}: all 1 draws hold; 0 were drawn")
    assert CliRunner().invoke(cli, arguments).exit_code == 1
    file.write_bytes(file.read_bytes()[:-1])
    assert isinstance(CliRunner().invoke(cli, arguments).exception, CollectorError)
