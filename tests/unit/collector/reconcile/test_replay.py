from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from collector.cli import cli
from collector.reconcile import replay as replaying
from collector.reconcile.replay import Report, Span, replay_all
from collector.registers.intake import NewItem
from gate_contract.rules import Policy
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.passage_pb2 import Passage
from tests.unit.collector.reconcile.island import HOUR, NOON, PLATE, SECOND, SITE, Island, a_declaration, a_passage
from tests.unit.collector.reconcile.registers import (
    act,
    manifest,
    officers,
    order,
    policy,
    sailing,
    traveller,
    vessel,
)

MINUTE = 60 * SECOND
ONE, TWO = b"1" * 32, b"2" * 32
EVERYTHING = Span(0, 2**62)
LENIENT = "[W01]\nshare_of_declared_percent = 20\nmost_kilograms = 5000\n"


def live_through(island: Island) -> None:
    """Two hours in which everything a decision may rest on comes before, between and after the decisions."""
    step = iter(range(1, 99))

    def judge() -> int:
        now = NOON + next(step) * MINUTE
        island.reconcile(now)
        return now

    def unsure(passage_id: str, at: int, **more: object) -> Passage:
        made = a_passage(passage_id, at=at, **more)  # type: ignore[arg-type]
        made.opened.error_bound_ns = SECOND // 100
        return made

    island.enter(*officers())
    island.declare(a_declaration(), a_declaration("D-2", plate="琼B67890", sailing="HN-1"))
    island.receive(unsure("P-1", NOON), unsure("P-2", NOON + SECOND, plates=["琼B67890"]))
    judge()
    # A declaration amended, a truck on the same declaration, the same plate elsewhere.
    island.declare(a_declaration(cargo="9000"), at=NOON + MINUTE)
    island.receive(unsure("P-3", NOON + MINUTE), at=NOON + MINUTE)
    island.receive(unsure("P-4", NOON + 2 * MINUTE), agent="gate-9", site="xiuying", at=NOON + 2 * MINUTE)
    now = judge()
    unpaid = pb.DeclarationSettlement(declaration_id="D-2", duty_due="100", duty_paid="0")
    island.enter(NewItem.of(pb.ITEM_KIND_SETTLEMENT, "D-2", unpaid), at=now)
    island.enter(sailing(), manifest({ONE: "s-1"}), order(), policy(LENIENT, "xiuying"), at=now)
    island.bring(vessel(now, 99_999_999), act(packages=3, at=now), at=now + SECOND)
    island.receive(traveller([ONE]), traveller([TWO], "T-2"), at=now)
    now = judge()
    island.enter(manifest({ONE: "s-1", TWO: "s-2"}), order(version=2, expires=NOON + 3 * MINUTE), at=now)
    island.enter(NewItem.of(pb.ITEM_KIND_CARRIER, PLATE, pb.VehicleCarrier(plate=PLATE, carrier_id="C-2")), at=now)
    journey = pb.Journey(site_id=SITE, other_site_id="xiuying", shortest_s=10)
    island.enter(NewItem.of(pb.ITEM_KIND_JOURNEY, f"{SITE}/xiuying", journey), at=now)
    island.receive(a_passage("P-2", revision=2, plates=["琼B67890"], kilograms="25000", revision_reason="late"), at=now)
    island.receive(unsure("P-5", NOON - HOUR), unsure("P-6", NOON + HOUR, plates=["琼B67891"]), agent="gate-2", at=now)
    judge()
    island.fork(1, at=now)
    judge()
    island.declare(a_declaration("D-3", plate="琼B67891"), at=NOON + 30 * MINUTE)
    island.enter(policy("[V01]\nfew_bookings = 0\n"), at=NOON + 30 * MINUTE)
    now = judge()
    # A release that was used, and that later turns out to have been none.
    island.declare(a_declaration("D-4", plate="琼C00001"), at=now)
    island.receive(unsure("P-8", NOON + 10 * MINUTE, plates=["琼C00001"]), agent="gate-3", at=now)
    now = judge()
    island.receive(unsure("P-9", NOON + HOUR, plates=["琼C00001"]), agent="gate-3", at=now)
    now = judge()
    owed = pb.DeclarationSettlement(declaration_id="D-4", duty_due="100", duty_paid="0")
    island.enter(NewItem.of(pb.ITEM_KIND_SETTLEMENT, "D-4", owed), at=now)
    judge()


