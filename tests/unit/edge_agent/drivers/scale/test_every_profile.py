"""What must be true of every shipped profile of a scale, tried on its own captures cut, joined and damaged."""

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.engine import MAX_GARBLED, FrameParser, Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.model.readings import Weight
from edge_agent.profiles import load_profile
from tests.unit.edge_agent.drivers.scale.captures import OWN, SCALES, own_data, replay, samples

EXAMPLES = 15
FRAMES = 2_000
CPU_SECONDS = 2.0
"""Twenty times what is promised: this fails on a mistake in the algorithm, not on a busy machine."""

PROFILES = {name: load_profile(name) for name in SCALES}
CAPTURED = {name: own_data(name) for name in SCALES}

every_profile = pytest.mark.parametrize("name", SCALES)


def fed(name: str, chunks: list[bytes]) -> list[Read | Garbled]:
    driver = ScaleDriver(PROFILES[name])
    return [item for chunk in chunks for item in driver.feed(chunk)] + driver.flush()


def weights(items: list[Read | Garbled]) -> list[Weight]:
    return [item.reading for item in items if isinstance(item, Read) and isinstance(item.reading, Weight)]


READABLE = {name: [(data, sent) for data in CAPTURED[name] if (sent := weights(fed(name, [data])))] for name in SCALES}


def drawn_stream(name: str, data: st.DataObject) -> bytes:
    """Captures of the profile in a row, cut, with bits turned and noise between them."""
    captured = st.sampled_from(CAPTURED[name])
    cut = st.tuples(captured, st.integers(0, 60), st.integers(0, 60)).map(lambda each: each[0][each[1] :][: each[2]])
    noise = st.binary(max_size=8)
    stream = bytearray(b"".join(data.draw(st.lists(captured | cut | noise, max_size=6))))
    for place in data.draw(st.lists(st.integers(0, 2000), max_size=4)):
        if place < len(stream):
            stream[place] ^= 1 << place % 8
    return bytes(stream)


@every_profile
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_any_chopping_of_a_stream_gives_the_same(name: str, data: st.DataObject) -> None:
    stream = drawn_stream(name, data)
    cuts = data.draw(st.lists(st.integers(0, max(len(stream), 1)), max_size=12))
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    whole = fed(name, [stream])
    assert fed(name, [stream[first:last] for first, last in pairwise(edges)]) == whole
    assert fed(name, [stream[at : at + 1] for at in range(len(stream))]) == whole


@every_profile
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_every_byte_comes_out_exactly_once(name: str, data: st.DataObject) -> None:
    stream = drawn_stream(name, data)
    parser = FrameParser(PROFILES[name])
    items = parser.feed(stream) + parser.flush()
    assert b"".join(item.raw for item in items) == stream
    assert all(first.offset + len(first.raw) == second.offset for first, second in pairwise(items))


@every_profile
@settings(max_examples=EXAMPLES, deadline=None)
@given(data=st.data())
def test_garbage_in_front_costs_no_frame(name: str, data: st.DataObject) -> None:
    stream, sent = data.draw(st.sampled_from(READABLE[name]))
    # Without digits: one more digit in front of a cut frame can make a whole one where there is no checksum. And a
    # printable character directly in front of some lines could belong to them; one without a fixed width is whole only
    # behind the end of another.
    behind = b"\n" if name == "scale/axle-pt300-ticket" else b"\x00"
    noise = data.draw(st.binary(max_size=20)).translate(None, b"0123456789.-=") + behind
    found = weights(fed(name, [noise + stream]))
    assert [each.value for each in found[-len(sent) :]] == [each.value for each in sent]


@every_profile
@pytest.mark.parametrize("fill", [b"\x00", b"\x02", b"=", b"S", b"0", b"W", b" ", b"ST,GS,", b"\xff\x7f\x0d"])
def test_a_babbling_device_is_handed_on_and_never_piles_up(name: str, fill: bytes) -> None:
    parser = FrameParser(PROFILES[name])
    most = 2 * max(MAX_GARBLED, PROFILES[name].frame.max) + 2
    handed_on = 0
    for _ in range(60):
        handed_on += sum(len(item.raw) for item in parser.feed(fill * 50))
        assert len(parser._raw) <= most + 50 * len(fill)
    parser.feed(b"")
    assert handed_on >= 60 * 50 * len(fill) - most - 50 * len(fill)


@every_profile
def test_frames_are_read_faster_than_fifty_devices_could_send_them(name: str) -> None:
    stream, sent = READABLE[name][0]
    times = FRAMES // len(sent)
    stream *= times
    started = time.process_time()
    found = weights(fed(name, [stream[at : at + 512] for at in range(0, len(stream), 512)]))
    assert time.process_time() - started < CPU_SECONDS
    assert len(found) >= (len(sent) - 1) * times  # where a cut end meets a beginning, a frame may be lost


CHECKED = {
    "scale/yaohua-xk3190-a9-tf0": "largest",
    "scale/yaohua-xk3190-a9-command": "net_negative",
    "scale/yaohua-xk3190-a12e": "manual_example",
    "scale/mettler-toledo-continuous-checksum": "gross",
}


@pytest.mark.parametrize("name", CHECKED)
def test_with_a_checksum_no_single_turned_bit_gives_another_weight(name: str) -> None:
    (frame,) = [(OWN / name / s["file"]).read_bytes() for s in samples(OWN / name) if s["id"] == CHECKED[name]]
    sent = weights(fed(name, [frame]))
    assert len(sent) == 1
    for bit in range(8 * len(frame)):
        turned = bytearray(frame)
        turned[bit // 8] ^= 1 << bit % 8
        found = weights(fed(name, [bytes(turned)]))
        assert [each.value for each in found] in ([], [each.value for each in sent])
        assert not found or PROFILES[name].frame.mask  # bit 7 is parity and masked away: the same frame


@every_profile
def test_a_pinned_variant_reads_no_weight_of_another(name: str) -> None:
    variants = [shape.name for shape in PROFILES[name].frame.variant if not shape.state]
    for data in CAPTURED[name]:
        for variant in variants:
            pinned = replay(name, data, len(data), variant)
            read = [item for item in pinned if isinstance(item, Read) and isinstance(item.reading, Weight)]
            assert {item.frame.variant for item in read} <= {variant}


@every_profile
def test_every_variant_with_a_weight_is_shown_by_a_capture(name: str) -> None:
    shown = {
        item.frame.variant
        for data in CAPTURED[name]
        for item in replay(name, data, len(data))
        if isinstance(item, Read)
    }
    assert {shape.name for shape in PROFILES[name].frame.variant} - shown == set()
