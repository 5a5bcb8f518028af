"""Damaged files are put aside, never deleted: they are evidence, and somebody may get more out of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path

from edge_agent.journal.files import link_or_copy, synced


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A file that was put aside: its path relative to the state directory, and its SHA-256."""

    path: str
    sha256: bytes


def put_aside(state_dir: Path, name: str, files: Sequence[Path]) -> list[Quarantined]:
    """Give `files` a second name in state_dir/quarantine/<utc time>-<name>/, durable; where they are they stay.

    OSError goes to the caller.
    """
    quarantine = state_dir / "quarantine"
    quarantine.mkdir(mode=0o750, exist_ok=True)
    begun = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{name}"
    room, number = quarantine / begun, 1
    while room.exists():
        number += 1
        room = quarantine / f"{begun}-{number}"
    room.mkdir(mode=0o750)
    for file in files:
        link_or_copy(file, room / file.name)
    for directory in (room, quarantine, state_dir):
        synced(directory)
    return [_described(state_dir, room / file.name) for file in files]


def _described(state_dir: Path, path: Path) -> Quarantined:
    with path.open("rb") as file:
        return Quarantined(str(path.relative_to(state_dir)), file_digest(file, "sha256").digest())
