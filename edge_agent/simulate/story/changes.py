"""What is changed of a clean vehicle so that one thing is wrong with it. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from edge_agent.simulate.cargo import container_number
from edge_agent.simulate.plates import other_plate_than
from edge_agent.simulate.story import readings
from edge_agent.simulate.story.declared import Box, Cargo, Said
from edge_agent.simulate.story.telling import OTHER_SITE, Teller, Telling
from gate_contract.v1.reading_pb2 import Distance


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


def another_read(_teller: Teller, telling: Telling) -> None:
    """One character is not the booked one, and none that cameras confuse."""
    text = telling.said.vehicle_plate
    digit = next(each for each in "347" if each != text[-1])
    telling.passage.plates[0].text = text[:-1] + digit


def no_plate_of_china(_teller: Teller, telling: Telling) -> None:
    """A plate from elsewhere, as it is booked."""
    said = _say(telling, vehicle_plate=f"XK{telling.said.declaration_id[-3:]}77Q")
    telling.passage.plates[0].text = said.vehicle_plate


def other_trailer(_teller: Teller, telling: Telling) -> None:
    """The camera at the rear reads another plate than the declared one."""
    text = telling.said.trailer_plate
    telling.passage.plates[1].text = text[:2] + ("3774" if "3774" not in text else "7337") + "挂"


def clone(teller: Teller, telling: Telling) -> None:
    """The same plate a minute before, at the other site."""
    before = teller.at() - timedelta(seconds=60)
    there = readings.passage(f"{telling.passage.passage_id}-there", "road", "observation", "outbound", before)
    there.plates.append(readings.plate(telling.said.vehicle_plate, before))
    telling.passages.insert(0, (OTHER_SITE, there))


def out_twice(teller: Teller, telling: Telling) -> None:
    """Went out at the other site three hours before, and never came back."""
    before = teller.at() - timedelta(hours=3)
    there = readings.passage(f"{telling.passage.passage_id}-there", "told-other-out", "vehicle", "outbound", before)
    there.plates.append(readings.plate(telling.said.vehicle_plate, before))
    telling.passages.insert(0, (OTHER_SITE, there))


def other_carrier(_teller: Teller, telling: Telling) -> None:
    """The register knows another carrier than the one that was notified."""
    _say(telling, carrier_id="CARRIER-NOTIFIED")
    telling.carrier_id = "CARRIER-OTHER"


def bad_check_digit(_teller: Teller, telling: Telling) -> None:
    """Its last digit is not the one that ISO 6346 asks for."""
    (at,) = _reads(telling, "container")
    number = _box(telling).number
    telling.passage.readings[at].container.number = number[:-1] + str((int(number[-1]) + 3) % 10)
    telling.passage.readings[at].container.check_digit_ok = False


def foreign_container(_teller: Teller, telling: Telling) -> None:
    """A number that is right, of a box that nobody listed."""
    (at,) = _reads(telling, "container")
    telling.passage.readings[at].container.number = container_number(f"MSKU{telling.said.declaration_id[-3:]}415")


def other_size(_teller: Teller, telling: Telling) -> None:
    """A forty-foot box where twenty feet were declared."""
    (at,) = _reads(telling, "container")
    telling.passage.readings[at].container.size_type = "45R1"


def empty_that_is_full(teller: Teller, telling: Telling) -> None:
    """Declared empty; the distance sensor, the scanner and the scale all find something."""
    _distance(telling).occupied = True
    telling.passage.readings.append(readings.scan(teller.at(), object_class="textiles"))
    telling.passage.weighings[0].kilograms = str(telling.said.gross_kilograms + 9000)


def full_that_is_empty(_teller: Teller, telling: Telling) -> None:
    """Declared full; the lane for empty containers looks in and sees nothing, and weighs it."""
    goods = Cargo("6109", "T-shirts", 1250, 10_000)
    _say(telling, boxes=(replace(_box(telling), fullness="loaded"),), cargo=(goods,))


def _distance(telling: Telling) -> Distance:
    (at,) = _reads(telling, "distance")
    return telling.passage.readings[at].distance


def _weigh_axles(teller: Teller, telling: Telling, kilograms: list[int]) -> None:
    _drop(telling, "axles")
    telling.passage.readings.append(readings.axles(kilograms, teller.at()))


def broken_seal(_teller: Teller, telling: Telling) -> None:
    """The seal was looked at."""
    (at,) = _reads(telling, "seal")
    telling.passage.readings[at].seal.state = "broken"


def heavier(_teller: Teller, telling: Telling) -> None:
    """Three tons more than was declared."""
    telling.passage.weighings[0].kilograms = str(telling.said.gross_kilograms + 3000)


def over_the_limit(teller: Teller, telling: Telling) -> None:
    """As declared, and more than three axles may carry."""
    said = _say(telling, cargo=(replace(telling.said.cargo[0], kilograms=15_000),))
    telling.passage.weighings[0].kilograms = str(said.gross_kilograms)
    _weigh_axles(teller, telling, readings.shares(said.gross_kilograms, 3))


def too_light(_teller: Teller, telling: Telling) -> None:
    """A cargo of which 5 % is less than scale, tare and fuel can be told to."""
    said = _say(telling, cargo=(replace(telling.said.cargo[0], kilograms=1000),))
    telling.passage.weighings[0].kilograms = str(said.gross_kilograms)


def axles_differ(teller: Teller, telling: Telling) -> None:
    """The pads find less than the platform, by more than the error that both may have."""
    _weigh_axles(teller, telling, readings.shares(telling.said.gross_kilograms - 400, 5))


def wrong_verified_mass(_teller: Teller, telling: Telling) -> None:
    """The shipper verified three tons less than the vehicle weighs."""
    _say(telling, verified_gross_kilograms=telling.said.gross_kilograms - 3000)


def other_goods(teller: Teller, telling: Telling) -> None:
    """The scanner sees a class of goods that cannot be the declared one."""
    telling.passage.readings.append(readings.scan(teller.at(), object_class="tobacco"))


def radiates(_teller: Teller, telling: Telling) -> None:
    """The portal gives alarm."""
    (at,) = _reads(telling, "radiation")
    telling.passage.readings[at].radiation.gamma_alarm = True


def drawn(_teller: Teller, telling: Telling) -> None:
    """Of a warned declarant's a share is drawn; the demo's policy draws all of them."""
    telling.credit_class = "warned"


def supervised(_teller: Teller, telling: Telling) -> None:
    """A declarant without credit: every vehicle is inspected and scanned, and here nobody scanned it."""
    telling.credit_class = "seriously dishonest"


def supervised_and_scanned(teller: Teller, telling: Telling) -> None:
    """A declarant without credit, whose goods were scanned and are as declared."""
    telling.credit_class = "seriously dishonest"
    telling.passage.readings.append(readings.scan(teller.at(), object_class=telling.scan_class))


def never_comes(_teller: Teller, telling: Telling) -> None:
    """Its sailing left a day and a half ago."""
    departure = telling.said.departure - timedelta(hours=35)
    _say(telling, departure=departure, lodged=departure - timedelta(hours=5))
    telling.passages.clear()
    telling.finding_of = "declaration"


def undeclared(_teller: Teller, telling: Telling) -> None:
    """Nobody declared it."""
    telling.known.clear()


def declared_late(_teller: Teller, telling: Telling) -> None:
    """Its declaration comes when it has passed."""
    telling.later, telling.known = telling.known, []


def counted(_teller: Teller, telling: Telling) -> None:
    """An officer counts seven packages fewer."""
    telling.counted = telling.said.cargo[0].packages - 7


def lodged_after(teller: Teller, telling: Telling) -> None:
    """A minute after it came."""
    _say(telling, lodged=teller.at() + timedelta(seconds=60))


def amended(_teller: Teller, telling: Telling) -> None:
    """Forty packages more, when it has passed."""
    line = telling.said.cargo[0]
    telling.later = [replace(telling.said, cargo=(replace(line, packages=line.packages + 40),))]
    telling.comes_now = True


def used_before(teller: Teller, telling: Telling) -> None:
    """The same vehicle went out on the same declaration before; nobody saw it come back (V05)."""
    last, before = telling.passage, teller.at() - timedelta(minutes=10)
    first = readings.truck(
        f"{last.passage_id}-first", last.lane_id, telling.said, before
    )  # lanes in series are one way
    telling.passages.insert(0, (telling.said.site_id, first))


def paid_less(_teller: Teller, telling: Telling) -> None:
    """Three quarters of the declared value were paid."""
    _say(telling, value_yuan=200_000)
    telling.settlement = {"paid": "150000", "currency": "CNY"}


def other_parties(_teller: Teller, telling: Telling) -> None:
    """Order, payment and logistics name two parties."""
    telling.settlement = {"order_party": "P-1", "payment_party": "P-2", "logistics_party": "P-1"}


def duty_unpaid(_teller: Teller, telling: Telling) -> None:
    """And the guarantee does not cover it."""
    telling.settlement = {"duty_due": "8000", "duty_paid": "0", "guarantee_left": "1000"}


def no_sailing(_teller: Teller, telling: Telling) -> None:
    """Its sailing is cancelled."""
    _say(telling, sailing_id=f"{telling.said.site_id}-cancelled")
    telling.sailing_cancelled = True


def wanted(_teller: Teller, telling: Telling) -> None:
    """Customs want it held."""
    telling.ordered = "hold"


def wanted_no_more(_teller: Teller, telling: Telling) -> None:
    """Customs wanted it held, until the order expired."""
    telling.ordered = "expired"


def uncertain_clock(_teller: Teller, telling: Telling) -> None:
    """By five seconds."""
    for each in (telling.passage.opened, telling.passage.decided):
        each.error_bound_ns = 5_000_000_000


def two_other_characters(teller: Teller, telling: Telling) -> None:
    """Two characters are not the booked ones."""
    telling.passage.plates[0].text = other_plate_than(telling.said.vehicle_plate, "yellow", teller.chance)
