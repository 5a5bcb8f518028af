from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from edge_agent.drivers.scale.stability import LONGEST_PAUSE_MS, StabilityDetector
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import Stability, StableWeight, Weight, WeightSample, WeightUnit

MILLISECOND = 1_000_000
STEP = 100


def sample(
    at_ms: int, kilograms: str, *, stable: bool | None = None, unit: WeightUnit = "kg", kind: str = "gross"
) -> WeightSample:
    moment = Moment(WallNs(0), MonoNs(at_ms * MILLISECOND), b"boot", synchronised=True)
    weight = Weight(Decimal(kilograms), unit, "net" if kind == "net" else "gross", stable, None, b"")
    return WeightSample("scale-1", moment, weight)


def samples(weights: Iterable[str], *, stable: bool | None = None, start_ms: int = 0) -> list[WeightSample]:
    return [sample(start_ms + STEP * index, weight, stable=stable) for index, weight in enumerate(weights)]


def detector(division: Decimal | None = Decimal(20), min_samples: int = 5) -> StabilityDetector:
    return StabilityDetector("scale-1", 1_000, min_samples, division, Decimal(500))


def found(subject: StabilityDetector, feed: Iterable[WeightSample]) -> list[StableWeight]:
    return [stable for stable in map(subject.feed, feed) if stable]


def test_without_a_motion_bit_rest_is_inferred_after_the_whole_window() -> None:
    subject = detector()
    feed = samples(["15240"] * 11)
    assert found(subject, feed[:10]) == []
    (stable,) = found(subject, feed[10:])
    assert (stable.stability, stable.samples, stable.span_ms) == (Stability.INFERRED, 11, 1_000)
    assert (stable.device_id, stable.at, stable.weight) == ("scale-1", feed[10].at, feed[10].weight)
    assert stable.division_kilograms == Decimal(20)
    # 15,240 kg are 762 e: 2 e in service; √(40²/3 + 20²/12)
    assert stable.uncertainty_kilograms == Decimal("23.81")


def test_a_ticket_is_a_stable_weight_by_itself() -> None:
    ticket = sample(0, "16300")
    stable = detector().printed(ticket)

    assert stable is not None
    assert (stable.stability, stable.samples, stable.span_ms, stable.weight) == (
        Stability.DEVICE,
        1,
        0,
        ticket.weight,
    )
    assert detector().printed(sample(0, "40")) is None  # below what counts as a load


def test_a_ticket_s_axles_are_each_as_uncertain_as_a_load() -> None:
    at_once, by_axles = (
        detector().printed(sample(0, "16300")),
        detector().printed(sample(0, "16300"), [Decimal(6240), Decimal(10060)]),
    )
    accumulated = detector().printed(sample(0, "35720"), [Decimal(9820), Decimal(9600)])

    assert at_once is not None
    assert by_axles is not None
    assert accumulated is not None
    assert at_once.uncertainty_kilograms < by_axles.uncertainty_kilograms < accumulated.uncertainty_kilograms
    assert [each.axles for each in (at_once, by_axles, accumulated)] == [(), (Decimal(6240), Decimal(10060)), ()]


def test_the_ticket_of_a_further_group_of_axles_goes_on_with_the_vehicle() -> None:
    goes_on = [detector().printed(sample(0, "16300"), group=group) for group in range(3)]
    assert [ticket.goes_on for ticket in goes_on if ticket] == [False, False, True]


def test_a_slow_scale_needs_enough_samples_as_well_as_the_window() -> None:
    slow = [sample(900 * index, "15240") for index in range(5)]
    assert found(detector(), slow[:4]) == []
    assert len(found(detector(), slow)) == 1


def test_with_a_motion_bit_enough_stable_samples_in_a_row_suffice() -> None:
    subject = detector()
    feed = samples(["15240"] * 5, stable=True)
    assert found(subject, feed[:4]) == []
    (stable,) = found(subject, feed[4:])
    assert (stable.stability, stable.samples, stable.span_ms) == (Stability.DEVICE, 5, 400)


def test_one_glitch_of_the_motion_bit_does_not_count() -> None:
    moving = samples(["15240"] * 20, stable=False)
    glitch = [replace(item, weight=replace(item.weight, stable=index % 5 == 0)) for index, item in enumerate(moving)]
    assert found(detector(), glitch) == []


def test_a_device_that_says_moving_is_never_overruled_by_equal_weights() -> None:
    assert found(detector(), samples(["15240"] * 50, stable=False)) == []


def test_a_standing_truck_is_reported_once() -> None:
    assert len(found(detector(), samples(["15240", "15260"] * 100))) == 1
    assert len(found(detector(), samples(["15240", "15260"] * 100, stable=True))) == 1


def test_it_is_reported_again_after_the_device_said_moving() -> None:
    feed = [
        *samples(["15240"] * 10, stable=True),
        *samples(["15240"], stable=False, start_ms=1_000),
        *samples(["15240"] * 10, stable=True, start_ms=1_100),
    ]
    assert len(found(detector(), feed)) == 2


def test_a_move_by_more_than_a_division_is_a_new_plateau() -> None:
    feed = samples(["15240"] * 20 + ["15280"] * 20)
    assert [stable.kilograms for stable in found(detector(), feed)] == [15240, 15280]


def test_a_truck_that_creeps_is_not_at_rest() -> None:
    assert found(detector(), samples(str(15240 + 20 * (index // 4)) for index in range(60))) == []


def test_rolling_on_and_off_gives_nothing_but_the_plateau() -> None:
    ramp = [str(kilograms) for kilograms in range(0, 30_000, 1_500)]
    overshoot = ["31500", "28900", "30700", "29600", "30200", "29900", "30060"]
    feed = samples(["0"] * 30 + ramp + overshoot + ["30000"] * 30 + ramp[::-1] + ["0"] * 30)
    assert [stable.kilograms for stable in found(detector(), feed)] == [30_000]


def test_without_a_division_samples_must_be_equal() -> None:
    assert found(detector(None), samples(["15240", "15250"] * 20)) == []
    (stable,) = found(detector(None), samples(["15240"] * 20))
    assert stable.division_kilograms is None
    assert stable.uncertainty_kilograms > Decimal(400)


def test_a_silence_starts_the_rest_anew() -> None:
    before = samples(["15240"] * 8)
    after = samples(["15240"] * 8, start_ms=700 + LONGEST_PAUSE_MS + 1)
    assert found(detector(), before + after) == []


def test_an_empty_platform_is_not_reported_and_ends_the_plateau() -> None:
    feed = samples(["15240"] * 15 + ["0"] + ["15240"] * 15)
    assert len(found(detector(), feed)) == 2
    assert found(detector(), samples(["480"] * 30)) == []
    assert found(detector(), samples(["-15240"] * 30)) == []


def test_units_are_compared_in_kilograms_and_never_mixed() -> None:
    tonnes = [sample(STEP * index, "15.24" if index % 2 else "15.26", unit="t") for index in range(11)]
    (stable,) = found(detector(), tonnes)
    assert stable.kilograms == Decimal("15240.00") + 20
    switching = [
        sample(STEP * index, "15240" if index % 2 else "15.24", unit="kg" if index % 2 else "t") for index in range(40)
    ]
    assert found(detector(), switching) == []


def test_pressing_tare_is_a_new_plateau_even_if_the_digits_agree() -> None:
    gross = [sample(STEP * index, "15240") for index in range(15)]
    net = [sample(1_500 + STEP * index, "15240", kind="net") for index in range(15)]
    assert [stable.weight.kind for stable in found(detector(), gross + net)] == ["gross", "net"]
