from __future__ import annotations

import io
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from collector.declarations.files import DeclarationFileError, FileFormat, read_rows
from collector.declarations.intake import ImportReport
from collector.declarations.reader import BadValue
from collector.errors import CollectorError
from collector.registers import importing
from collector.registers.forms import FORMS, FlatForm, Said
from collector.registers.importing import KEPT_UNDECLARED_NS, KEPT_WITH_DECLARATION_NS, import_items
from collector.registers.intake import Kind
from collector.registers.manifests import TRAVELLERS
from collector.registers.reading import latest
from collector.registers.sailings import KEPT_AFTER_DEPARTURE_NS, SAILINGS, with_heads_known
from gate_contract.registers import body_of, settlement_of
from gate_contract.v1 import register_pb2 as pb
from tests.unit.collector.reconcile.island import NOON, Island, a_declaration

NOON_TEXT = "2026-03-01T12:00:00+08:00"


@pytest.fixture
def island(tmp_path: Path) -> Iterator[Island]:
    made = Island(tmp_path)
    yield made
    made.close()


def read(form: FlatForm[Said], text: str, file_format: FileFormat = "csv") -> list[tuple[int, Said | list[BadValue]]]:
    return list(read_rows(io.BytesIO(text.encode()), file_format, form))


def the_bad(form: FlatForm[Said], text: str) -> BadValue:
    [(_, entry)] = read(form, text)
    assert isinstance(entry, list), entry
    [bad] = entry
    return bad


def enter(island: Island, register: str, text: str, *, partial: bool = False, at: int = NOON) -> ImportReport:
    if register == "sailing":
        return import_items(
            island.store,
            island.ledger,
            pb.ITEM_KIND_SAILING,
            read(SAILINGS, text),
            NOON,
            partial=partial,
            completed=with_heads_known,
        )
    kind, form = FORMS[register]
    return import_items(island.store, island.ledger, kind, read(form, text), at, partial=partial)


def bodies(island: Island, kind: Kind) -> dict[str, Message]:
    with island.store.read() as connection:
        return {key: body_of(item) for key, item in latest(connection, kind).items()}


def test_a_schedule_is_read_from_both_forms() -> None:
    header = "sailing_id,site_id,departure,cancelled,mmsi,ship,heads"
    [(row, said)] = read(SAILINGS, f"{header}\nHN-1,xinhai,{NOON_TEXT},yes,413500123,Haikou 8,612")
    assert row == 2
    assert isinstance(said, Said)
    assert said.body == pb.Sailing(
        sailing_id="HN-1",
        site_id="xinhai",
        departure_unix_ns=NOON,
        cancelled=True,
        mmsi=413500123,
        ship="Haikou 8",
        heads=612,
    )
    assert (said.site_id, said.expires_unix_ns) == ("xinhai", NOON + KEPT_AFTER_DEPARTURE_NS)
    text = (
        f'[{{"sailing_id": "HN-1", "site_id": "xinhai", "departure": "{NOON_TEXT}", "cancelled": true,'
        ' "mmsi": 413500123, "ship": "Haikou 8", "heads": 612}]'
    )
    assert read(SAILINGS, text, "json") == [(1, said)]


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("cancelled", "perhaps", "neither yes nor no"),
        ("mmsi", "12345", "nine digits"),
        ("mmsi", "012345678", "the first one 2 to 7"),
        ("heads", "-1", "no whole number of persons"),
        ("heads", "20001", "up to 20000"),
        ("heads", "9" * 5000, "no whole number of persons"),
        ("ships", "Haikou 8", "did you mean ship?"),
    ],
)
def test_what_is_wrong_with_a_sailing_is_told_with_row_and_column(column: str, value: str, reason: str) -> None:
    bad = the_bad(SAILINGS, f"sailing_id,site_id,departure,{column}\nHN-1,xinhai,{NOON_TEXT},{value}")
    assert (bad.row, bad.field) == (1 if column == "ships" else 2, column)
    assert reason in bad.reason


