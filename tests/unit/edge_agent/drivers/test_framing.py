"""Frames of other shapes than one start byte and one length: ends, several starts, followers, steadiness."""

from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.drivers.engine import Frame, FrameParser, Garbled
from edge_agent.drivers.framing import FrameLayer
from edge_agent.errors import ConfigError

APART = "[^ -~]"
CUT = "the input ended inside a frame"


@dataclass(frozen=True)
class Described:
    """As much of a profile as the parser needs."""

    frame: FrameLayer
    name: str = "scale/made-up"


def described(*variants: dict[str, Any], **more: Any) -> Described:
    return Described(FrameLayer.model_validate({"max": 16, "variant": variants} | more))


def line(name: str = "line", match: str = r"[0-9]{4}\n", **more: Any) -> dict[str, Any]:
    return {"name": name, "end": r"\n", "match": match} | more


def parsed(profile: Described, *chunks: bytes, variant: str | None = None) -> list[Frame | Garbled]:
    parser = FrameParser(profile, variant)
    return [item for chunk in chunks for item in parser.feed(chunk)] + parser.flush()


def raw_frames(items: list[Frame | Garbled]) -> list[bytes]:
    return [item.raw for item in items if isinstance(item, Frame)]


def garbled(items: list[Frame | Garbled]) -> list[tuple[bytes, str]]:
    return [(item.raw, item.reason) for item in items if isinstance(item, Garbled)]


def test_a_frame_goes_on_to_its_end() -> None:
    profile = described(line(match=r"[0-9]+\r\n"))
    assert raw_frames(parsed(profile, b"1\r\n22\r\n", b"33", b"3\r", b"\n")) == [b"1\r\n", b"22\r\n", b"333\r\n"]


def test_what_has_no_end_within_the_bound_is_garbled_and_handed_on() -> None:
    parser = FrameParser(described(line()))
    handed_on = sum(len(item.raw) for _ in range(100) for item in parser.feed(b"123456789"))
    assert handed_on >= 900 - 64 - 16


def test_where_frames_begin_with_any_byte_a_garbled_piece_ends_with_its_line() -> None:
    items = parsed(described(line()), b"2\n1234\nab\ncd\n5678\n12")
    assert raw_frames(items) == [b"1234\n", b"5678\n"]
    assert garbled(items) == [
        (b"2\n", "joined in the middle of a frame"),
        (b"ab\n", "no frame begins here: not the form of line"),
        (b"cd\n", "no frame begins here: not the form of line"),
        (b"12", f"{CUT} (2 bytes, no end)"),
    ]


def test_a_reason_names_only_the_first_of_many_variants() -> None:
    many = [line(f"v{number}", rf"x{{{number}}}\n") for number in range(1, 6)]
    items = parsed(described(*many), b"x\nabc\n")
    assert garbled(items) == [(b"abc\n", "no frame begins here: not the form of v1 or v2 or v3 or another")]


def test_variants_can_have_starts_of_their_own() -> None:
    profile = described(
        {"name": "a", "start": "41", "length": 3, "match": "A.."},
        {"name": "b", "start": "42", "length": 2, "match": "B."},
    )
    items = parsed(profile, b"?A12B1?B2")
    assert raw_frames(items) == [b"A12", b"B1", b"B2"]
    assert garbled(items)[1] == (b"?", "no start of a frame (41 or 42)")


def test_a_frame_that_one_of_its_kind_must_follow_does_not_count_alone() -> None:
    profile = described({"name": "trailing", "length": 4, "match": "[0-9]{3}=", "next": "same"})
    assert raw_frames(parsed(profile, b"123=")) == []
    assert raw_frames(parsed(profile, b"123=4")) == []
    assert raw_frames(parsed(profile, b"123=456=")) == [b"123=", b"456="]
    assert raw_frames(parsed(profile, *[b"%c" % byte for byte in b"23=456=789=12"])) == [b"456="]


