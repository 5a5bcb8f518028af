from decimal import Decimal
from functools import reduce
from operator import xor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.errors import ConfigError
from edge_agent.model.readings import NoWeight, Weight
from edge_agent.profiles import load_profile
from tests.unit.edge_agent.drivers.scale.captures import OWN

TF0 = load_profile("scale/yaohua-xk3190-a9-tf0")
TOLEDO = load_profile("scale/mettler-toledo-continuous")


def tf0(text: str) -> bytes:
    return b"\x02" + text.encode() + b"%02X" % reduce(xor, text.encode()) + b"\x03"


def toledo(weight: str, tare: str = "000000", status: bytes = b"*0 ") -> bytes:
    return b"\x02" + status + weight.encode() + tare.encode() + b"\r"


def read(driver: ScaleDriver, data: bytes) -> Weight | NoWeight:
    (item,) = driver.feed(data) + driver.flush()
    assert isinstance(item, Read)
    return item.reading


def reads(name: str, data: bytes) -> list[Read]:
    driver = ScaleDriver(load_profile(name))
    return [item for item in driver.feed(data) + driver.flush() if isinstance(item, Read)]


@given(number=st.integers(-999_999, 999_999), places=st.integers(0, 4))
def test_a_weight_is_exactly_what_the_indicator_resolved(number: int, places: int) -> None:
    sign = "-" if number < 0 else "+"
    reading = read(ScaleDriver(TF0), tf0(f"{sign}{abs(number):06d}{places}"))
    assert isinstance(reading, Weight)
    assert reading.value * 10**places == number
    assert format(reading.value, "f").partition(".")[2] == f"{abs(number):06d}"[6 - places :]


def test_what_the_indicator_does_not_say_is_none_and_the_unit_is_the_profiles() -> None:
    frame = tf0("+0123403")
    assert read(ScaleDriver(TF0), frame) == Weight(Decimal("12.340"), "kg", None, None, None, frame)


def test_the_site_file_can_name_the_unit_of_an_indicator_that_does_not_send_it() -> None:
    reading = read(ScaleDriver(TF0, unit="t"), tf0("+0152402"))
    assert isinstance(reading, Weight)
    assert (reading.unit, reading.kilograms) == ("t", Decimal(152400))


def test_a_unit_for_an_indicator_that_sends_its_own_is_refused() -> None:
    with pytest.raises(ConfigError, match="the indicator sends its unit with every weight"):
        ScaleDriver(TOLEDO, unit="kg")


def test_zeros_that_the_decimal_point_code_stands_for_are_part_of_the_weight() -> None:
    reading = read(ScaleDriver(TOLEDO), toledo("   200", "      ", b"1  "))
    assert isinstance(reading, Weight)
    assert (format(reading.value, "f"), reading.unit, reading.tare) == ("2000", "lb", None)


@pytest.mark.parametrize(("status_b", "state"), [(b"4", "overload"), (b"6", "underload"), (b"<", "overload")])
def test_out_of_range_digits_are_never_a_weight(status_b: bytes, state: str) -> None:
    frame = toledo("012340", status=b"*" + status_b + b" ")
    assert read(ScaleDriver(TOLEDO), frame) == NoWeight(state, frame)


def test_a_unit_that_no_weight_may_have_gives_no_weight() -> None:
    for unit_code in range(3, 8):
        frame = toledo("012340", status=b"*0" + bytes((0x20 | unit_code,)))
        assert read(ScaleDriver(TOLEDO), frame) == NoWeight("invalid", frame)


def test_digits_with_a_hole_are_garbled() -> None:
    frame = toledo("12 340")
    assert ScaleDriver(TOLEDO).feed(frame + frame[:2]) == [Garbled(0, frame, "'12 340' is not a number")]


def test_a_pinned_variant_reaches_the_parser() -> None:
    (item,) = ScaleDriver(TOLEDO, variant="short").feed(toledo("012340", "") + b"\x02*")
    assert isinstance(item, Read)
    assert item.frame.variant == "short"


