"""What the collector holds, read by other eyes: SQLite and the generated messages, none of the collector's code."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.passage_pb2 import PlateRead
from gate_contract.v1.record_pb2 import Record


@dataclass(slots=True)
class Held:
    """One journal as the collector holds it.

    Attributes:
        records: serialised Records, by index.
        problems: what is wrong with the stored batches themselves: gaps, overlaps, lost records.
    """

    origin: str
    records: list[bytes] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Appearance:
    """A plate in the journal: the index of the record that brought it first, and what it belongs to."""

    index: int
    owner: str
    read: PlateRead


def held_journals(database: Path) -> list[Held]:
    """Every journal with what is stored of it, in order."""
    found: dict[int, Held] = {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        for journal_id, origin in connection.execute("SELECT journal_id, origin FROM journals"):
            found[journal_id] = Held(origin)
        query = "SELECT journal_id, first_index, body FROM batches ORDER BY journal_id, first_index"
        for journal_id, first_index, body in connection.execute(query):
            _take(found[journal_id], first_index, Batch.FromString(body))
    return list(found.values())


def _take(held: Held, first_index: int, batch: Batch) -> None:
    if first_index != len(held.records) or batch.first_index != first_index:
        held.problems.append(
            f"{held.origin}: a batch at {first_index} (says {batch.first_index}) after {len(held.records)} records"
        )
    if batch.lost:
        held.problems.append(f"{held.origin}: records are lost: {[lost.index for lost in batch.lost]}")
    held.records += batch.records


def appearances(held: Held) -> dict[str, list[Appearance]]:
    """Where each plate ended: a passage (all of its revisions are one) or an orphan."""
    found: defaultdict[str, list[Appearance]] = defaultdict(list)
    seen: set[tuple[str, str]] = set()
    for index, body in enumerate(held.records):
        for owner, read in _reads(index, Record.FromString(body)):
            if (owner, read.event_id) not in seen:
                seen.add((owner, read.event_id))
                found[read.text].append(Appearance(index, owner, read))
    return found


def doubled_in_a_record(held: Held) -> list[str]:
    """Messages that one record holds twice."""
    problems: list[str] = []
    for index, body in enumerate(held.records):
        events = [read.event_id for _, read in _reads(index, Record.FromString(body))]
        if len(events) != len(set(events)):
            problems.append(f"{held.origin}: record {index} holds one message twice")
    return problems


def _reads(index: int, record: Record) -> Iterator[tuple[str, PlateRead]]:
    if record.HasField("passage"):
        for read in record.passage.plates:
            yield record.passage.passage_id, read
    elif record.HasField("orphan") and record.orphan.HasField("plate"):
        yield f"orphan {index}", record.orphan.plate


def missing_evidence(read: PlateRead, evidence: Path) -> list[str]:
    """Which of a plate's pictures and messages are not at the collector, or are not what they were."""
    problems: list[str] = []
    for picture in read.pictures:
        name = picture.sha256.hex()
        path = evidence / name[:2] / name
        if picture.not_kept:
            continue
        if not path.exists():
            problems.append(f"{read.text}: its {picture.role} {name[:16]} is not at the collector")
        elif sha256(path.read_bytes()).digest() != picture.sha256:
            problems.append(f"{read.text}: its {picture.role} {name[:16]} was altered")
    return problems
