import re
from decimal import Decimal

import pytest

from edge_agent.drivers.engine import Frame
from edge_agent.drivers.fields import (
    NotANumberError,
    NumberReader,
    condition_reader,
    first_of,
    note_reader,
    number_reader,
    parts_reader,
    value_reader,
)
from edge_agent.drivers.sources import Bits, Condition, Default, Number, Words


def frame(body: bytes, pattern: bytes = b"") -> Frame:
    found = re.compile(pattern, re.DOTALL).match(body)
    assert found is not None
    return Frame(0, body, body, "any", found)


def number(**more: object) -> NumberReader:
    return number_reader(Number.model_validate({"from": "slice", "at": [0, 6], "type": "decimal"} | more), {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"000080", "80"), (b"000000", "0"), (b"-00000", "0"), (b"-00130", "-130"), (b"+00130", "130")],
)
def test_a_number_loses_its_leading_zeros_and_zero_its_sign(text: bytes, expected: str) -> None:
    assert str(number()(frame(text))) == expected


def test_decimal_places_come_from_a_digit_and_keep_zeros() -> None:
    read = number(scale10={"byte": 6, "as": "digit"})
    found = [str(read(frame(b"012340%d" % places))) for places in (0, 1, 3, 5)]
    assert found == ["12340", "1234.0", "12.340", "0.12340"]
    assert read(frame(b"012340x")) is None


def test_decimal_places_come_from_masked_bits_and_may_add_zeros() -> None:
    read = number(scale10={"byte": 6, "mask": 0x38, "map": {"0": -2, "1": 0, "4": 3}})
    found = [str(read(frame(b"012340" + bytes((code << 3,))))) for code in (0, 1, 4)]
    assert found == ["1234000", "12340", "12.340"]
    assert read(frame(b"012340\x38")) is None


def test_padding_is_skipped_and_only_padding_is_no_number() -> None:
    read = number(pad=" ")
    assert read(frame(b"    80")) == 80
    assert read(frame(b"   -80")) == -80
    assert read(frame(b"-   80")) == -80
    assert read(frame(b"      ")) is None


@pytest.mark.parametrize(
    "text", [b"12 340", b"80    ", b"-     ", b"1234.0", b"+-0080", b"\xb2\xb200\xb20", b"1,2340", b"00.080"]
)
def test_what_is_no_number_is_refused(text: bytes) -> None:
    with pytest.raises(NotANumberError, match="is not a number"):
        number(pad=" ")(frame(text))


@pytest.mark.parametrize(
    ("text", "expected"), [(b"12.340", "12.340"), (b" 12,34", "12.34"), (b"12340.", "12340"), (b"-00.00", "0.00")]
)
def test_a_decimal_point_or_comma_keeps_the_places_that_were_sent(text: bytes, expected: str) -> None:
    assert str(number(pad=" ", point=".,")(frame(text))) == expected


def test_two_points_are_no_number() -> None:
    with pytest.raises(NotANumberError):
        number(point=".,")(frame(b"1.2,34"))


@pytest.mark.parametrize(("text", "expected"), [(b"00.100", "1.00"), (b"0.001-", "-100.0"), (b"000210", "12000")])
def test_reversed_digits_are_turned_round_with_their_sign_and_point(text: bytes, expected: str) -> None:
    assert str(number(point=".", reverse=True)(frame(text))) == expected


def test_a_binary_number_has_its_highest_byte_first() -> None:
    read = number(at=[1, 4], type="binary")
    assert read(frame(b"\x01\x00\x48\x58\xec")) == 18520


def test_a_number_can_come_from_a_named_group_and_be_absent() -> None:
    spec = Number.model_validate({"from": "group", "group": "w", "type": "decimal"})
    pattern = b"A(?P<w>[0-9]+)?B"
    read = number_reader(spec, re.compile(pattern).groupindex)
    assert read(frame(b"A0042B", pattern)) == 42
    assert read(frame(b"AB", pattern)) is None
    assert number_reader(spec, {})(frame(b"A0042B", pattern)) is None


def test_a_flag_makes_a_number_negative() -> None:
    read = number(negative_if={"byte": 6, "mask": 2})
    found = [read(frame(body)) for body in (b"000080\x02", b"000080\x01", b"000000\x02")]
    assert found == [Decimal(-80), Decimal(80), Decimal(0)]


def test_a_frame_too_short_for_a_field_has_none() -> None:
    assert number()(frame(b"00008")) is None


