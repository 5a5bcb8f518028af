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

# --- who may send -----------------------------------------------------------------------------------------------

invitations = Table(
    "invitations",
    metadata,
    Column("token_sha256", LargeBinary, primary_key=True),  # the token itself is never stored
    Column("agent_id", String, nullable=False),
    Column("site_id", String, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("used_ns", BigInteger),
    digest("invitations"),
)

# One journal is one key of one agent. A re-flashed machine has a new key, so a new journal.
journals = Table(
    "journals",
    metadata,
    Column("journal_id", Integer, primary_key=True, autoincrement=True),
    Column("origin", String, nullable=False, unique=True),
    Column("agent_id", String, nullable=False),
    Column("site_id", String, nullable=False),
    Column("verifier_key", String, nullable=False),
    Column("admitted_ns", BigInteger, nullable=False),
    Column("admission_index", BigInteger, nullable=False),  # ledger index of the admission
    Column("revoked_ns", BigInteger),
    Column("revoked_reason", Text),
    # Head of the journal as far as it is durable here: what the next batch is verified against.
    Column("size", BigInteger, nullable=False, default=0),
    Column("peaks", LargeBinary, nullable=False, default=b""),
    Column("receipt", LargeBinary, nullable=False, default=b""),  # latest receipt note
    Column("dead_lettered", BigInteger, nullable=False, default=0),
    Column("last_seen_ns", BigInteger),
    Column(
        "lost", BigInteger, nullable=False, default=0
    ),  # of the dead letters: those whose bytes the gate has no more
    Column("live_ahead", BigInteger, nullable=False, default=0),  # rows of live_records that are not settled
)

certificates = Table(
    "certificates",
    metadata,
    Column("serial", String, primary_key=True),  # hexadecimal
    Column("origin", String, nullable=False),
    Column("agent_id", String, nullable=False),
    Column("not_before_ns", BigInteger, nullable=False),
    Column("not_after_ns", BigInteger, nullable=False),
    Column("pem", Text, nullable=False),
    Column(
        "used_ns", BigInteger
    ),  # when it was first shown here; older ones of the same journal are refused from then on
)

# --- what was received -------------------------------------------------------------------------------------------

# A batch as accepted: `body` is the serialised Batch of the records that were new, with the agent's checkpoint.
batches = Table(
    "batches",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("first_index", BigInteger, nullable=False),
    Column("count", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column(
        "leaves", LargeBinary, nullable=False
    ),  # leaf hashes of its records, 32 bytes each: proofs, and naming a bad one
    Column("received_ns", BigInteger, nullable=False),  # also the time of its ledger entry
    Column("ledger_index", BigInteger, nullable=False),
    PrimaryKeyConstraint("journal_id", "first_index"),
)

# Records that came ahead of the backlog. While the backlog has not reached one, its bytes and its proof are here.
# Merged, its bytes are in `batches`. Settled, the tree as it is stored was seen to lead to the root of the checkpoint
# that it came with. What stays is when it came, and its hash.
live_records = Table(
    "live_records",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("leaf", LargeBinary, nullable=False),  # its leaf hash
    Column("received_ns", BigInteger, nullable=False),
    Column("body", LargeBinary),  # its bytes; null once merged
    Column("proof", LargeBinary),  # inclusion proof, 32 bytes a hash, from the leaf upward; null once merged
    Column("note", LargeBinary),  # the agent's signed checkpoint it is proved under; null once settled
    Column("checkpoint_size", BigInteger),  # of that checkpoint; null once settled
    digest("live_records"),
    PrimaryKeyConstraint("journal_id", "record_index"),
    Index("live_records_by_checkpoint", "journal_id", "checkpoint_size"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("journal_id", Integer, ForeignKey("journals.journal_id"), nullable=False),
    Column("record_index", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    PrimaryKeyConstraint("journal_id", "record_index"),
)

# What was refused and must be looked at: forks, bad seals. Bounded; the oldest bodies are dropped first, never the
# rows.
quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", Integer, primary_key=True, autoincrement=True),
    Column("origin", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", String, nullable=False),  # fork, bad-seal, bad-proof
    Column("detail", Text, nullable=False),
    Column("body", LargeBinary),  # the batch as it came; null once dropped
    Column("body_sha256", LargeBinary, nullable=False),
    digest("quarantine"),
    Column("record_index", BigInteger),  # of a fork: the first record that differs, as `detail` names it
)

# What does not fit and a person must know, once each: see collector.store.alarms.
alarms = Table(
    "alarms",
    metadata,
    Column("alarm_id", Integer, primary_key=True, autoincrement=True),
    Column("origin", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("kind", String, nullable=False),
    Column("detail", Text, nullable=False),
    Column("record_index", BigInteger),  # the first record concerned; null when it is none
    digest("alarms"),
    Index("alarms_by_origin", "origin", "kind"),
)

evidence = Table(
    "evidence",
    metadata,
    Column("sha256", LargeBinary, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("media_type", String, nullable=False),
    Column("received_ns", BigInteger, nullable=False),
    digest("evidence"),
)

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
