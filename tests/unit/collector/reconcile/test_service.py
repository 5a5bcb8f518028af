from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from collector.config import CollectorConfig
from collector.errors import ConfigError
from collector.reconcile import service, verdicts
from collector.reconcile.core import Waiting, judge
from collector.reconcile.service import Reconciler
from collector.store import schema
from gate_contract.rules import Policy
from gate_contract.v1.decision_pb2 import ACTION_HOLD, ACTION_INSPECT, ACTION_RELEASE, ACTION_REVIEW, Decision
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_UNSYNCHRONISED
from tests.unit.collector.reconcile.island import HOUR, NOON, PLATE, SECOND, Island, a_declaration, a_passage, codes

OTHER = "琼B67890"


def test_a_truck_that_is_as_declared_is_released(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    assert island.reconcile() == 1
    [verdict] = island.verdicts()
    assert (verdict.decision.action, codes(verdict)) == (ACTION_RELEASE, [])
    assert [(each.declaration_id, each.version) for each in verdict.decision.declarations] == [("D-1", 1)]
    assert (verdict.sequence, verdict.revision, verdict.record_index, verdict.reason) == (1, 1, 0, "")
    assert verdict.origin == island.journal().origin
    assert verdict.decision.decided_unix_ns == NOON


def test_each_verdict_is_a_ledger_entry_at_the_index_its_row_names(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1"), a_passage("P-2", plates=[OTHER]))
    island.reconcile()
    assert island.ledger_kinds() == ["declaration", "admission", "journal", "verdict", "verdict"]
    table = schema.verdicts.c
    with island.store.read() as connection:
        indices = connection.scalars(select(table.ledger_index).order_by(table.passage_id)).all()
    assert indices == [3, 4]


def test_a_truck_that_is_too_heavy_is_inspected_and_an_undeclared_one_held(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1", kilograms="27000"), a_passage("P-2", plates=[OTHER]))
    island.reconcile()
    assert [codes(verdict) for verdict in island.verdicts("P-1") + island.verdicts("P-2")] == [["W01"], ["D02"]]
    assert island.verdicts("P-1")[0].decision.action == ACTION_INSPECT
    assert set(island.standing("W01")) == {"P-1"}
    assert set(island.standing("D02")) == {"P-2"}


def test_goods_of_a_lane_come_from_the_configuration(island: Island) -> None:
    island.receive(a_passage(lane="first-line"))
    island.reconcile()
    assert codes(island.verdicts()[0]) == []


def test_a_declaration_that_comes_late_supersedes_the_verdict_and_says_so(island: Island) -> None:
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration(), at=NOON + 60 * SECOND)
    assert island.reconcile(NOON + 61 * SECOND) == 1
    first, second = island.verdicts()
    assert (first.decision.action, codes(first)) == (ACTION_HOLD, ["D02"])
    assert (second.decision.action, codes(second)) == (ACTION_REVIEW, ["K02"])
    assert second.sequence == 2
    assert second.reason == "declaration D-1 version 1 came after the passage"
    assert second.reason in second.decision.findings[0].explanation
    assert not island.standing("D02")
    assert set(island.standing("K02")) == {"P-1"}


def test_a_declaration_that_comes_between_passage_and_judgement_is_not_late(island: Island) -> None:
    island.receive(a_passage())
    island.declare(a_declaration())
    assert island.reconcile() == 1
    assert [codes(verdict) for verdict in island.verdicts()] == [[]]


def test_a_changed_declaration_judges_the_passages_matched_with_it_again(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration(cargo="9000"))
    island.reconcile()
    _, second = island.verdicts()
    assert sorted(codes(second)) == ["K02", "W01"]
    assert second.reason == "declaration D-1 was changed: version 2 came"
    assert second.decision.declarations[0].version == 2


def test_a_changed_declaration_with_the_same_outcome_is_still_a_new_verdict(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration(cargo="13001"))
    island.reconcile()
    assert [each.decision.declarations[0].version for each in island.verdicts()] == [1, 2]


def test_judging_again_without_anything_new_writes_nothing(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    entries = len(island.ledger_kinds())
    with island.store.write() as connection:
        row = {"passage_id": "P-1", "queued_ns": NOON, "reason": "asked for"}
        connection.execute(schema.to_judge.insert(), row)
    assert island.reconcile(NOON + HOUR) == 1
    assert len(island.ledger_kinds()) == entries
    assert len(island.verdicts()) == 1
    assert not island.waiting()


def test_declarations_of_other_trucks_do_not_disturb_a_verdict(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1"), a_passage("P-2", plates=[OTHER]))
    island.reconcile()
    island.declare(a_declaration("D-2", plate="粤C55555"))
    assert island.reconcile() == 0
    assert len(island.verdicts("P-2")) == 1


def test_an_exact_match_is_not_troubled_by_a_plate_that_is_merely_near(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration("D-2", plate="琼A12346"))
    assert island.reconcile() == 0


def test_a_near_match_is_judged_again_when_the_exact_booking_comes(island: Island) -> None:
    island.declare(a_declaration(plate="琼A12346"))
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration("D-2"))
    island.reconcile()
    first, second = island.verdicts()
    assert codes(first) == ["V01"]
    assert codes(second) == ["K02"]
    assert [each.declaration_id for each in second.decision.declarations] == ["D-2"]


def test_a_second_declaration_for_the_same_truck_is_added_to_its_trip(island: Island) -> None:
    island.declare(a_declaration(sailing="S-1"))
    island.receive(a_passage(kilograms="30150"))
    island.reconcile()
    island.declare(a_declaration("D-2", sailing="S-1", cargo="5000"))
    island.reconcile()
    first, second = island.verdicts()
    assert codes(first) == ["W01"]
    assert codes(second) == ["K02"]


def test_an_unread_plate_is_judged_again_when_its_booking_may_have_come(island: Island) -> None:
    island.receive(a_passage(plates=[""]))
    island.reconcile()
    island.declare(a_declaration())
    island.reconcile()
    assert [sorted(codes(each)) for each in island.verdicts()] == [["D02"], ["K02", "V01"]]


def test_a_declaration_for_another_site_or_day_concerns_nothing(island: Island) -> None:
    island.receive(a_passage())
    island.reconcile()
    island.declare(a_declaration("D-2", site="xiuying"), a_declaration("D-3", departure=NOON + 72 * HOUR))
    assert island.reconcile() == 0


def test_a_passage_of_a_gate_without_a_clock_finds_its_booking(island: Island) -> None:
    island.receive(a_passage(at=5 * SECOND, clock=CLOCK_STATE_UNSYNCHRONISED))
    island.reconcile()
    island.declare(a_declaration())
    island.reconcile()
    assert [codes(each) for each in island.verdicts()] == [["D02"], ["K02"]]


def test_a_later_revision_supersedes_with_its_own_reason(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage(plates=[]))
    island.reconcile()
    island.receive(a_passage(revision=2, revision_reason="camera-1 was 40 s late"))
    island.reconcile()
    _, second = island.verdicts()
    assert (second.revision, second.record_index) == (2, 1)
    assert second.reason == "revision 2: camera-1 was 40 s late"
    assert codes(second) == ["K02"]


def test_a_lower_revision_that_comes_after_a_higher_one_changes_nothing(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage(revision=2))
    island.reconcile()
    island.receive(a_passage(revision=1, plates=[OTHER], kilograms="40000"))
    island.reconcile()
    [verdict] = island.verdicts()
    assert (verdict.revision, codes(verdict)) == (2, [])


def test_a_record_that_comes_twice_changes_nothing(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    island.reconcile()
    island.receive(a_passage())
    island.reconcile()
    assert len(island.verdicts()) == 1


def test_no_other_journal_can_speak_for_a_passage(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage(kilograms="27000"), at=NOON)
    island.receive(a_passage(revision=9), agent="gate-2", at=NOON + SECOND)
    island.reconcile()
    [verdict] = island.verdicts()
    assert (verdict.revision, codes(verdict)) == (1, ["W01"])


def test_a_passage_that_is_queued_again_while_it_is_judged_stays_in_the_queue(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    island.declare(a_declaration())
    island.receive(a_passage(plates=[OTHER]))

    def late(waiting: Waiting, policy: Policy) -> Decision | None:
        monkeypatch.setattr(verdicts, "judge", judge)
        island.receive(a_passage(revision=2, revision_reason="late"), at=NOON + 1)
        return judge(waiting, policy)

    monkeypatch.setattr(verdicts, "judge", late)
    island.reconcile()
    [verdict] = island.verdicts()
    assert (verdict.revision, codes(verdict)) == (2, [])


def test_a_crash_while_writing_leaves_the_queue_and_no_verdict(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    entries = island.ledger_kinds()

    def killed(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(service, "settle", killed)
        with pytest.raises(KeyboardInterrupt):
            island.reconcile()
    assert (island.ledger_kinds(), list(island.waiting())) == (entries, ["P-1"])
    again = Reconciler(island.store, island.ledger, island.config)
    assert again.run_once(NOON) == 1
    assert len(island.verdicts()) == 1


def test_a_bounded_number_is_judged_in_one_call(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST_AT_ONCE", 3)
    island.receive(*(a_passage(f"P-{number}", plates=[f"琼B6789{number}"]) for number in range(5)))
    assert [island.reconciler.run_once(NOON) for _ in range(3)] == [3, 2, 0]


def test_a_reader_that_is_in_the_middle_of_something_does_not_stop_the_judging(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage())
    with island.store.read() as connection:
        before = connection.execute(select(schema.verdicts)).all()
        judging = threading.Thread(target=island.reconcile)
        judging.start()
        judging.join(20)
        assert not judging.is_alive()
        assert connection.execute(select(schema.verdicts)).all() == before == []
    assert len(island.verdicts()) == 1


def test_a_passage_and_a_declaration_of_the_same_id_are_not_confused(island: Island) -> None:
    island.declare(a_declaration("P-1", plate=OTHER, departure=NOON - 30 * HOUR))
    island.reconcile()
    island.receive(a_passage("P-1", plates=[PLATE]))
    island.reconcile()
    assert set(island.standing("D01")) == {"P-1"}


def test_a_wrong_policy_file_is_refused_with_its_name(island: Island) -> None:
    policy = island.config.state_dir / "policy.toml"
    policy.write_text("[W01]\nmost = 1\n", encoding="utf-8")
    config: CollectorConfig = island.config.model_copy(update={"policy_file": policy})
    with pytest.raises(ConfigError, match=r"policy\.toml.*W01\.most"):
        Reconciler(island.store, island.ledger, config)
    with pytest.raises(ConfigError, match="cannot be read"):
        Reconciler(island.store, island.ledger, config.model_copy(update={"policy_file": policy.with_name("none")}))


def test_the_policy_file_counts(island: Island) -> None:
    policy = island.config.state_dir / "policy.toml"
    policy.write_text("[W01]\nmost_kilograms = 50\ntare_uncertainty_kilograms = 0\nfuel_uncertainty_kilograms = 0\n")
    config = island.config.model_copy(update={"policy_file": policy})
    island.declare(a_declaration())
    island.receive(a_passage(kilograms="25250"))
    Reconciler(island.store, island.ledger, config).run_once(NOON)
    assert codes(island.verdicts()[0]) == ["W01"]


def test_what_was_judged_in_knowledge_of_a_verdict_that_is_not_written_is_judged_again(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1"), a_passage("P-2", at=NOON + HOUR))

    def late(waiting: Waiting, policy: Policy) -> Decision | None:
        if waiting.passage.passage_id == "P-2":
            monkeypatch.setattr(verdicts, "judge", judge)
            heavy = a_passage("P-1", revision=2, kilograms="29000", revision_reason="late")
            island.receive(heavy, at=NOON + 1)
        return judge(waiting, policy)

    monkeypatch.setattr(verdicts, "judge", late)
    island.reconcile(NOON + HOUR)
    # P-1 was never released, so P-2 uses nothing for the second time.
    assert [codes(verdict) for verdict in island.verdicts("P-1")] == [["W01"]]
    assert "D06" not in codes(island.verdicts("P-2")[0])


def test_a_declaration_that_comes_while_its_truck_is_judged_is_known_to_the_verdict(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    island.receive(a_passage())

    def late(waiting: Waiting, policy: Policy) -> Decision | None:
        monkeypatch.setattr(verdicts, "judge", judge)
        island.declare(a_declaration(), at=NOON + 1)
        return judge(waiting, policy)

    monkeypatch.setattr(verdicts, "judge", late)
    assert island.reconcile(NOON + 2) == 1
    assert [codes(verdict) for verdict in island.verdicts()] == [[]]


def test_who_never_gets_a_quiet_moment_judges_while_nobody_else_writes(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PATIENCE", 0)
    monkeypatch.setattr(service, "MOST_UNDER_LOCK", 1)
    island.declare(a_declaration())
    island.receive(a_passage("P-1"), a_passage("P-2", plates=[OTHER]))
    assert [island.reconciler.run_once(NOON) for _ in range(3)] == [1, 1, 0]
    assert [codes(island.verdicts(each)[0]) for each in ("P-1", "P-2")] == [[], ["D02"]]
