# ruff: noqa: S608 - the test changes tables by name, with names from the schema
from __future__ import annotations

import re
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from collector.ledger.audit import Trust, audit, work
from collector.store import schema
from collector.store.digest import row_digest
from collector.store.engine import open_store
from tests.unit.collector.collected import DEPLOYMENT, Collected
from tests.unit.collector.ledger.audited import BLOB, Place

# Columns that hold the collector's own working state: nothing that was received, decided or promised depends on them.
WORKING_STATE = {
    ("journals", "last_seen_ns"),
    ("invitations", "expires_ns"),
    ("invitations", "used_ns"),
    ("quarantine", "quarantine_id"),
    ("findings", "finding_id"),
    ("alarms", "alarm_id"),
    ("certificates", "used_ns"),
    *((table.name, column.name) for table in (schema.to_judge, schema.cursors) for column in table.columns),
}
# Whether D01 still stands is the reconciler's working state too; of other findings it is not.
ROWS = {("findings", "latest"): "subject_kind <> 'declaration'"}
COLUMNS = [
    pytest.param(table.name, column.name, which, id=f"{table.name}.{column.name}-{which}")
    for table in schema.metadata.tables.values()
    for column in table.columns
    for which in (("first", "last") if table.name in {"findings", "passages", "verdicts"} else ("first",))
    if (table.name, column.name) not in WORKING_STATE
]


def test_what_was_stored_in_order_holds(place: Place) -> None:
    report = place.audit()
    assert report.problems == ()
    assert report.holds
    assert (report.records, report.journals, report.evidence) == (320, 3, 1)
    assert (report.declarations, report.items, report.verdicts) == (301, 4, 9)
    tables = [table.name for table in schema.metadata.tables.values()]
    filled = [name for name in tables if place.execute(f"SELECT count(*) FROM {name}") != [(0,)]]
    assert set(tables) - set(filled) <= {"to_judge"}
    kinds = {kind for (kind,) in place.execute("SELECT DISTINCT subject_kind FROM findings")}
    assert kinds == {"passage", "declaration", "journal"}


def test_progress_ends_where_the_work_was_said_to_end(place: Place) -> None:
    seen: list[int] = []
    store = open_store(f"sqlite:///{place.database}", migrate=False)
    total = work(store)
    audit(store, place.trust, place.directory / "evidence", seen.append)
    store.close()
    assert seen == sorted(seen)
    assert seen[-1] == total


def changed(value: object, bit: int) -> Any:
    """The value with one bit of one byte changed; of the same type."""
    if value is None:
        return 1
    if isinstance(value, int):
        return value ^ (1 << bit)
    if isinstance(value, str):
        middle = len(value) // 2
        other = chr(ord(value[middle]) ^ (1 << bit)) if value else "x"
        return value[:middle] + other + value[middle + 1 :]
    assert isinstance(value, bytes)
    middle = len(value) // 2
    return value[:middle] + bytes([value[middle] ^ (1 << bit)]) + value[middle + 1 :]


@pytest.mark.parametrize(("table", "column", "which"), COLUMNS)
def test_one_changed_byte_in_any_column_is_found(place: Place, table: str, column: str, which: str) -> None:
    order = "ASC" if which == "first" else "DESC"
    ((rowid, value),) = place.execute(
        f"SELECT rowid, {column} FROM {table} WHERE {column} IS NOT NULL AND length({column}) > 0"
        f" AND {ROWS.get((table, column), 'true')} ORDER BY rowid {order} LIMIT 1"
    )
    for bit in range(30):
        try:
            place.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (changed(value, bit), rowid))
        except sqlite3.IntegrityError:
            continue  # another row has that key; the next bit
        break
    assert place.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (rowid,)) != [(value,)]
    assert not place.audit().holds


@pytest.mark.parametrize("column", ["revoked_ns", "revoked_reason", "last_seen_ns"])
def test_a_revocation_that_the_ledger_does_not_know_is_found(place: Place, column: str) -> None:
    place.execute(f"UPDATE journals SET {column} = '17' WHERE agent_id = 'gate-1'")
    assert place.audit().holds == (column == "last_seen_ns")


