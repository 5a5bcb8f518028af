"""What came, verified first and decoded then, ready to be stored. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.ingest.contents import Contents, understand
from collector.ledger import tiles
from gate_contract.checkpoint import Checkpoint, Note, Verifier
from gate_contract.envelope import BadSealError, LiveOne, VerifiedBatch, open_batch, open_live, seal
from gate_contract.merkle import Frontier
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.uplink_pb2 import LiveRecords


@dataclass(frozen=True, slots=True)
class Prepared:
    """A batch that is proved to continue the journal from `base`, decoded, ready to be stored.

    Attributes:
        base: frontier of the journal that it continues.
        frontier: of the journal with its records.
        checkpoint: what the agent signed.
        note: the signed note of that.
        body: serialised Batch of the records that are new, with the note.
        leaves: the new records' leaf hashes.
        lost: index of each new record whose bytes are gone, rising.
        tiles: tiles that they complete.
        contents: what they say.
    """

    base: Frontier
    frontier: Frontier
    checkpoint: Checkpoint
    note: bytes
    body: bytes
    leaves: Sequence[bytes]
    lost: Sequence[int]
    tiles: Sequence[tiles.Tile]
    contents: Contents

    @property
    def is_known(self) -> bool:
        """Whether all of its records were stored before."""
        return not self.leaves


@dataclass(frozen=True, slots=True)
class PreparedLive:
    """Live records that are proved to be in the journal whose head they came with, decoded.

    Attributes:
        checkpoint: what the agent signed.
        note: the signed note of that.
        body: the message as it came, serialised: for quarantine.
        records: the records with their proofs, by rising index.
        contents: what they say.
    """

    checkpoint: Checkpoint
    note: bytes
    body: bytes
    records: Sequence[LiveOne]
    contents: Contents


def prepare(
    data: bytes, known: Frontier, verifier: Verifier, stored: Callable[[int, int], Sequence[bytes]]
) -> Prepared:
    """Verify a batch against the journal as far as it is known, then decode it.

    Raises BatchError as gate_contract.envelope.open_batch does, and BadSealError when the checkpoint carries other
    signatures beside the agent's: nobody could check them.
    """
    completing = tiles.Completing()
    batch = open_batch(data, known, verifier, stored, completing)
    _refuse_strangers(batch.note, batch.checkpoint)
    return Prepared(
        base=known,
        frontier=batch.frontier,
        checkpoint=batch.checkpoint,
        note=batch.note,
        body=_kept(data, batch),
        leaves=batch.leaves,
        lost=sorted(batch.lost),
        tiles=completing.tiles,
        contents=understand(batch.indices, batch.records),
    )


def prepare_live(message: LiveRecords, verifier: Verifier) -> PreparedLive:
    """Verify live records, then decode them; raises BatchError as `prepare` does."""
    live = open_live(message, verifier)
    _refuse_strangers(live.note, live.checkpoint)
    indices, bodies = [each.index for each in live.records], [each.body for each in live.records]
    body = message.SerializeToString(deterministic=True)
    return PreparedLive(live.checkpoint, live.note, body, live.records, understand(indices, bodies))


def with_bytes(batch: Prepared, found: dict[int, bytes]) -> Prepared:
    """The batch with the bytes of some of its lost records, by index, which are known from elsewhere.

    Their leaf hashes were compared before.
    """
    whole = Batch.FromString(batch.body)
    lost = {each.index: each.leaf_hash for each in whole.lost}
    bodies, records = iter(whole.records), []
    for index in range(batch.base.size, batch.frontier.size):
        if index in found:
            records.append(found[index])
        elif index not in lost:
            records.append(next(bodies))
    still = {index: leaf for index, leaf in lost.items() if index not in found}
    indices = [index for index in range(batch.base.size, batch.frontier.size) if index not in still]
    return Prepared(
        base=batch.base,
        frontier=batch.frontier,
        checkpoint=batch.checkpoint,
        note=batch.note,
        body=seal(batch.base.size, records, batch.note, still),
        leaves=batch.leaves,
        lost=sorted(still),
        tiles=batch.tiles,
        contents=understand(indices, records),
    )


def _refuse_strangers(note: bytes, checkpoint: Checkpoint) -> None:
    signatures = len(Note.parse(note).signatures)
    if signatures != 1:
        raise BadSealError(f"the checkpoint of {checkpoint.size} records carries {signatures} signatures, not one")


def _kept(data: bytes, batch: VerifiedBatch) -> bytes:
    """Serialised Batch of the new records.

    The framing is not signed. It is kept in the one form that `seal` gives, or a byte changed in it later would not be
    found; from our own agents it comes in that form.
    """
    whole = Batch.FromString(data)
    if len(whole.records) + len(whole.lost) != len(batch.leaves):
        return seal(batch.first_index, batch.records, batch.note, batch.lost)
    whole.DiscardUnknownFields()
    return whole.SerializeToString(deterministic=True)
