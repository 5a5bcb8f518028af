from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from collector.errors import CollectorError
from collector.registers.intake import AT_ONCE, Entered, NewItem, enter, withdraw
from collector.registers.reading import latest, officers, orders, since, versions
from collector.store import schema
from gate_contract.registers import RegisterError
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.ledger_pb2 import LedgerEntry
from gate_contract.v1.order_pb2 import Officer, SignedOrder
from tests.unit.collector.collected import Collected

CARRIER = pb.ITEM_KIND_CARRIER
JOURNEY = pb.ITEM_KIND_JOURNEY


def carrier(plate: str = "琼A12345", carrier_id: str = "C-1") -> NewItem:
    return NewItem.of(CARRIER, plate, pb.VehicleCarrier(plate=plate, carrier_id=carrier_id))


class Registers(Collected):
    """A collector whose registers are written and read."""

    def enter(self, *items: NewItem, at: int = 5) -> list[Entered]:
        with self.store.write() as connection:
            return enter(connection, self.ledger, items, at)

    def withdraw(self, *keys: str, at: int = 7) -> list[Entered]:
        with self.store.write() as connection:
            return withdraw(connection, self.ledger, CARRIER, keys, at)

    def carriers(self, before: int | None = None) -> dict[str, str]:
        with self.store.read() as connection:
            found = latest(connection, CARRIER, before=before)
        return {key: pb.VehicleCarrier.FromString(item.body).carrier_id for key, item in found.items()}


@pytest.fixture(params=["sqlite", "postgresql"])
def registers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Registers]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    made = Registers(tmp_path, url)
    yield made
    made.store.close()


def test_an_item_is_a_row_and_the_ledger_entry_that_it_names(registers: Registers) -> None:
    item = NewItem(CARRIER, "K", pb.VehicleCarrier(plate="K").SerializeToString(), "xinhai", 99)
    [entered] = registers.enter(item)
    assert tuple(entered) == (CARRIER, "K", 1, 0)
    with registers.store.read() as connection:
        row = connection.execute(select(schema.register_items)).one()
        body = connection.scalars(select(schema.ledger_entries.c.body)).one()
    entry = LedgerEntry.FromString(body)
    assert entry.item.SerializeToString(deterministic=True) == row.body
    assert entry.entered_unix_ns == row.received_ns == entry.item.received_unix_ns == 5
    assert (row.kind, row.item_key, row.version, row.site_id, row.expires_ns) == (CARRIER, "K", 1, "xinhai", 99)
    assert (row.withdrawn, row.latest, row.ledger_index) == (False, True, 0)


def test_what_is_known_makes_no_version_and_what_changed_makes_the_next(registers: Registers) -> None:
    registers.enter(carrier(), carrier("粤B1"))
    assert registers.enter(carrier(), at=6) == []
    [changed] = registers.enter(carrier(), carrier("粤B1", "C-2"), at=6)
    assert (changed.key, changed.version, changed.ledger_index) == ("粤B1", 2, 2)
    [back] = registers.enter(carrier("粤B1"))
    assert back.version == 3
    assert registers.carriers() == {"琼A12345": "C-1", "粤B1": "C-1"}


def test_another_expiry_is_a_change(registers: Registers) -> None:
    registers.enter(carrier())
    [changed] = registers.enter(NewItem(CARRIER, "琼A12345", carrier().body, expires_unix_ns=8))
    assert changed.version == 2


def test_what_moves_to_another_site_is_for_every_site_so_that_the_old_one_learns_of_it(registers: Registers) -> None:
    def at(site: str) -> NewItem:
        return NewItem(CARRIER, "琼A12345", carrier().body, site)

    registers.enter(at("xinhai"))
    registers.enter(at("macun"))
    assert registers.enter(at("macun"), at("xinhai")) == []
    with registers.store.read() as connection:
        assert [item.site_id for _, item in versions(connection, CARRIER, "琼A12345")] == ["xinhai", ""]


def test_of_two_under_one_key_the_later_one_counts(registers: Registers) -> None:
    entered = registers.enter(carrier(), carrier(carrier_id="C-2"), carrier(carrier_id="C-2"))
    assert [(each.version, each.ledger_index) for each in entered] == [(1, 0), (2, 1)]
    assert registers.carriers() == {"琼A12345": "C-2"}


