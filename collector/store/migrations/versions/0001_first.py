"""The first schema.

Written out, not taken from the code: what an old database was made with never changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _who_may_send()
    _what_was_received()
    _the_ledger()
    _what_it_means()
    _what_was_decided()


def _who_may_send() -> None:
    op.create_table(
        "invitations",
        sa.Column("token_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("used_ns", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256"),
    )
    op.create_table(
        "journals",
        sa.Column("journal_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("origin", sa.String(), unique=True, nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("verifier_key", sa.String(), nullable=False),
        sa.Column("admitted_ns", sa.BigInteger(), nullable=False),
        sa.Column("admission_index", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ns", sa.BigInteger(), nullable=True),
        sa.Column("revoked_reason", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("dead_lettered", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ns", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("journal_id"),
    )
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("not_before_ns", sa.BigInteger(), nullable=False),
        sa.Column("not_after_ns", sa.BigInteger(), nullable=False),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("serial"),
    )


def _what_was_received() -> None:
    op.create_table(
        "batches",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "first_index"),
    )
    op.create_table(
        "dead_letters",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "record_index"),
    )
    op.create_table(
        "quarantine",
        sa.Column("quarantine_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("quarantine_id"),
    )
    op.create_table(
        "evidence",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )


def _the_ledger() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("entry_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("entry_index"),
    )
    op.create_table(
        "ledger_head",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("only"),
    )
    op.create_table(
        "tiles",
        sa.Column("tree", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("tile_index", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "level", "tile_index"),
    )


def _what_it_means() -> None:
    op.create_table(
        "passages",
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("lane_id", sa.String(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger(), nullable=False),
        sa.Column("plate", sa.String(), nullable=False),
        sa.Column("kilograms", sa.String(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id", "revision", "journal_id"),
    )
    op.create_index("passages_by_plate", "passages", ["plate", "opened_ns"])
    op.create_index("passages_by_record", "passages", ["journal_id", "record_index"])
    op.create_index("passages_by_time", "passages", ["site_id", "opened_ns"])
    op.create_table(
        "incidents",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("incident_id", sa.String(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger(), nullable=False),
        sa.Column("closed_ns", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "record_index"),
    )
    op.create_index("incidents_by_id", "incidents", ["incident_id"])
    op.create_table(
        "declarations",
        sa.Column("declaration_id", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("vehicle_plate", sa.String(), nullable=False),
        sa.Column("trailer_plate", sa.String(), nullable=False),
        sa.Column("lodged_ns", sa.BigInteger(), nullable=False),
        sa.Column("departure_ns", sa.BigInteger(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("declaration_id", "version"),
    )
    op.create_index("declarations_by_arrival", "declarations", ["ledger_index"])
    op.create_index("declarations_by_departure", "declarations", ["latest", "departure_ns"])
    op.create_index("declarations_by_plate", "declarations", ["vehicle_plate"])


def _what_was_decided() -> None:
    op.create_table(
        "verdicts",
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("action", sa.Integer(), nullable=False),
        sa.Column("decided_ns", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id", "sequence"),
    )
    op.create_index("verdicts_latest", "verdicts", ["latest", "decided_ns"])
    op.create_table(
        "findings",
        sa.Column("finding_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("action", sa.Integer(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("finding_id"),
    )
    op.create_index("findings_by_subject", "findings", ["subject"])
    op.create_index("findings_latest", "findings", ["latest", "code"])
    op.create_table(
        "matches",
        sa.Column("declaration_id", sa.String(), nullable=False),
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("declaration_id", "passage_id"),
    )
    op.create_index("matches_by_passage", "matches", ["passage_id"])
    op.create_table(
        "to_judge",
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("queued_ns", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("passage_id"),
    )
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
