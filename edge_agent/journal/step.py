"""What one transaction of the journal does."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from edge_agent.journal.segment import Head


@dataclass(slots=True)
class Step:
    """One transaction: its connection, the head as it will be, and the leaves and bytes of commits it adds."""

    connection: sqlite3.Connection
    head: Head
    leaves: list[bytes] = field(default_factory=list)
    weight: int = 0
