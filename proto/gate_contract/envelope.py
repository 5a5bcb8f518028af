"""Sealing and opening batches and live records: verify first, decode after. Pure.

Both are opened in numbered steps (see `open_batch`, `open_live`); nothing of a record is decoded here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from google.protobuf.message import DecodeError

from gate_contract.checkpoint import Checkpoint, NoteError, Verifier, open_checkpoint
from gate_contract.merkle import HASH_SIZE, Frontier, OnLevel, ProofError, leaf_hash, verify_inclusion
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.uplink_pb2 import LiveRecord, LiveRecords

MAX_RECORD_BYTES = 262_144
"""A record holds readings, not pictures; more is refused where it is made."""

MAX_BATCH_RECORDS = 65_536
"""Records of one batch, lost ones included: four megabytes of empty records must not cost a minute."""

MAX_LIVE_RECORDS = 1_024
"""Live records of one message."""

MAX_PROOF_HASHES = 63
"""Hashes of an inclusion proof in the largest tree there can be."""

MAX_SIZE = 2**63 - 1
"""Records of the largest journal: what a database's integer holds."""


class BatchError(ValueError):
    """A batch that is not accepted; `str()` says why, with sizes and hashes."""


class MalformedError(BatchError):
    """Not a batch, an empty one, one that does not fit together, or beyond a limit of this module."""


class BadSealError(BatchError):
    """The signature, origin, size or root of the checkpoint does not hold."""


class GapError(BatchError):
    """The batch begins beyond what is known."""


class ForkError(BatchError):
    """The same index with other bytes: two histories under one key; `index` is the first that differs."""

    def __init__(self, index: int, text: str) -> None:
        """`text` says why, with hashes."""
        super().__init__(text)
        self.index = index


class BadProofError(BatchError):
    """A live record is not proved to be in the journal whose head its checkpoint signs."""


@dataclass(frozen=True, slots=True)
class VerifiedBatch:
    """Records that are proved to continue the known journal.

    Attributes:
        first_index: index of the first *new* record.
        records: the new records' exact bytes, in order, those that are lost left out; empty when all was known already.
        lost: leaf hashes of the new records whose bytes are gone, by rising index.
        leaves: leaf hashes of all new records, in order.
        frontier: of the journal with the new records.
        checkpoint: what the agent signed.
        note: the signed note it came in.
    """

    first_index: int
    records: tuple[bytes, ...]
    lost: Mapping[int, bytes]
    leaves: list[bytes]
    frontier: Frontier
    checkpoint: Checkpoint
    note: bytes

    @property
    def indices(self) -> Sequence[int]:
        """Index of each of `records`."""
        end = self.first_index + len(self.leaves)
        if not self.lost:
            return range(self.first_index, end)
        return [index for index in range(self.first_index, end) if index not in self.lost]


@dataclass(frozen=True, slots=True)
class VerifiedLive:
    """Records that are proved to be in the journal whose head `checkpoint` is.

    That this journal is the one that is known, and that they stand nowhere else in it, is seen when the backlog reaches
    them: until then no root that was verified here holds them.

    Attributes:
        checkpoint: what the agent signed.
        note: the signed note it came in.
        records: one or more, by rising index.
    """

    checkpoint: Checkpoint
    note: bytes
    records: tuple[LiveOne, ...]


@dataclass(frozen=True, slots=True)
class LiveOne:
    """One live record: its index, its exact bytes, their leaf hash, and the proof that was checked."""

    index: int
    body: bytes
    leaf: bytes
    proof: tuple[bytes, ...]


def leaf_hashes(records: Sequence[bytes]) -> list[bytes]:
    """RFC 9162 leaf hashes of the records."""
    return [sha256(b"\x00" + record).digest() for record in records]


