"""What somebody sends who is not the gate, or a gate that signs two histories; with the refusals that are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.model.sealed import LiveItem, Stretch
from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import leaf_hashes, seal, seal_encoded
from gate_contract.merkle import Frontier, growth_proof
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.uplink_pb2 import (
    REFUSAL_CODE_BAD_PROOF,
    REFUSAL_CODE_BAD_SEAL,
    REFUSAL_CODE_FORK,
    REFUSAL_CODE_GAP,
    REFUSAL_CODE_MALFORMED,
    LiveRecord,
    LiveRecords,
    RefusalCode,
)

BY_SEAL = (REFUSAL_CODE_BAD_SEAL,)
NOT_WHOLE = (REFUSAL_CODE_BAD_SEAL, REFUSAL_CODE_MALFORMED)
OTHER_HISTORY = (REFUSAL_CODE_FORK, REFUSAL_CODE_BAD_SEAL)
ALTERED = (REFUSAL_CODE_BAD_SEAL, REFUSAL_CODE_MALFORMED, REFUSAL_CODE_FORK, REFUSAL_CODE_GAP)
"""A flipped bit may make a lost record, another place, or no batch at all."""


@dataclass(frozen=True, slots=True)
class Forgery:
    """A message that must not be taken, and the refusals one of which it must meet."""

    message: bytes | LiveRecords
    codes: Sequence[RefusalCode.ValueType]


@dataclass(frozen=True, slots=True)
class Material:
    """What a forger has: a genuine stretch that would be taken, both keys, and a number to choose with.

    Attributes:
        leaves: leaf hashes of the genuine records before the stretch.
        stretch: it begins where the collector stands.
        signer: the gate's own, as a cloned machine has it.
        stranger: another gate's.
        number: anything from 0 on.
    """

    leaves: list[bytes]
    stretch: Stretch
    signer: Signer
    stranger: Signer
    number: int

    @property
    def records(self) -> list[bytes]:
        """The stretch's records."""
        return [record for body in self.stretch.bodies for record in Batch.FromString(body).records]

    @property
    def genuine(self) -> bytes:
        """The batch as the gate would send it."""
        return seal_encoded(self.stretch.first_index, self.stretch.bodies, self.stretch.note, self.stretch.lost)


def note(signer: Signer, origin: str, leaves: Sequence[bytes]) -> bytes:
    """A checkpoint over these leaves for `origin`, signed by whoever."""
    return signer.sign(Checkpoint.of(origin, Frontier().grown(leaves)).body()).to_bytes()


def signed_by_another_gate(has: Material) -> Forgery:
    """All is right but the key."""
    stretch = has.stretch
    leaves = has.leaves + leaf_hashes(has.records)
    forger = Signer(has.signer.name, has.stranger._private_key)
    return Forgery(seal(stretch.first_index, has.records, note(forger, has.signer.name, leaves)), NOT_WHOLE)


def of_another_journal(has: Material) -> Forgery:
    """Another gate's own journal, rightly signed by it, on our stream."""
    records = has.records or [b"theirs"]
    return Forgery(seal(0, records, note(has.stranger, has.stranger.name, leaf_hashes(records))), BY_SEAL)


def with_an_altered_record(has: Material) -> Forgery:
    """The gate's signature over other bytes."""
    records = has.records or [b""]
    place = has.number % len(records)
    records[place] += b"!"
    return Forgery(seal(has.stretch.first_index, records, has.stretch.note, dict(has.stretch.lost)), BY_SEAL)


def cut_off(has: Material) -> Forgery:
    """The first part of a genuine batch."""
    return Forgery(has.genuine[: has.number % len(has.genuine)], NOT_WHOLE)


def without_a_record(has: Material) -> Forgery:
    """A record is taken out of the middle, and nothing put in its place."""
    records = has.records
    del records[has.number % max(1, len(records)) :][:1]
    batch = seal(has.stretch.first_index, records[:-1], has.stretch.note, dict(has.stretch.lost))
    return Forgery(batch, NOT_WHOLE)


def with_a_flipped_bit(has: Material) -> Forgery:
    """A fault of the line that nobody noticed; where the signature is not over the bit, nothing is changed by it."""
    data = bytearray(has.genuine)
    data[has.number % len(data)] ^= 1 << has.number % 8
    return Forgery(bytes(data), ALTERED)


def of_two_histories(has: Material) -> Forgery:
    """The gate's own key over other bytes for a record that was accepted before."""
    if not has.leaves:
        return of_another_journal(has)
    first = has.number % len(has.leaves)
    leaves = [*has.leaves[:first], *leaf_hashes([b"another history"])]
    return Forgery(seal(first, [b"another history"], note(has.signer, has.signer.name, leaves)), OTHER_HISTORY)


def beyond_a_gap(has: Material) -> Forgery:
    """One record is held back, and the next is sent, rightly signed."""
    leaves = [*has.leaves, *leaf_hashes([b"held back", b"sent"])]
    batch = seal(len(has.leaves) + 1, [b"sent"], note(has.signer, has.signer.name, leaves))
    return Forgery(batch, (REFUSAL_CODE_GAP,))


BATCHES: tuple[Callable[[Material], Forgery], ...] = (
    signed_by_another_gate,
    of_another_journal,
    with_an_altered_record,
    cut_off,
    without_a_record,
    with_a_flipped_bit,
    of_two_histories,
    beyond_a_gap,
)


def altered_live(item: LiveItem, _signer: Signer, _stranger: Signer) -> Forgery:
    """A live record with other bytes under a genuine proof."""
    record = LiveRecord(index=item.index, body=item.body + b"!", proof=item.proof)
    return Forgery(LiveRecords(checkpoint=item.note, records=[record]), (REFUSAL_CODE_BAD_PROOF,))


def misplaced_live(item: LiveItem, _signer: Signer, _stranger: Signer) -> Forgery:
    """A genuine live record that says it stands elsewhere."""
    record = LiveRecord(index=item.index + 1, body=item.body, proof=item.proof)
    return Forgery(LiveRecords(checkpoint=item.note, records=[record]), (REFUSAL_CODE_BAD_PROOF,))


def live_of_another_gate(item: LiveItem, signer: Signer, stranger: Signer) -> Forgery:
    """A live record of a tree that another gate signed under our name."""
    return _live(Signer(signer.name, stranger._private_key), item.index, BY_SEAL)


def live_of_two_histories(item: LiveItem, signer: Signer, _stranger: Signer) -> Forgery:
    """The gate's own key over another history, where this record was taken before."""
    return _live(signer, item.index, (REFUSAL_CODE_FORK,))


def _live(signer: Signer, index: int, codes: Sequence[RefusalCode.ValueType]) -> Forgery:
    bodies = [b"another %d" % number for number in range(index + 1)]
    leaves = leaf_hashes(bodies)
    record = LiveRecord(index=index, body=bodies[index], proof=growth_proof(Frontier(), leaves, index))
    return Forgery(LiveRecords(checkpoint=note(signer, signer.name, leaves), records=[record]), codes)


LIVE: tuple[Callable[[LiveItem, Signer, Signer], Forgery], ...] = (
    altered_live,
    misplaced_live,
    live_of_another_gate,
    live_of_two_histories,
)
