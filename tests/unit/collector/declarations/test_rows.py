from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.declarations.reader import SHOWN, BadValue
from collector.declarations.rows import FIELDS, REQUIRED, columns_of, from_cells, from_object
from gate_contract.v1.declaration_pb2 import (
    FULLNESS_EMPTY,
    FULLNESS_LOADED,
    Declaration,
    DeclaredContainer,
    GoodsItem,
    Money,
)
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND

CELLS = {
    "declaration_id": "D-1",
    "lodged": "2026-03-01T08:30:00+08:00",
    "site_id": "xinhai",
    "direction": "outbound",
    "sailing_id": "xinhai-0301-14",
    "departure": "2026-03-01T14:00:00+08:00",
    "vehicle_plate": "琼A·12345",
    "trailer_plate": "琼A1234挂",
    "vehicle_tare_kilograms": "14200.0",
    "box_tare_kilograms": "3800",
    "persons": "2",
    "cargo_kilograms": "18000.5",
    "goods": "2204:Wine, in bottles: red:900:8100.5; 4001::280:9900;",
    "containers": "CSQU3054383 TGHU7599330",
    "declarant_id": "DECLARANT-01",
}
OBJECT = {
    **CELLS,
    "persons": 2,
    "goods": [
        {"hs_code": "2204", "description": "Wine, in bottles: red", "packages": "900", "gross_kilograms": "8100.5"},
        {"hs_code": "4001", "description": None, "packages": "280", "gross_kilograms": "9900"},
    ],
    "containers": ["CSQU3054383", "TGHU7599330"],
}
DECLARED = Declaration(
    declaration_id="D-1",
    lodged_unix_ns=1_772_325_000_000_000_000,
    site_id="xinhai",
    direction=DIRECTION_OUTBOUND,
    sailing_id="xinhai-0301-14",
    departure_unix_ns=1_772_344_800_000_000_000,
    vehicle_plate="琼A12345",
    trailer_plate="琼A1234挂",
    vehicle_tare_kilograms="14200",
    box_tare_kilograms="3800",
    persons=2,
    cargo_kilograms="18000.5",
    goods=[
        GoodsItem(hs_code="2204", description="Wine, in bottles: red", packages=900, gross_kilograms="8100.5"),
        GoodsItem(hs_code="4001", packages=280, gross_kilograms="9900"),
    ],
    containers=["CSQU3054383", "TGHU7599330"],
    declarant_id="DECLARANT-01",
)


def cells(**changed: str) -> Declaration | list[BadValue]:
    row = CELLS | changed
    return from_cells(7, list(row.values()), list(row))


def the_bad(read: Declaration | list[BadValue]) -> BadValue:
    assert isinstance(read, list), read
    [bad] = read
    return bad


def test_a_csv_row_and_a_json_object_say_the_same() -> None:
    assert cells() == DECLARED
    # As the file reader hands numbers over: the text that was written.
    assert from_object(7, OBJECT | {"persons": "2"}) == DECLARED


def test_the_required_fields_are_enough() -> None:
    read = from_cells(2, [CELLS[name] for name in REQUIRED], REQUIRED)
    assert isinstance(read, Declaration)
    assert (read.persons, read.departure_unix_ns, read.vehicle_tare_kilograms) == (0, 0, "")
    assert read.box_tare_kilograms == "0"
    assert from_object(2, {name: CELLS[name] for name in REQUIRED}) == read


@pytest.mark.parametrize("name", REQUIRED)
def test_a_required_field_must_be_filled(name: str) -> None:
    assert the_bad(cells(**{name: "  "})) == BadValue(7, name, "", "is required")
    assert the_bad(from_object(7, {**OBJECT, "persons": "2", name: None})) == BadValue(7, name, "", "is required")


def test_everything_that_is_wrong_with_a_row_is_said_at_once() -> None:
    bad = cells(lodged="yesterday", cargo_kilograms="12,000", containers="CSQU3054384")
    assert isinstance(bad, list)
    assert {each.field for each in bad} == {"lodged", "cargo_kilograms", "containers"}
    assert {each.row for each in bad} == {7}
    assert next(each for each in bad if each.field == "cargo_kilograms").value == "12,000"


def test_containers_need_their_empty_mass() -> None:
    assert the_bad(cells(box_tare_kilograms="")).reason == "is required when containers are given"


def test_a_container_is_there_once() -> None:
    assert "twice" in the_bad(cells(containers="CSQU3054383 csqu3054383")).reason


def test_a_vehicle_holds_no_more_than_ten_containers() -> None:
    assert "more than 10" in the_bad(cells(containers="CSQU3054383 " * 11)).reason


