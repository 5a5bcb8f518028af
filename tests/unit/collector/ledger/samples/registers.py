from __future__ import annotations

from collector.registers.intake import NewItem, enter, withdraw
from gate_contract.v1 import register_pb2 as pb
from tests.unit.collector.collected import Collected


def fill(collected: Collected) -> None:
    """A sailing in two versions, of which the second takes it back, and a carrier."""
    sailing = pb.Sailing(sailing_id="HN-1", site_id="haikou", ship="Haikou 8")
    items = [
        NewItem.of(pb.ITEM_KIND_SAILING, "HN-1", sailing, site_id="haikou", expires_unix_ns=collected.now_ns + 10**15),
        NewItem.of(pb.ITEM_KIND_CARRIER, "琼A12345", pb.VehicleCarrier(plate="琼A12345", carrier_id="C-1")),
    ]
    with collected.store.write() as connection:
        enter(connection, collected.ledger, items, collected.now_ns)
        withdraw(connection, collected.ledger, pb.ITEM_KIND_SAILING, ["HN-1"], collected.now_ns)
