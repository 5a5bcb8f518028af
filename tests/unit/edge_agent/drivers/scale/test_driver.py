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