def again(island: Island, policy: Policy | None = None, span: Span = EVERYTHING) -> Report:
    chosen = policy or Policy.default()
    return replay_all(island.store, span, chosen, island.config.goods_of, forced=policy is not None)


def test_every_decision_comes_out_again_to_the_byte(island: Island) -> None:
    live_through(island)
    report = again(island)
    total = island.count("verdicts")
    used = ["D06" in [finding.code for finding in each.decision.findings] for each in island.verdicts("P-9")]
    assert used == [True, False]
    assert [(each.verdict.passage_id, each.verdict.sequence) for each in report.changed] == []
    assert (report.judged, report.identical) == (total, total)


def test_every_decision_comes_out_again_from_postgresql(postgres_url: str, tmp_path: Path) -> None:
    island = Island(tmp_path, postgres_url)
    live_through(island)
    report = again(island)
    island.close()
    assert report.judged == report.identical > 10


def test_what_a_day_rested_on_is_what_was_known_then_whatever_came_after(island: Island) -> None:
    island.receive(a_passage(lane="first-line"))
    island.reconcile()
    island.receive(a_passage("P-2", lane="first-line", at=NOON - HOUR), agent="gate-2", at=NOON + MINUTE)
    island.declare(a_declaration(cargo="1"), at=NOON + MINUTE)
    island.enter(*officers(), order(), at=NOON + MINUTE)
    island.reconcile(NOON + MINUTE)
    report = again(island)
    assert [each.reason for each in island.verdicts("P-1")][1:] != []
    assert report.judged == report.identical == island.count("verdicts") > 2


@pytest.mark.parametrize("together", [1, 3])
def test_how_many_are_judged_together_makes_no_difference(
    island: Island, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    live_through(island)
    monkeypatch.setattr(replaying, "MOST_AT_ONCE", together)
    report = again(island)
    assert report.judged == report.identical


def test_another_policy_names_what_would_be_decided_otherwise_and_nothing_else(island: Island) -> None:
    island.declare(a_declaration(), a_declaration("D-2", plate="琼B67890"))
    island.receive(a_passage(kilograms="27000"), a_passage("P-2", plates=["琼B67890"]))
    island.reconcile()
    report = again(island, Policy.from_toml(LENIENT))
    assert [each.verdict.passage_id for each in report.changed] == ["P-1"]
    assert (report.judged, report.identical) == (2, 0)


def test_a_span_takes_the_verdicts_of_its_time_and_site(island: Island) -> None:
    island.receive(a_passage("P-1"))
    island.reconcile(NOON)
    island.receive(a_passage("P-2"), agent="gate-9", site="xiuying", at=NOON + MINUTE)
    island.reconcile(NOON + MINUTE)
    counted = [again(island, None, span).judged for span in (Span(NOON, NOON + 1), Span(0, 2**62, SITE), EVERYTHING)]
    assert counted == [1, 1, 2]


def asked(island: Island, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["replay", "--config", str(island.config_file), *arguments])
    return result.exit_code, result.output


def test_the_command_lists_what_would_change_and_says_so_with_its_exit_code(island: Island, tmp_path: Path) -> None:
    island.declare(a_declaration())
    island.receive(a_passage(kilograms="27000"))
    island.reconcile()
    code, said = asked(island, "--day", "2026-03-01")
    told = "1 verdicts judged again: 0 would be otherwise, 1 would be the same, 1 of them to the byte"
    assert (code, told in said) == (0, True)
    lenient = tmp_path / "lenient.toml"
    lenient.write_text(LENIENT, encoding="utf-8")
    code, said = asked(island, "--from", "2026-02-28", "--to", "2026-03-03", "--policy", str(lenient), "--json")
    found = json.loads(said)
    assert (code, found["judged"], found["identical"]) == (3, 1, 0)
    [changed] = found["changed"]
    assert (changed["was"]["action"], changed["would_be"]["action"]) == ("inspect", "release")
    assert changed["what_differs"] == "without W01"
    code, said = asked(island, "--day", "2026-03-01", "--policy", str(lenient))
    assert (code, "without W01" in said) == (3, True)


@pytest.mark.parametrize("arguments", [(), ("--day", "2026-03-01", "--from", "1h"), ("--day", "soon")])
def test_which_verdicts_must_be_said(island: Island, arguments: tuple[str, ...]) -> None:
    assert asked(island, *arguments)[0] == 2
