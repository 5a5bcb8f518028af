"""What is told of vehicles leads to the verdicts that it claims, by the rule book itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from edge_agent.simulate.story.declared import Said
from edge_agent.simulate.story.telling import Teller, Telling, Where
from edge_agent.simulate.story.vehicles import INJECTIONS, Injection, clean
from gate_contract.rules import RULES, Context, Policy, Sailing, Settlement, Sighting, UsedRelease, decide
from gate_contract.v1.decision_pb2 import Action
from gate_contract.v1.declaration_pb2 import (
    FULLNESS_EMPTY,
    FULLNESS_LOADED,
    Declaration,
    DeclaredContainer,
    GoodsItem,
    Money,
)
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND

NOW = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
NEEDS_THE_COLLECTOR = {"D01", "K02", "R01", "X03", "O01", "O02", "D03", "D05"}
"""Codes of rules whose inputs only a running collector has; the demo itself shows them."""


def ns(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000_000


def declaration(said: Said) -> Declaration:
    return Declaration(
        declaration_id=said.declaration_id,
        version=1,
        lodged_unix_ns=ns(said.lodged),
        received_unix_ns=ns(said.lodged),
        site_id=said.site_id,
        direction=DIRECTION_OUTBOUND,
        sailing_id=said.sailing_id,
        departure_unix_ns=ns(said.departure),
        vehicle_plate=said.vehicle_plate,
        trailer_plate=said.trailer_plate,
        vehicle_tare_kilograms=str(said.vehicle_tare_kilograms),
        box_tare_kilograms=str(sum(box.tare_kilograms for box in said.boxes)),
        persons=said.persons,
        cargo_kilograms=str(said.cargo_kilograms),
        goods=[
            GoodsItem(hs_code=line.hs_code, packages=line.packages, gross_kilograms=str(line.kilograms))
            for line in said.cargo
        ],
        containers=[box.number for box in said.boxes],
        equipment=[
            DeclaredContainer(
                number=box.number,
                size_type=box.size_type,
                fullness=FULLNESS_EMPTY if box.fullness == "empty" else FULLNESS_LOADED,
                seals=box.seals,
                tare_kilograms=str(box.tare_kilograms),
            )
            for box in said.boxes
        ],
        declarant_id=said.declarant_id,
        carrier_id=said.carrier_id,
        value=None if said.value_yuan is None else Money(amount=str(said.value_yuan), currency="CNY"),
        verified_gross_kilograms=str(said.verified_gross_kilograms or ""),
    )


def context(telling: Telling) -> Context:
    said = telling.said
    sightings = [
        Sighting(each.passage_id, site, each.opened.wall_unix_ns, each.opened.error_bound_ns, each.direction)
        for site, each in telling.passages
    ]
    earlier = [each for site, each in telling.passages[:-1] if site == said.site_id]
    number = {name: Decimal(text) for name, text in telling.settlement.items() if text.isdecimal()}
    parties = {name[:-6]: text for name, text in telling.settlement.items() if name.endswith("_party")}
    sailing = Sailing(ns(said.departure), telling.sailing_cancelled)
    return Context(
        now_unix_ns=ns(NOW),
        reference_age_s=None,
        goods="regulated",
        site_id=said.site_id,
        sightings={said.vehicle_plate: sightings},
        carriers={said.vehicle_plate: telling.carrier_id} if telling.carrier_id else {},
        used_releases={
            said.declaration_id: [UsedRelease(each.passage_id, each.opened.wall_unix_ns) for each in earlier]
        },
        payments={said.declaration_id: Settlement(currency="CNY", parties=parties, **number)}
        if telling.settlement
        else {},
        sailings={said.sailing_id: sailing},
    )


@pytest.mark.parametrize(
    "injection",
    [each for each in INJECTIONS if not each.codes & NEEDS_THE_COLLECTOR],
    ids=lambda injection: injection.name,
)
def test_each_discrepancy_fires_its_rules_and_no_other(injection: Injection) -> None:
    teller = Teller(7, NOW, "told")
    booked = [declaration(clean(teller).said) for _ in range(30)]
    telling = injection.tell(teller)
    found = decide(
        telling.passage, booked + [declaration(each) for each in telling.known], context(telling), Policy.default()
    )
    assert {each.code for each in found.findings} == telling.codes, [each.explanation for each in found.findings]
    assert Action.Name(found.action) == f"ACTION_{telling.action}"


@pytest.mark.parametrize("where", ["scale", "axles", "empties", "road"])
@pytest.mark.parametrize("told", ["", "for a reason"])
def test_a_clean_vehicle_is_let_go(where: Where, told: str) -> None:
    teller = Teller(7, NOW, "told")
    for _ in range(20):
        telling = clean(teller, where, told=told)
        known = context(telling) if where != "road" else replace(context(telling), goods="free")
        found = decide(telling.passage, [declaration(each) for each in telling.known], known, Policy.default())
        assert [each.explanation for each in found.findings] == []


def test_every_rule_about_vehicles_is_told() -> None:
    told = {code for injection in INJECTIONS for code in injection.codes}
    people = {rule.code for rule in RULES if rule.code.startswith("P")}
    assert {rule.code for rule in RULES} - told - people == {
        "K03",
        "K05",
    }  # stories of their own: journals, a gate alone
