"""Accepting batches: verified and decoded first (pure), then stored with many others in one transaction.

A receipt may leave the collector only after the transaction of `store_batches` has been committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from collector.ingest.contents import (
    Contents,
    PassageRecord,
    dead_letter_rows,
    incident_row,
    passage_row,
    repeated,
    understand,
)
from collector.ledger import log, tiles
from collector.ledger.journal import JournalHead, lock_heads
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, Note, Signer, Verifier
from gate_contract.envelope import BadSealError, VerifiedBatch, open_batch, seal
from gate_contract.merkle import Frontier
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.ledger_pb2 import JournalGrowth, LedgerEntry

_NS = 1_000_000_000
_MANY = 500  # ids in one IN (...); SQLite allows 32,766 parameters, PostgreSQL 65,535


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is proved to continue the journal from `base`, decoded, ready to be stored.

    Attributes:
        base: frontier of the journal that it continues.
        frontier: of the journal with its records.
        checkpoint: what the agent signed.
        note: the signed note of that.
        body: serialised Batch of the records that are new, with the note.
        leaves: the new records' leaf hashes.
        tiles: tiles that they complete.
        contents: what they say.
    """

    base: Frontier
    frontier: Frontier
    checkpoint: Checkpoint
    note: bytes
    body: bytes
    leaves: Sequence[bytes]
    tiles: Sequence[tiles.Tile]
    contents: Contents

    @property
    def is_known(self) -> bool:
        """Whether all of its records were stored before."""
        return not self.leaves


def prepare(
    data: bytes, known: Frontier, verifier: Verifier, stored: Callable[[int, int], Sequence[bytes]]
) -> Prepared:
    """Verify a batch against the journal as far as it is known, then decode it. Pure.

    Raises BatchError as gate_contract.envelope.open_batch does, and BadSealError when the checkpoint carries other
    signatures beside the agent's: nobody could check them.
    """
    batch = open_batch(data, known, verifier, stored)
    signatures = len(Note.parse(batch.note).signatures)
    if signatures != 1:
        raise BadSealError(
            f"the checkpoint of {batch.checkpoint.size} records carries {signatures} signatures, not one"
        )
    return Prepared(
        base=known,
        frontier=batch.frontier,
        checkpoint=batch.checkpoint,
        note=batch.note,
        body=_kept(data, batch),
        leaves=batch.leaves,
        tiles=tiles.completed(known, batch.leaves),
        contents=understand(batch.first_index, batch.records),
    )


def _kept(data: bytes, batch: VerifiedBatch) -> bytes:
    """Serialised Batch of the new records.

    The framing is not signed. It is kept in the one form that `seal` gives, or a byte changed in it later would not be
    found; from our own agents it comes in that form.
    """
    whole = Batch.FromString(data)
    if len(whole.records) != len(batch.records):
        return seal(batch.first_index, batch.records, batch.note)
    whole.DiscardUnknownFields()
    return whole.SerializeToString(deterministic=True)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A prepared batch and the journal that it is for."""

    journal_id: int
    batch: Prepared


@dataclass(frozen=True, slots=True)
class Stored:
    """Durable once the transaction is: the receipt over the journal as it stands after the whole transaction."""

    size: int
    receipt: bytes
    dead_lettered: int


@dataclass(frozen=True, slots=True)
class Moved:
    """Not stored: the journal stands elsewhere than the batch was prepared for."""

    size: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """Not stored: the journal's key was revoked."""

    size: int


Outcome = Stored | Moved | Revoked


@dataclass(slots=True)
class _Growth:
    """One journal within the transaction."""

    head: JournalHead
    taken: list[Prepared] = field(default_factory=list)
    receipt: bytes = b""


def store_batches(
    connection: Connection, ledger: log.Ledger, receipts: Signer, arrivals: Sequence[Arrival], now_ns: int
) -> list[Outcome]:
    """Store many batches in the caller's write transaction; one outcome for each, in order.

    `receipts` is the collector's cosigning key, `now_ns` the time (Unix, nanoseconds) of everything stored here.
    """
    heads = lock_heads(connection, {arrival.journal_id for arrival in arrivals})
    growths = {journal_id: _Growth(head) for journal_id, head in heads.items()}
    taken = [_take(growths[arrival.journal_id], arrival.batch) for arrival in arrivals]
    grown = [growth for growth in growths.values() if growth.taken]
    _store_bytes(connection, ledger, grown, now_ns)
    _store_meaning(connection, grown, now_ns)
    _store_heads(connection, receipts, grown, now_ns)
    return [outcome or _stored(growths[arrival.journal_id]) for arrival, outcome in zip(arrivals, taken, strict=True)]


def _take(growth: _Growth, batch: Prepared) -> Outcome | None:
    """Take a batch into the transaction (None), or say why not."""
    head = growth.head
    if head.revoked:
        return Revoked(head.frontier.size)
    if head.frontier != batch.base:
        return Moved(head.frontier.size)
    growth.taken.append(batch)
    growth.head = replace(head, frontier=batch.frontier)
    return None


def _stored(growth: _Growth) -> Stored:
    return Stored(growth.head.frontier.size, growth.receipt, growth.head.dead_lettered)


