from __future__ import annotations

import pytest
from sqlalchemy import event as sql_event
from sqlalchemy import select

from collector.cases import feedback
from collector.draws import selections
from collector.draws.checking import check_day
from collector.draws.days import end_of
from collector.ledger.log import read_entries
from collector.registers.intake import NewItem
from collector.store import schema
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import RELEASE_MODE_SAMPLING, RELEASE_MODE_SUPERVISED
from gate_contract.v1.order_pb2 import Officer
from tests.unit.collector.cases.bureau import RATES, Bureau
from tests.unit.collector.reconcile.island import HOUR, NOON, SITE, a_declaration

DAY = 24 * HOUR
TODAY = "2026-03-01"


def classify(bureau: Bureau, declarant: str, credit_class: str) -> None:
    with bureau.store.write() as connection:
        feedback.set_by_hand(connection, bureau.ledger, declarant, credit_class, "audited", NOON)


def declare(bureau: Bureau, declaration_id: str = "D-1", declarant: str = "", at: int = NOON) -> None:
    declaration = a_declaration(declaration_id)
    declaration.declarant_id = declarant
    bureau.declare(declaration, at=at)


def items(bureau: Bureau) -> list[pb.RegisterItem]:
    table = schema.register_items.c
    query = select(table.body).where(table.kind == pb.ITEM_KIND_SELECTION).order_by(table.ledger_index)
    with bureau.store.read() as connection:
        return [pb.RegisterItem.FromString(body) for body in connection.scalars(query)]


def test_a_declaration_is_selected_once_for_its_site_until_some_days_after_its_departure(bureau: Bureau) -> None:
    declare(bureau)
    bureau.draw()
    [item] = items(bureau)
    selection = pb.Selection.FromString(item.body)
    assert (item.key, item.site_id, item.version) == ("D-1", SITE, 1)
    assert item.expires_unix_ns == NOON + HOUR + 7 * DAY
    assert (selection.mode, selection.credit_class, selection.day) == (RELEASE_MODE_SAMPLING, "", TODAY)
    assert list(selection.roster) == ["O-1", "O-2", "O-3"]
    assert (selection.drawn, selection.officer_id) == (False, "")
    assert bureau.audit().holds


def test_who_amends_keeps_the_selection(bureau: Bureau) -> None:
    declare(bureau)
    bureau.draw()
    classify(bureau, "ACME", "seriously dishonest")
    bureau.declare(a_declaration(cargo="14000"))
    bureau.draw(NOON + HOUR)
    bureau.restart()
    bureau.draw(NOON + DAY)
    assert len(items(bureau)) == 1


def test_a_seriously_dishonest_declarants_goods_are_supervised_scanned_and_always_drawn(bureau: Bureau) -> None:
    classify(bureau, "ACME", "seriously dishonest")
    declare(bureau, declarant="ACME")
    bureau.draw()
    selection = bureau.selection()
    assert selection is not None
    assert (selection.mode, selection.rate, selection.drawn) == (RELEASE_MODE_SUPERVISED, 10_000, True)
    assert selection.officer_id in {"O-1", "O-2", "O-3"}
    assert selection.scan_ordered == selections.SUPERVISED_SCAN


def test_a_declaration_is_drawn_without_an_officer_where_nobody_is_on_duty(bureau: Bureau) -> None:
    bureau.appoint(*(Officer(officer_id=f"O-{n}", authority="customs", author=True) for n in (1, 2, 3)))
    classify(bureau, "ACME", "seriously dishonest")
    declare(bureau, declarant="ACME")
    bureau.draw()
    selection = bureau.selection()
    assert selection is not None
    assert (selection.drawn, selection.officer_id, list(selection.roster)) == (True, "", [])


@pytest.mark.parametrize("site", [SITE, ""])
def test_rates_are_those_of_the_policy_in_the_register(bureau: Bureau, site: str) -> None:
    policy = pb.PolicyText(toml="[release]\nunknown_of_ten_thousand = 10000\n")
    bureau.enter(NewItem.of(pb.ITEM_KIND_POLICY, site, policy, site_id=site))
    declare(bureau)
    bureau.draw()
    selection = bureau.selection()
    assert selection is not None
    assert (selection.rate, selection.drawn) == (10_000, True)


def test_nothing_is_drawn_with_a_seed_that_is_public_until_the_next_day(bureau: Bureau) -> None:
    bureau.draw()
    bureau.draw(NOON + 3 * DAY)  # the clock was ahead, and is set right
    declare(bureau)
    bureau.draw(NOON + HOUR)
    assert items(bureau) == []
    bureau.draw(end_of(TODAY) + 3 * DAY)
    selection = bureau.selection()
    assert selection is not None
    assert selection.day == "2026-03-05"


def test_many_are_drawn_some_at_a_time_and_each_once_though_the_process_is_killed_at_every_statement(
    bureau: Bureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selections, "MOST_AT_ONCE", 2)
    for number in range(5):
        declare(bureau, f"D-{number}")

    class Killed(BaseException):
        pass

    for dies_at in range(1, 200):
        left = dies_at

        def count(*_: object) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Killed

        engine = bureau.store._engine
        sql_event.listen(engine, "before_cursor_execute", count)
        try:
            bureau.draw()
        except Killed:
            pass
        else:
            break
        finally:
            sql_event.remove(engine, "before_cursor_execute", count)
        bureau.restart()
    assert dies_at > 10
    assert [item.key for item in items(bureau)] == [f"D-{number}" for number in range(5)]
    assert bureau.ledger_kinds().count("draw_seed") == 2
    assert bureau.audit().holds


def test_what_left_long_ago_is_not_drawn_for_and_nobody_misses_it(bureau: Bureau) -> None:
    bureau.draw(NOON - HOUR)
    bureau.declare(a_declaration("D-old", departure=NOON - 9 * DAY), a_declaration("D-new"))
    bureau.draw()
    assert [item.key for item in items(bureau)] == ["D-new"]
    bureau.draw(end_of(TODAY) + 6 * HOUR)
    with bureau.store.read() as connection:
        found = check_day(lambda: read_entries(connection, 0), TODAY, RATES, "customs")
    assert found.holds
    assert [each.subject for each in found.draws] == ["D-new"]
