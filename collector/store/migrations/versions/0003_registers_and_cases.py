"""Registers, officers' acts, actuations, documents and ships seen, cases, seeds of draws.

Written out, not taken from the code: what an old database was made with never changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from gate_contract.v1.ledger_pb2 import Verdict

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what is new; what was recorded before is found again by the collector's own readers."""
    _registers()
    _gate()
    _seen()
    _judged()
    _cases()


def _registers() -> None:
    op.create_table(
        "register_items",
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("item_key", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        sa.Column("latest", sa.Boolean(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "item_key", "version"),
    )
    op.create_index("register_items_by_arrival", "register_items", ["ledger_index"])
    op.create_index("register_items_latest", "register_items", ["kind", "latest", "item_key"])
    op.create_table(
        "draw_seeds",
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("committed_index", sa.BigInteger(), nullable=False),
        sa.Column("published_index", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("day"),
    )


def _gate() -> None:
    op.create_table(
        "officer_acts",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("act_id", sa.String(), nullable=False),
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("officer_id", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "record_index"),
    )
    op.create_index("officer_acts_by_passage", "officer_acts", ["passage_id"])
    op.create_index("officer_acts_by_id", "officer_acts", ["act_id"])
    op.create_index("officer_acts_by_time", "officer_acts", ["received_ns"])
    op.create_table(
        "actuations",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("actuation_id", sa.String(), nullable=False),
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("lane_id", sa.String(), nullable=False),
        sa.Column("commanded_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "record_index"),
    )
    op.create_index("actuations_by_passage", "actuations", ["passage_id"])


def _seen() -> None:
    op.create_table(
        "passage_documents",
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("direction", sa.Integer(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", "passage_id"),
    )
    op.create_index("passage_documents_by_passage", "passage_documents", ["passage_id"])
    op.create_table(
        "vessels_seen",
        sa.Column("site_id", sa.String(), nullable=False),
        sa.Column("mmsi", sa.BigInteger(), nullable=False),
        sa.Column("first_ns", sa.BigInteger(), nullable=False),
        sa.Column("last_ns", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("site_id", "mmsi", "first_ns"),
    )
    op.create_index("vessels_seen_by_time", "vessels_seen", ["site_id", "last_ns"])
    op.create_table(
        "manifest_tickets",
        sa.Column("sailing_id", sa.String(), nullable=False),
        sa.Column("pseudonym", sa.LargeBinary(), nullable=False),
        sa.Column("subject_id", sa.String(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sailing_id", "pseudonym"),
    )
    op.create_index("manifest_tickets_by_pseudonym", "manifest_tickets", ["pseudonym"])
    op.create_index("manifest_tickets_by_subject", "manifest_tickets", ["subject_id"])


def _judged() -> None:
    """What each verdict was judged against, read from the verdicts that there are."""
    table = op.create_table(
        "verdict_declarations",
        sa.Column("declaration_id", sa.String(), nullable=False),
        sa.Column("passage_id", sa.String(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("declaration_id", "passage_id", "sequence"),
    )
    op.create_index("verdict_declarations_by_passage", "verdict_declarations", ["passage_id", "sequence"])
    bodies = op.get_bind().execute(sa.text("SELECT body FROM verdicts"))
    for portion in bodies.partitions(1000):
        verdicts = [Verdict.FromString(bytes(row.body)) for row in portion]
        rows = [
            {"declaration_id": each, "passage_id": verdict.passage_id, "sequence": verdict.sequence}
            for verdict in verdicts
            for each in sorted({named.declaration_id for named in verdict.decision.declarations})
        ]
        if rows:
            op.bulk_insert(table, rows)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("subject_kind", sa.String(), nullable=False),
        sa.Column("authority", sa.String(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("outcome", sa.Integer(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("opened_ns", sa.BigInteger(), nullable=False),
        sa.Column("deadline_ns", sa.BigInteger(), nullable=False),
        sa.Column("decided_ns", sa.BigInteger(), nullable=True),
        sa.Column("last_sequence", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("cases_open", "cases", ["state", "deadline_ns"])
    op.create_index("cases_by_subject", "cases", ["subject_kind", "subject"])
    op.create_table(
        "case_events",
        sa.Column("case_id", sa.String(), sa.ForeignKey("cases.case_id"), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("ledger_index", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "sequence"),
    )
