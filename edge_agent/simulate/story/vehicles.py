"""What can be wrong with a vehicle, rule by rule. The verdicts are from the rule book's text, not from its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from edge_agent.simulate.story import changes, readings
from edge_agent.simulate.story.telling import OTHER_SITE, Teller, Telling, Where

PHOTOGRAPHS = "needs photographs"
HOURS = "needs hours"
CLOCK = "needs another clock than this machine's"
SYNCHRONISED = "needs a clock that is synchronised, which this machine's may not be"


@dataclass(frozen=True, slots=True)
class Injection:
    """One thing that is wrong, the codes of all rules that must fire, and the action due.

    `told` says why it is told; "" where devices say it.
    """

    name: str
    codes: frozenset[str]
    action: str
    change: Callable[[Teller, Telling], None]
    where: Where = "scale"
    told: str = ""

    def tell(self, teller: Teller) -> Telling:
        """One vehicle with this wrong with it."""
        telling = clean(teller, self.where, told=self.told)
        telling.name, telling.codes, telling.action = self.name, self.codes, self.action
        self.change(teller, telling)
        return telling


def clean(teller: Teller, where: Where = "scale", *, told: str = "") -> Telling:
    """A vehicle that is exactly as it was declared; at the observation point of the other site nobody declares any."""
    said, scan_class = teller.said()
    if where == "empties":
        said = replace(said, boxes=(replace(said.boxes[0], fullness="empty", seals=()),), cargo=())
    telling = Telling("clean", frozenset(), "RELEASE", said, scan_class, where=where, told=told, known=[said])
    name = f"{said.site_id}-{where}-{said.declaration_id[-3:]}"
    if where == "road":
        telling.known = []
        message = readings.passage(name, "road", "observation", "outbound", teller.at())
        message.plates.append(readings.plate(said.vehicle_plate, teller.at()))
        telling.passages.append((OTHER_SITE, message))
        return telling
    kind = "empty-container" if where == "empties" else "vehicle"
    message = readings.truck(name, f"told-{where}", said, teller.at(), kind, eyes=bool(told))
    if where == "axles":
        message.readings.append(readings.axles(readings.shares(said.gross_kilograms, 5), teller.at()))
    telling.passages.append((said.site_id, message))
    return telling


def _injection(
    name: str,
    codes: str,
    action: str,
    change: Callable[[Teller, Telling], None],
    where: Where = "scale",
    told: str = "",
) -> Injection:
    return Injection(name, frozenset(codes.split()), action, change, where, told)


INJECTIONS = (
    _injection("one character read otherwise", "V01", "REVIEW", changes.another_read),
    _injection("two characters read otherwise", "V01", "HOLD", changes.two_other_characters),
    _injection("no plate of the mainland", "V02", "REVIEW", changes.no_plate_of_china),
    _injection("another trailer", "V03", "REVIEW", changes.other_trailer),
    _injection("one plate at two sites", "V04", "HOLD", changes.clone, told=SYNCHRONISED),
    _injection("out twice", "V05", "REVIEW", changes.out_twice, told=HOURS),
    _injection("another carrier", "V06", "HOLD", changes.other_carrier),
    _injection("check digit wrong", "C01", "REVIEW", changes.bad_check_digit, told=PHOTOGRAPHS),
    _injection("container not listed", "C02", "HOLD", changes.foreign_container, told=PHOTOGRAPHS),
    _injection("another size", "C03", "REVIEW", changes.other_size, told=PHOTOGRAPHS),
    _injection("empty container that is full", "C05 W01", "HOLD", changes.empty_that_is_full, "empties"),
    _injection("full container that is empty", "C06 W01", "INSPECT", changes.full_that_is_empty, "empties"),
    _injection("seal broken", "C07", "HOLD", changes.broken_seal, told=PHOTOGRAPHS),
    _injection("heavier than declared", "W01", "INSPECT", changes.heavier),
    _injection("over the legal limit", "W02", "HOLD", changes.over_the_limit, "axles"),
    _injection("cargo too light to be weighed", "W03", "REVIEW", changes.too_light),
    _injection("axles and total disagree", "W04", "REVIEW", changes.axles_differ, "axles"),
    _injection("verified mass wrong", "W05", "HOLD", changes.wrong_verified_mass),
    _injection("other goods in the scan", "X01", "REVIEW", changes.other_goods),
    _injection("radiation alarm", "X02", "HOLD", changes.radiates),
    _injection("drawn for inspection", "R01", "INSPECT", changes.drawn),
    _injection("ordered scan missing", "R01 X03", "HOLD", changes.supervised),
    _injection("supervised declarant", "R01", "INSPECT", changes.supervised_and_scanned),
    _injection("declared, never seen", "D01", "REVIEW", changes.never_comes, told=HOURS),
    _injection("not declared", "D02", "HOLD", changes.undeclared),
    _injection("packages counted otherwise", "D03 K02", "INSPECT", changes.counted),
    _injection("lodged after the vehicle came", "D04", "REVIEW", changes.lodged_after, told=SYNCHRONISED),
    _injection("amended afterwards", "D05 K02", "REVIEW", changes.amended, told=SYNCHRONISED),
    _injection("declaration used twice", "D06 V05", "HOLD", changes.used_before, told=SYNCHRONISED),
    _injection("paid less than declared", "M01", "REVIEW", changes.paid_less),
    _injection("parties disagree", "M02", "INSPECT", changes.other_parties),
    _injection("duty unpaid", "M03", "HOLD", changes.duty_unpaid),
    _injection("sailing cancelled", "S01", "REVIEW", changes.no_sailing),
    _injection("control order", "O01", "HOLD", changes.wanted),
    _injection("control order expired", "O02", "RELEASE", changes.wanted_no_more),
    _injection("clock uncertain", "K01", "RELEASE", changes.uncertain_clock, told=CLOCK),
    _injection("declared late", "K02", "REVIEW", changes.declared_late),
)
"""Everything that can be wrong with a vehicle."""