@pytest.mark.parametrize("text", ["2204", "2204:Wine:900", "Wine", ":"])
def test_goods_that_are_not_four_parts_are_refused(text: str) -> None:
    bad = the_bad(cells(goods=text))
    assert (bad.field, "hs_code:description:packages:gross_kilograms" in bad.reason) == ("goods", True)


def test_a_wrong_line_of_goods_is_named_by_its_position() -> None:
    assert the_bad(cells(goods="2204:Wine:900:8100.5;401:Rubber:280:9900")).field == "goods[2].hs_code"


def test_a_direction_is_inbound_or_outbound() -> None:
    assert "inbound" in the_bad(cells(direction="export")).reason
    assert isinstance(cells(direction="INBOUND"), Declaration)


def test_a_row_of_another_width_than_the_header_is_refused_as_a_whole() -> None:
    bad = the_bad(from_cells(9, ["a", "b"], FIELDS))
    assert (bad.row, bad.field, bad.value) == (9, "", "…")  # one of them may be a driver's document
    bad = the_bad(from_cells(9, ["a", "b"], [name for name in FIELDS if name != "drivers"]))
    assert (bad.row, bad.field, bad.value) == (9, "", "a,b")
    assert f"2 cells and the header {len(FIELDS) - 1}" in bad.reason


def test_a_header_may_be_in_any_order_and_lack_optional_columns() -> None:
    assert columns_of([f" {name} " for name in reversed(REQUIRED)]) == tuple(reversed(REQUIRED))


def test_wrong_columns_are_named_with_the_closest_known_one() -> None:
    bad = columns_of([*FIELDS[1:], "Declaration ID", "cargo_kg", "persons"])
    assert isinstance(bad, list)
    told = {each.field: each.reason for each in bad}
    assert told["Declaration ID"] == "unknown column; did you mean declaration_id?"
    assert "cargo_kilograms" in told["cargo_kg"]
    assert told["persons"] == "the column is there more than once"
    assert told["declaration_id"] == "the required column is missing"


def test_an_unknown_field_is_named_with_the_closest_known_one() -> None:
    bad = the_bad(from_object(3, OBJECT | {"persons": "2", "cargo_kilogram": "1"}))
    assert (bad.row, bad.field, bad.reason) == (3, "cargo_kilogram", "unknown field; did you mean cargo_kilograms?")
    goods = [{"hs_code": "2204", "packages": "1", "gross_kilograms": "1", "weight": "1"}]
    assert the_bad(from_object(3, OBJECT | {"persons": "2", "goods": goods})).field == "goods[1].weight"


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"persons": True}, "persons", "neither text nor a number"),
        ({"vehicle_plate": ["琼A12345"]}, "vehicle_plate", "neither text nor a number"),
        ({"goods": "2204:Wine:900:8100.5"}, "goods", "is not a list"),
        ({"goods": ["Wine"]}, "goods[1]", "is not an object"),
        ({"goods": [{}] * 1000}, "goods", "more than 999"),
        ({"containers": "CSQU3054383"}, "containers", "is not a list"),
        ({"containers": [None]}, "containers", "empty number"),
        ({"containers": [{}]}, "containers", "neither text nor a number"),
    ],
)
def test_a_json_value_of_the_wrong_kind_is_refused(changed: dict[str, object], field: str, reason: str) -> None:
    bad = the_bad(from_object(1, {**OBJECT, "persons": "2", **changed}))
    assert bad.field == field
    assert reason in bad.reason


@pytest.mark.parametrize("entry", [None, "text", 7, [], [1, 2]])
def test_an_entry_that_is_no_object_is_refused(entry: object) -> None:
    assert "is not an object" in the_bad(from_object(1, entry)).reason


def test_a_long_or_harmful_value_is_shown_short_and_harmless() -> None:
    bad = the_bad(cells(vehicle_plate="\x1b[31m" + "x" * 500))
    assert len(bad.value) == SHOWN
    assert bad.value.isprintable()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(
    st.sampled_from(FIELDS) | st.text(max_size=8), JSON_VALUES | st.sampled_from(list(CELLS.values()))
)


@given(st.one_of(OBJECTS, JSON_VALUES))
def test_any_json_is_a_declaration_or_a_list_of_what_is_wrong(entry: object) -> None:
    judged(from_object(1, entry))


@given(st.lists(st.text() | st.sampled_from(list(CELLS.values())), min_size=len(FIELDS), max_size=len(FIELDS)))
def test_any_cells_are_a_declaration_or_a_list_of_what_is_wrong(row: Sequence[str]) -> None:
    judged(from_cells(1, row, FIELDS))