def seal(
    first_index: int, records: Sequence[bytes], checkpoint_note: bytes, lost: Mapping[int, bytes] | None = None
) -> bytes:
    """A batch on the wire: the records as they are and the signed checkpoint that covers them.

    `lost` are the leaf hashes of records whose bytes are gone, by index; `records` are then the others.
    """
    batch = Batch(first_index=first_index, records=records, checkpoint=checkpoint_note)
    for index, leaf in sorted((lost or {}).items()):
        batch.lost.add(index=index, leaf_hash=leaf)
    return batch.SerializeToString()


def encode_records(records: Sequence[bytes]) -> bytes:
    """The records as they stand on the wire within a Batch: made once, then carried as they are (`seal_encoded`)."""
    return Batch(records=records).SerializeToString()


def seal_encoded(
    first_index: int, bodies: Sequence[bytes], checkpoint_note: bytes, lost: Sequence[tuple[int, bytes]] = ()
) -> bytes:
    """As `seal`, from what `encode_records` made: the same bytes, without touching a record.

    `lost` are (index, leaf hash) of records whose bytes are gone, by rising index.
    """
    tail = Batch(checkpoint=checkpoint_note)
    for index, leaf in lost:
        tail.lost.add(index=index, leaf_hash=leaf)
    return b"".join((Batch(first_index=first_index).SerializeToString(), *bodies, tail.SerializeToString()))


def open_batch(
    data: bytes,
    known: Frontier,
    verifier: Verifier,
    stored: Callable[[int, int], Sequence[bytes]],
    on_level: OnLevel | None = None,
) -> VerifiedBatch:
    """Verify a batch against the journal as far as it is known.

    1. It parses as a Batch, is not empty, is within the limits of this module, and its lost records are within it.
    2. The checkpoint's signature by the journal's key holds, and its origin is the journal's.
    3. The checkpoint covers exactly the batch: size = first index + number of records, lost ones included.
    4. The batch begins at or before the known size; what overlaps is equal (compared by leaf hash: SHA-256).
    5. The known tree grown by the new records has the root the agent signed.

    Args:
        data: the serialised Batch.
        known: frontier of the journal as stored.
        verifier: the journal's key, named after its origin.
        stored: (start, end) -> leaf hashes of the stored records [start, end), asked only where the batch overlaps.
        on_level: told of the subtrees that the new records complete, see Frontier.grown; before step 5 is done.

    Raises:
        MalformedError, BadSealError, GapError, ForkError: see there.
    """
    batch = _parse(data)
    checkpoint = _checkpoint(batch.checkpoint, verifier, f"records from {batch.first_index} on")
    end = batch.first_index + len(batch.records) + len(batch.lost)
    if checkpoint.size != end:
        raise BadSealError(f"the checkpoint covers {checkpoint.size} records, the batch ends at {end}")
    if batch.first_index > known.size:
        raise GapError(f"the batch begins at {batch.first_index}; known are {known.size} records")
    records: Sequence[bytes] = batch.records
    lost = {each.index: each.leaf_hash for each in batch.lost}
    overlap = min(known.size, end) - batch.first_index
    start = batch.first_index + overlap
    if overlap:
        again = sum(index < start for index in lost)
        offered = _leaves(batch.first_index, start, records[: overlap - again], lost)
        _refuse_fork(batch.first_index, offered, stored(batch.first_index, start))
        records = records[overlap - again :]
        lost = {index: leaf for index, leaf in lost.items() if index >= start}
    new = tuple(records)
    leaves = _leaves(start, end, new, lost)
    frontier = known.grown(leaves, on_level)
    if leaves and frontier.root() != checkpoint.root:
        raise BadSealError(
            f"the records up to {end} have root {frontier.root().hex()}, the agent signed {checkpoint.root.hex()}: "
            "either a record was altered on the way or this journal had another history before"
        )
    return VerifiedBatch(known.size, new, lost, leaves, frontier, checkpoint, batch.checkpoint)


