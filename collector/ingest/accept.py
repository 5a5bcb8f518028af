"""Accepting what was prepared: batches and live records of many agents in one transaction.

A receipt, or word that a live record was taken, may leave the collector only after that transaction was committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from sqlalchemy import Connection, bindparam, insert, update

from collector.ingest.beside import only, store_beside, store_ships
from collector.ingest.contents import LOST, Contents, dead_letter_rows, incident_row
from collector.ingest.live import merge, store_live
from collector.ingest.losses import loss_alarms
from collector.ingest.passages import store_passages
from collector.ingest.prepare import Prepared, PreparedLive, with_bytes
from collector.ingest.quarantine import FORK, Refused, quarantine
from collector.ledger import log, tiles
from collector.ledger.journal import JournalHead, lock_heads
from collector.reconcile.turns import Turns
from collector.store import schema
from collector.store.alarms import raise_alarm
from gate_contract.checkpoint import Note, Signer
from gate_contract.envelope import ForkError
from gate_contract.v1.ledger_pb2 import JournalGrowth, LedgerEntry

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A prepared batch and the journal that it is for; its records below `backlog_end` were waiting at the gate."""

    journal_id: int
    batch: Prepared
    backlog_end: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.batch.body)

    @property
    def contents(self) -> Contents:
        """What its records say."""
        return self.batch.contents


@dataclass(frozen=True, slots=True)
class LiveArrival:
    """Prepared live records and the journal that they are for."""

    journal_id: int
    live: PreparedLive

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.live.body)

    @property
    def contents(self) -> Contents:
        """What the records say."""
        return self.live.contents


@dataclass(frozen=True, slots=True)
class Stored:
    """Durable once the transaction is: the receipt over the journal as it stands after the whole transaction."""

    size: int
    receipt: bytes
    dead_lettered: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Durable once the transaction is: live records, by index."""

    indices: Sequence[int]


@dataclass(frozen=True, slots=True)
class Moved:
    """Not stored: the journal stands elsewhere than the batch was prepared for."""

    size: int


@dataclass(frozen=True, slots=True)
class Revoked:
    """Not stored: the journal's key was revoked, for this reason."""

    size: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Forked:
    """Not stored but quarantined: it does not fit what came live, or what was accepted before."""

    size: int
    text: str


Outcome = Stored | Taken | Moved | Revoked | Forked


@dataclass(slots=True)
class _Growth:
    """One journal within the transaction."""

    head: JournalHead
    taken: list[Arrival] = field(default_factory=list)
    receipt: bytes = b""


def store_batches(
    connection: Connection,
    ledger: log.Ledger,
    receipts: Signer,
    arrivals: Sequence[Arrival | LiveArrival],
    now_ns: int,
    turns: Turns | None = None,
) -> list[Outcome]:
    """Store what came in the caller's write transaction; one outcome for each, in order.

    Live records are stored before batches. `receipts` is the collector's cosigning key, `now_ns` the time (Unix,
    nanoseconds) of everything stored here, `turns` says when its passages are judged.
    """
    turns = turns or Turns()
    heads = lock_heads(connection, {arrival.journal_id for arrival in arrivals})
    growths = {journal_id: _Growth(head) for journal_id, head in heads.items()}
    outcomes: dict[int, Outcome] = {}
    for number, arrival in enumerate(arrivals):
        if isinstance(arrival, LiveArrival):
            outcomes[number] = _take_live(connection, ledger, growths[arrival.journal_id], arrival, now_ns, turns)
    for number, arrival in enumerate(arrivals):
        if isinstance(arrival, Arrival):
            refused = _take(connection, ledger, growths[arrival.journal_id], arrival, now_ns)
            if refused is not None:
                outcomes[number] = refused
    grown = [growth for growth in growths.values() if growth.taken]
    _store_bytes(connection, ledger, grown, now_ns)
    _store_meaning(connection, ledger, grown, now_ns, turns)
    _store_heads(connection, receipts, grown, now_ns)
    return [outcomes.get(number) or _stored(growths[arrival.journal_id]) for number, arrival in enumerate(arrivals)]


def _take_live(
    connection: Connection, ledger: log.Ledger, growth: _Growth, arrival: LiveArrival, now_ns: int, turns: Turns
) -> Outcome:
    head = growth.head
    if head.revoked:
        return Revoked(head.frontier.size, head.revoked_reason)
    try:
        new = store_live(connection, head, arrival.live, now_ns)
    except ForkError as error:
        quarantine(connection, ledger, _fork(head, error, arrival.live.body), now_ns)
        return Forked(head.frontier.size, str(error))
    if new:
        growth.head = replace(head, live_ahead=head.live_ahead + len(new))
        journals = schema.journals
        connection.execute(
            update(journals)
            .where(journals.c.journal_id == head.journal_id)
            .values(live_ahead=growth.head.live_ahead, last_seen_ns=now_ns)
        )
    fresh = {each.index for each in new}
    store_beside(connection, head.journal_id, [only(arrival.contents, fresh)], now_ns)
    store_ships(connection, [arrival.contents.ships], now_ns)
    seen = [passage for passage in arrival.contents.passages if passage.index in fresh]
    if seen:
        # A passage that cannot be taken becomes a dead letter when the backlog brings it, in its place.
        turn = partial(turns.next, head.journal_id, now_ns, live=True)
        store_passages(connection, ledger, head, seen, now_ns, lambda _index: turn())
    return Taken([each.index for each in arrival.live.records])