MORE = {
    "equipment": "CSQU3054383:22G1:loaded:HN 123456+CN-77:2200:;TGHU7599330::empty",
    "carrier_id": "CARRIER-7",
    "drivers": "CHN:E 1234 5678; D:c01x00t47",
    "value": "125000.50",
    "currency": "cny",
    "verified_gross_kilograms": "33900",
}
MORE_AS_OBJECT: dict[str, object] = {
    **MORE,
    "equipment": [
        {
            "number": "CSQU3054383",
            "size_type": "22G1",
            "fullness": "loaded",
            "seals": ["HN123456", "cn77"],
            "tare_kilograms": "2200",
        },
        {"number": "TGHU7599330", "fullness": "empty"},
    ],
    "drivers": [{"issuer": "D", "number": "C01X00T47"}, {"issuer": "CHN", "number": "E12345678"}],
}


def pseudonyms(*document: str) -> bytes:
    return "/".join(document).encode()


def with_drivers(**changed: str) -> Declaration | list[BadValue]:
    row = CELLS | MORE | changed
    return from_cells(7, list(row.values()), list(row), pseudonyms)


def test_containers_drivers_value_and_carrier_are_read_from_both_forms() -> None:
    read = with_drivers()
    assert isinstance(read, Declaration), read
    assert read == from_object(7, OBJECT | MORE_AS_OBJECT | {"persons": "2"}, pseudonyms)
    assert list(read.equipment) == [
        DeclaredContainer(
            number="CSQU3054383",
            size_type="22G1",
            fullness=FULLNESS_LOADED,
            seals=["HN123456", "CN77"],
            tare_kilograms="2200",
        ),
        DeclaredContainer(number="TGHU7599330", fullness=FULLNESS_EMPTY),
    ]
    assert list(read.drivers) == [b"xinhai-0301-14/CHN/E12345678", b"xinhai-0301-14/D/C01X00T47"]
    assert (read.value, read.carrier_id) == (Money(amount="125000.5", currency="CNY"), "CARRIER-7")
    assert read.verified_gross_kilograms == "33900"


@pytest.mark.parametrize(
    ("changed", "field", "reason"),
    [
        ({"equipment": "CSQU3054383:22X1"}, "equipment[1].size_type", "'X' stands for no type"),
        ({"equipment": "CSQU3054383::full"}, "equipment[1].fullness", "neither empty nor loaded"),
        ({"equipment": "CSQU3054384"}, "equipment[1].number", "should be 3"),
        ({"equipment": "CSQU3054383;CSQU3054383"}, "equipment[2].number", "twice"),
        ({"equipment": "CSQU3054383:::封123"}, "equipment[1].seals", "is no seal"),
        ({"equipment": "CSQU3054383:a:b:c:d:e:f"}, "equipment", "is not number:size_type"),
        ({"containers": "", "box_tare_kilograms": ""}, "box_tare_kilograms", "required when containers"),
        ({"value": "125,000"}, "value", "no separators"),
        ({"currency": ""}, "currency", "required when a value is given"),
        ({"currency": "¥"}, "currency", "three letters"),
        ({"sailing_id": ""}, "drivers[1]", "needs sailing_id"),
    ],
)
def test_what_is_wrong_with_them_is_told(changed: dict[str, str], field: str, reason: str) -> None:
    read = with_drivers(**({"drivers": "CHN:E12345678"} | changed))
    bad = the_bad(read)
    assert bad.field == field
    assert reason in bad.reason


@pytest.mark.parametrize("drivers", ["CHN E87654321", "CHINA:E87654321", "CHN:E1234567812345678123456781234567812"])
def test_a_wrong_document_of_a_driver_is_told_without_repeating_it(drivers: str) -> None:
    bad = the_bad(with_drivers(drivers=drivers))
    assert bad.field.startswith("drivers")
    assert bad.value == "…"
    assert drivers[4:] not in bad.reason


def test_drivers_are_refused_where_there_are_no_keys_of_sailings() -> None:
    bad = the_bad(cells(drivers="CHN:E12345678"))
    assert (bad.field, bad.reason) == ("drivers[1]", "cannot be taken here: there are no keys of sailings")


def judged(read: Declaration | list[BadValue]) -> None:
    if isinstance(read, Declaration):
        assert read.declaration_id
        assert read.SerializeToString()
        return
    assert read
    for bad in read:
        assert bad.reason
        assert bad.value.isprintable()
        assert len(bad.value) <= SHOWN
