from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import (
    MAX_BATCH_RECORDS,
    MAX_LIVE_RECORDS,
    MAX_PROOF_HASHES,
    MAX_RECORD_BYTES,
    MAX_SIZE,
    BadProofError,
    BadSealError,
    BatchError,
    ForkError,
    GapError,
    MalformedError,
    VerifiedBatch,
    leaf_hashes,
    open_batch,
    open_live,
    seal,
)
from gate_contract.merkle import Frontier, growth_proof, leaf_hash
from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.uplink_pb2 import LiveRecords

AGENT = Signer("d.example/agent/gate-1/0123456789abcdef", Ed25519PrivateKey.from_private_bytes(b"a" * 32))
RECORDS = [b"record %d" % number for number in range(10)]


def frontier(records: Sequence[bytes]) -> Frontier:
    return Frontier().grown(leaf_hashes(records))


def note(records: Sequence[bytes], signer: Signer = AGENT, origin: str = AGENT.name) -> bytes:
    return signer.sign(Checkpoint.of(origin, frontier(records)).body()).to_bytes()


def batch(start: int, end: int, records: Sequence[bytes] = RECORDS) -> bytes:
    return seal(start, records[start:end], note(records[:end]))


def held(records: Sequence[bytes]) -> Callable[[int, int], Sequence[bytes]]:
    return lambda start, end: leaf_hashes(records[start:end])


def opened(data: bytes, known: Sequence[bytes]) -> VerifiedBatch:
    return open_batch(data, frontier(known), AGENT.verifier, held(known))


@given(st.integers(0, 9), st.integers(1, 10), st.integers(0, 10))
def test_what_is_new_of_a_batch_is_opened_and_nothing_else(start: int, length: int, known: int) -> None:
    end = min(start + length, 10)
    if start > known:
        with pytest.raises(GapError, match=f"begins at {start}; known are {known} records"):
            opened(batch(start, end), RECORDS[:known])
        return
    result = opened(batch(start, end), RECORDS[:known])
    assert list(result.records) == RECORDS[known:end]
    assert result.leaves == leaf_hashes(RECORDS[known:end])
    assert result.first_index == known
    assert result.frontier == frontier(RECORDS[: max(known, end)])
    assert result.checkpoint == Checkpoint.of(AGENT.name, frontier(RECORDS[:end]))
    assert result.note == note(RECORDS[:end])


def test_stored_records_are_asked_for_only_where_the_batch_overlaps() -> None:
    asked: list[tuple[int, int]] = []

    def stored(start: int, end: int) -> Sequence[bytes]:
        asked.append((start, end))
        return leaf_hashes(RECORDS[start:end])

    open_batch(batch(4, 8), frontier(RECORDS[:4]), AGENT.verifier, stored)
    assert asked == []
    open_batch(batch(4, 8), frontier(RECORDS[:6]), AGENT.verifier, stored)
    assert asked == [(4, 6)]


@pytest.mark.parametrize("data", [b"\xff\xff\xff", b"", seal(0, [], note([]))])
def test_what_is_no_batch_or_an_empty_one_is_malformed(data: bytes) -> None:
    with pytest.raises(MalformedError):
        opened(data, [])


def test_a_record_beyond_the_limit_is_malformed() -> None:
    largest = [b"x" * MAX_RECORD_BYTES]
    assert opened(seal(0, largest, note(largest)), []).records == tuple(largest)
    larger = [b"x" * (MAX_RECORD_BYTES + 1)]
    with pytest.raises(MalformedError, match=f"larger than {MAX_RECORD_BYTES}"):
        opened(seal(0, larger, note(larger)), [])


def test_a_batch_signed_by_another_key_has_a_bad_seal() -> None:
    other = Signer(AGENT.name, Ed25519PrivateKey.from_private_bytes(b"b" * 32))
    with pytest.raises(BadSealError, match="is not signed by"):
        opened(seal(0, RECORDS, note(RECORDS, signer=other)), [])


def test_a_batch_of_another_journal_has_a_bad_seal() -> None:
    with pytest.raises(BadSealError, match=r"signed a checkpoint of d\.example/agent/gate-2/0"):
        opened(seal(0, RECORDS, note(RECORDS, origin="d.example/agent/gate-2/0")), [])


def test_a_checkpoint_over_more_or_less_than_the_batch_is_a_bad_seal() -> None:
    with pytest.raises(BadSealError, match="covers 10 records, the batch ends at 9"):
        opened(seal(0, RECORDS[:9], note(RECORDS)), [])


