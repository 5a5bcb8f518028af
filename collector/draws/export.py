"""The whole ledger in a file, and back: so that others can check draws, and see that no entry was left out.

The file is a line of its own, the signed checkpoint, and all entries from the first one on; each of them after its
length (four bytes, the most significant first). Who reads it makes the tree over the entries again and compares its
root with the checkpoint, under the collector's public key: an entry that is changed, missing or added is found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection

from collector.errors import CollectorError
from collector.ledger.log import read_entries, read_head
from gate_contract.checkpoint import Checkpoint, NoteError, Verifier, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import Frontier

MAGIC: Final = b"tidegate/ledger-export/v1\n"
MOST_BYTES: Final = 16 << 20
"""Of one entry; none comes near."""

_LENGTH: Final = 4
_AT_ONCE: Final = 1000


class ExportError(CollectorError):
    """A file that cannot be believed, or read."""


def write_export(connection: Connection, file: BinaryIO) -> int:
    """Write the ledger as it stands in the caller's read transaction; how many entries."""
    head = read_head(connection)
    file.write(MAGIC)
    _put(file, head.checkpoint)
    for _, body in read_entries(connection, 0, head.frontier.size):
        _put(file, body)
    return head.frontier.size


def verify_export(path: Path, verifier: Verifier) -> Checkpoint:
    """Make the tree again and compare it with the checkpoint, which `verifier` must have signed.

    Raises:
        ExportError: the file cannot be read, or is not what was signed.
    """
    parts = _parts(path)
    note = next(parts, b"")
    try:
        checkpoint = open_checkpoint(note, verifier)
    except NoteError as error:
        raise ExportError(f"{path}: its checkpoint is not signed by {verifier.name}", cause=str(error)) from None
    frontier = Frontier()
    while bodies := list(islice(parts, _AT_ONCE)):
        frontier = frontier.grown(leaf_hashes(bodies))
    if checkpoint != Checkpoint.of(verifier.name, frontier):
        raise ExportError(
            f"{path} is not what was signed",
            cause=f"the checkpoint is over {checkpoint.size} entries, the file has {frontier.size}"
            if checkpoint.size != frontier.size
            else "an entry of it was changed",
            fix="get it again from the collector's operator; if it is so again, it was changed there",
        )
    return checkpoint


def read_export(path: Path) -> Iterator[tuple[int, bytes]]:
    """(index, serialised LedgerEntry) of each entry. Verify it first; ExportError when it cannot be read."""
    return enumerate(islice(_parts(path), 1, None))


def _put(file: BinaryIO, part: bytes) -> None:
    file.write(len(part).to_bytes(_LENGTH, "big") + part)


def _parts(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ExportError(f"{path} is no export of a ledger", fix="make one with `gate-collector draws export`")
            while length := file.read(_LENGTH):
                wanted = int.from_bytes(length, "big")
                part = file.read(wanted) if wanted <= MOST_BYTES else b""
                if len(length) != _LENGTH or len(part) != wanted:
                    raise ExportError(f"{path} ends in the middle of an entry", fix="copy it again")
                yield part
    except OSError as error:
        raise ExportError(f"{path} cannot be read", cause=str(error.strerror)) from None