def test_a_frame_with_two_weights_is_two_readings_of_one_frame() -> None:
    data = (OWN / "scale/ohaus-defender" / "ticket.bin").read_bytes()
    gross, net = reads("scale/ohaus-defender", data)
    assert isinstance(gross.reading, Weight)
    assert isinstance(net.reading, Weight)
    assert [gross.reading.kind, net.reading.kind] == ["gross", "net"]
    assert [gross.index, net.index] == [0, 1]
    assert gross.frame is net.frame
    assert gross.notes["device_time"] == "2026-11-22T07:30:00"


def test_the_axles_of_a_vehicle_stand_beside_its_weight() -> None:
    data = (OWN / "scale/axle-pt300-ticket" / "one_group.bin").read_bytes()
    (ticket,) = reads("scale/axle-pt300-ticket", data)
    assert isinstance(ticket.reading, Weight)
    assert ticket.reading.value == sum(ticket.parts["axles"]) == sum(ticket.parts["wheels"]) == Decimal(16300)
    assert ticket.parts["axles"] == (Decimal(6240), Decimal(10060))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("scale/and-ad4400", b"ST,GS,+0012.34kg"),
        ("scale/dini-argeo", b"ST,GS,   12.34,kg"),
        ("scale/tscale", b"ST,GS   12.34kg "),
        ("scale/mt-sics", b"S S      12.34 kg"),
        ("scale/ohaus-defender", b"   12.34 kg    G"),
        ("scale/yaohua-xk3190-a12", b"ww0012.34kg"),
        ("scale/yaohua-equals-forward", b"=0012.34(kg)"),
    ],
)
def test_a_line_ends_with_cr_with_lf_or_with_both(name: str, line: bytes) -> None:
    profile = load_profile(name)
    for end in (b"\r\n", b"\r", b"\n"):
        whole, cut = ScaleDriver(profile), ScaleDriver(profile)
        data = 3 * (line + end)
        items = whole.feed(data) + whole.flush()
        assert [
            item.reading.value for item in items if isinstance(item, Read) and isinstance(item.reading, Weight)
        ] == ([Decimal("12.34")] * 3)
        assert len(items) == 3, "and nothing is garbled"
        byte_by_byte = [item for byte in data for item in cut.feed(bytes((byte,)))] + cut.flush()
        assert byte_by_byte == items


def test_behind_a_cr_the_line_feed_is_waited_for_until_another_byte_comes() -> None:
    driver = ScaleDriver(load_profile("scale/and-ad4400"))
    assert driver.feed(b"ST,GS,+0012.34kg\r") == []
    assert [item.frame.raw for item in driver.feed(b"S") if isinstance(item, Read)] == [b"ST,GS,+0012.34kg\r"]


@pytest.mark.parametrize(
    ("before", "address"), [(b"", "01"), (b"\x00", "01"), (b"ID:", None), (b"ST,GS,   1", None), (b"dev-7\r\n", "01")]
)
def test_digits_behind_an_id_or_a_cut_frame_are_no_address(before: bytes, address: str | None) -> None:
    (item,) = reads("scale/dini-argeo", before + b"01ST,GS,   123.5,kg\r\n")
    assert item.notes.get("address") == address
    second = reads("scale/dini-argeo", before + b"01ST,GS,   123.5,kg\r\n02ST,GS,   123.5,kg\r\n")[1]
    assert second.notes == {"address": "02"}


