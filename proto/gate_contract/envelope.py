"""Sealing and opening batches: verify first, decode after. Pure.

A batch is opened in numbered steps (see `open_batch`); nothing of a record is decoded here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from google.protobuf.message import DecodeError

from gate_contract.checkpoint import Checkpoint, NoteError, Verifier, open_checkpoint
from gate_contract.merkle import Frontier
from gate_contract.v1.batch_pb2 import Batch

MAX_RECORD_BYTES = 262_144
"""A record holds readings, not pictures; more is refused where it is made."""


class BatchError(ValueError):
    """A batch that is not accepted; `str()` says why, with sizes and hashes."""


class MalformedError(BatchError):
    """Not a batch, an empty one, or a record beyond MAX_RECORD_BYTES."""


class BadSealError(BatchError):
    """The signature, origin, size or root of the checkpoint does not hold."""


class GapError(BatchError):
    """The batch begins beyond what is known."""


class ForkError(BatchError):
    """The same index with other bytes: two histories under one key."""


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """Records that are proved to continue the known journal.

    Attributes:
        first_index: index of the first *new* record.
        records: the new records' exact bytes; empty when everything was known already.
        leaves: their leaf hashes, in the same order.
        frontier: of the journal with the new records.
        checkpoint: what the agent signed.
        note: the signed note it came in.
    """

    first_index: int
    records: tuple[bytes, ...]
    leaves: list[bytes]
    frontier: Frontier
    checkpoint: Checkpoint
    note: bytes


def leaf_hashes(records: Sequence[bytes]) -> list[bytes]:
    """RFC 9162 leaf hashes of the records."""
    return [sha256(b"\x00" + record).digest() for record in records]


def seal(first_index: int, records: Sequence[bytes], checkpoint_note: bytes) -> bytes:
    """A batch on the wire: the records as they are and the signed checkpoint that covers them."""
    return Batch(first_index=first_index, records=records, checkpoint=checkpoint_note).SerializeToString()


def open_batch(
    data: bytes, known: Frontier, verifier: Verifier, stored: Callable[[int, int], Sequence[bytes]]
) -> VerifiedBatch:
    """Verify a batch against the journal as far as it is known.

    1. It parses as a Batch, is not empty, and no record is over MAX_RECORD_BYTES.
    2. The checkpoint's signature by the journal's key holds, and its origin is the journal's.
    3. The checkpoint covers exactly the batch: size = first index + number of records.
    4. The batch begins at or before the known size; what overlaps is equal byte for byte.
    5. The known tree grown by the new records has the root the agent signed.

    Args:
        data: the serialised Batch.
        known: frontier of the journal as stored.
        verifier: the journal's key, named after its origin.
        stored: (start, end) -> the stored records [start, end), asked only where the batch overlaps.

    Raises:
        MalformedError, BadSealError, GapError, ForkError: see there.
    """
    batch = _parse(data)
    try:
        checkpoint = open_checkpoint(batch.checkpoint, verifier)
    except NoteError as error:
        raise BadSealError(f"checkpoint of records from {batch.first_index} on: {error}") from None
    records: Sequence[bytes] = batch.records
    end = batch.first_index + len(records)
    if checkpoint.size != end:
        raise BadSealError(f"the checkpoint covers {checkpoint.size} records, the batch ends at {end}")
    if batch.first_index > known.size:
        raise GapError(f"the batch begins at {batch.first_index}; known are {known.size} records")
    overlap = min(known.size, end) - batch.first_index
    if overlap:
        _refuse_fork(batch.first_index, records[:overlap], stored(batch.first_index, batch.first_index + overlap))
    new = tuple(records[overlap:])
    leaves = leaf_hashes(new)
    frontier = known.grown(leaves)
    if new and frontier.root() != checkpoint.root:
        raise BadSealError(
            f"the records up to {end} have root {frontier.root().hex()}, the agent signed {checkpoint.root.hex()}: "
            "either a record was altered on the way or this journal had another history before"
        )
    return VerifiedBatch(known.size, new, leaves, frontier, checkpoint, batch.checkpoint)


def _parse(data: bytes) -> Batch:
    try:
        batch = Batch.FromString(data)
    except DecodeError:
        raise MalformedError(f"{len(data)} bytes that are no batch") from None
    if not batch.records:
        raise MalformedError("a batch without records")
    if max(map(len, batch.records)) > MAX_RECORD_BYTES:
        raise MalformedError(f"a record is larger than {MAX_RECORD_BYTES} bytes")
    return batch


def _refuse_fork(first_index: int, offered: Sequence[bytes], held: Sequence[bytes]) -> None:
    for offset, (new, old) in enumerate(zip(offered, held, strict=True)):
        if new != old:
            raise ForkError(
                f"record {first_index + offset} is {sha256(new).hexdigest()} here and {sha256(old).hexdigest()} in "
                "what was accepted before: two histories under one key"
            )
