"""What can be wrong with a vehicle, rule by rule. The verdicts are from the rule book's text, not from its code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from edge_agent.simulate.cargo import container_number
from edge_agent.simulate.plates import other_plate_than
from edge_agent.simulate.story import readings
from edge_agent.simulate.story.declared import Box, Said
from edge_agent.simulate.story.telling import Teller, Telling

OTHER_SITE = "told-other"
"""A second terminal, where nothing needs a declaration."""

Lane = Literal["vehicle", "empty-container"]


@dataclass(frozen=True, slots=True)
class Injection:
    """One thing that is wrong, the codes of all rules that must fire, and the action due."""

    name: str
    codes: frozenset[str]
    action: str
    change: Callable[[Teller, Telling], None]
    lane: Lane = "vehicle"

    def tell(self, teller: Teller) -> Telling:
        """One vehicle with this wrong with it."""
        telling = clean(teller, self.lane)
        telling.name, telling.codes, telling.action = self.name, self.codes, self.action
        self.change(teller, telling)
        return telling


def clean(teller: Teller, lane: Lane = "vehicle") -> Telling:
    """A vehicle that is exactly as it was declared."""
    said, scan_class = teller.said()
    telling = Telling("clean", frozenset(), "RELEASE", said, scan_class, known=[said])
    name = f"{said.site_id}-{lane}-{said.declaration_id[-3:]}"
    telling.passages.append((said.site_id, readings.truck(name, f"told-{lane}", said, teller.at(), lane)))
    return telling


def _say(telling: Telling, **changes: object) -> Said:
    """Another declaration than the vehicle is; before the passage."""
    telling.said = replace(telling.said, **changes)  # type: ignore[arg-type]  # fields of Said
    telling.known = [telling.said]
    return telling.said


def _box(telling: Telling) -> Box:
    return telling.said.boxes[0]


def _reads(telling: Telling, kind: str) -> list[int]:
    """Positions of the passage's readings of one kind."""
    return [at for at, each in enumerate(telling.passage.readings) if each.WhichOneof("body") == kind]


def _drop(telling: Telling, kind: str) -> None:
    for at in reversed(_reads(telling, kind)):
        del telling.passage.readings[at]


def _another_read(_teller: Teller, telling: Telling) -> None:
    """One character is not the booked one, and none that cameras confuse."""
    text = telling.said.vehicle_plate
    digit = next(each for each in "347" if each != text[-1])
    telling.passage.plates[0].text = text[:-1] + digit


def _no_plate_of_china(_teller: Teller, telling: Telling) -> None:
    said = _say(telling, vehicle_plate=f"XK{telling.said.declaration_id[-3:]}77Q")
    telling.passage.plates[0].text = said.vehicle_plate


def _other_trailer(_teller: Teller, telling: Telling) -> None:
    text = telling.said.trailer_plate
    telling.passage.plates[1].text = text[:2] + ("3774" if "3774" not in text else "7337") + "挂"


def _clone(teller: Teller, telling: Telling) -> None:
    """The same plate a minute before, at the other site."""
    before = teller.at() - timedelta(seconds=60)
    there = readings.passage(
        f"{telling.passage.passage_id}-there", "told-other-lane", "observation", "outbound", before
    )
    there.plates.append(readings.plate(telling.said.vehicle_plate, before))
    telling.passages.insert(0, (OTHER_SITE, there))


def _out_twice(teller: Teller, telling: Telling) -> None:
    """Went out at the other site three hours before, and never came back."""
    before = teller.at() - timedelta(hours=3)
    there = readings.passage(f"{telling.passage.passage_id}-there", "told-other-out", "vehicle", "outbound", before)
    there.plates.append(readings.plate(telling.said.vehicle_plate, before))
    telling.passages.insert(0, (OTHER_SITE, there))


def _other_carrier(_teller: Teller, telling: Telling) -> None:
    _say(telling, carrier_id="CARRIER-NOTIFIED")
    telling.carrier_id = "CARRIER-OTHER"


def _bad_check_digit(_teller: Teller, telling: Telling) -> None:
    (at,) = _reads(telling, "container")
    number = _box(telling).number
    telling.passage.readings[at].container.number = number[:-1] + str((int(number[-1]) + 3) % 10)
    telling.passage.readings[at].container.check_digit_ok = False


def _foreign_container(_teller: Teller, telling: Telling) -> None:
    (at,) = _reads(telling, "container")
    telling.passage.readings[at].container.number = container_number(f"MSKU{telling.said.declaration_id[-3:]}415")