def test_a_record_changed_on_the_way_breaks_the_seal() -> None:
    changed = [*RECORDS[:3], b"record X", *RECORDS[4:]]
    with pytest.raises(BadSealError, match="a record was altered on the way"):
        opened(seal(0, changed, note(RECORDS)), [])


def test_another_past_breaks_the_seal_of_what_follows_it() -> None:
    with pytest.raises(BadSealError, match="another history before"):
        opened(batch(5, 10), [b"another", *RECORDS[1:5]])


def test_the_same_index_with_other_bytes_is_a_fork_that_names_both() -> None:
    mine = [*RECORDS[:3], b"another record 3"]
    with pytest.raises(ForkError, match="record 3 has leaf hash") as error:
        opened(batch(2, 8), mine)
    assert error.value.index == 3
    for record in (RECORDS[3], mine[3]):
        assert leaf_hash(record).hex() in str(error.value)


@given(st.data())
def test_one_changed_bit_anywhere_in_a_batch_never_changes_what_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(batch(2, 8))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(BatchError):
        opened(bytes(raw), RECORDS[:2])


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader_of_batches(data: bytes) -> None:
    with pytest.raises(BatchError):
        opened(data, [])


def test_fields_of_a_newer_agent_do_not_disturb() -> None:
    newer = batch(0, 10) + b"\xa2\x06\x03abc"  # field 100, unknown here
    assert Batch.FromString(newer).first_index == 0
    assert list(opened(newer, []).records) == RECORDS


def with_lost(start: int, end: int, *lost: int, note_of: bytes | None = None) -> bytes:
    """The records [start, end), of which some are lost."""
    kept = [RECORDS[index] for index in range(start, end) if index not in lost]
    return seal(start, kept, note_of or note(RECORDS[:end]), {index: leaf_hash(RECORDS[index]) for index in lost})


@given(st.integers(0, 9), st.integers(1, 10), st.integers(0, 10), st.sets(st.integers(0, 9)))
def test_lost_records_leave_the_tree_whole_and_the_others_known(
    start: int, length: int, known: int, lost: set[int]
) -> None:
    end = min(start + length, 10)
    lost = {index for index in lost if start <= index < end}
    known = max(known, start)
    result = opened(with_lost(start, end, *lost), RECORDS[:known])
    new = range(known, max(known, end))
    assert result.lost == {index: leaf_hash(RECORDS[index]) for index in lost if index in new}
    assert dict(zip(result.indices, result.records, strict=True)) == {
        index: RECORDS[index] for index in new if index not in lost
    }
    assert result.leaves == leaf_hashes([RECORDS[index] for index in new])
    assert result.frontier == frontier(RECORDS[: max(known, end)])


def test_a_batch_may_hold_nothing_but_lost_records() -> None:
    result = opened(with_lost(2, 4, 2, 3), RECORDS[:2])
    assert (result.records, list(result.lost), list(result.indices)) == ((), [2, 3], [])


def test_a_lost_record_with_another_hash_than_was_signed_breaks_the_seal() -> None:
    forged = seal(0, RECORDS[:9], note(RECORDS), {9: leaf_hash(b"another")})
    with pytest.raises(BadSealError, match="a record was altered"):
        opened(forged, [])


def test_a_record_known_with_another_hash_is_a_fork_also_when_it_is_said_to_be_lost() -> None:
    with pytest.raises(ForkError, match="record 3 has leaf hash") as error:
        opened(with_lost(2, 8, 3), [*RECORDS[:3], b"another"])
    assert error.value.index == 3


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        ([(1, b"x" * 32)], "not within the records 2 to 4"),
        ([(5, b"x" * 32)], "not within the records 2 to 4"),
        ([(2, b"x" * 31)], "has 31 bytes"),
        ([(3, b"x" * 32), (3, b"x" * 32)], "lost record 3 is out of order"),
        ([(4, b"x" * 32), (3, b"x" * 32)], "lost record 3 is out of order"),
    ],
)
def test_lost_records_that_do_not_fit_the_batch_are_malformed(lost: list[tuple[int, bytes]], reason: str) -> None:
    made = Batch(first_index=2, records=RECORDS[: 3 - len(lost)], checkpoint=note(RECORDS[:5]))
    for index, leaf in lost:
        made.lost.add(index=index, leaf_hash=leaf)
    with pytest.raises(MalformedError, match=reason):
        opened(made.SerializeToString(), RECORDS[:2])


