from decimal import Decimal

import pytest

from edge_agent.drivers.scale.uncertainty import (
    AccuracyClass,
    MotionClass,
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
