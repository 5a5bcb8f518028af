"""Where refused batches go that a person must look at: forks and bad seals."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy import Connection, func, insert, select, update

from collector.ledger.log import Ledger
from collector.store import schema
from collector.store.alarms import Alarm, enter_alarm

FORK, BAD_SEAL, BAD_PROOF = "fork", "bad-seal", "bad-proof"

MAX_BODY_BYTES = 64 * 1024 * 1024
"""Bodies kept in all; beyond, the oldest are dropped (their rows, with hash and reason, stay)."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refused batch.

    Attributes:
        origin: of the journal that the sender's certificate names.
        kind: FORK, BAD_SEAL or BAD_PROOF.
        detail: in words, with sizes and hashes.
        body: as it came.
        record_index: of a fork, the first record that differs, or the live record whose checkpoint does not fit; None
            for the rest.
    """

    origin: str
    kind: str
    detail: str
    body: bytes
    record_index: int | None = None


def quarantine(connection: Connection, ledger: Ledger, refused: Refused, now_ns: int) -> bool:
    """Keep a refused batch in the caller's write transaction; False when this very batch is there already.

    The ledger has an entry of each. An agent that sends the same batch again and again fills nothing.
    """
    table = schema.quarantine.c
    body_sha256 = sha256(refused.body).digest()
    same = {
        "origin": refused.origin,
        "kind": refused.kind,
        "detail": refused.detail,
        "body_sha256": body_sha256,
    }
    if connection.scalars(select(table.quarantine_id).filter_by(**same).limit(1)).one_or_none() is not None:
        return False
    alarm = Alarm(refused.origin, refused.kind, refused.detail, refused.record_index)
    enter_alarm(connection, ledger, alarm, now_ns, body_sha256)
    connection.execute(
        insert(schema.quarantine), {**same, "at_ns": now_ns, "body": refused.body, "record_index": refused.record_index}
    )
    _drop_oldest(connection)
    return True


def _drop_oldest(connection: Connection) -> None:
    table = schema.quarantine.c
    kept = select(table.quarantine_id, func.length(table.body).label("size")).where(table.body.is_not(None))
    total = 0
    for row in connection.execute(kept.order_by(table.quarantine_id.desc())).all():
        total += row.size
        if total > MAX_BODY_BYTES:
            older = update(schema.quarantine).where(table.quarantine_id <= row.quarantine_id)
            connection.execute(older.values(body=None))
            return
