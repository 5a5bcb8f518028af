from decimal import Decimal

import pytest

from edge_agent.drivers.scale.uncertainty import (
    AccuracyClass,
    AxleClass,
    MotionClass,
    axle_by_axle_uncertainty,
    axle_load_uncertainty,
    in_motion_uncertainty,
    in_service_error,
    standard_uncertainty,
    verification_error,
)

E = Decimal(20)


@pytest.mark.parametrize(
    ("accuracy_class", "divisions", "half_divisions"),
    [
        ("I", 50_000, 1),
        ("I", 50_001, 2),
        ("I", 200_000, 2),
        ("I", 200_001, 3),
        ("II", 5_000, 1),
        ("II", 5_001, 2),
        ("II", 20_000, 2),
        ("II", 20_001, 3),
        ("III", 0, 1),
        ("III", 500, 1),
        ("III", 501, 2),
        ("III", 2_000, 2),
        ("III", 2_001, 3),
        ("III", 10_000, 3),
        ("IIII", 50, 1),
        ("IIII", 51, 2),
        ("IIII", 200, 2),
        ("IIII", 201, 3),
    ],
)
def test_errors_step_at_the_loads_of_r76_and_double_in_service(
    accuracy_class: AccuracyClass, divisions: int, half_divisions: int
) -> None:
    error = E * half_divisions / 2
    assert verification_error(divisions * E, E, accuracy_class) == error
    assert verification_error(-divisions * E, E, accuracy_class) == error
    assert in_service_error(divisions * E, E, accuracy_class) == 2 * error


def test_a_truck_on_a_weighbridge_has_the_uncertainty_worked_out_by_hand() -> None:
    # 30 t at e = 20 kg are 1,500 e: 2 e = 40 kg in service; √(40²/3 + 20²/12) = √566.67 = 23.805, rounded up.
    assert standard_uncertainty(Decimal(30_000), E) == Decimal("23.81")
    # 45 t are 2,250 e: 3 e = 60 kg; √(60²/3 + 20²/12) = √1233.3 = 35.119.
    assert standard_uncertainty(Decimal(45_000), E) == Decimal("35.12")


def test_without_a_division_the_uncertainty_is_the_worst_that_the_class_allows() -> None:
    # 5 % of 40 t is 2 t; 2,000 / √3 = 1,154.7.
    assert standard_uncertainty(Decimal(40_000), None) == Decimal(1155)
    assert standard_uncertainty(Decimal(40_000), None) > standard_uncertainty(Decimal(40_000), Decimal(50))


@pytest.mark.parametrize(("motion_class", "expected"), [("5", "1154.8"), ("10", "2309.5"), ("0.2", "46.19")])
def test_a_class_of_weighing_in_motion_is_its_error_in_percent(motion_class: MotionClass, expected: str) -> None:
    got = in_motion_uncertainty(Decimal(40_000), motion_class)
    assert Decimal(expected) <= got <= Decimal(expected) * Decimal("1.001")


def test_in_motion_the_error_is_at_least_two_intervals_an_axle() -> None:
    # 1 t in class 5 may be 50 kg off; 5 axles at 20 kg are 200 kg: √(200²/3 + 20²/12) = 115.61.
    assert in_motion_uncertainty(Decimal(1_000), "5", division=Decimal(20), axles=5) == Decimal("115.7")
    # 40 t: 5 % are 2 t, far above: √(2000²/3 + 20²/12) = 1154.72.
    assert in_motion_uncertainty(Decimal(40_000), "5", division=Decimal(20), axles=5) == Decimal(1155)
    assert in_motion_uncertainty(Decimal(40_000), "10") > in_motion_uncertainty(Decimal(40_000), "5")


@pytest.mark.parametrize(("axle_class", "percent"), [("A", "0.5"), ("C", "1.5"), ("D", "2"), ("E", "4"), ("F", "8")])
def test_an_axles_load_in_motion_has_a_class_of_its_own(axle_class: AxleClass, percent: str) -> None:
    load = Decimal(10_000)
    expected = load * Decimal(percent) / 100 / Decimal(3).sqrt()
    assert expected <= axle_load_uncertainty(load, axle_class) <= expected * Decimal("1.001")
    # A light axle: two intervals of 50 kg; √(100²/3 + 50²/12) = 59.51.
    assert axle_load_uncertainty(Decimal(100), axle_class, division=Decimal(50)) == Decimal("59.52")


def test_axles_weighed_one_after_the_other_on_one_scale_add_their_uncertainties() -> None:
    parts = [Decimal(6_240), Decimal(10_060)]
    each = [standard_uncertainty(part, E, "IIII") for part in parts]
    assert axle_by_axle_uncertainty(parts, E, "IIII") == sum(each)
    assert axle_by_axle_uncertainty(parts, E, "IIII") > standard_uncertainty(sum(parts, Decimal(0)), E, "IIII")
