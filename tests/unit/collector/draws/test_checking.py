"""Whoever tampers with a draw is found by the check, from the ledger alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.cases import feedback
from collector.draws import seeds
from collector.draws.checking import PUBLISHED_BY, DayCheck, check_day
from collector.draws.days import end_of
from collector.ledger.log import read_entries
from collector.registers.intake import NewItem
from gate_contract.rules import Policy
from gate_contract.v1 import case_pb2, ledger_pb2
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.cases.bureau import RATES, Bureau
from tests.unit.collector.reconcile.island import HOUR, NOON, a_declaration, a_passage

TODAY = "2026-03-01"
PUBLISHED = end_of(TODAY) + 6 * HOUR
EVERY_SECOND = "[release]\nunknown_of_ten_thousand = 5000\n"

Tampering = Callable[[ledger_pb2.LedgerEntry], object]


@pytest.fixture
def day(bureau: Bureau) -> Bureau:
    """A day with draws for forty declarations and one case."""
    bureau.draw(NOON - 4 * HOUR)
    bureau.enter(NewItem.of(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml=EVERY_SECOND)), at=NOON)
    with bureau.store.write() as connection:
        feedback.set_by_hand(connection, bureau.ledger, "ACME", "good", "audited", NOON)
    declared = [a_declaration(f"D-{number:02}", plate=f"琼A100{number:02}") for number in range(40)]
    declared[0].declarant_id = "ACME"
    bureau.declare(*declared)
    bureau.draw(NOON)
    bureau.appoint(Officer(officer_id="O-4", authority="customs"))  # the roster changes during the day
    bureau.declare(a_declaration("D-40", plate="琼A10040"), at=NOON + HOUR)
    bureau.receive(a_passage("P-1", plates=["琼Z99999"], kilograms="29000"))
    bureau.go_on(NOON + HOUR)
    bureau.desk.draw("P-1", "CHIEF", NOON + HOUR)
    return bureau


def entries(bureau: Bureau) -> list[tuple[int, bytes]]:
    with bureau.store.read() as connection:
        return list(read_entries(connection, 0))


def checked(bureau: Bureau, tamper: Tampering = lambda _entry: None, policy: Policy = RATES) -> DayCheck:
    forged = []
    for index, body in entries(bureau):
        entry = ledger_pb2.LedgerEntry.FromString(body)
        if tamper(entry) != "drop":
            forged.append((index, entry.SerializeToString()))
    return check_day(lambda: forged, TODAY, policy, "customs")


def faults(found: DayCheck) -> str:
    return "\n".join([*found.faults, *(f"{each.subject}: {each.fault}" for each in found.draws if each.fault)])


def selection_of(entry: ledger_pb2.LedgerEntry, declaration_id: str, change: Callable[[pb.Selection], object]) -> None:
    if entry.item.kind == pb.ITEM_KIND_SELECTION and entry.item.key == declaration_id:
        selection = pb.Selection.FromString(entry.item.body)
        change(selection)
        entry.item.body = selection.SerializeToString()


def test_before_the_seed_is_published_nothing_can_be_said(day: Bureau) -> None:
    found = checked(day)
    assert (found.secret, found.holds, found.faults, found.draws, found.recorded) == (True, False, (), (), 42)


def test_a_seed_that_is_kept_back_is_a_fault_once_the_ledger_has_gone_on_for_days(day: Bureau) -> None:
    day.declare(a_declaration("D-later", plate="琼A10099"), at=end_of(TODAY) + PUBLISHED_BY)
    assert f"the seed of {TODAY} is not published, and the ledger goes on" in faults(checked(day))


def test_draws_of_a_day_without_a_commitment_are_a_fault(day: Bureau) -> None:
    day.draw(PUBLISHED)
    found = checked(day, lambda entry: "drop" if entry.draw_seed.day == TODAY else None)
    assert found.faults == (f"no seed was committed to for {TODAY}, and the ledger has 42 draws of that day",)


def test_every_draw_of_an_honest_day_holds(day: Bureau) -> None:
    day.draw(PUBLISHED)
    found = checked(day)
    assert faults(found) == ""
    assert found.holds
    assert len(found.draws) == 42
    assert {each.kind for each in found.draws} == {"declaration", "case"}
    drawn = [each for each in found.draws if each.drawn]
    assert 5 < len(drawn) < 37  # about every second one
    assert all(each.officer for each in drawn)
    assert not any(each.late_seed for each in found.draws)


def test_a_day_on_which_there_was_nothing_has_no_faults(day: Bureau) -> None:
    found = check_day(lambda: entries(day), "2020-01-01", RATES, "customs")
    assert (found.holds, found.recorded) == (True, 0)


def flip(selection: pb.Selection) -> None:
    selection.drawn = not selection.drawn
    selection.officer_id = "O-1" if selection.drawn else ""


def shorten(selection: pb.Selection) -> None:
    del selection.roster[0]


def lower(selection: pb.Selection) -> None:
    selection.rate -= 1


def better(selection: pb.Selection) -> None:
    selection.credit_class = "good"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (flip, "recorded as"),
        (shorten, "its roster is O-2, O-3; on duty were O-1, O-2, O-3"),
        (lower, "but the policy gives sampling at 5000"),
        (better, "its class is 'good'; the credit register said ''"),
    ],
)
def test_a_draw_that_was_made_otherwise_is_named(
    day: Bureau, change: Callable[[pb.Selection], object], why: str
) -> None:
    day.draw(PUBLISHED)
    found = checked(day, lambda entry: selection_of(entry, "D-07", change))
    assert [each.subject for each in found.draws if each.fault] == ["D-07"]
    assert why in faults(found)


def test_a_declaration_that_was_never_drawn_for_is_named(day: Bureau) -> None:
    day.draw(PUBLISHED)
    found = checked(day, lambda entry: "drop" if entry.item.key == "D-07" else None)
    assert found.faults == ("declaration D-07 came on that day and was never drawn for",)


def test_who_was_drawn_for_again_is_named(day: Bureau) -> None:
    day.draw(PUBLISHED)

    def again(entry: ledger_pb2.LedgerEntry) -> None:
        if entry.item.key == "D-07":
            entry.item.version = 2

    assert "D-07: it was drawn for again" in faults(checked(day, again))


def test_another_seed_than_the_one_committed_to_is_found(day: Bureau) -> None:
    day.draw(PUBLISHED)

    def other(entry: ledger_pb2.LedgerEntry) -> None:
        if entry.draw_seed.day == TODAY and entry.draw_seed.seed:
            entry.draw_seed.seed = b"x" * 32

    assert "is not the one that was committed to" in faults(checked(day, other))


def test_an_officer_who_was_not_drawn_for_a_case_is_found(day: Bureau) -> None:
    day.draw(PUBLISHED)

    def other(entry: ledger_pb2.LedgerEntry) -> None:
        event = entry.case_event
        if event.kind == case_pb2.CASE_EVENT_KIND_ASSIGNED:
            event.assignee = next(each for each in ("O-1", "O-2") if each != event.assignee)

    found = checked(day, other)
    assert [each.kind for each in found.draws if each.fault] == ["case"]
    assert "but the seed and the roster give" in faults(found)


def test_a_draw_before_the_commitment_is_found(bureau: Bureau) -> None:
    bureau.declare(a_declaration())
    bureau.draw(NOON)
    bureau.draw(PUBLISHED)
    found = checked(bureau)
    assert found.holds
    assert [each.late_seed for each in found.draws] == [True]  # it was declared before the service first ran
    moved = entries(bureau)
    at = next(i for i, (_, body) in enumerate(moved) if ledger_pb2.LedgerEntry.FromString(body).HasField("draw_seed"))
    late = [(index, body) for index, body in moved if index != moved[at][0]]
    late.append((moved[-1][0] + 1, moved[at][1]))
    assert "drawn before its seed was committed to" in faults(check_day(lambda: late, TODAY, RATES, "customs"))


def test_a_published_seed_is_entered_once(day: Bureau) -> None:
    day.draw(PUBLISHED)
    with day.store.write() as connection:
        again = seeds.publish(connection, day.ledger, TODAY, 6, PUBLISHED)
    assert again.published
    assert day.ledger_kinds().count("draw_seed") == 4  # three commitments, one publication