def test_a_schedule_without_heads_leaves_what_was_counted(island: Island) -> None:
    header = "sailing_id,site_id,departure,heads\n"
    enter(island, "sailing", f"{header}HN-1,xinhai,{NOON_TEXT},612")
    assert enter(island, "sailing", f"{header}HN-1,xinhai,{NOON_TEXT},").unchanged == 1
    put_off = enter(island, "sailing", f"{header}HN-1,xinhai,2026-03-01T13:00:00+08:00,")
    assert put_off.changed == 1
    sailing = bodies(island, pb.ITEM_KIND_SAILING)["HN-1"]
    assert isinstance(sailing, pb.Sailing)
    assert (sailing.heads, sailing.departure_unix_ns) == (612, NOON + 3600 * 10**9)
    assert enter(island, "sailing", f"{header}HN-1,xinhai,{NOON_TEXT},0").changed == 1
    assert getattr(bodies(island, pb.ITEM_KIND_SAILING)["HN-1"], "heads") == 0  # noqa: B009 - a Message has no fields


def test_a_settlement_says_what_the_rules_read(island: Island) -> None:
    island.declare(a_declaration("D-1"))
    text = (
        "declaration_id,paid,currency,yuan_per_paid,yuan_per_declared,order_party,payment_party,logistics_party,"
        "duty_due,duty_paid,guarantee_left\n"
        "D-1,125000.50,USD,7.1,7.2,P-1,P-1,P-2,900,0,100000\n"
        "D-2,,,,,,,,900,900,\n"
    )
    assert enter(island, "settlement", text).new == 2
    found = bodies(island, pb.ITEM_KIND_SETTLEMENT)
    first = found["D-1"]
    assert isinstance(first, pb.DeclarationSettlement)
    settlement = settlement_of(first)
    assert (str(settlement.paid), settlement.currency, str(settlement.yuan_per_paid)) == ("125000.5", "USD", "7.1")
    assert dict(settlement.parties) == {"order": "P-1", "payment": "P-1", "logistics": "P-2"}
    assert (settlement.duty_due, settlement.duty_paid) == (Decimal(900), Decimal(0))
    assert settlement.guarantee_left == Decimal(100_000)
    with island.store.read() as connection:
        items = latest(connection, pb.ITEM_KIND_SETTLEMENT)
    assert {key: item.site_id for key, item in items.items()} == {"D-1": "xinhai", "D-2": ""}


def test_what_is_entered_about_a_declaration_stays_at_gates_as_long_as_that(island: Island) -> None:
    island.declare(a_declaration("D-1", departure=NOON), a_declaration("D-2", departure=0))
    text = "declaration_id,duty_due\nD-1,900\nD-2,900\nD-3,900\n"
    enter(island, "settlement", text)
    with island.store.read() as connection:
        items = latest(connection, pb.ITEM_KIND_SETTLEMENT)
    assert {key: item.expires_unix_ns for key, item in items.items()} == {
        "D-1": NOON + KEPT_WITH_DECLARATION_NS,
        "D-2": 0,
        "D-3": NOON + KEPT_UNDECLARED_NS,
    }
    assert enter(island, "settlement", text, at=NOON + 5).unchanged == 3
    assert enter(island, "settlement", text.replace("D-3,900", "D-3,901"), at=NOON + 5).changed == 1
    island.declare(a_declaration("D-3", departure=NOON))
    enter(island, "settlement", text, at=NOON + 6)
    with island.store.read() as connection:
        late = latest(connection, pb.ITEM_KIND_SETTLEMENT)["D-3"]
    assert (late.site_id, late.expires_unix_ns) == ("", NOON + KEPT_WITH_DECLARATION_NS)


def test_carriers_quantities_and_journeys_have_keys_of_their_own(island: Island) -> None:
    enter(island, "carrier", "plate,carrier_id\n琼a·12345,C-1\n")
    enter(island, "quantity", "declaration_id,name,allowed,unit,used_per_passage\nD-1,vehicles,3,vehicles,1\n")
    enter(island, "journey", "site_id,other_site_id,shortest_s\nxinhai,macun,1500\n")
    assert bodies(island, pb.ITEM_KIND_CARRIER) == {"琼A12345": pb.VehicleCarrier(plate="琼A12345", carrier_id="C-1")}
    assert bodies(island, pb.ITEM_KIND_QUANTITY) == {
        "D-1/vehicles": pb.DeclarationQuantity(
            declaration_id="D-1", name="vehicles", allowed="3", unit="vehicles", used_per_passage="1"
        )
    }
    assert bodies(island, pb.ITEM_KIND_JOURNEY) == {
        "macun/xinhai": pb.Journey(site_id="macun", other_site_id="xinhai", shortest_s=1500)
    }