def _take(connection: Connection, ledger: log.Ledger, growth: _Growth, arrival: Arrival, now_ns: int) -> Outcome | None:
    """Take a batch into the transaction (None), or say why not."""
    head, batch = growth.head, arrival.batch
    if head.revoked:
        return Revoked(head.frontier.size, head.revoked_reason)
    if head.frontier != batch.base:
        return Moved(head.frontier.size)
    try:
        found, settled = merge(connection, head, batch)
    except ForkError as error:
        quarantine(connection, ledger, _fork(head, error, batch.body), now_ns)
        return Forked(head.frontier.size, str(error))
    if found:
        arrival = replace(arrival, batch=with_bytes(batch, found))
    growth.taken.append(arrival)
    growth.head = replace(head, frontier=batch.frontier, live_ahead=head.live_ahead - settled)
    return None


def _fork(head: JournalHead, error: ForkError, body: bytes) -> Refused:
    return Refused(head.origin, FORK, str(error), body, error.index)


def _stored(growth: _Growth) -> Stored:
    return Stored(growth.head.frontier.size, growth.receipt, growth.head.dead_lettered)


def _store_bytes(connection: Connection, ledger: log.Ledger, grown: Iterable[_Growth], now_ns: int) -> None:
    taken = [(growth.head, arrival.batch) for growth in grown for arrival in growth.taken]
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


def _store_meaning(
    connection: Connection, ledger: log.Ledger, grown: Sequence[_Growth], now_ns: int, turns: Turns
) -> None:
    incidents: list[dict[str, Any]] = []
    dead_letters: list[dict[str, Any]] = []
    for growth in grown:
        journal_id = growth.head.journal_id
        unfit = _store_passages(connection, ledger, growth, now_ns, turns)
        store_beside(connection, journal_id, [arrival.contents for arrival in growth.taken], now_ns)
        lost = [index for arrival in growth.taken for index in arrival.batch.lost]
        for arrival in growth.taken:
            unfit |= arrival.contents.dead_letters
            incidents += [incident_row(incident, journal_id) for incident in arrival.contents.incidents]
        unfit |= dict.fromkeys(lost, LOST)
        dead_letters += dead_letter_rows(unfit, journal_id, now_ns)
        messages = {index: text for arrival in growth.taken for index, text in arrival.contents.lost_messages.items()}
        for alarm in loss_alarms(growth.head.origin, lost, messages):
            raise_alarm(connection, ledger, alarm, now_ns)
        head = growth.head
        growth.head = replace(head, dead_lettered=head.dead_lettered + len(unfit), lost=head.lost + len(lost))
    store_ships(connection, [arrival.contents.ships for growth in grown for arrival in growth.taken], now_ns)
    if incidents:
        connection.execute(insert(schema.incidents), incidents)
    if dead_letters:
        connection.execute(insert(schema.dead_letters), dead_letters)


def _store_passages(
    connection: Connection, ledger: log.Ledger, growth: _Growth, now_ns: int, turns: Turns
) -> dict[int, str]:
    seen = [passage for arrival in growth.taken for passage in arrival.contents.passages]
    if not seen:
        return {}
    head, backlog_end = growth.head, max(arrival.backlog_end for arrival in growth.taken)

    def turn(index: int) -> int:
        return turns.next(head.journal_id, now_ns, live=index >= backlog_end)

    return store_passages(connection, ledger, head, seen, now_ns, turn)


def _store_heads(connection: Connection, receipts: Signer, grown: Iterable[_Growth], now_ns: int) -> None:
    rows = []
    for growth in grown:
        head = growth.head
        growth.receipt = receipts.cosign(Note.parse(growth.taken[-1].batch.note), now_ns // _NS).to_bytes()
        rows.append(
            {
                "which": head.journal_id,
                "size": head.frontier.size,
                "peaks": head.frontier.to_bytes(),
                "receipt": growth.receipt,
                "dead_lettered": head.dead_lettered,
                "lost": head.lost,
                "live_ahead": head.live_ahead,
                "last_seen_ns": now_ns,
            }
        )
    if rows:
        connection.execute(update(schema.journals).where(schema.journals.c.journal_id == bindparam("which")), rows)
