"""What a slice for a site holds."""

from __future__ import annotations

import pytest

from collector.downlink import contents
from collector.downlink.contents import next_contents, reference_end
from collector.downlink.slices import DAY_NS, Position, first_day
from collector.registers.intake import NewItem, enter, withdraw
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.declaration_pb2 import Declaration
from tests.unit.collector.reconcile.island import NOON, SITE, Island, a_declaration

YEAR_NS = 365 * DAY_NS
CARRIER = pb.ITEM_KIND_CARRIER


class Gate:
    """What a gate of SITE has, after it took what there was."""

    def __init__(self, island: Island, site: str = SITE) -> None:
        self._island, self._site = island, site
        self.position = 0
        self.has: dict[tuple[int, str], int] = {}
        self.order: list[str] = []

    def take(self, now_ns: int = NOON) -> list[pb.RegisterItem]:
        """The items that come."""
        came: list[pb.RegisterItem] = []
        with self._island.store.read() as connection:
            end = reference_end(connection)
            position = Position.parse(self.position).resumed(end, now_ns)
            while position.index < end:
                page = next_contents(connection, self._site, position, end)
                assert position.index < page.position.index <= end
                position = page.position
                self.order += [Declaration.FromString(body).declaration_id for body in page.declarations]
                came += [pb.RegisterItem.FromString(body) for body in page.items]
        self.position = position.pack()
        for item in came:
            if item.withdrawn:
                self.has.pop((item.kind, item.key), None)
            else:
                self.has[item.kind, item.key] = item.version
        return came


@pytest.fixture
def gate(island: Island) -> Gate:
    return Gate(island)


def put(island: Island, *items: NewItem) -> None:
    with island.store.write() as connection:
        enter(connection, island.ledger, items, NOON)


def carrier(key: str, who: str = "C-1", *, site: str = SITE, expires: int = 0) -> NewItem:
    body = pb.VehicleCarrier(plate=key, carrier_id=who)
    return NewItem.of(CARRIER, key, body, site_id=site, expires_unix_ns=expires)


def test_a_gate_gets_what_is_for_its_site_and_for_all_and_goes_on_from_there(island: Island, gate: Gate) -> None:
    put(island, carrier("A"), carrier("B", site="elsewhere"), carrier("C", site=""))
    island.declare(a_declaration("D-1"), a_declaration("D-2", site="elsewhere"))
    assert [item.key for item in gate.take()] == ["A", "C"]
    assert gate.order == ["D-1"]
    assert gate.take() == []
    put(island, carrier("A", "C-2"))
    assert [(item.key, item.version) for item in gate.take()] == [("A", 2)]


def test_what_stays_at_the_collector_is_never_sent(island: Island, gate: Gate) -> None:
    put(
        island,
        NewItem.of(pb.ITEM_KIND_CREDIT, "X", pb.CreditRecord(declarant_id="X")),
        NewItem.of(pb.ITEM_KIND_JOURNEY, "a/b", pb.Journey(site_id="a", other_site_id="b")),
    )
    assert gate.take() == []


def test_names_are_taken_out_of_a_manifest_before_it_goes_down(island: Island, gate: Gate) -> None:
    ticket = pb.Ticket(pseudonym=bytes(32), ticket_id="T-1", sealed=b"a name", subject_id="subject-1")
    manifest = pb.SailingManifest(sailing_id="S-1", key_id="K-1", tickets=[ticket])
    put(island, NewItem.of(pb.ITEM_KIND_MANIFEST, "S-1", manifest, site_id=SITE))
    [item] = gate.take()
    sent = pb.SailingManifest.FromString(item.body)
    assert sent.tickets == [pb.Ticket(pseudonym=bytes(32), ticket_id="T-1")]
    assert (sent.sailing_id, sent.key_id, item.version) == ("S-1", "K-1", 1)


def test_what_was_withdrawn_comes_as_such_with_nothing_in_it(island: Island, gate: Gate) -> None:
    put(island, carrier("A"))
    gate.take()
    with island.store.write() as connection:
        withdraw(connection, island.ledger, CARRIER, ["A"], NOON)
    [item] = gate.take()
    assert (item.key, item.withdrawn, item.body) == ("A", True, b"")
    assert gate.has == {}


def test_what_expired_long_ago_is_left_out_and_taken_from_those_who_had_it(island: Island, gate: Gate) -> None:
    put(island, carrier("A"), carrier("B", expires=NOON - 30 * DAY_NS), carrier("C", expires=NOON + DAY_NS))
    gate.take()
    assert gate.has == {(CARRIER, "A"): 1, (CARRIER, "C"): 1}
    put(island, carrier("A", "C-2", expires=NOON - 30 * DAY_NS))
    [item] = gate.take()
    assert (item.key, item.withdrawn, item.body) == ("A", True, b"")


def test_what_was_left_out_while_the_collectors_clock_was_ahead_comes_when_it_is_right(
    island: Island, gate: Gate
) -> None:
    put(island, carrier("A", expires=NOON + DAY_NS))
    assert gate.take(NOON + YEAR_NS) == []
    assert [item.key for item in gate.take(NOON)] == ["A"]


def test_an_entry_whose_site_changes_reaches_the_one_before_and_the_one_now(island: Island, gate: Gate) -> None:
    put(island, carrier("A"))
    gate.take()
    put(island, carrier("A", site="elsewhere"))
    assert [(item.key, item.version) for item in gate.take()] == [("A", 2)]
    assert [(item.key, item.version) for item in Gate(island, "elsewhere").take()] == [("A", 2)]


def test_pages_are_bounded_and_keep_the_order_in_which_things_came(
    island: Island, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        island.declare(a_declaration(f"D-{number}"))
        put(island, carrier(f"A-{number}"))
    with island.store.read() as connection:
        end = reference_end(connection)
        monkeypatch.setattr(contents, "PAGE", 3)
        page = next_contents(connection, SITE, Position(0, 0), end)
        assert (len(page.declarations), len(page.items)) == (2, 1)
        monkeypatch.setattr(contents, "PAGE_BYTES", len(page.items[0]))
        page = next_contents(connection, SITE, Position(0, 0), end)
        assert (len(page.declarations), len(page.items)) == (1, 0), "a single one may be larger"
    assert [item.key for item in gate.take()] == [f"A-{number}" for number in range(6)]
    assert gate.order == [f"D-{number}" for number in range(6)]


def test_an_entry_that_no_message_can_hold_is_told_and_passed_over(
    island: Island, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(island, carrier("A"), carrier("B", "C" * 5000), carrier("C"))
    monkeypatch.setattr(contents, "MOST_ENTRY_BYTES", 4000)
    assert [item.key for item in gate.take()] == ["A", "C"]
    with island.store.read() as connection:
        page = next_contents(connection, SITE, Position(first_day(NOON), 0), reference_end(connection))
    assert len(page.too_large) == 1
