from __future__ import annotations

import io
import threading
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select

from collector.declarations.files import DeclarationFileError, Entry, read_entries
from collector.declarations.intake import content_hash, import_declarations
from collector.declarations.reader import BadValue
from collector.declarations.rows import FIELDS
from collector.ledger.log import read_head
from collector.store import schema
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.unit.collector.reconcile.island import NOON, Island, a_declaration

BAD = BadValue(2, "persons", "x", "is not a whole number of persons")
MANY = 100_000


def versions(island: Island) -> list[tuple[str, int, bool, str]]:
    table = schema.declarations.c
    with island.store.read() as connection:
        rows = connection.execute(select(schema.declarations).order_by(table.declaration_id, table.version))
        return [
            (row.declaration_id, row.version, row.latest, Declaration.FromString(row.body).cargo_kilograms)
            for row in rows
        ]


def test_each_new_version_is_a_row_and_the_ledger_entry_that_it_names(island: Island) -> None:
    report = island.declare(a_declaration("D-1"), a_declaration("D-2"), at=NOON + 5)
    assert (report.rows, report.new, report.changed, report.unchanged, report.bad, report.stored) == (
        2,
        2,
        0,
        0,
        [],
        True,
    )
    with island.store.read() as connection:
        for row in connection.execute(select(schema.declarations)):
            table = schema.ledger_entries.c
            body = connection.scalars(select(table.body).where(table.entry_index == row.ledger_index)).one()
            entry = LedgerEntry.FromString(body)
            assert entry.declaration.SerializeToString(deterministic=True) == row.body
            assert entry.entered_unix_ns == row.received_ns == entry.declaration.received_unix_ns == NOON + 5
            assert row.content_sha256 == content_hash(a_declaration(row.declaration_id))
            assert (row.site_id, row.vehicle_plate, row.trailer_plate) == ("xinhai", "琼A12345", "")
            assert (row.lodged_ns, row.departure_ns) == (
                entry.declaration.lodged_unix_ns,
                entry.declaration.departure_unix_ns,
            )


def test_importing_twice_changes_nothing(island: Island) -> None:
    island.declare(a_declaration("D-1"), a_declaration("D-2"))
    before = versions(island), island.ledger_kinds()
    report = island.declare(a_declaration("D-1"), a_declaration("D-2"), at=NOON + 1)
    assert (report.new, report.changed, report.unchanged) == (0, 0, 2)
    assert (versions(island), island.ledger_kinds()) == before


def test_a_changed_declaration_is_a_new_version_and_so_is_one_that_is_changed_back(island: Island) -> None:
    for cargo in ("13000", "9000", "13000"):
        island.declare(a_declaration(cargo=cargo), a_declaration("D-2"))
    assert versions(island) == [
        ("D-1", 1, False, "13000"),
        ("D-1", 2, False, "9000"),
        ("D-1", 3, True, "13000"),
        ("D-2", 1, True, "13000"),
    ]


def test_one_bad_row_and_nothing_is_stored(island: Island) -> None:
    entries: list[Entry] = [(1, a_declaration()), (2, [BAD])]
    report = import_declarations(island.store, island.ledger, entries, NOON)
    assert (report.bad, report.bad_rows, report.stored, report.new) == ([BAD], 1, False, 0)
    assert versions(island) == []
    assert island.ledger_kinds() == []


def test_partial_stores_the_good_rows(island: Island) -> None:
    entries: list[Entry] = [(1, a_declaration()), (2, [BAD, BAD]), (3, a_declaration("D-3"))]
    report = import_declarations(island.store, island.ledger, entries, NOON, partial=True)
    assert (report.rows, report.new, report.bad_rows, report.stored) == (3, 2, 1, True)
    assert [each[0] for each in versions(island)] == ["D-1", "D-3"]


def test_two_rows_that_contradict_each_other_are_both_bad(island: Island) -> None:
    entries: list[Entry] = [
        (2, a_declaration("D-1")),
        (3, a_declaration("D-2")),
        (4, a_declaration("D-1", cargo="1")),
        (5, a_declaration("D-1", cargo="2")),
    ]
    report = import_declarations(island.store, island.ledger, entries, NOON, partial=True)
    assert [(bad.row, bad.field, bad.value, bad.reason) for bad in report.bad] == [
        (2, "declaration_id", "D-1", "row 4 says otherwise under this number"),
        (4, "declaration_id", "D-1", "row 2 says otherwise under this number"),
        (5, "declaration_id", "D-1", "row 2 says otherwise under this number"),
    ]
    assert [each[0] for each in versions(island)] == ["D-2"]


def test_two_rows_that_say_the_same_are_one_declaration(island: Island) -> None:
    report = island.declare(a_declaration("D-1"), a_declaration("D-1"))
    assert (report.rows, report.new, report.unchanged, report.bad) == (2, 1, 1, [])


def test_a_file_that_breaks_off_leaves_nothing_also_when_partial(island: Island) -> None:
    def broken() -> Iterator[Entry]:
        yield 2, a_declaration()
        raise DeclarationFileError("The file is no well-formed CSV")

    with pytest.raises(DeclarationFileError):
        import_declarations(island.store, island.ledger, broken(), NOON, partial=True)
    assert versions(island) == []


def test_a_crash_while_storing_leaves_nothing(island: Island, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.declarations.intake.AT_ONCE", 1)

    def killed(stage: str, count: int) -> None:
        if (stage, count) == ("stored", 2):
            raise KeyboardInterrupt

    entries: list[Entry] = [(number, a_declaration(f"D-{number}")) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        import_declarations(island.store, island.ledger, entries, NOON, on_progress=killed)
    assert versions(island) == []
    assert island.ledger_kinds() == []


def test_an_open_reader_sees_the_moment_it_began_and_does_not_hold_the_import_up(island: Island) -> None:
    island.declare(a_declaration("D-1"))
    count = select(func.count()).select_from(schema.declarations)
    with island.store.read() as connection:
        assert connection.scalar(count) == 1
        importing = threading.Thread(target=island.declare, args=(a_declaration("D-2"), a_declaration("D-3")))
        importing.start()
        importing.join(20)
        assert not importing.is_alive()
        assert connection.scalar(count) == 1
    with island.store.read() as connection:
        assert connection.scalar(count) == 3


def a_file(count: int) -> bytes:
    lines = [",".join(FIELDS[:15])]
    lines += [
        f"D-{number},2026-03-01T08:30:00+08:00,xinhai,outbound,S-{number % 40},"
        f"2026-03-0{number % 4 + 1}T12:30:00+08:00,琼A{number:05d},,8000,0,1,12000.5,0805:Lemons:100:12000.5,,CN4601"
        for number in range(count)
    ]
    return "\n".join(lines).encode()


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_hundred_thousand_rows_are_imported(island: Island) -> None:
    stages: dict[str, int] = {}
    report = import_declarations(
        island.store, island.ledger, read_entries(io.BytesIO(a_file(MANY)), "csv"), NOON, on_progress=stages.__setitem__
    )
    assert (report.rows, report.new, report.bad, report.stored) == (MANY, MANY, [], True)
    assert stages == {"read": MANY, "stored": MANY}
    with island.store.read() as connection:
        assert read_head(connection).frontier.size == MANY
