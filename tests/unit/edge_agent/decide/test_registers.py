"""Register items as the rule book takes them."""

from __future__ import annotations

from decimal import Decimal

from google.protobuf.message import Message

from edge_agent.decide.registers import Key, Registers
from gate_contract.v1 import register_pb2 as pb


def items(*entries: tuple[int, str, Message]) -> dict[Key, pb.RegisterItem | None]:
    return {
        (kind, key): pb.RegisterItem(format=1, kind=kind, key=key, version=1, body=body.SerializeToString())  # type: ignore[arg-type]  # any number
        for kind, key, body in entries
    }


def quantity(name: str, allowed: str = "1") -> tuple[int, str, Message]:
    body = pb.DeclarationQuantity(declaration_id="D-1", name=name, allowed=allowed)
    return pb.ITEM_KIND_QUANTITY, f"D-1/{name}", body


def test_each_register_is_read_into_what_the_rules_take() -> None:
    registers, problems = Registers().with_changes(
        items(
            (pb.ITEM_KIND_SAILING, "S-1", pb.Sailing(sailing_id="S-1", departure_unix_ns=7, cancelled=True)),
            (
                pb.ITEM_KIND_MANIFEST,
                "S-1",
                pb.SailingManifest(
                    sailing_id="S-1", key_id="K-1", tickets=[pb.Ticket(pseudonym=b"p", ticket_id="T-1")]
                ),
            ),
            (pb.ITEM_KIND_CARRIER, "琼A12345", pb.VehicleCarrier(plate="琼A12345", carrier_id="C-1")),
            (pb.ITEM_KIND_POLICY, "", pb.PolicyText(toml="[K05]\n")),
            (pb.ITEM_KIND_SETTLEMENT, "D-1", pb.DeclarationSettlement(declaration_id="D-1", duty_due="7.50")),
            (pb.ITEM_KIND_SELECTION, "D-1", pb.Selection(declaration_id="D-1", drawn=True)),
            quantity("vehicles"),
            quantity("parcels"),
        )
    )
    assert problems == []
    assert (registers.schedule["S-1"].departure_unix_ns, registers.schedule["S-1"].cancelled) == (7, True)
    assert (registers.manifests["S-1"].tickets, registers.keys) == ({b"p": "T-1"}, {"S-1": "K-1"})
    assert registers.carriers == {"琼A12345": "C-1"}
    assert registers.policies == {"": "[K05]\n"}
    assert registers.settlements["D-1"].duty_due == Decimal("7.50")
    assert registers.selections["D-1"].drawn
    assert sorted(registers.quantities["D-1"]) == ["D-1/parcels", "D-1/vehicles"]
    assert registers.counts()["sailings"] == 1


def test_what_does_not_hold_any_more_is_gone_and_the_rest_stays() -> None:
    before, _ = Registers().with_changes(
        items(quantity("vehicles"), quantity("parcels"), (pb.ITEM_KIND_CARRIER, "A", pb.VehicleCarrier(carrier_id="C")))
    )
    after, _ = before.with_changes({(pb.ITEM_KIND_QUANTITY, "D-1/parcels"): None, (pb.ITEM_KIND_CARRIER, "A"): None})
    assert (list(after.quantities["D-1"]), dict(after.carriers)) == (["D-1/vehicles"], {})
    last, _ = after.with_changes({(pb.ITEM_KIND_QUANTITY, "D-1/vehicles"): None, (pb.ITEM_KIND_CARRIER, "B"): None})
    assert dict(last.quantities) == {}
    assert list(before.quantities["D-1"]) == ["D-1/vehicles", "D-1/parcels"], "what others look at never changes"


def test_an_entry_that_this_release_cannot_read_changes_nothing() -> None:
    before, _ = Registers().with_changes(items((pb.ITEM_KIND_CARRIER, "A", pb.VehicleCarrier(carrier_id="C"))))
    newer = pb.RegisterItem(format=2, kind=pb.ITEM_KIND_CARRIER, key="A", version=2)
    broken = pb.RegisterItem(format=1, kind=pb.ITEM_KIND_CARRIER, key="B", version=1, body=b"\xff")
    after, problems = before.with_changes(
        {
            (pb.ITEM_KIND_CARRIER, "A"): newer,
            (pb.ITEM_KIND_CARRIER, "B"): broken,
            (99, "C"): None,
            (pb.ITEM_KIND_CREDIT, "D"): None,
        }
    )
    assert dict(after.carriers) == {"A": "C"}
    assert len(problems) == 4
    assert "format 2" in problems[0]
