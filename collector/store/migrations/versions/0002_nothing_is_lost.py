"""Live records, alarms, turns of waiting passages, the index of a fork.

Written out, not taken from the code: what an old database was made with never changes.
"""

from __future__ import annotations

import re

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_RECORD_NUMBER = re.compile(r"\brecord ([0-9]{1,18})\b", re.ASCII)


def upgrade() -> None:
    """Add what is new; forks that were quarantined before get the index that their words name."""
    _live_records()
    _alarms()
    op.add_column("journals", sa.Column("lost", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("journals", sa.Column("live_ahead", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("to_judge", sa.Column("turn", sa.BigInteger(), nullable=False, server_default="0"))
    op.create_index("to_judge_by_turn", "to_judge", ["turn"])
    op.add_column("certificates", sa.Column("used_ns", sa.BigInteger(), nullable=True))
    op.add_column("quarantine", sa.Column("record_index", sa.BigInteger(), nullable=True))
    _name_forks()


def _live_records() -> None:
    op.create_table(
        "live_records",
        sa.Column("journal_id", sa.Integer(), sa.ForeignKey("journals.journal_id"), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("received_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("proof", sa.LargeBinary(), nullable=True),
        sa.Column("note", sa.LargeBinary(), nullable=True),
        sa.Column("checkpoint_size", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("journal_id", "record_index"),
    )
    op.create_index("live_records_by_checkpoint", "live_records", ["journal_id", "checkpoint_size"])


def _alarms() -> None:
    op.create_table(
        "alarms",
        sa.Column("alarm_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("at_ns", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("record_index", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_index("alarms_by_origin", "alarms", ["origin", "kind"])


def _name_forks() -> None:
    quarantine = sa.table(
        "quarantine",
        sa.column("quarantine_id", sa.Integer()),
        sa.column("kind", sa.String()),
        sa.column("detail", sa.Text()),
        sa.column("record_index", sa.BigInteger()),
    )
    connection = op.get_bind()
    forks = sa.select(quarantine.c.quarantine_id, quarantine.c.detail).where(quarantine.c.kind == "fork")
    for row in connection.execute(forks).all():
        found = _RECORD_NUMBER.search(row.detail)
        connection.execute(
            sa.update(quarantine)
            .where(quarantine.c.quarantine_id == row.quarantine_id)
            .values(record_index=int(found[1]) if found else 0)
        )
