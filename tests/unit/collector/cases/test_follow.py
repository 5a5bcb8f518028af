from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event as sql_event
from sqlalchemy import insert

from collector.cases import follow
from collector.metrics import take_stock
from collector.store import schema
from gate_contract.acts import sign_act
from gate_contract.v1 import case_pb2 as pb
from gate_contract.v1.act_pb2 import INSPECTION_RESULT_AS_DECLARED, Inspection, OfficerAct
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile.island import HOUR, NOON, SECOND, SITE, a_declaration, a_passage

HEAVY = "29000"
DAY = 24 * HOUR


def kinds(bureau: Bureau, subject: str = "P-1", kind: str = "passage") -> list[str]:
    names = [pb.CaseEventKind.Name(each.event.kind) for each in bureau.story(subject, kind).events]
    return [name.removeprefix("CASE_EVENT_KIND_") for name in names]


def heavy_truck(bureau: Bureau) -> None:
    bureau.declare(a_declaration())
    passage = a_passage(kilograms=HEAVY)
    passage.plates[0].pictures.add(sha256=b"p" * 32, role="plate")
    passage.weighings[0].curve.sha256 = b"c" * 32
    bureau.receive(passage)
    bureau.go_on()


def test_a_truck_that_is_too_heavy_opens_a_case_with_its_pictures_and_its_weight_curve(bureau: Bureau) -> None:
    heavy_truck(bureau)
    case = bureau.standing_case()
    assert "W01" in case.codes
    assert (case.authority, case.state, case.severity) == ("customs", "open", 3)
    assert case.deadline_ns == NOON + 24 * HOUR
    assert case.evidence == {b"p" * 32, b"c" * 32}
    assert bureau.audit().holds


def test_a_truck_as_declared_opens_none(bureau: Bureau) -> None:
    bureau.declare(a_declaration())
    bureau.receive(a_passage())
    bureau.go_on()
    assert bureau.case() is None


def test_a_later_verdict_with_other_findings_is_told_to_the_case(bureau: Bureau) -> None:
    heavy_truck(bureau)
    bureau.declare(a_declaration(cargo="12850"), at=NOON + HOUR)
    bureau.go_on(NOON + HOUR)
    case = bureau.standing_case()
    assert case.codes >= {"W01", "K02"}
    assert case.is_open
    assert kinds(bureau)[-1] == "FINDINGS_CHANGED"


def test_a_passage_of_which_only_the_word_is_left_that_it_was_judged_again_has_no_case(bureau: Bureau) -> None:
    bureau.receive(a_passage())
    bureau.go_on()
    assert bureau.standing_case().codes == {"D02"}
    bureau.declare(a_declaration(), at=NOON + HOUR)
    bureau.go_on(NOON + HOUR)
    case = bureau.standing_case()
    assert not case.is_open
    assert kinds(bureau)[-2:] == ["FINDINGS_CHANGED", "DECIDED"]


def acted(bureau: Bureau, act_id: str, key: Ed25519PrivateKey, *records: int) -> None:
    act = OfficerAct(
        format=1,
        act_id=act_id,
        site_id=SITE,
        passage_id="P-1",
        officer_id="O-9",
        authority="customs",
        at_unix_ns=NOON + 1,
        reason="weighed again by hand",
        inspection=Inspection(result=INSPECTION_RESULT_AS_DECLARED, photos=[Evidence(sha256=b"photo")]),
    )
    row = {
        "act_id": act_id,
        "passage_id": "P-1",
        "officer_id": "O-9",
        "authority": "customs",
        "kind": "inspection",
        "at_ns": NOON + 1,
        "received_ns": NOON + 2,
        "body": sign_act(act.SerializeToString(), key),
    }
    with bureau.store.write() as connection:
        connection.execute(
            insert(schema.officer_acts), [{**row, "journal_id": 1, "record_index": index} for index in records]
        )


def test_what_an_officer_did_at_the_gate_is_in_the_story_once_and_a_forged_act_does_not_count(bureau: Bureau) -> None:
    heavy_truck(bureau)
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    bureau.appoint(Officer(officer_id="O-9", authority="customs", public_key=public))
    acted(bureau, "A-1", key, 17, 18)  # told twice
    acted(bureau, "A-2", Ed25519PrivateKey.generate(), 19)
    mine, forged = bureau.story().acts
    assert (mine.officer_id, mine.kind, mine.reason, mine.refused) == ("O-9", "inspection", "weighed again by hand", "")
    assert (mine.photos, forged.photos) == ((b"photo",), ())
    assert forged.reason == ""
    assert "signature" in forged.refused