def _other_size(_teller: Teller, telling: Telling) -> None:
    (at,) = _reads(telling, "container")
    telling.passage.readings[at].container.size_type = "45R1"


def _empty_that_is_full(teller: Teller, telling: Telling) -> None:
    """Declared empty; the distance sensor and the scanner both see something."""
    said = _say(telling, boxes=(replace(_box(telling), fullness="empty", seals=()),), cargo=())
    remade = readings.truck(telling.passage.passage_id, "told-empty-container", said, teller.at(), "empty-container")
    remade.readings.append(readings.distance(teller.at(), occupied=True))
    remade.readings.append(readings.scan(teller.at(), object_class="textiles"))
    telling.passages[-1] = (said.site_id, remade)


def _full_that_is_empty(teller: Teller, telling: Telling) -> None:
    """Declared full; the lane for empty containers looks in and sees nothing. It has no scale."""
    telling.passage.readings.append(readings.distance(teller.at(), occupied=False))
    del telling.passage.weighings[:]


def _broken_seal(_teller: Teller, telling: Telling) -> None:
    (at,) = _reads(telling, "seal")
    telling.passage.readings[at].seal.state = "broken"


def _heavier(_teller: Teller, telling: Telling) -> None:
    telling.passage.weighings[0].kilograms = str(telling.said.gross_kilograms + 3000)


def _over_the_limit(teller: Teller, telling: Telling) -> None:
    """As declared, and more than three axles may carry."""
    cargo = replace(telling.said.cargo[0], kilograms=15_000)
    said = _say(telling, cargo=(cargo,))
    telling.passage.weighings[0].kilograms = str(said.gross_kilograms)
    third = said.gross_kilograms // 3
    shares = (third, third, said.gross_kilograms - 2 * third)
    telling.passage.readings.append(readings.axles(shares, teller.at()))


def _coarse_scale(_teller: Teller, telling: Telling) -> None:
    telling.passage.weighings[0].uncertainty_kilograms = "800"


def _axles_differ(teller: Teller, telling: Telling) -> None:
    share = (telling.said.gross_kilograms - 2000) // 5
    telling.passage.readings.append(readings.axles((share,) * 5, teller.at()))


def _wrong_verified_mass(_teller: Teller, telling: Telling) -> None:
    _say(telling, verified_gross_kilograms=telling.said.gross_kilograms - 3000)


def _other_goods(teller: Teller, telling: Telling) -> None:
    telling.passage.readings.append(readings.scan(teller.at(), object_class="tobacco"))


def _radiates(_teller: Teller, telling: Telling) -> None:
    (at,) = _reads(telling, "radiation")
    telling.passage.readings[at].radiation.gamma_alarm = True


def _drawn(_teller: Teller, telling: Telling) -> None:
    """Of a warned declarant's a share is drawn; the demo's policy draws all of them."""
    telling.credit_class = "warned"


def _supervised(_teller: Teller, telling: Telling) -> None:
    """A declarant without credit: every vehicle is inspected and scanned, and here nobody scanned it."""
    telling.credit_class = "seriously dishonest"


def _supervised_and_scanned(teller: Teller, telling: Telling) -> None:
    telling.credit_class = "seriously dishonest"
    telling.passage.readings.append(readings.scan(teller.at(), object_class=telling.scan_class))


def _never_comes(_teller: Teller, telling: Telling) -> None:
    departure = telling.said.departure - timedelta(hours=35)
    _say(telling, departure=departure, lodged=departure - timedelta(hours=5))
    telling.passages.clear()
    telling.finding_of = "declaration"


def _undeclared(_teller: Teller, telling: Telling) -> None:
    telling.known.clear()


def _declared_late(_teller: Teller, telling: Telling) -> None:
    telling.later, telling.known = telling.known, []


def _counted(_teller: Teller, telling: Telling) -> None:
    telling.counted = telling.said.cargo[0].packages - 7


def _lodged_after(teller: Teller, telling: Telling) -> None:
    _say(telling, lodged=teller.at() + timedelta(seconds=60))


def _amended(_teller: Teller, telling: Telling) -> None:
    line = telling.said.cargo[0]
    telling.later = [replace(telling.said, cargo=(replace(line, packages=line.packages + 40),))]
    telling.comes_now = True


def _used_before(teller: Teller, telling: Telling) -> None:
    """The same vehicle went out on the same declaration ten minutes before; nobody saw it come back (V05)."""
    at = teller.at() - timedelta(minutes=10)
    name = f"{telling.passage.passage_id}-first"
    telling.passages.insert(0, (telling.said.site_id, readings.truck(name, "told-vehicle", telling.said, at)))


