from __future__ import annotations

from gate_contract.v1.decision_pb2 import ACTION_HOLD
from tests.unit.collector.reconcile.island import HOUR, NOON, Island, a_declaration, a_passage, codes


def test_a_fork_is_a_finding_about_the_journal_and_holds_what_it_says_from_there_on(island: Island) -> None:
    island.declare(*(a_declaration(f"D-{number}", plate=f"琼A1234{number}") for number in range(3)))
    island.receive(*(a_passage(f"P-{number}", plates=[f"琼A1234{number}"]) for number in range(3)))
    island.reconcile()
    island.fork(1)
    island.reconcile(NOON + HOUR)
    [(origin, finding)] = [(key, found) for key, found in island.standing("K03").items() if not key.startswith("P-")]
    assert origin == island.journal().origin
    assert finding.action == ACTION_HOLD
    assert "two histories from record 1 on" in finding.explanation
    assert [codes(island.verdicts(f"P-{number}")[-1]) for number in range(3)] == [[], ["K03", "K02"], ["K03", "K02"]]
    assert island.verdicts("P-1")[-1].reason == "the journal forked at record 1"


def test_passages_that_come_later_carry_the_defect_and_those_of_other_journals_do_not(island: Island) -> None:
    island.declare(a_declaration())
    island.receive(a_passage("P-1"))
    island.fork(0)
    island.receive(a_passage("P-2"))
    island.receive(a_passage("P-3"), agent="gate-2")
    island.reconcile()
    assert [codes(island.verdicts(each)[-1]) for each in ("P-1", "P-2", "P-3")] == [["K03"], ["K03"], []]


def test_the_same_fork_sent_again_is_one_finding_and_an_earlier_one_another(island: Island) -> None:
    island.receive(a_passage("P-1"), a_passage("P-2"))
    island.reconcile()
    island.fork(1)
    island.reconcile()
    entries = len(island.ledger_kinds())
    island.fork(1, at=NOON + 1)
    island.reconcile()
    assert len(island.ledger_kinds()) == entries
    island.fork(0)
    island.reconcile()
    assert "K03" in codes(island.verdicts("P-1")[-1])
