from __future__ import annotations

from collections.abc import Callable

import pytest

from collector.cases.core import Case
from collector.cases.service import find, list_cases
from collector.draws.days import day_of
from collector.errors import CollectorError
from collector.registers.intake import NewItem
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile.island import HOUR, NOON, a_declaration, a_passage

DAY = 24 * HOUR


def suspected(bureau: Bureau, number: int = 1, *, at: int = NOON, declarant: str = "ACME") -> str:
    """A truck that is 4 t too heavy; the case's subject."""
    plate = f"琼A1000{number}"
    declaration = a_declaration(f"D-{number}", plate=plate, departure=at + HOUR, lodged=at - 5 * HOUR)
    declaration.declarant_id = declarant
    bureau.declare(declaration, at=at)
    bureau.receive(a_passage(f"P-{number}", plates=[plate], kilograms="29000", at=at), at=at)
    bureau.go_on(at)
    return f"P-{number}"


def decide(bureau: Bureau, subject: str, outcome: str, at: int = NOON) -> list[str]:
    bureau.desk.assign(subject, "O-1", "O-1", at)
    return bureau.desk.decide(subject, outcome, "weighed again", "O-1", at)[1]


def test_a_case_is_given_decided_and_opened_again_and_the_audit_holds(bureau: Bureau) -> None:
    subject = suspected(bureau)
    assert bureau.desk.assign(subject, "O-2", "O-1", NOON).assignee == "O-2"
    bureau.desk.comment(subject, "两个集装箱", "O-2", NOON)
    decided, declarants = bureau.desk.decide(subject, "violation", "4 t more, hidden", "O-2", NOON + 1)
    assert (decided.state, declarants) == ("decided", ["ACME"])
    assert bureau.credit("ACME") == ("warned", f"case {decided.case_id}: violation")
    opened = bureau.desk.reopen(subject, "the scale was wrong", "O-1", NOON + 2)
    assert (opened.is_open, opened.assignee) == (True, "")
    assert bureau.credit("ACME") == ("", f"case {decided.case_id}: taken back")
    assert [each.text for each in bureau.story(subject).events if each.text] == [
        "两个集装箱",
        "4 t more, hidden",
        "the scale was wrong",
    ]
    assert bureau.audit().holds


def test_what_is_written_is_nowhere_in_the_database_and_gone_with_its_key(bureau: Bureau) -> None:
    subject = suspected(bureau)
    bureau.desk.comment(subject, "driver seemed nervous", "O-1", NOON)
    raw = b"".join(path.read_bytes() for path in bureau.config.state_dir.rglob("*") if path.is_file())
    assert b"nervous" not in raw
    [told] = [each for each in bureau.story(subject).events if each.text]
    assert bureau.keys_of_cases.destroy(told.event.key_id)
    assert [each.text for each in bureau.story(subject).events if each.event.key_id] == [None]


@pytest.mark.parametrize(
    ("officer", "why"),
    [
        ("X-9", "there is no officer 'X-9'"),
        ("B-1", "officer B-1 acts for 'border'. this case is in the charge of 'customs'"),
        ("OLD", "officer OLD is not in office"),
        ("collector", "there is no officer 'collector'"),
    ],
)
def test_only_officers_in_office_of_the_authority_in_charge_may_do_anything(
    bureau: Bureau, officer: str, why: str
) -> None:
    subject = suspected(bureau)
    acts: list[Callable[[], Case]] = [
        lambda: bureau.desk.comment(subject, "text", officer, NOON),
        lambda: bureau.desk.assign(subject, officer, "O-1", NOON),
        lambda: bureau.desk.assign(subject, "O-1", officer, NOON),
        lambda: bureau.desk.draw(subject, officer, NOON),
    ]
    for act in acts:
        with pytest.raises(CollectorError, match=why):
            act()
    assert not bureau.standing_case(subject).touched


def test_what_cannot_follow_is_refused_with_the_next_step_and_nothing_is_written(bureau: Bureau) -> None:
    subject = suspected(bureau)
    before = bureau.standing_case(subject)
    with pytest.raises(CollectorError, match=r"nobody has it; give it to O-1 first\. `gate-collector cases show"):
        bureau.desk.decide(subject, "error", "heavy", "O-1", NOON)
    with pytest.raises(CollectorError, match="the text is empty"):
        bureau.desk.comment(subject, "  ", "O-1", NOON)
    assert bureau.standing_case(subject) == before


def test_an_officer_is_drawn_among_those_on_duty_once(bureau: Bureau) -> None:
    subject = suspected(bureau)
    drawn = bureau.desk.draw(subject, "CHIEF", NOON)
    assert drawn.assignee in {"O-1", "O-2", "O-3"}  # who gives orders is not drawn
    with pytest.raises(CollectorError, match="drawn already"):
        bureau.desk.draw(subject, "CHIEF", NOON)


def test_nobody_is_drawn_where_nobody_is_on_duty(bureau: Bureau) -> None:
    bureau.appoint(*(Officer(officer_id=f"O-{n}", authority="customs", approver=True) for n in (1, 2, 3)))
    with pytest.raises(CollectorError, match="nobody of 'customs' is on duty"):
        bureau.desk.draw(suspected(bureau), "CHIEF", NOON)


