"""Where a revision of a passage stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, select

from collector.store import schema


@dataclass(frozen=True, slots=True)
class Source:
    """Where the revision that counts stands."""

    passage_id: str
    revision: int
    journal_id: int
    origin: str
    record_index: int
    site_id: str
    received_ns: int
    body: bytes

    @classmethod
    def of(cls, row: Row[Any]) -> Source:
        """From a row whose first columns are those of `select_sources`."""
        columns: tuple[Any, ...] = tuple(row)
        return cls(*columns[:8])


def select_sources() -> Select[Any]:
    """Revisions of passages with the journals they are in; add conditions."""
    table, journals = schema.passages.c, schema.journals
    columns = (
        table.passage_id,
        table.revision,
        table.journal_id,
        journals.c.origin,
        table.record_index,
        table.site_id,
        table.received_ns,
        table.body,
    )
    return select(*columns).join(journals, journals.c.journal_id == table.journal_id)
