"""Seeds of the draws, against the ledger entries that committed to them and published them."""

from __future__ import annotations

from sqlalchemy import Connection, RowMapping

from collector.ledger.audit.declarations import portions
from collector.ledger.audit.log import entries_at
from collector.ledger.audit.problems import Problems
from collector.store import schema
from gate_contract.draws import DrawError, commitment
from gate_contract.v1.ledger_pb2 import LedgerEntry


def audit_seeds(connection: Connection, problems: Problems) -> int:
    """Each seed; returns for how many ledger entries the rows stand: a commitment, and another when it is published.

    Whether the draws hold is another question, which `gate-collector draws check DAY` answers.
    """
    count = 0
    with problems.reading("draw_seeds"):
        for rows in portions(connection, schema.draw_seeds, (schema.draw_seeds.c.day,)):
            indices = {row["committed_index"] for row in rows} | {row["published_index"] for row in rows} - {None}
            entries = entries_at(connection, indices, problems)
            for row in rows:
                count += 1 + (row["published_index"] is not None)
                _audit_seed(row, entries, problems)
            problems.progress(len(rows))
    return count


def _audit_seed(row: RowMapping, entries: dict[int, LedgerEntry], problems: Problems) -> None:
    where = f"draw seed {row['day']}"
    told = [(row["committed_index"], b"")]
    if row["published_index"] is not None:
        told.append((row["published_index"], row["seed"]))
    for index, seed in told:
        source = f"ledger entry {index}"
        entry = entries.get(index)
        if entry is None or entry.WhichOneof("body") != "draw_seed":
            problems.add(where, f"{source} is no draw seed")
            continue
        problems.compare(where, source, row, {"day": entry.draw_seed.day, "commitment": entry.draw_seed.commitment})
        if entry.draw_seed.seed != seed:
            problems.add(where, f"column seed is not what {source} says")
    try:
        holds = commitment(row["seed"]) == row["commitment"]
    except DrawError:
        holds = False
    if not holds:
        problems.add(where, "column seed is not the seed that was committed to")