def open_live(message: LiveRecords, verifier: Verifier) -> VerifiedLive:
    """Verify live records.

    1. There is at least one, by rising index, and all is within the limits of this module.
    2. The checkpoint's signature by the journal's key holds, and its origin is the journal's.
    3. Each record's inclusion proof leads to the root that was signed.

    Raises:
        MalformedError, BadSealError, BadProofError: see there.
    """
    indices = [record.index for record in message.records]
    if not 0 < len(indices) <= MAX_LIVE_RECORDS:
        raise MalformedError(f"{len(indices)} live records; 1 to {MAX_LIVE_RECORDS} come together")
    if any(later <= earlier for earlier, later in pairwise(indices)):
        raise MalformedError(f"live records {indices[0]} to {indices[-1]} do not come by rising index")
    if max(len(record.body) for record in message.records) > MAX_RECORD_BYTES:
        raise MalformedError(f"a live record is larger than {MAX_RECORD_BYTES} bytes")
    if max(len(record.proof) for record in message.records) > MAX_PROOF_HASHES:
        raise MalformedError(f"a proof of a live record has more than {MAX_PROOF_HASHES} hashes")
    checkpoint = _checkpoint(message.checkpoint, verifier, f"live records from {indices[0]} on")
    if checkpoint.size > MAX_SIZE:
        raise MalformedError(f"a journal of {checkpoint.size} records; at most {MAX_SIZE} are taken")
    return VerifiedLive(checkpoint, message.checkpoint, tuple(_live(record, checkpoint) for record in message.records))


def _live(record: LiveRecord, checkpoint: Checkpoint) -> LiveOne:
    leaf, proof = leaf_hash(record.body), tuple(record.proof)
    try:
        verify_inclusion(record.index, checkpoint.size, leaf, proof, checkpoint.root)
    except ProofError as error:
        raise BadProofError(f"live record {record.index}: {error}") from None
    return LiveOne(record.index, record.body, leaf, proof)


def _checkpoint(note: bytes, verifier: Verifier, what: str) -> Checkpoint:
    try:
        return open_checkpoint(note, verifier)
    except NoteError as error:
        raise BadSealError(f"checkpoint of {what}: {error}") from None


def _leaves(start: int, end: int, records: Sequence[bytes], lost: Mapping[int, bytes]) -> list[bytes]:
    """Leaf hashes of the records [start, end), of which `records` are those that are not lost."""
    if not lost:
        return leaf_hashes(records)
    kept = iter(records)
    return [lost[index] if index in lost else leaf_hash(next(kept)) for index in range(start, end)]


def _parse(data: bytes) -> Batch:
    try:
        batch = Batch.FromString(data)
    except DecodeError:
        raise MalformedError(f"{len(data)} bytes that are no batch") from None
    count = len(batch.records) + len(batch.lost)
    if not 0 < count <= MAX_BATCH_RECORDS:
        raise MalformedError(f"a batch of {count} records; 1 to {MAX_BATCH_RECORDS} are taken")
    if batch.records and max(map(len, batch.records)) > MAX_RECORD_BYTES:
        raise MalformedError(f"a record is larger than {MAX_RECORD_BYTES} bytes")
    if batch.lost:
        _check_lost(batch, count)
    return batch


def _check_lost(batch: Batch, count: int) -> None:
    """Lost records stand within the batch, by rising index, each with a hash."""
    before = batch.first_index - 1
    for each in batch.lost:
        if not before < each.index < batch.first_index + count:
            raise MalformedError(
                f"lost record {each.index} is out of order, or not within the records {batch.first_index} to "
                f"{batch.first_index + count - 1}"
            )
        if len(each.leaf_hash) != HASH_SIZE:
            raise MalformedError(f"the leaf hash of lost record {each.index} has {len(each.leaf_hash)} bytes")
        before = each.index


def _refuse_fork(first_index: int, offered: Sequence[bytes], held: Sequence[bytes]) -> None:
    for index, (new, old) in enumerate(zip(offered, held, strict=True), first_index):
        if new != old:
            raise ForkError(
                index,
                f"record {index} has leaf hash {new.hex()} here and {old.hex()} in what was accepted before: "
                "two histories under one key",
            )