def test_a_declaration_that_was_not_seen_opens_a_case_which_ends_when_it_is_seen(bureau: Bureau) -> None:
    bureau.declare(a_declaration())
    later = NOON + 40 * HOUR
    bureau.go_on(later)
    case = bureau.standing_case("D-1", "declaration")
    assert case.codes == {"D01"}
    bureau.receive(a_passage(), at=later)  # its machine was away
    bureau.go_on(later + HOUR)
    assert bureau.case() is None or "D01" not in bureau.standing_case().codes
    assert not bureau.standing_case("D-1", "declaration").is_open
    assert kinds(bureau, "D-1", "declaration")[-2:] == ["FINDINGS_CHANGED", "DECIDED"]
    assert bureau.audit().holds


def test_a_journal_with_two_histories_opens_a_case(bureau: Bureau) -> None:
    bureau.receive(a_passage())
    bureau.fork(1)
    bureau.go_on()
    case = bureau.standing_case(bureau.journal().origin, "journal")
    assert (set(case.codes), case.severity) == ({"K03"}, 4)


def test_a_deadline_that_goes_by_is_escalated_by_the_collectors_clock(bureau: Bureau) -> None:
    heavy_truck(bureau)
    bureau.go_on(NOON + 24 * HOUR - 10 * SECOND)
    assert bureau.standing_case().level == 0
    with bureau.store.read() as connection:
        stock = take_stock(connection, 0, 0.0)
    assert (stock.open_cases, stock.overdue_cases) == (1, 0)
    bureau.go_on(NOON + 24 * HOUR)
    assert (bureau.standing_case().level, bureau.standing_case().deadline_ns) == (1, NOON + 48 * HOUR)
    for _ in range(10):
        bureau.go_on(bureau.standing_case().deadline_ns)
    assert bureau.standing_case().level == 3
    with bureau.store.read() as connection:
        stock = take_stock(connection, 0, 0.0)
    assert (stock.open_cases, stock.overdue_cases) == (1, 1)
    assert kinds(bureau).count("ESCALATED") == 3


def test_a_clock_that_is_set_back_after_a_look_is_no_reason_to_stop_looking(bureau: Bureau) -> None:
    bureau.go_on(NOON + 5 * DAY)
    heavy_truck(bureau)
    bureau.go_on(NOON + 25 * HOUR)
    assert bureau.standing_case().level == 1


def test_nothing_is_done_twice_after_a_stop_at_any_step(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process may end between any two statements of a step: what was not committed is done again, once."""
    monkeypatch.setattr(follow, "SUBJECTS_AT_ONCE", 2)
    bureau.declare(*(a_declaration(f"D-{number}", plate=f"琼A1000{number}") for number in range(5)))
    bureau.receive(*(a_passage(f"P-{n}", plates=[f"琼A1000{n}"], kilograms=HEAVY) for n in range(5)))
    bureau.reconcile()
    dies_at = 0

    class Killed(BaseException):
        pass

    while True:
        dies_at += 1
        left = dies_at

        def count(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        engine = bureau.store._engine
        sql_event.listen(engine, "before_cursor_execute", count)
        try:
            while bureau.follower.run_once(NOON):
                pass
            done = True
        except Killed:
            done = False
        finally:
            sql_event.remove(engine, "before_cursor_execute", count)
        bureau.restart()
        if done:
            break
    assert dies_at > 20
    for number in range(5):
        assert kinds(bureau, f"P-{number}").count("OPENED") == 1
    assert bureau.audit().holds


def test_a_look_at_nothing_new_costs_the_same_however_much_there_was(bureau: Bureau) -> None:
    def statements() -> int:
        bureau.restart()
        seen = 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1

        sql_event.listen(bureau.store._engine, "before_cursor_execute", count)
        try:
            bureau.go_on()
        finally:
            sql_event.remove(bureau.store._engine, "before_cursor_execute", count)
        return seen

    heavy_truck(bureau)
    few = statements()
    bureau.receive(*(a_passage(f"P-{n}", plates=[f"琼B1000{n}"]) for n in range(2, 10)))
    bureau.go_on()
    assert bureau.case("P-9") is not None
    assert statements() == few
