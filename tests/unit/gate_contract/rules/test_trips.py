from __future__ import annotations

from decimal import Decimal

from gate_contract.rules.amounts import Absent
from gate_contract.rules.trips import trips_of
from tests.unit.gate_contract.rules.builders import HOUR, NOON, PLATE, a_declaration


def test_declarations_of_one_sailing_are_one_trip_and_others_are_not() -> None:
    trips = trips_of(
        PLATE,
        [
            a_declaration("D-4", departure=NOON),
            a_declaration("D-1", sailing="S-1"),
            a_declaration("D-2", sailing="S-1", departure=0),
            a_declaration("D-3", departure=NOON),
            a_declaration("D-5", departure=0),
            a_declaration("D-6", departure=0),
        ],
    )
    assert [[each.declaration_id for each in trip.declarations] for trip in trips] == [
        ["D-1", "D-2"],
        ["D-3", "D-4"],
        ["D-5"],
        ["D-6"],
    ]
    assert trips[0].departure_unix_ns == NOON + HOUR
    assert trips[2].departure_unix_ns is None


def test_goods_of_one_truck_add_up_and_its_own_masses_count_once() -> None:
    (trip,) = trips_of(
        PLATE,
        [
            a_declaration("D-1", sailing="S", cargo="5000.5", persons=1),
            a_declaration("D-2", sailing="S", cargo="600", persons=2),
        ],
    )
    assert trip.cargo_kilograms == Decimal("5600.5")
    assert trip.vehicle_tare_kilograms == Decimal(12000)
    assert trip.persons == 2
    assert trip.source == "declarations D-1 version 1 and D-2 version 1"


def test_a_vehicle_declared_with_two_empty_masses_has_none() -> None:
    (trip,) = trips_of(
        PLATE, [a_declaration("D-1", sailing="S", tare="12000"), a_declaration("D-2", sailing="S", tare="9000")]
    )
    assert trip.vehicle_tare_kilograms == Absent("given differently: 9000 kg and 12000 kg")


def test_one_declaration_that_gives_the_empty_mass_gives_it_for_all_and_equal_ones_agree() -> None:
    (trip,) = trips_of(
        PLATE,
        [
            a_declaration("D-1", sailing="S", tare=""),
            a_declaration("D-2", sailing="S", tare="12000"),
            a_declaration("D-3", sailing="S", tare="12000.0"),
        ],
    )
    assert trip.vehicle_tare_kilograms == Decimal(12000)


def test_goods_without_a_mass_leave_the_truck_without_one() -> None:
    (trip,) = trips_of(PLATE, [a_declaration("D-1", sailing="S"), a_declaration("D-2", sailing="S", cargo="")])
    assert trip.cargo_kilograms == Absent("not given")


def test_the_driver_counts_where_no_person_is_declared() -> None:
    (trip,) = trips_of(PLATE, [a_declaration(persons=0)])
    assert trip.persons == 1
    assert trip.persons_source == "not declared by D-1 version 1: the driver is counted"