def test_bits_are_shifted_looked_up_and_may_lead_to_further_bits() -> None:
    further = {"byte": 1, "mask": 0x10, "map": {"0": "lb", "1": "kg"}}
    read = value_reader(Bits.model_validate({"byte": 0, "mask": 0x0C, "map": {"0": further, "1": "g"}}), {})
    assert read
    found = [read(frame(body)) for body in (b"\x00\x00", b"\x03\x10", b"\x04\x10", b"\x08\x10")]
    assert found == ["lb", "kg", "g", None]


def test_bits_can_be_those_of_a_named_group() -> None:
    pattern = b"x+(?P<status>.)?"
    spec = Bits.model_validate({"group": "status", "byte": 0, "mask": 1, "map": {"0": True, "1": False}})
    read = value_reader(spec, re.compile(pattern).groupindex)
    assert read
    assert [read(frame(body, pattern)) for body in (b"xxx0", b"x1", b"xx")] == [True, False, None]
    assert value_reader(spec, {}) is None


def test_a_text_is_looked_up_without_the_blanks_around_it() -> None:
    pattern = b"(?P<unit>.{2})"
    spec = Words.model_validate({"from": "group", "group": "unit", "map": {"t": "t", "kg": "kg"}})
    read = value_reader(spec, re.compile(pattern).groupindex)
    assert read
    assert [read(frame(body, pattern)) for body in (b"t ", b" t", b"kg", b"oz")] == ["t", "t", "kg", None]


def test_a_default_is_what_the_profile_says() -> None:
    read = value_reader(Default(default="kg"), {})
    assert read
    assert read(frame(b"")) == "kg"
    assert value_reader(None, {}) is None


def test_the_first_state_whose_condition_holds_is_taken() -> None:
    specs = [
        Condition.model_validate({"byte": 0, "mask": mask, "equals": equals})
        for mask, equals in ((0x06, 2), (0x06, 3), (0x08, 1))
    ]
    words = ("overload", "underload", "invalid")
    read = first_of(zip(specs, words, strict=True), {})
    assert read
    found = [read(frame(bytes((bits,)))) for bits in (0, 4, 6, 8, 12, 2)]
    assert found == [None, "overload", "underload", "invalid", "overload", None]


def test_texts_of_one_group_are_looked_up_in_the_order_of_the_conditions() -> None:
    pattern = b"(?P<head>..)(?P<kind>.)"
    heads = ({"group": "head", "is": ["OL", "UL"]}, {"group": "kind", "is": ["T"]}, {"group": "head", "is": ["UL"]})
    specs = [Condition.model_validate(each) for each in heads]
    read = first_of(zip(specs, ("overload", "tare", "underload"), strict=True), re.compile(pattern).groupindex)
    assert read
    found = [read(frame(body, pattern)) for body in (b"OLT", b"ULG", b"STT", b"STG")]
    assert found == ["overload", "overload", "tare", None]
    assert first_of([(specs[0], "overload")], {}) is None


def test_a_condition_on_a_text_never_holds_where_the_text_is_not_sent() -> None:
    pattern = b"(?P<head>OL|ST)?,"
    spec = Condition.model_validate({"group": "head", "is": ["OL"]})
    holds = condition_reader(spec, re.compile(pattern).groupindex)
    assert holds
    assert [holds(frame(body, pattern)) for body in (b"OL,", b"ST,", b",")] == [True, False, False]
    assert condition_reader(spec, {}) is None


def test_parts_are_all_matches_in_order() -> None:
    read = parts_reader("AXL [0-9]: ([0-9.]+)", (), {})
    assert read(frame(b"AXL 1: 6240 AXL 2: 10060.5")) == (Decimal(6240), Decimal("10060.5"))
    assert read(frame(b"nothing")) == ()


def test_parts_can_be_groups_of_the_match() -> None:
    pattern = b"(?P<tare>[0-9.]+) (?P<net>-?[0-9.]+)"
    read = parts_reader(None, ("tare", "net"), re.compile(pattern).groupindex)
    assert read(frame(b"2.00 -0.50", pattern)) == (Decimal("2.00"), Decimal("-0.50"))
    with pytest.raises(NotANumberError):
        read(frame(b"2.0.0 1", pattern))


def test_a_note_needs_all_its_groups() -> None:
    pattern = b"(?P<day>[0-9]{2})?/(?P<month> ?[0-9])"
    groups = re.compile(pattern).groupindex
    read = note_reader("2026-{month}-{day}", groups)
    assert read
    assert read(frame(b"22/ 9", pattern)) == "2026-9-22"
    assert read(frame(b"/ 9", pattern)) is None
    assert note_reader("{year}", groups) is None