def _store_bytes(connection: Connection, ledger: log.Ledger, grown: Iterable[_Growth], now_ns: int) -> None:
    taken = [(growth.head, batch) for growth in grown for batch in growth.taken]
    if not taken:
        return
    first = ledger.append(connection, [_ledger_entry(head.origin, batch, now_ns) for head, batch in taken])
    connection.execute(
        insert(schema.batches),
        [
            {
                "journal_id": head.journal_id,
                "first_index": batch.base.size,
                "count": len(batch.leaves),
                "body": batch.body,
                "leaves": b"".join(batch.leaves),
                "received_ns": now_ns,
                "ledger_index": ledger_index,
            }
            for ledger_index, (head, batch) in enumerate(taken, first)
        ],
    )
    for head, batch in taken:
        tiles.store(connection, head.origin, batch.tiles)


def _ledger_entry(origin: str, batch: Prepared, now_ns: int) -> LedgerEntry:
    growth = JournalGrowth(origin=origin, old_size=batch.base.size, checkpoint=batch.note)
    return LedgerEntry(format=log.FORMAT, entered_unix_ns=now_ns, journal=growth)


def _store_meaning(connection: Connection, grown: Iterable[_Growth], now_ns: int) -> None:
    incidents: list[dict[str, Any]] = []
    dead_letters: list[dict[str, Any]] = []
    for growth in grown:
        journal_id = growth.head.journal_id
        contents = [batch.contents for batch in growth.taken]
        seen = [passage for content in contents for passage in content.passages]
        unfit = _store_passages(connection, journal_id, seen, now_ns) if seen else {}
        for content in contents:
            unfit |= content.dead_letters
            incidents += [incident_row(incident, journal_id) for incident in content.incidents]
        dead_letters += dead_letter_rows(unfit, journal_id, now_ns)
        growth.head = replace(growth.head, dead_lettered=growth.head.dead_lettered + len(unfit))
    if incidents:
        connection.execute(insert(schema.incidents), incidents)
    if dead_letters:
        connection.execute(insert(schema.dead_letters), dead_letters)


def _store_passages(
    connection: Connection, journal_id: int, seen: Sequence[PassageRecord], now_ns: int
) -> dict[int, str]:
    """Store passages and queue them to be judged; returns dead letters: what was said before, by index."""
    said = _said_before(connection, journal_id, {record.passage.passage_id for record in seen})
    new: list[PassageRecord] = []
    dead_letters: dict[int, str] = {}
    for record in seen:
        key = (record.passage.passage_id, record.passage.revision)
        if said.setdefault(key, record.index) == record.index:
            new.append(record)
        else:
            dead_letters[record.index] = repeated(record, said[key])
    if new:
        connection.execute(insert(schema.passages), [passage_row(record, journal_id, now_ns) for record in new])
        _queue(connection, new, now_ns)
    return dead_letters


def _said_before(connection: Connection, journal_id: int, passage_ids: set[str]) -> dict[tuple[str, int], int]:
    """(passage id, revision) -> index of the record of this journal that said it."""
    table = schema.passages.c
    query = select(table.passage_id, table.revision, table.record_index).where(table.journal_id == journal_id)
    said: dict[tuple[str, int], int] = {}
    for some in _portions(passage_ids):
        for row in connection.execute(query.where(table.passage_id.in_(some))):
            said[row.passage_id, row.revision] = row.record_index
    return said


def _queue(connection: Connection, new: Iterable[PassageRecord], now_ns: int) -> None:
    """Queue passages to be judged; one that waits already is judged once, with the latest reason."""
    reasons = {record.passage.passage_id: _reason(record) for record in new}
    for some in _portions(reasons):
        connection.execute(delete(schema.to_judge).where(schema.to_judge.c.passage_id.in_(some)))
    rows = [{"passage_id": key, "queued_ns": now_ns, "reason": reason} for key, reason in reasons.items()]
    connection.execute(insert(schema.to_judge), rows)


def _reason(record: PassageRecord) -> str:
    """Why a passage is judged again; empty for its first revision."""
    passage = record.passage
    return (
        "" if passage.revision == 1 else f"revision {passage.revision}: {passage.revision_reason or 'no reason given'}"
    )


def _store_heads(connection: Connection, receipts: Signer, grown: Iterable[_Growth], now_ns: int) -> None:
    rows = []
    for growth in grown:
        head = growth.head
        growth.receipt = receipts.cosign(Note.parse(growth.taken[-1].note), now_ns // _NS).to_bytes()
        rows.append(
            {
                "which": head.journal_id,
                "size": head.frontier.size,
                "peaks": head.frontier.to_bytes(),
                "receipt": growth.receipt,
                "dead_lettered": head.dead_lettered,
                "last_seen_ns": now_ns,
            }
        )
    if rows:
        connection.execute(update(schema.journals).where(schema.journals.c.journal_id == bindparam("which")), rows)


def _portions(names: Iterable[str]) -> Iterable[list[str]]:
    rest = list(names)
    for start in range(0, len(rest), _MANY):
        yield rest[start : start + _MANY]
