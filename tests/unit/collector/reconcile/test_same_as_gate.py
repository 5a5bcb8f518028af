"""Edge = centre: with the same reference data a gate and the collector decide the same, to the byte."""

from __future__ import annotations

from typing import Literal

import pytest

from collector.registers.intake import NewItem
from edge_agent.decide.known import Known
from edge_agent.decide.registers import Registers
from edge_agent.decide.vehicle import Judge
from edge_agent.model.moment import Moment, MonoNs, WallNs
from gate_contract.registers import FORMAT
from gate_contract.rules import BookingIndex, Policy, open_orders
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import Decision, ReleaseMode
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.register_pb2 import RegisterItem
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_UNSYNCHRONISED
from tests.unit.collector.reconcile.island import HOUR, NOON, PLATE, SITE, Island, a_declaration, a_passage, codes
from tests.unit.collector.reconcile.registers import manifest, officers, order, policy, sailing, traveller

ONE, OTHER = b"1" * 32, b"3" * 32
POLICY = "[W01]\nshare_of_declared_percent = 4\n"


def declared() -> Declaration:
    made = a_declaration(sailing="HN-1")
    made.carrier_id, made.declarant_id = "C-1", "E-1"
    made.goods.add(hs_code="610910", packages=12)
    made.value.amount, made.value.currency = "1000", "CNY"
    return made


def items() -> list[NewItem]:
    paid = pb.DeclarationSettlement(declaration_id="D-1", paid="1000", currency="CNY", duty_due="5", duty_paid="5")
    drawn = pb.Selection(declaration_id="D-1", mode=ReleaseMode.RELEASE_MODE_SAMPLING, drawn=False)
    quantity = pb.DeclarationQuantity(
        declaration_id="D-1", name="vehicles", allowed="1", unit="vehicles", used_per_passage="1"
    )
    return [
        *officers(),
        order("粤C99999"),
        sailing(),
        manifest({ONE: "s-1"}),
        policy(POLICY, SITE),
        NewItem.of(pb.ITEM_KIND_SETTLEMENT, "D-1", paid),
        NewItem.of(pb.ITEM_KIND_SELECTION, "D-1", drawn),
        NewItem.of(pb.ITEM_KIND_QUANTITY, "D-1/vehicles", quantity),
        NewItem.of(pb.ITEM_KIND_CARRIER, PLATE, pb.VehicleCarrier(plate=PLATE, carrier_id="C-1")),
    ]


def unpaid() -> NewItem:
    return NewItem.of(
        pb.ITEM_KIND_SETTLEMENT, "D-1", pb.DeclarationSettlement(declaration_id="D-1", duty_due="5", duty_paid="0")
    )


def at_the_gate(
    passage: Passage,
    sent: list[NewItem],
    declarations: list[Declaration],
    goods: Literal["regulated", "free"] = "regulated",
) -> Decision:
    """What a gate decides on the same declarations and items."""
    held: dict[tuple[int, str], RegisterItem | None] = {
        (each.kind, each.key): RegisterItem(
            format=FORMAT, kind=each.kind, key=each.key, version=1, site_id=each.site_id, body=each.body
        )
        for each in sent
    }
    registers, problems = Registers().with_changes(held)
    assert problems == []
    orders, _ = open_orders([body for _, body in sorted(registers.orders.items())], registers.officers, NOON)
    known = Known(
        BookingIndex(declarations),
        0,
        registers=registers,
        orders=orders,
        policy=Policy.from_toml(registers.policies[SITE]),
    )
    judge = Judge(SITE, goods, Policy.default(), lambda _now: known)
    decision = judge(passage, Moment(WallNs(NOON), MonoNs(0), b"boot", synchronised=True))
    decision.ClearField("reference_age_s")  # the age of a copy is what the gate says of itself
    for finding in decision.findings:
        kept = [each for each in finding.inputs if each.name != "reference_age_seconds"]
        del finding.inputs[:]
        finding.inputs.extend(kept)
    return decision


@pytest.mark.parametrize(
    ("passage", "more", "expected"),
    [
        (a_passage(), [], []),
        (a_passage(kilograms="29000"), [], ["W01"]),
        (a_passage(plates=["琼A1234S"]), [], ["V01"]),
        (a_passage(plates=["粤C99999"]), [], ["O01", "D02"]),
        (a_passage(), [unpaid()], ["M03"]),
        (a_passage(), [sailing(cancelled=True)], ["S01"]),
        (a_passage(), [order()], ["O01"]),
        (a_passage(), [order(approver="customs1")], ["O02"]),
        (a_passage(clock=CLOCK_STATE_UNSYNCHRONISED), [], []),
    ],
)
def test_a_gate_and_the_collector_decide_the_same(
    island: Island, passage: Passage, more: list[NewItem], expected: list[str]
) -> None:
    sent = [*items(), *more]
    island.enter(*sent)
    island.declare(declared(), at=NOON - HOUR)
    island.receive(passage)
    island.reconcile(NOON)
    [verdict] = island.verdicts()
    assert codes(verdict) == expected
    gate = at_the_gate(passage, sent, [with_version(declared())])
    assert gate.SerializeToString(deterministic=True) == verdict.decision.SerializeToString(deterministic=True)


@pytest.mark.parametrize(("pseudonym", "expected"), [(ONE, []), (OTHER, ["P01"])])
def test_on_foot_they_decide_the_same_but_for_the_days_that_only_the_collector_can_count(
    island: Island, pseudonym: bytes, expected: list[str]
) -> None:
    passage = traveller([pseudonym])
    passage.lane_id = "first-line"
    island.enter(*items())
    island.receive(passage)
    island.reconcile(NOON)
    [verdict] = island.verdicts("T-1")
    ours = [each for each in verdict.decision.findings if each.code != "P08"]
    assert [each.code for each in ours] == expected
    assert list(at_the_gate(passage, items(), [], "free").findings) == ours


def with_version(declaration: Declaration) -> Declaration:
    declaration.version, declaration.received_unix_ns = 1, NOON - HOUR
    return declaration
