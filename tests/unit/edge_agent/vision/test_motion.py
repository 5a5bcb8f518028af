"""The motion gate: shut over an empty lane, open while something moves and a little longer, cheap to ask."""

from __future__ import annotations

import numpy as np

from edge_agent.vision.image import Image
from edge_agent.vision.motion import MotionGate, MotionRules, grey_small
from tests.unit.edge_agent.links.camera.parts import at

RULES = MotionRules(look_every_s=0)


def lane(seed: int = 0, *, vehicle_at: int | None = None, brighter: int = 0) -> Image:
    """A lane of 320 x 180 with the noise of a sensor, a vehicle of 60 x 40 in it, and the light of the day."""
    noise = np.random.default_rng(seed).integers(-6, 7, (180, 320, 3), np.int16)
    grey = noise + np.linspace(110, 150, 320).astype(np.int16)[None, :, None]
    if vehicle_at is not None:
        grey[100:140, vehicle_at : vehicle_at + 60] = 190
    return np.clip(grey + brighter, 0, 255).astype(np.uint8)


def opened(gate: MotionGate, pictures: list[Image], begin: float = 0.0) -> list[bool]:
    return [gate.opens(image, at(begin + number / 10)) for number, image in enumerate(pictures)]


def shut() -> MotionGate:
    """A gate over an empty lane, shut again after the first picture."""
    gate = MotionGate(RULES)
    opened(gate, [lane(number) for number in range(25)])
    return gate


def test_the_first_picture_is_always_looked_at() -> None:
    assert MotionGate(RULES).opens(lane(), at(0))


def test_an_empty_lane_with_a_noisy_camera_is_shut() -> None:
    assert not any(opened(shut(), [lane(number) for number in range(100, 120)], begin=10))


def test_a_vehicle_that_drives_through_opens_it() -> None:
    pictures = [lane(number, vehicle_at=20 * number) for number in range(10)]
    assert all(opened(shut(), pictures, begin=10))


def test_it_stays_open_a_little_after_the_vehicle_has_stopped() -> None:
    gate = shut()
    opened(gate, [lane(50, vehicle_at=50), lane(51, vehicle_at=70)], begin=10)
    standing = opened(gate, [lane(60 + number, vehicle_at=70) for number in range(30)], begin=10.2)

    assert standing[:15] == [True] * 15
    assert not any(standing[25:])


def test_a_cloud_is_no_motion() -> None:
    gate = shut()
    assert not any(opened(gate, [lane(number, brighter=4 * number) for number in range(10)], begin=10))


def test_it_opens_for_one_picture_now_and_then_whatever_moves() -> None:
    gate = MotionGate(MotionRules(look_every_s=5))
    told = [gate.opens(lane(second), at(second)) for second in range(30)]

    assert sum(told[4:]) == 5


def test_a_camera_that_changes_its_size_is_looked_at() -> None:
    gate = shut()
    assert gate.opens(np.ascontiguousarray(lane()[:100]), at(20))


def test_a_picture_is_made_small_and_never_larger() -> None:
    assert grey_small(lane(), 160).shape == (90, 160)
    assert grey_small(lane()[:40, :60], 160).shape == (40, 60)
