"""Tables of who may send, and of what was received as it came (collector.store.schema has all of them)."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
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

from collector.store.base import digest, metadata

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