@pytest.mark.parametrize(
    ("register", "text", "reason"),
    [
        ("settlement", "declaration_id,paid\nD-1,100\n", "paid and currency are given both or neither"),
        ("quantity", "declaration_id,name,allowed,unit\nD-1,vehicles,3,vehicles\n", "used_per_passage is required"),
        ("quantity", "declaration_id,name,allowed,unit\nD-1,a/b,3,kg\n", "a name has no slash"),
        ("journey", "site_id,other_site_id,shortest_s\nxinhai,xinhai,9\n", "the two sites are the same"),
        ("journey", "site_id,other_site_id,shortest_s\nxinhai,macun,0\n", "whole number of seconds"),
        ("carrier", "plate,carrier_id\n!!!,C-1\n", "on no plate"),
        ("carrier", "plate,carrier_id\n琼A12345\n", "1 cells and the header 2"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(register: str, text: str, reason: str) -> None:
    assert reason in the_bad(FORMS[register][1], text).reason


ALL_FORMS: list[FlatForm[Any]] = [SAILINGS, TRAVELLERS, *(form for _, form in FORMS.values())]
NAMES = sorted({column.name for form in ALL_FORMS for column in form.columns})
VALUES = st.text() | st.sampled_from(["HN-1", NOON_TEXT, "xinhai", "12.5", "CHN", "yes", "9" * 5000, "٣", "琼A12345"])


@given(
    st.sampled_from(ALL_FORMS), st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES | st.none() | st.booleans())
)
def test_any_object_is_a_row_or_a_list_of_what_is_wrong(form: FlatForm[Any], entry: dict[str, object]) -> None:
    read_object = form.from_object(1, {name: entry.get(name) for name in entry})
    assert not isinstance(read_object, list) or read_object


@given(st.sampled_from(ALL_FORMS), st.data())
def test_any_cells_are_a_row_or_a_list_of_what_is_wrong(form: FlatForm[Any], data: st.DataObject) -> None:
    columns = [column.name for column in form.columns]
    cells = data.draw(st.lists(VALUES, min_size=len(columns), max_size=len(columns)))
    read_cells = form.from_cells(1, cells, columns)
    assert not isinstance(read_cells, list) or read_cells


def test_all_or_nothing_unless_partial(island: Island) -> None:
    text = "plate,carrier_id\n琼A12345,C-1\n琼A12346,\n"
    report = enter(island, "carrier", text)
    assert (report.stored, report.rows, report.bad_rows) == (False, 2, 1)
    assert bodies(island, pb.ITEM_KIND_CARRIER) == {}
    report = enter(island, "carrier", text, partial=True)
    assert (report.stored, report.new, report.bad[0]) == (True, 1, BadValue(3, "carrier_id", "", "is required"))
    assert bodies(island, pb.ITEM_KIND_CARRIER).keys() == {"琼A12345"}


def test_two_rows_that_contradict_each_other_are_both_bad(island: Island) -> None:
    text = "plate,carrier_id\n琼A1,C-1\n琼A2,C-1\n琼A2,C-1\n琼A1,C-2\n琼A1,C-3\n"
    report = enter(island, "carrier", text, partial=True)
    assert [(bad.row, bad.reason) for bad in report.bad] == [
        (2, "row 5 says otherwise of the same"),
        (5, "row 2 says otherwise of the same"),
        (6, "row 2 says otherwise of the same"),
    ]
    assert bodies(island, pb.ITEM_KIND_CARRIER).keys() == {"琼A2"}


def test_a_json_entry_of_another_kind_is_refused() -> None:
    [(_, bad), (_, unknown)] = read(FORMS["carrier"][1], '[7, {"plate": "琼A1", "carrier": "C-1"}]', "json")
    assert isinstance(bad, list)
    assert isinstance(unknown, list)
    assert "is not an object" in bad[0].reason
    assert {each.field for each in unknown} == {"carrier", "carrier_id"}


def test_a_file_that_cannot_be_read_to_its_end_enters_nothing(island: Island) -> None:
    with pytest.raises(DeclarationFileError):
        enter(island, "carrier", 'plate,carrier_id\n琼A1,C-1\n"琼A2,C-1\n', partial=True)
    assert bodies(island, pb.ITEM_KIND_CARRIER) == {}


def test_a_file_that_is_too_long_to_be_held_is_refused(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_ROWS", 2)
    with pytest.raises(CollectorError, match="more than 2 rows"):
        enter(island, "carrier", "plate,carrier_id\n" + "琼A1,C-1\n" * 3)