def test_a_changed_record_is_named_by_its_journal_and_index(place: Place) -> None:
    ((body, origin),) = place.execute(
        "SELECT body, origin FROM batches JOIN journals USING (journal_id)"
        " WHERE first_index = 0 AND agent_id = 'gate-1'"
    )
    at = body.index(b"z\x05\n\x03217")  # the probe with payload "217"
    place.execute(
        "UPDATE batches SET body = ? WHERE journal_id = 1 AND first_index = 0",
        (body[: at + 4] + b"218" + body[at + 7 :],),
    )
    report = place.audit()
    assert [problem.where for problem in report.problems] == [f"record {origin}#217"]
    assert "its bytes were changed" in report.problems[0].what


def test_a_changed_record_with_changed_hashes_is_found_under_its_signature(place: Place) -> None:
    ((body, leaves),) = place.execute("SELECT body, leaves FROM batches WHERE journal_id = 1 AND first_index = 0")
    forged = body.replace(b"z\x05\n\x03217", b"z\x05\n\x03218", 1)
    record = forged[forged.index(b"z\x05\n\x03218") - 10 :][:17]
    assert record.endswith(b"218")
    other = leaves[: 217 * 32] + sha256(b"\x00" + record).digest() + leaves[218 * 32 :]
    place.execute("UPDATE batches SET body = ?, leaves = ? WHERE journal_id = 1 AND first_index = 0", (forged, other))
    assert "up to d.example/agent/gate-1/" in place.problems()
    assert "is not what was signed" in place.problems()


def test_a_changed_ledger_entry_is_named_by_its_index(place: Place) -> None:
    ((body,),) = place.execute("SELECT body FROM ledger_entries WHERE entry_index = 200")
    place.execute("UPDATE ledger_entries SET body = ? WHERE entry_index = 200", (changed(body, 0),))
    assert "ledger entry 200: its bytes were changed" in place.problems()


def test_all_problems_are_listed_and_the_first_ones_in_full(place: Place) -> None:
    place.execute("UPDATE declarations SET site_id = 'elsewhere'")
    report = place.audit()
    assert report.problem_count == 301
    assert len(report.problems) == 100
    assert "column site_id is 'elsewhere'; ledger entry" in report.problems[0].what