def test_a_batch_of_too_many_records_is_malformed() -> None:
    with pytest.raises(MalformedError, match=f"1 to {MAX_BATCH_RECORDS} are taken"):
        opened(seal(0, [b""] * (MAX_BATCH_RECORDS + 1), note([])), [])


def live(*indices: int, size: int = 10, records: Sequence[bytes] = RECORDS) -> LiveRecords:
    message = LiveRecords(checkpoint=note(records[:size]))
    leaves = leaf_hashes(records[:size])
    for index in indices:
        message.records.add(index=index, body=records[index], proof=growth_proof(Frontier(), leaves, index))
    return message


@given(st.data(), st.integers(1, 10))
def test_live_records_are_opened_with_their_proofs(data: st.DataObject, size: int) -> None:
    indices = sorted(data.draw(st.sets(st.integers(0, size - 1), min_size=1)))
    result = open_live(live(*indices, size=size), AGENT.verifier)
    assert [(each.index, each.body, each.leaf) for each in result.records] == [
        (index, RECORDS[index], leaf_hash(RECORDS[index])) for index in indices
    ]
    assert result.checkpoint == Checkpoint.of(AGENT.name, frontier(RECORDS[:size]))
    assert result.note == note(RECORDS[:size])
    assert result.records[0].proof == tuple(growth_proof(Frontier(), leaf_hashes(RECORDS[:size]), indices[0]))


def test_a_live_record_that_was_altered_moved_or_cut_short_is_not_proved() -> None:
    altered, moved, short = live(3), live(3), live(3)
    altered.records[0].body = b"another"
    moved.records[0].index = 4
    del short.records[0].proof[-1]
    for message in (altered, moved, short):
        with pytest.raises(BadProofError, match=f"live record {message.records[0].index}: "):
            open_live(message, AGENT.verifier)


def test_live_records_under_another_key_or_origin_have_a_bad_seal() -> None:
    other = Signer(AGENT.name, Ed25519PrivateKey.from_private_bytes(b"b" * 32))
    for signed in (note(RECORDS, signer=other), note(RECORDS, origin="d.example/agent/gate-2/0"), b"no note"):
        message = live(3)
        message.checkpoint = signed
        with pytest.raises(BadSealError, match="checkpoint of live records from 3 on"):
            open_live(message, AGENT.verifier)


def test_live_records_beyond_the_limits_are_malformed() -> None:
    for indices in ((), (4, 3), (3, 3)):
        with pytest.raises(MalformedError, match=r"come together|by rising index"):
            open_live(live(*indices), AGENT.verifier)
    many = live(*range(10))
    for index in range(10, MAX_LIVE_RECORDS + 1):
        many.records.add(index=index)
    with pytest.raises(MalformedError, match=f"1 to {MAX_LIVE_RECORDS} come together"):
        open_live(many, AGENT.verifier)
    large = live(3)
    large.records[0].body = b"x" * (MAX_RECORD_BYTES + 1)
    with pytest.raises(MalformedError, match=f"larger than {MAX_RECORD_BYTES}"):
        open_live(large, AGENT.verifier)
    long = live(3)
    long.records[0].proof.extend([b"x" * 32] * MAX_PROOF_HASHES)
    with pytest.raises(MalformedError, match=f"more than {MAX_PROOF_HASHES} hashes"):
        open_live(long, AGENT.verifier)
    endless = live(3)
    endless.checkpoint = AGENT.sign(Checkpoint(AGENT.name, MAX_SIZE + 1, b"x" * 32).body()).to_bytes()
    with pytest.raises(MalformedError, match="a journal of 9223372036854775808 records"):
        open_live(endless, AGENT.verifier)


@given(st.data())
def test_one_changed_bit_anywhere_in_a_live_message_never_changes_what_is_accepted(data: st.DataObject) -> None:
    raw = bytearray(live(2, 5).SerializeToString())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        message = LiveRecords.FromString(bytes(raw))
    except DecodeError:
        return  # gRPC does not let it in
    try:
        result = open_live(message, AGENT.verifier)
    except BatchError:
        return
    # What is left is a change of framing, or a record that went missing as a whole: accepted is what was signed.
    for each in result.records:
        assert each.body == RECORDS[each.index]
