# ruff: noqa: S608 - the test changes tables by name, with names from the schema
from __future__ import annotations

import shutil
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from collector.agents import registry
from collector.agents.authority import Authority
from collector.config import CollectorConfig
from collector.declarations.intake import import_declarations
from collector.ingest.evidence import EvidenceStore, record_evidence
from collector.ingest.quarantine import FORK, Refused, quarantine
from collector.ledger.audit import AuditReport, Trust, audit, work
from collector.reconcile.service import Reconciler
from collector.store import schema
from collector.store.engine import Store, open_store
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import DIRECTION_OUTBOUND
from gate_contract.v1.uplink_pb2 import EvidenceOffer
from tests.unit.collector.collected import DEPLOYMENT, START, Agent, Collected, incident, passage, probes
from tests.unit.collector.ledger.samples import SAMPLES

BLOB = b"a picture"

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


class Place:
    """A collector's state on disk, and its audit."""

    def __init__(self, directory: Path, trust: Trust, store: Store) -> None:
        self.directory = directory
        self.trust = trust
        self.database = directory / "collector.db"
        self._store = store

    def audit(self) -> AuditReport:
        try:
            return audit(self._store, self.trust, self.directory / "evidence")
        finally:
            self._store.close()

    def execute(self, statement: str, values: tuple[Any, ...] = ()) -> list[Any]:
        """On the database directly, behind the collector's back."""
        connection = sqlite3.connect(self.database)
        try:
            rows = connection.execute(statement, values).fetchall()
            connection.commit()
        finally:
            connection.close()
        return rows

    def problems(self) -> str:
        report = self.audit()
        assert not report.holds
        return "\n".join(f"{problem.where}: {problem.what}" for problem in report.problems)


def declaration(number: int, plate: str) -> Declaration:
    departure = registry.nanoseconds(START + timedelta(hours=4))
    return Declaration(
        declaration_id=f"D-{number:03}",
        site_id="haikou",
        direction=DIRECTION_OUTBOUND,
        lodged_unix_ns=registry.nanoseconds(START - timedelta(hours=2)),
        departure_unix_ns=departure,
        vehicle_plate=plate,
        trailer_plate="琼A1234挂",
        vehicle_tare_kilograms="8000",
        box_tare_kilograms="0",
        cargo_kilograms="4000",
        persons=1,
    )


def build(directory: Path) -> Trust:
    """Something in every table, and enough of it for tiles."""
    collected = Collected(directory)
    authority = Authority.make(DEPLOYMENT, START)
    agent, other = collected.admit("gate-1"), collected.admit("gate-2", b"b")
    certify(collected, authority, agent)
    declared = [declaration(number, f"琼B{number:05}") for number in range(300)]
    declared[0].vehicle_plate = "琼A12345"
    import_all(collected, declared)
    declared[1].cargo_kilograms = "4001"
    import_all(collected, declared[:2])
    collected.accept(agent, *probes(300), passage("p1"), incident("i1"), b"\xff\xff", passage("p1"))
    collected.accept(agent, passage("p2", plate="琼Z99999"))
    collected.accept(agent, incident("i2", closed=False))
    collected.accept(other, *probes(2), passage("p3", plate="琼B00002"))
    for fill in SAMPLES:
        fill(collected)
    config = CollectorConfig(deployment=DEPLOYMENT, state_dir=directory)
    reconciler = Reconciler(collected.store, collected.ledger, config)
    while reconciler.run_once(collected.now_ns):
        pass
    collected.accept(agent, passage("p1", 2, kilograms="22340"))
    go_ahead(collected, agent)
    collected.revoke(other)
    with collected.store.write() as connection:
        forked = Refused(agent.origin, FORK, "record 301 is other here", b"a forked batch", 301)
        quarantine(connection, forked, collected.now_ns)
    keep_evidence(collected)
    # A day later D-003 was declared and not seen.
    while reconciler.run_once(collected.now_ns + 40 * 3600 * 1_000_000_000):
        pass
    trust = Trust(DEPLOYMENT, collected.ledger.verifier, collected.receipts.verifier, authority.certificate_pem)
    collected.store.close()
    return trust


def go_ahead(collected: Collected, agent: Agent) -> None:
    """Live records of which the backlog has reached two: one is settled, one is not, and three are ahead."""
    start = len(agent.records)
    agent.records += [*probes(3, 900), passage("p5"), passage("p6"), *probes(3, 910), passage("p7"), passage("p1", 2)]
    collected.take_live(agent, agent.live(start + 3, size=start + 4))
    collected.take_live(agent, agent.live(start + 4, start + 8, size=start + 9))
    collected.take_live(agent, agent.live(start + 6, start + 9, size=start + 10))
    collected.take(agent, agent.batch(start, start + 6, lost=[start + 1, start + 2]))


def certify(collected: Collected, authority: Authority, agent: Agent) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    csr = request.public_bytes(serialization.Encoding.DER)
    issued = authority.issue_client(csr, agent.agent_id, agent.origin, 90, START)
    with collected.store.write() as connection:
        journal = registry.find_journal(connection, agent.origin)
        assert journal is not None
        registry.record_certificate(connection, journal, issued)


def import_all(collected: Collected, declared: list[Declaration]) -> None:
    copies = [Declaration.FromString(each.SerializeToString()) for each in declared]
    report = import_declarations(collected.store, collected.ledger, enumerate(copies, 1), collected.now_ns)
    assert report.stored


def keep_evidence(collected: Collected) -> None:
    offer = EvidenceOffer(sha256=sha256(BLOB).digest(), size=len(BLOB), media_type="image/jpeg")
    with EvidenceStore(collected.state_dir).begin(offer, "gate-1") as upload:
        upload.open()
        upload.write(BLOB)
        upload.finish()
    with collected.store.write() as connection:
        record_evidence(connection, offer, collected.now_ns)


@dataclass(frozen=True)
class Built:
    """What every test starts from; `store` is of the database in `copy`, closed between tests.

    Each store compiles every statement anew, a third of what it costs to audit so little: one is enough.
    """

    original: Path
    trust: Trust
    copy: Path
    store: Store


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory, copy = tmp_path_factory.mktemp("audited"), tmp_path_factory.mktemp("copies") / "copy"
    trust = build(directory)
    return Built(directory, trust, copy, open_store(f"sqlite:///{copy / 'collector.db'}", migrate=False))


@pytest.fixture
def place(built: Built) -> Place:
    shutil.rmtree(built.copy, ignore_errors=True)
    shutil.copytree(built.original, built.copy)
    return Place(built.copy, built.trust, built.store)


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
    ],
)
def test_a_row_that_is_missing_is_found(place: Place, table: str) -> None:
    place.execute(f"DELETE FROM {table} WHERE rowid = (SELECT min(rowid) FROM {table})")
    assert "missing" in place.problems() or "stored" in place.problems()


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