@pytest.mark.parametrize(
    "table",
    [
        "journals",
        "batches",
        "ledger_entries",
        "ledger_head",
        "tiles",
        "passages",
        "incidents",
        "dead_letters",
        "declarations",
        "verdicts",
        "findings",
        "matches",
        "register_items",
        "cases",
        "case_events",
        "draw_seeds",
        "alarms",
        "quarantine",
    ],
)
def test_a_row_that_is_missing_is_found(place: Place, table: str) -> None:
    place.execute(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")
    assert "missing" in place.problems() or "stored" in place.problems()


def test_an_alarm_that_is_taken_out_is_named_with_its_ledger_entry(place: Place) -> None:
    ((origin, kind),) = place.execute("DELETE FROM alarms WHERE alarm_id = 1 RETURNING origin, kind")
    (problem,) = place.audit().problems
    assert problem.where == f"alarm {kind} of {origin}"
    assert re.fullmatch(r"it is missing or was changed; ledger entry \d+ says it was kept", problem.what)


def test_an_alarm_that_is_rewritten_with_its_digest_is_found(place: Place) -> None:
    names = schema.DIGESTED["alarms"]
    (row,) = place.execute(f"SELECT {', '.join(names)} FROM alarms WHERE alarm_id = 2")
    forged = dict(zip(names, row, strict=True)) | {"detail": "nothing happened"}
    place.execute("UPDATE alarms SET detail = ?, digest = ? WHERE alarm_id = 2", (forged["detail"], row_digest(forged)))
    found = place.problems()
    assert f"alarm {forged['kind']} of {forged['origin']}: it is missing or was changed" in found
    assert "row alarm_id 2 of alarms: the ledger has no entry of it" in found


def test_a_batch_that_is_missing_is_a_gap_that_names_its_first_record(place: Place) -> None:
    place.execute("DELETE FROM batches WHERE journal_id = 1 AND first_index = 304")
    found = place.problems()
    assert "#304: it is missing; the next stored batch begins at 305" in found
    assert "batches: 6 are stored, the ledger has 7" in found


def test_rows_that_no_record_says_are_found(place: Place) -> None:
    place.execute("INSERT INTO dead_letters VALUES (1, 17, 'invented', 1)")
    place.execute("INSERT INTO tiles VALUES ('ledger', 8, 7, x'00')")
    place.execute("INSERT INTO tiles VALUES ('another', 8, 0, x'00')")
    place.execute("INSERT INTO incidents VALUES (9, 1, 'i', 'c', 'd', 1, NULL, 't')")
    found = place.problems()
    assert "#17 in dead_letters: the record does not say this" in found
    assert "tiles of ledger: 2 are stored, the leaves make 1" in found
    assert "tiles: there are tiles of a tree another, which does not exist" in found
    assert "incidents: there are rows of a journal 9, which does not exist" in found


def test_a_passage_that_nobody_will_judge_is_found(place: Place) -> None:
    for table in ("verdicts", "findings", "matches"):
        column = "subject" if table == "findings" else "passage_id"
        place.execute(f"DELETE FROM {table} WHERE {column} = 'p2'")
    assert "passage p2: it has no verdict and does not wait for one" in place.problems()


def test_a_passage_without_its_newest_verdict_is_found(place: Place) -> None:
    place.execute("DELETE FROM verdicts WHERE passage_id = 'p1' AND sequence = 2")
    found = place.problems()
    assert "verdict p1 1: column latest is False; it is the last one" in found
    assert "verdicts: 8 are stored, the ledger has 9" in found


@pytest.mark.parametrize("content", [b"another pic", b"a pictur"])
def test_a_changed_blob_is_named(place: Place, content: bytes) -> None:
    name = sha256(BLOB).hexdigest()
    (place.directory / "evidence" / name[:2] / name).write_bytes(content)
    assert f"evidence {name}: its bytes were changed" in place.problems()


def test_a_missing_blob_is_named(place: Place) -> None:
    name = sha256(BLOB).hexdigest()
    (place.directory / "evidence" / name[:2] / name).unlink()
    assert f"evidence {name}: its file cannot be read: No such file or directory" in place.problems()


def test_a_blob_that_went_with_its_row_is_missed(place: Place) -> None:
    name = sha256(BLOB).hexdigest()
    (place.directory / "evidence" / name[:2] / name).unlink()
    place.execute("DELETE FROM evidence")
    found = place.problems()
    assert f"evidence {name}: it is missing or its row was changed; ledger entry" in found
    assert place.audit().problem_count == 1


def test_a_row_of_a_blob_that_was_changed_with_its_digest_is_found(place: Place) -> None:
    row = {"sha256": sha256(BLOB).digest(), "size": len(BLOB), "media_type": "image/png", "received_ns": 1}
    place.execute("UPDATE evidence SET media_type = 'image/png', received_ns = 1, digest = ?", (row_digest(row),))
    assert "it is missing or its row was changed; ledger entry" in place.problems()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE batches SET body = 'text' WHERE first_index = 0", "row 1 0 of batches: column body has a wrong type"),
        ("UPDATE journals SET size = 'many' WHERE journal_id = 1", "row 1 of journals: column size has a wrong type"),
        ("UPDATE passages SET plate = x'ff' WHERE passage_id = 'p2'", "of passages: column plate has a wrong type"),
        ("UPDATE verdicts SET latest = 3 WHERE passage_id = 'p2'", "of verdicts: column latest has a wrong type"),
        ("UPDATE passages SET plate = CAST(x'ff' AS TEXT)", "cannot be read any further: Could not decode"),
        ("UPDATE ledger_head SET peaks = 'text'", "row 1 of ledger_head: column peaks has a wrong type"),
        ("UPDATE evidence SET sha256 = 'text'", "row 'text' of evidence: column sha256 has a wrong type"),
    ],
)
def test_a_value_of_a_wrong_type_is_named_and_does_not_stop_the_audit(place: Place, statement: str, what: str) -> None:
    place.execute(statement)
    assert what in place.problems()


def test_keys_of_another_collector_fit_nothing(place: Place, tmp_path: Path) -> None:
    other = Collected(tmp_path)
    place.trust = Trust(DEPLOYMENT, other.receipts.verifier, other.ledger.verifier, place.trust.ca_pem)
    other.store.close()
    found = place.problems()
    assert "the ledger's head: its checkpoint does not hold" in found
    assert "its receipt does not hold" in found


def test_a_database_damaged_below_its_tables_says_what_cannot_be_read(place: Place) -> None:
    ((page,),) = place.execute("SELECT rootpage FROM sqlite_master WHERE name = 'batches'")
    ((page_size,),) = place.execute("PRAGMA page_size")
    place.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(place.database.read_bytes())
    content[(page - 1) * page_size : page * page_size] = b"\xff" * page_size
    place.database.write_bytes(content)
    found = place.problems()
    assert "the batches of d.example/agent/gate-1/" in found
    assert "cannot be read any further: database disk image is malformed" in found
