"""The collector's tables. Bytes that were signed are kept as they came; everything else can be derived from them again.

One schema for SQLite (default) and PostgreSQL. Times are nanoseconds since 1970-01-01T00:00:00Z.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from collector.store.base import DIGESTED, digest, metadata
from collector.store.schema_received import (
    alarms,
    batches,
    certificates,
    dead_letters,
    evidence,
    invitations,
    journals,
    live_records,
    quarantine,
)
from collector.store.schema_registers import (
    actuations,
    case_events,
    cases,
    draw_seeds,
    manifest_tickets,
    officer_acts,
    passage_documents,
    register_items,
    verdict_declarations,
    vessels_seen,
)

__all__ = [
    "DIGESTED",
    "actuations",
    "alarms",
    "batches",
    "case_events",
    "cases",
    "certificates",
    "cursors",
    "dead_letters",
    "declarations",
    "draw_seeds",
    "evidence",
    "findings",
    "incidents",
    "invitations",
    "journals",
    "ledger_entries",
    "ledger_head",
    "live_records",
    "manifest_tickets",
    "matches",
    "metadata",
    "officer_acts",
    "passage_documents",
    "passages",
    "quarantine",
    "register_items",
    "tiles",
    "to_judge",
    "verdict_declarations",
    "verdicts",
    "vessels_seen",
]

# --- the ledger ---------------------------------------------------------------------------------------------------

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("entry_index", BigInteger, primary_key=True, autoincrement=False),
    Column("body", LargeBinary, nullable=False),  # serialised LedgerEntry, the leaf's exact bytes
    Column("leaf", LargeBinary, nullable=False),  # its leaf hash: proofs read no bodies, and a bad entry is named
)

ledger_head = Table(
    "ledger_head",
    metadata,
    Column("only", Integer, primary_key=True, autoincrement=False),  # always 1
    Column("size", BigInteger, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("checkpoint", LargeBinary, nullable=False),  # signed note
)

# Roots of perfect subtrees of 256 leaves and more, so that a proof costs the same in a log of any size.
# tree = "ledger" or a journal's origin; level counts in powers of two (8, 16, 24 ...).
tiles = Table(
    "tiles",
    metadata,
    Column("tree", String, nullable=False),
    Column("level", Integer, nullable=False),
    Column("tile_index", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    PrimaryKeyConstraint("tree", "level", "tile_index"),
)

# --- what it means -------------------------------------------------------------------------------------------------

# One row a revision of a passage, decoded from its record; the record itself is in `batches`.
passages = Table(
    "passages",
    metadata,
    Column("passage_id", String, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("site_id", String, nullable=False),
    Column("lane_id", String, nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("plate", String, nullable=False),  # best read; "" when none
    Column("kilograms", String, nullable=False),  # decimal text; "" when not weighed
    Column("received_ns", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised Passage
    PrimaryKeyConstraint("passage_id", "revision", "journal_id"),
    Index("passages_by_time", "site_id", "opened_ns"),
    Index("passages_by_plate", "plate", "opened_ns"),
    Index("passages_by_record", "journal_id", "record_index"),
)

incidents = Table(
    "incidents",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("incident_id", String, nullable=False),
    Column("code", String, nullable=False),
    Column("device_id", String, nullable=False),
    Column("opened_ns", BigInteger, nullable=False),
    Column("closed_ns", BigInteger),
    Column("text", Text, nullable=False),
    PrimaryKeyConstraint("journal_id", "record_index"),
    Index("incidents_by_id", "incident_id"),
)

declarations = Table(
    "declarations",
    metadata,
    Column("declaration_id", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("content_sha256", LargeBinary, nullable=False),  # of the content without version and receipt time
    Column("site_id", String, nullable=False),
    Column("vehicle_plate", String, nullable=False),
    Column("trailer_plate", String, nullable=False),
    Column("lodged_ns", BigInteger, nullable=False),
    Column("departure_ns", BigInteger, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("ledger_index", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised Declaration
    PrimaryKeyConstraint("declaration_id", "version"),
    Index("declarations_by_plate", "vehicle_plate"),
    Index("declarations_by_departure", "latest", "departure_ns"),
    Index("declarations_by_arrival", "ledger_index"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("passage_id", String, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("action", Integer, nullable=False),
    Column("decided_ns", BigInteger, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("ledger_index", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised Verdict
    PrimaryKeyConstraint("passage_id", "sequence"),
    Index("verdicts_latest", "latest", "decided_ns"),
)

# One row a finding of a verdict, for listing; D01, P06, P07 and K03 concern a declaration, sailing or journal instead.
findings = Table(
    "findings",
    metadata,
    Column("finding_id", Integer, primary_key=True, autoincrement=True),
    Column("subject", String, nullable=False),  # passage id, declaration id or journal origin
    Column("subject_kind", String, nullable=False),  # passage, declaration, sailing, journal
    Column("sequence", Integer, nullable=False),
    Column("code", String, nullable=False),
    Column("action", Integer, nullable=False),
    Column("severity", Integer, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("latest", Boolean, nullable=False),
    Column("body", LargeBinary, nullable=False),  # serialised Finding
    digest("findings"),
    Index("findings_latest", "latest", "code"),
    Index("findings_by_subject", "subject"),
)

# Which declaration a passage was matched with, so that a new version finds the passages it concerns.
matches = Table(
    "matches",
    metadata,
    Column("declaration_id", String, nullable=False),
    Column("passage_id", String, nullable=False),
    PrimaryKeyConstraint("declaration_id", "passage_id"),
    Index("matches_by_passage", "passage_id"),
)

# Passages waiting to be judged, with the reason when they were judged before.
to_judge = Table(
    "to_judge",
    metadata,
    Column("passage_id", String, primary_key=True),
    Column("queued_ns", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("turn", BigInteger, nullable=False, default=0),  # the lowest is judged first: see collector.reconcile.turns
    Index("to_judge_by_turn", "turn"),
)

# How far each reader of an ordered table has come (name -> next index).
cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
)