def test_nobody_is_drawn_with_a_seed_that_is_public(bureau: Bureau) -> None:
    bureau.draw(NOON)
    bureau.draw(NOON + 3 * DAY)  # the clock was three days ahead for a while
    with pytest.raises(CollectorError, match="the seed of this day is public"):
        bureau.desk.draw(suspected(bureau), "CHIEF", NOON)
    assert day_of(NOON) == "2026-03-01"


def test_two_errors_make_the_class_one_worse_and_the_next_declaration_is_released_otherwise(bureau: Bureau) -> None:
    before = suspected(bureau, 1)
    decide(bureau, before, "error")
    assert bureau.credit("ACME") == ("", f"case {bureau.standing_case(before).case_id}: error")
    decide(bureau, suspected(bureau, 2), "error")
    assert bureau.credit("ACME") is not None
    assert bureau.credit("ACME")[0] == "warned"  # type: ignore[index]  # it is there
    suspected(bureau, 3)
    first, third = bureau.selection("D-1"), bureau.selection("D-3")
    assert first is not None
    assert third is not None
    assert (first.credit_class, third.credit_class) == ("", "warned")
    assert third.rate > first.rate


def test_an_unfounded_case_touches_no_credit(bureau: Bureau) -> None:
    assert decide(bureau, suspected(bureau), "unfounded") == []
    assert bureau.credit("ACME") is None


def truck_as_declared(bureau: Bureau, number: int, at: int) -> None:
    plate = f"琼A1000{number}"
    clean = a_declaration(f"D-{number}", plate=plate, departure=at + HOUR, lodged=at - 5 * HOUR)
    clean.declarant_id = "ACME"
    bureau.declare(clean, at=at)
    bureau.draw(at)
    bureau.receive(a_passage(f"P-{number}", plates=[plate], at=at), at=at)
    bureau.go_on(at)


def credit_class(bureau: Bureau) -> str | None:
    found = bureau.credit("ACME")
    return found and found[0]


def test_who_is_trusted_least_becomes_better_by_an_inspection_without_fault_after_a_clean_year(bureau: Bureau) -> None:
    decide(bureau, suspected(bureau), "grave-violation")
    for number, days, expected in ((2, 364, "seriously dishonest"), (3, 366, "dishonest")):
        truck_as_declared(bureau, number, NOON + days * DAY)
        assert "R01" in bureau.standing_case(f"P-{number}").codes
        decide(bureau, f"P-{number}", "unfounded", NOON + days * DAY)
        assert credit_class(bureau) == expected, number


def test_who_is_released_on_sight_becomes_better_by_a_passage_after_a_clean_year(bureau: Bureau) -> None:
    bureau.enter(NewItem.of(pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[release]\ndishonest_of_ten_thousand = 0\n")))
    decide(bureau, suspected(bureau), "violation")
    decide(bureau, suspected(bureau, 2), "violation")
    for number, days, expected in ((3, 364, "dishonest"), (4, 366, "warned")):
        truck_as_declared(bureau, number, NOON + days * DAY)
        assert credit_class(bureau) == expected, number
    bureau.go_on(NOON + 800 * DAY)
    assert credit_class(bureau) == "warned"


def test_lists_show_what_is_due_first_and_what_one_officer_has(bureau: Bureau) -> None:
    subjects = [suspected(bureau, number, at=NOON + number * HOUR) for number in (3, 1, 2)]
    decide(bureau, "P-2", "error", NOON + 4 * HOUR)
    bureau.desk.assign("P-3", "O-2", "O-1", NOON + 4 * HOUR)
    bureau.go_on(NOON + 26 * HOUR)  # P-1's deadline has gone by
    with bureau.store.read() as connection:
        listed = [each.subject for each in list_cases(connection)]
        assert sorted(listed) == sorted(subjects)
        assert listed[-1] == "P-2"
        assert [each.subject for each in list_cases(connection, is_open=True)] == ["P-3", "P-1"]
        assert [each.subject for each in list_cases(connection, officer="O-2")] == ["P-3"]
        assert [each.subject for each in list_cases(connection, overdue=True)] == ["P-1"]
        assert [each.subject for each in list_cases(connection, most=1)] == ["P-3"]


def test_a_case_is_found_by_its_id_its_beginning_and_its_subject(bureau: Bureau) -> None:
    case_id = bureau.standing_case(suspected(bureau)).case_id
    with bureau.store.read() as connection:
        assert find(connection, case_id) == find(connection, case_id[:6]) == find(connection, "P-1") == case_id
        for name in ("P-2", case_id[:3], "C-"):
            with pytest.raises(CollectorError, match="there is no case"):
                find(connection, name)


def test_nobody_gets_rid_of_an_outcome_by_amending_who_declared(bureau: Bureau) -> None:
    subject = suspected(bureau)
    other = a_declaration("D-1", plate="琼A10001", departure=NOON + HOUR)
    other.declarant_id = "OTHER"
    bureau.declare(other, at=NOON + HOUR)
    bureau.go_on(NOON + HOUR)
    assert decide(bureau, subject, "violation", NOON + HOUR) == ["ACME", "OTHER"]
    bureau.desk.reopen(subject, "the scale was wrong", "O-1", NOON + HOUR)
    assert decide(bureau, subject, "unfounded", NOON + 2 * HOUR) == []
    assert [bureau.credit(each) for each in ("ACME", "OTHER")] == [
        ("", f"case {bureau.standing_case(subject).case_id}: taken back")
    ] * 2
