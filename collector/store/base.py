"""What every table of the collector's database shares: the metadata, and the digest of a row."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, MetaData
from sqlalchemy.engine.default import DefaultExecutionContext

from collector.store.digest import row_digest

metadata = MetaData()

# Columns under the `digest` of tables of which nothing is in the ledger: the audit finds a row that was altered. What
# changes in a row's life (used, latest, a dropped body) is not under it.
DIGESTED = {
    "invitations": ("token_sha256", "agent_id", "site_id", "created_ns"),
    "quarantine": ("origin", "at_ns", "kind", "detail", "body_sha256"),
    "evidence": ("sha256", "size", "media_type", "received_ns"),
    "findings": ("subject", "subject_kind", "sequence", "code", "action", "severity", "at_ns", "body"),
    "live_records": ("journal_id", "record_index", "leaf", "received_ns"),
    "alarms": ("origin", "at_ns", "kind", "detail", "record_index"),
    "passage_documents": ("passage_id", "pseudonym", "site_id", "direction", "at_ns"),
    "manifest_tickets": ("sailing_id", "pseudonym", "subject_id", "ledger_index"),
    "vessels_seen": ("site_id", "mmsi", "first_ns", "last_ns"),
}


def digest(table: str) -> Column[bytes]:
    """Filled by itself when a row is inserted."""

    def of_row(context: DefaultExecutionContext) -> bytes:
        values: dict[str, object] = context.get_current_parameters()  # type: ignore[no-untyped-call]  # SQLAlchemy
        return row_digest({name: values[name] for name in DIGESTED[table]})

    return Column("digest", LargeBinary, nullable=False, default=of_row)
