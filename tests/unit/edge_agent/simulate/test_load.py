from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.simulate.frames import rounded
from edge_agent.simulate.load import LoadProfile, load_kilograms
from edge_agent.simulate.plan import OFF_WHOLE_DIVISION
from edge_agent.simulate.site import TREMBLE

PROFILE = LoadProfile()
TRUCK = Decimal(32_760)
masses = st.decimals(min_value=2_000, max_value=60_000, places=2)


@given(st.floats(min_value=-100, max_value=0), masses)
def test_the_scale_is_exactly_empty_before_the_truck(t: float, mass: Decimal) -> None:
    assert load_kilograms(t, mass, PROFILE) == 0


@given(st.floats(min_value=0, max_value=100), st.floats(min_value=0, max_value=20), masses)
def test_the_scale_is_exactly_empty_once_the_last_axle_is_off(after: float, departed: float, mass: Decimal) -> None:
    assert load_kilograms(departed + PROFILE.roll_off_s + 0.001 + after, mass, PROFILE, departed) == 0


def test_axles_roll_on_one_after_another() -> None:
    ramp = [load_kilograms(PROFILE.ramp_s * step / 60, TRUCK, PROFILE) for step in range(60)]
    assert ramp == sorted(ramp)
    front, rear = PROFILE.axle_shares[0], PROFILE.axle_shares[-1]
    assert load_kilograms(PROFILE.ramp_s / 3, TRUCK, PROFILE) == TRUCK * front
    assert load_kilograms(PROFILE.ramp_s * 2 / 3, TRUCK, PROFILE) == TRUCK * (1 - rear)


def test_the_front_axle_leaves_first() -> None:
    third = PROFILE.roll_off_s / 3
    assert load_kilograms(5 + third + 1e-9, TRUCK, PROFILE, 5.0) == TRUCK * (1 - PROFILE.axle_shares[0])


def test_the_platform_bounces_above_the_mass_and_settles() -> None:
    span = PROFILE.settle_s
    bounce = [load_kilograms(PROFILE.ramp_s + span * step / 100, TRUCK, PROFILE) - TRUCK for step in range(100)]
    assert max(bounce) > TRUCK * Decimal("0.01")
    assert max(bounce) <= TRUCK * PROFILE.overshoot + PROFILE.vibration_kilograms
    assert min(bounce) < -PROFILE.vibration_kilograms
    assert max(abs(b) for b in bounce[80:]) < max(abs(b) for b in bounce[:20])


@given(st.floats(min_value=0, max_value=60), masses, st.integers(min_value=0, max_value=500))
def test_a_standing_truck_trembles_within_the_engines_amplitude(after: float, mass: Decimal, seed: int) -> None:
    profile = LoadProfile(seed=seed)
    load = load_kilograms(profile.still_after_s + after, mass, profile)
    assert abs(load - mass) <= profile.vibration_kilograms + Decimal("0.001")


def test_the_engine_can_be_felt() -> None:
    loads = {load_kilograms(1 + n / 50, TRUCK, PROFILE) for n in range(50)}
    assert max(loads) - min(loads) > PROFILE.vibration_kilograms


@given(
    st.integers(min_value=500, max_value=2500),
    st.sampled_from([Decimal(10), Decimal(20), Decimal(50)]),
    st.integers(min_value=-100, max_value=100),
    st.floats(min_value=0, max_value=20),
    st.integers(min_value=0, max_value=500),
)
def test_rounding_makes_a_standing_truck_of_a_plan_show_one_figure(
    divisions: int, division: Decimal, off: int, after: float, seed: int
) -> None:
    mass = divisions * division + Decimal(off) / 100 * OFF_WHOLE_DIVISION * division
    profile = LoadProfile(vibration_kilograms=TREMBLE * division, seed=seed)
    load = load_kilograms(profile.still_after_s + after, mass, profile)
    assert rounded(load, division) == divisions * division


def test_the_same_arguments_give_the_same_load_and_another_seed_another_tremble() -> None:
    def curve(seed: int) -> list[Decimal]:
        return [load_kilograms(n / 40, TRUCK, LoadProfile(seed=seed), 2.0) for n in range(120)]

    assert curve(7) == curve(7)
    assert curve(7) != curve(8)
