"""A journal in files, and ways to damage them, for the tests of its recovery."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from edge_agent.journal.journal import Journal
from tests.unit.edge_agent.journal.journals import SIGNER, collected

RECORDS = [b"%d" % number * 100 for number in range(8)]


def segment(directory: Path, first_index: int = 0) -> Path:
    return directory / f"{first_index:020}.db"


def leaves(directory: Path, first_index: int = 0) -> Path:
    return directory / f"{first_index:020}.leaves"


def make(directory: Path, segment_bytes: int | None = None) -> None:
    """RECORDS, two in each commit."""
    with closing(Journal(directory, SIGNER, segment_bytes=segment_bytes)) as journal:
        for at in range(0, len(RECORDS), 2):
            journal.append(RECORDS[at : at + 2], in_flight={"L1": b"state"})


def change(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    assert old in data
    path.write_bytes(data.replace(old, new.ljust(len(old), b"\x00")))


def lost_in(journal: Journal) -> list[int]:
    there, lost, _ = collected(journal)
    assert there == {index: RECORDS[index] for index in range(len(RECORDS)) if index not in lost}
    return sorted(lost)


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