def test_one_start_byte_is_enough_of_a_follower_where_no_checksum_can_look_like_it() -> None:
    profile = described({"name": "w", "start": "77", "length": 3, "match": "w.[0-9]", "next": "start"})
    assert raw_frames(FrameParser(profile).feed(b"ww1ww2w")) == [b"ww1", b"ww2"]


def test_the_end_of_a_longer_line_is_no_frame_of_a_variant_that_must_come_after_something_else() -> None:
    profile = described(
        line(after=APART), {"name": "star", "start": "2a", "length": 1, "match": r"\*", "state": "status"}
    )
    for chunks in ([b"1234\n91234\n\x001234\n*1234\n"], [b"1234\n9", b"1234\n\x00", b"1234\n*", b"1234\n"]):
        assert raw_frames(parsed(profile, *chunks)) == [b"1234\n", b"1234\n", b"*", b"1234\n"]


def test_after_a_silence_a_line_stands_apart() -> None:
    parser = FrameParser(described(line(after=APART)))
    assert garbled(parser.feed(b"9") + parser.flush()) != []
    assert raw_frames(parser.feed(b"1234\n")) == [b"1234\n"]


STEADY = described(
    line("four", after=APART),
    line("three", r"[0-9]{3}\n", after=APART),
    line("over", r"OL\n", state="overload"),
    steady=True,
)


def test_a_single_frame_of_another_variant_is_a_damaged_one() -> None:
    items = parsed(STEADY, b"1234\n123\n1234\n123\n1234\n")
    assert raw_frames(items) == [b"1234\n"] * 3
    assert [raw for raw, _ in garbled(items)] == [b"123\n"] * 2
    assert "a single frame of another variant than those before" in garbled(items)[0][1]


def test_what_begins_inside_a_refused_frame_is_no_second_one() -> None:
    profile = described(line("four", r"@?[0-9]{4}\n"), line("three", r"@?[0-9]{3}\n", after="@"), steady=True)
    items = parsed(profile, b"@1234\n@123\n@1234\n")
    assert raw_frames(items) == [b"@1234\n"] * 2


def test_each_length_of_a_loose_variant_is_a_variant_of_its_own() -> None:
    profile = described(line("any", r"[0-9]+\n", loose=True, after=APART), steady=True)
    assert raw_frames(parsed(profile, b"1234\n123\n1234\n")) == [b"1234\n"] * 2
    assert raw_frames(parsed(profile, b"1234\n123\n124\n")) == [b"1234\n", b"124\n"]


def test_a_device_that_was_set_up_anew_loses_one_frame() -> None:
    assert raw_frames(parsed(STEADY, b"1234\n1234\n123\n124\n125\n")) == [b"1234\n", b"1234\n", b"124\n", b"125\n"]


def test_a_state_changes_nothing_about_the_variant_a_device_sends() -> None:
    assert raw_frames(parsed(STEADY, b"1234\nOL\n1235\nOL\n")) == [b"1234\n", b"OL\n", b"1235\n", b"OL\n"]


def test_states_are_read_beside_a_pinned_variant() -> None:
    items = parsed(STEADY, b"1234\nOL\n123\n", variant="three")
    assert raw_frames(items) == [b"OL\n", b"123\n"]


def test_a_variant_that_is_only_a_state_cannot_be_pinned() -> None:
    with pytest.raises(ConfigError, match=r"has no variant 'over'\. Known here: four, three"):
        FrameParser(STEADY, "over")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"variant": [line(length=3)]}, "give either length or end"),
        ({"variant": [line(end=None)]}, "give either length or end"),
        ({"variant": [line(next="start")]}, 'next = "start" needs a start'),
        ({"variant": [line(next="same")]}, 'next = "same" needs a length'),
        ({"variant": [line(start="8A")], "mask": 0x7F}, "start has bits that mask removes"),
        ({"variant": [line(), line()]}, "two variants have one name"),
        ({"variant": [line(state="fine")]}, "Input should be 'overload'"),
    ],
)
def test_a_frame_that_cannot_work_is_told(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        FrameLayer.model_validate({"max": 16} | wrong)
    assert told in str(caught.value)