def ticket(group: int, axles: tuple[int, int], total: int) -> bytes:
    """As the PT300's manual prints it, p. 13, each wheel half of its axle."""
    front, rear = (axle // 2 for axle in axles)
    return (
        f"WHL 1: {front} WHL 2:\r\n{front}\r\nAXL 1: {axles[0]}\r\nWHL 3: {rear} WHL 4:\r\n{rear}\r\n"
        f"AXL 2: {axles[1]}\r\nSUBTOTAL GRP {group}: {sum(axles)}\r\nACCUM TOTAL: {total}\r\n"
    ).encode()


def test_the_groups_of_axles_of_one_vehicle_follow_each_other_and_the_next_one_begins_anew() -> None:
    tickets = (ticket(1, (6000, 10000), 16000), ticket(2, (9000, 9000), 34000), ticket(1, (5000, 7000), 12000))
    first, second, next_one = reads("scale/axle-pt300-ticket", b"".join(tickets))
    assert [each.group for each in (first, second, next_one)] == [1, 2, 1]
    assert (first.before, next_one.before) == ({}, {})
    axles, wheels = map(Decimal, (6000, 10000)), map(Decimal, (3000, 3000, 5000, 5000))
    assert second.before == {"axles": tuple(axles), "wheels": tuple(wheels)}


def test_of_a_vehicle_whose_first_group_was_not_heard_the_axles_before_are_not_known() -> None:
    second, third = reads("scale/axle-pt300-ticket", ticket(2, (9000, 9000), 34000) + ticket(3, (8000, 8000), 50000))
    assert (second.group, second.before) == (2, None)
    assert (third.group, third.before) == (3, None)


@pytest.mark.parametrize(
    "tickets",
    [
        (ticket(1, (6000, 10000), 16000), ticket(2, (9000, 9000), 36000)),
        (ticket(1, (6000, 10000), 18000),),
        (ticket(2, (9000, 9000), 14000),),
    ],
)
def test_a_ticket_whose_total_does_not_go_with_those_before_it_is_garbled(tickets: tuple[bytes, ...]) -> None:
    items = ScaleDriver(load_profile("scale/axle-pt300-ticket")).feed(b"".join(tickets))
    assert isinstance(items[-1], Garbled)
    assert "the accumulated total" in items[-1].reason


def test_the_site_file_can_name_the_unit_where_only_some_variants_send_one() -> None:
    profile = load_profile("scale/axle-pt300-ticket")
    printed = (OWN / "scale/axle-pt300-ticket" / "one_group.bin").read_bytes()
    (ticket,) = ScaleDriver(profile, unit="lb").feed(printed)
    (line,) = ScaleDriver(profile, unit="lb").feed(b"  15240 kg\r\n")
    assert isinstance(ticket, Read)
    assert isinstance(line, Read)
    assert isinstance(ticket.reading, Weight)
    assert isinstance(line.reading, Weight)
    assert [ticket.reading.unit, line.reading.unit] == ["lb", "kg"]


@pytest.mark.parametrize(
    ("name", "data", "about"),
    [
        ("scale/mt-sics", b"S +\r\n", True),
        ("scale/mt-sics", b"S S      15240 kg\r\n", True),
        ("scale/mt-sics", b"SI\r\n", False),
        ("scale/mt-sics", b'I4 A "B1"\r\n', False),
        ("scale/yaohua-xk3190-a12", b"wt006.540kg\r\n", False),
        ("scale/toledo-8217", b"\x02?A\r", True),
    ],
)
def test_echoes_answers_and_tares_say_nothing_about_the_load(name: str, data: bytes, about: bool) -> None:
    (item,) = reads(name, data)
    assert item.is_about_the_load is about


def test_a_tare_is_told_with_its_unit_and_is_no_weight() -> None:
    (item,) = reads("scale/yaohua-xk3190-a12", b"wt006.540kg\r\n")
    assert isinstance(item.reading, NoWeight)
    assert item.notes == {"tare": "6.540", "unit": "kg"}


def test_a_held_weight_is_flagged_and_not_called_stable() -> None:
    (item,) = reads("scale/and-ad4400", b"HD,GS,+0015240kg\r\n")
    assert isinstance(item.reading, Weight)
    assert (item.reading.stable, item.flags) == (None, ("hold",))
