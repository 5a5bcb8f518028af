from __future__ import annotations

import random

import pytest

from edge_agent.simulate.cargo import VEHICLES, VehicleClass, container_number, draw_load


@pytest.mark.parametrize("number", ["CSQU3054383", "MSKU9070323", "TGHU7599330"])
def test_check_digits_are_those_of_iso_6346(number: str) -> None:
    assert container_number(number[:-1]) == number


@pytest.mark.parametrize("kind", VEHICLES)
def test_a_load_stays_within_its_vehicles_class(kind: VehicleClass) -> None:
    for seed in range(50):
        load = draw_load(kind, random.Random(seed))
        assert kind.tare_kilograms[0] <= load.vehicle_tare_kilograms <= kind.tare_kilograms[1]
        assert kind.cargo_kilograms[0] <= load.cargo_kilograms <= kind.cargo_kilograms[1]
        assert bool(load.containers) == kind.with_trailer == (load.box_tare_kilograms > 0)
        assert load.persons in {1, 2}
        assert all(line.packages >= 1 and line.gross_kilograms > 0 for line in load.goods)


def test_light_trucks_are_within_their_legal_mass() -> None:
    light = [kind for kind in VEHICLES if not kind.laden]
    assert {kind.colour for kind in light} == {"blue", "newEnergyGreen"}
    assert all(kind.tare_kilograms[1] + 150 <= 4_500 for kind in light)