def _paid_less(_teller: Teller, telling: Telling) -> None:
    _say(telling, value_yuan=200_000)
    telling.settlement = {"paid": "150000", "currency": "CNY"}


def _other_parties(_teller: Teller, telling: Telling) -> None:
    telling.settlement = {"order_party": "P-1", "payment_party": "P-2", "logistics_party": "P-1"}


def _duty_unpaid(_teller: Teller, telling: Telling) -> None:
    telling.settlement = {"duty_due": "8000", "duty_paid": "0", "guarantee_left": "1000"}


def _no_sailing(_teller: Teller, telling: Telling) -> None:
    _say(telling, sailing_id=f"{telling.said.site_id}-cancelled")
    telling.sailing_cancelled = True


def _wanted(_teller: Teller, telling: Telling) -> None:
    telling.ordered, telling.comes_now = "hold", True


def _wanted_no_more(_teller: Teller, telling: Telling) -> None:
    telling.ordered, telling.comes_now = "expired", True


def _uncertain_clock(_teller: Teller, telling: Telling) -> None:
    for each in (telling.passage.opened, telling.passage.decided):
        each.error_bound_ns = 5_000_000_000


def _two_other_characters(teller: Teller, telling: Telling) -> None:
    telling.passage.plates[0].text = other_plate_than(telling.said.vehicle_plate, "yellow", teller.chance)


def _injection(
    name: str, codes: str, action: str, change: Callable[[Teller, Telling], None], lane: Lane = "vehicle"
) -> Injection:
    return Injection(name, frozenset(codes.split()), action, change, lane)


INJECTIONS = (
    _injection("one character read otherwise", "V01", "REVIEW", _another_read),
    _injection("two characters read otherwise", "V01", "HOLD", _two_other_characters),
    _injection("no plate of the mainland", "V02", "REVIEW", _no_plate_of_china),
    _injection("another trailer", "V03", "REVIEW", _other_trailer),
    _injection("one plate at two sites", "V04", "HOLD", _clone),
    _injection("out twice", "V05", "REVIEW", _out_twice),
    _injection("another carrier", "V06", "HOLD", _other_carrier),
    _injection("check digit wrong", "C01", "REVIEW", _bad_check_digit),
    _injection("container not listed", "C02", "HOLD", _foreign_container),
    _injection("another size", "C03", "REVIEW", _other_size),
    _injection("empty container that is full", "C05", "HOLD", _empty_that_is_full, "empty-container"),
    _injection("full container that is empty", "C06", "INSPECT", _full_that_is_empty, "empty-container"),
    _injection("seal broken", "C07", "HOLD", _broken_seal),
    _injection("heavier than declared", "W01", "INSPECT", _heavier),
    _injection("over the legal limit", "W02", "HOLD", _over_the_limit),
    _injection("scale too coarse", "W03", "REVIEW", _coarse_scale),
    _injection("axles and total disagree", "W04", "REVIEW", _axles_differ),
    _injection("verified mass wrong", "W05", "HOLD", _wrong_verified_mass),
    _injection("other goods in the scan", "X01", "REVIEW", _other_goods),
    _injection("radiation alarm", "X02", "HOLD", _radiates),
    _injection("drawn for inspection", "R01", "INSPECT", _drawn),
    _injection("ordered scan missing", "R01 X03", "HOLD", _supervised),
    _injection("supervised declarant", "R01", "INSPECT", _supervised_and_scanned),
    _injection("declared, never seen", "D01", "REVIEW", _never_comes),
    _injection("not declared", "D02", "HOLD", _undeclared),
    _injection("packages counted otherwise", "D03", "INSPECT", _counted),
    _injection("lodged after the vehicle came", "D04", "REVIEW", _lodged_after),
    _injection("amended afterwards", "D05 K02", "REVIEW", _amended),
    _injection("declaration used twice", "D06 V05", "HOLD", _used_before),
    _injection("paid less than declared", "M01", "REVIEW", _paid_less),
    _injection("parties disagree", "M02", "INSPECT", _other_parties),
    _injection("duty unpaid", "M03", "HOLD", _duty_unpaid),
    _injection("sailing cancelled", "S01", "REVIEW", _no_sailing),
    _injection("control order", "O01", "HOLD", _wanted),
    _injection("control order expired", "O02", "RELEASE", _wanted_no_more),
    _injection("clock uncertain", "K01", "RELEASE", _uncertain_clock),
    _injection("declared late", "K02", "REVIEW", _declared_late),
)
"""Everything that can be told of a vehicle."""