def test_the_same_key_in_two_registers_is_two_things(registers: Registers) -> None:
    journey = NewItem.of(JOURNEY, "K", pb.Journey(shortest_s=60))
    assert [each.version for each in registers.enter(carrier("K"), journey)] == [1, 1]


def test_more_items_than_go_into_one_statement(registers: Registers) -> None:
    many = [carrier(f"A{number}") for number in range(2 * AT_ONCE + 1)]
    assert [each.ledger_index for each in registers.enter(*many)] == list(range(len(many)))
    assert registers.enter(*many) == []
    with registers.store.read() as connection:
        assert latest(connection, CARRIER, [item.key for item in many]).keys() == {item.key for item in many}


def test_what_is_withdrawn_does_not_hold_and_may_come_back(registers: Registers) -> None:
    registers.enter(carrier())
    [gone] = registers.withdraw("琼A12345")
    assert (gone.version, registers.carriers()) == (2, {})
    assert registers.withdraw("琼A12345") == []
    with registers.store.read() as connection:
        assert latest(connection, CARRIER, withdrawn=True)["琼A12345"].withdrawn
    assert [each.version for each in registers.enter(carrier())] == [3]
    assert registers.carriers() == {"琼A12345": "C-1"}


def test_what_is_not_there_cannot_be_withdrawn(registers: Registers) -> None:
    with pytest.raises(CollectorError, match=r"there is no carrier 'K'.*registers list carrier"):
        registers.withdraw("K")


def test_a_body_that_no_gate_could_read_is_not_entered(registers: Registers) -> None:
    with pytest.raises(RegisterError, match="its body is no VehicleCarrier"):
        registers.enter(carrier(), NewItem(CARRIER, "K", b"\xff"))
    assert registers.carriers() == {}


def test_a_reader_with_a_cursor_sees_each_version_once(registers: Registers) -> None:
    registers.enter(carrier(), carrier("粤B1"))
    registers.enter(carrier(carrier_id="C-2"))
    with registers.store.read() as connection:
        seen = since(connection, 0, limit=2)
        seen += since(connection, seen[-1][0] + 1)
        assert since(connection, seen[-1][0] + 1) == []
        assert [index for index, _ in versions(connection, CARRIER, "琼A12345")] == [0, 2]
    assert [(index, item.key, item.version) for index, item in seen] == [
        (0, "琼A12345", 1),
        (1, "粤B1", 1),
        (2, "琼A12345", 2),
    ]


def test_the_registers_are_read_as_they_were(registers: Registers) -> None:
    registers.enter(carrier())
    registers.enter(carrier(carrier_id="C-2"), carrier("粤B1"))
    registers.withdraw("琼A12345")
    assert [registers.carriers(before) for before in range(5)] == [
        {},
        {"琼A12345": "C-1"},
        {"琼A12345": "C-2"},
        {"琼A12345": "C-2", "粤B1": "C-1"},
        {"粤B1": "C-1"},
    ]


def test_officers_and_orders_are_read_as_what_they_are(registers: Registers) -> None:
    officer = Officer(officer_id="O-1", authority="customs")
    order = SignedOrder(order=b"an order")
    registers.enter(
        NewItem.of(pb.ITEM_KIND_OFFICER, "O-1", officer), NewItem.of(pb.ITEM_KIND_ORDER, "B-2", order), carrier()
    )
    registers.enter(NewItem.of(pb.ITEM_KIND_ORDER, "B-1", SignedOrder(order=b"another")))
    with registers.store.read() as connection:
        assert officers(connection) == {"O-1": officer}
        assert [SignedOrder.FromString(body).order for body in orders(connection)] == [b"another", b"an order"]


def test_writers_at_the_same_time_make_versions_one_after_the_other(registers: Registers) -> None:
    registers.enter(carrier(carrier_id="first"))
    started = threading.Barrier(4)

    def write(number: int) -> None:
        started.wait()
        registers.enter(carrier(carrier_id=f"C-{number}"))

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for each in writers:
        each.start()
    for each in writers:
        each.join()
    with registers.store.read() as connection:
        assert [item.version for _, item in versions(connection, CARRIER, "琼A12345")] == [1, 2, 3, 4, 5]
