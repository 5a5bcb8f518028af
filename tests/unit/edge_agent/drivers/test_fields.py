from decimal import Decimal

import pytest

from edge_agent.drivers.fields import NotANumberError, bits_reader, decimal_reader, state_reader
from edge_agent.drivers.schema import Bits, DecimalSlice, StateIf


def decimal(**more: object) -> DecimalSlice:
    return DecimalSlice.model_validate({"from": "slice", "at": [0, 6], "type": "decimal"} | more)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(b"000080", "80"), (b"000000", "0"), (b"-00000", "0"), (b"-00130", "-130"), (b"+00130", "130")],
)
def test_a_number_loses_its_leading_zeros_and_zero_its_sign(text: bytes, expected: str) -> None:
    assert str(decimal_reader(decimal())(text)) == expected


def test_decimal_places_come_from_a_digit_and_keep_zeros() -> None:
    read = decimal_reader(decimal(scale10={"byte": 6, "as": "digit"}))
    assert [str(read(b"012340%d" % places)) for places in (0, 1, 3, 5)] == ["12340", "1234.0", "12.340", "0.12340"]
    assert read(b"012340x") is None


def test_decimal_places_come_from_masked_bits_and_may_add_zeros() -> None:
    read = decimal_reader(decimal(scale10={"byte": 6, "mask": 0x38, "map": {"0": -2, "1": 0, "4": 3}}))
    assert [str(read(b"012340" + bytes((code << 3,)))) for code in (0, 1, 4)] == ["1234000", "12340", "12.340"]
    assert read(b"012340\x38") is None


def test_padding_is_skipped_and_only_padding_is_no_number() -> None:
    read = decimal_reader(decimal(pad=" "))
    assert read(b"    80") == 80
    assert read(b"   -80") == -80
    assert read(b"      ") is None


@pytest.mark.parametrize("text", [b"12 340", b"80    ", b"-     ", b"1234.0", b"+-0080", b"\xb2\xb200\xb20"])
def test_what_is_no_number_is_refused(text: bytes) -> None:
    with pytest.raises(NotANumberError, match="is not a number"):
        decimal_reader(decimal(pad=" "))(text)


def test_a_flag_makes_a_number_negative() -> None:
    read = decimal_reader(decimal(negative_if={"byte": 6, "mask": 2}))
    assert (read(b"000080\x02"), read(b"000080\x01"), read(b"000000\x02")) == (Decimal(-80), Decimal(80), Decimal(0))


def test_a_frame_too_short_for_a_field_has_none() -> None:
    assert decimal_reader(decimal())(b"00008") is None


def test_bits_are_shifted_looked_up_and_may_lead_to_further_bits() -> None:
    further = {"byte": 1, "mask": 0x10, "map": {"0": "lb", "1": "kg"}}
    read = bits_reader(Bits.model_validate({"byte": 0, "mask": 0x0C, "map": {"0": further, "1": "g"}}))
    assert [read(body) for body in (b"\x00\x00", b"\x03\x10", b"\x04\x10", b"\x08\x10")] == ["lb", "kg", "g", None]


def test_the_first_state_whose_bits_agree_holds() -> None:
    specs = tuple(
        StateIf.model_validate({"byte": 0, "mask": mask, "equals": equals, "state": state})
        for mask, equals, state in ((0x06, 2, "overload"), (0x06, 3, "underload"), (0x08, 1, "invalid"))
    )
    read = state_reader(specs)
    assert [read(bytes((bits,))) for bits in (0, 4, 6, 8, 12, 2)] == [
        None,
        "overload",
        "underload",
        "invalid",
        "overload",
        None,
    ]
