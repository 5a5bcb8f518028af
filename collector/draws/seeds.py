"""The seeds of the draws: committed to before their day, secret until it is over, then published; all in the ledger.

A seed that is published draws nothing any more, whatever the clock says: everybody could reckon beforehand what it
would draw.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, Row, Select, insert, select, update

from collector.draws.days import day_of, end_of
from collector.errors import CollectorError
from collector.ledger.log import FORMAT, Ledger
from collector.store import schema
from gate_contract.draws import SEED_BYTES, commitment
from gate_contract.v1.ledger_pb2 import DrawSeed, LedgerEntry

HOUR = 3_600_000_000_000


@dataclass(frozen=True, slots=True)
class Seed:
    """One day's seed; `seed` is secret while `published_index` is None. Indices are of its entries in the ledger."""

    day: str
    commitment: bytes
    seed: bytes
    committed_index: int
    published_index: int | None

    @property
    def published(self) -> bool:
        """Whether everybody knows it."""
        return self.published_index is not None


def seeds(connection: Connection, *, most: int | None = None) -> list[Seed]:
    """The newest days first."""
    return [_seed(row) for row in connection.execute(_query().order_by(schema.draw_seeds.c.day.desc()).limit(most))]


def seed_of(connection: Connection, day: str) -> Seed | None:
    """The seed of a day; None when nothing was committed to."""
    row = connection.execute(_query().where(schema.draw_seeds.c.day == day)).one_or_none()
    return None if row is None else _seed(row)


def commit(connection: Connection, ledger: Ledger, day: str, now_unix_ns: int) -> Seed:
    """The day's seed; where there is none it is made and its commitment entered, in the caller's write transaction."""
    known = seed_of(connection, day)
    if known is not None:
        return known
    seed = secrets.token_bytes(SEED_BYTES)
    entered = DrawSeed(day=day, commitment=commitment(seed))
    index = ledger.append(connection, [LedgerEntry(format=FORMAT, entered_unix_ns=now_unix_ns, draw_seed=entered)])
    row = {"day": day, "commitment": entered.commitment, "seed": seed, "committed_index": index}
    connection.execute(insert(schema.draw_seeds), row)
    return Seed(day, entered.commitment, seed, index, None)


def publish(connection: Connection, ledger: Ledger, day: str, publish_after_hours: int, now_unix_ns: int) -> Seed:
    """Enter a day's seed into the ledger, in the caller's write transaction; once.

    Raises:
        CollectorError: nothing was committed to for that day, or it is not over for long enough.
    """
    seed = seed_of(connection, day)
    if seed is None:
        raise CollectorError(f"there is no seed of {day}", fix="`gate-collector draws seeds` lists them")
    if seed.published:
        return seed
    if now_unix_ns < end_of(day) + publish_after_hours * HOUR:
        raise CollectorError(
            f"the seed of {day} cannot be published yet",
            cause="what may still be drawn with it could be reckoned beforehand",
            fix=f"wait until {publish_after_hours} hours after the end of that day, UTC",
        )
    entered = DrawSeed(day=day, commitment=seed.commitment, seed=seed.seed)
    index = ledger.append(connection, [LedgerEntry(format=FORMAT, entered_unix_ns=now_unix_ns, draw_seed=entered)])
    table = schema.draw_seeds
    connection.execute(update(table).where(table.c.day == day).values(published_index=index))
    return Seed(day, seed.commitment, seed.seed, seed.committed_index, index)


def due(connection: Connection, publish_after_hours: int, now_unix_ns: int) -> list[str]:
    """Days whose seeds may be published and are not, the first one first."""
    table = schema.draw_seeds.c
    over = day_of(max(now_unix_ns - publish_after_hours * HOUR, 0))
    query = select(table.day).where(table.published_index.is_(None), table.day < over)
    return list(connection.scalars(query.order_by(table.day)))


def _seed(row: Row[tuple[str, bytes, bytes, int, int | None]]) -> Seed:
    return Seed(row.day, row.commitment, row.seed, row.committed_index, row.published_index)


def _query() -> Select[tuple[str, bytes, bytes, int, int | None]]:
    table = schema.draw_seeds.c
    return select(table.day, table.commitment, table.seed, table.committed_index, table.published_index)
