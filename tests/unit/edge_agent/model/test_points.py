"""Points of an input/output device as a site file writes them."""

from __future__ import annotations

import pytest

from edge_agent.model.points import Point, point


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("discrete:0", Point("discrete", 0)),
        ("coil:3 inverted", Point("coil", 3, inverted=True)),
        ("input:4.15", Point("input", 4, 15)),
        ("holding:65535", Point("holding", 65_535)),
        ("line:17 inverted pull-up", Point("line", 17, inverted=True, pull="pull-up")),
    ],
)
def test_a_point_is_read(text: str, expected: Point) -> None:
    assert point(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("discrete 0", "write e.g."),
        ("discrete:65536", "write e.g."),
        ("register:1", "write e.g."),
        ("coil:1.2", "only a holding or input register has bits"),
        ("input:1.16", "only a holding or input register has bits"),
        ("coil:1 pull-up", "only a GPIO line"),
    ],
)
def test_what_is_no_point_is_told_with_an_example(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        point(text)


def test_what_can_be_written_and_what_is_a_whole_register() -> None:
    texts = ("coil:0", "discrete:0", "holding:0", "holding:0.1", "input:0", "line:4")
    assert [text for text in texts if point(text).writable] == ["coil:0", "holding:0", "line:4"]
    assert [text for text in texts if point(text).is_register] == ["holding:0", "input:0"]
