from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from gate_contract.checkpoint import Checkpoint, Signer
from gate_contract.envelope import (
    MAX_RECORD_BYTES,
    BadSealError,
    BatchError,
    ForkError,
    GapError,
    MalformedError,
    VerifiedBatch,
    leaf_hashes,
    open_batch,
    seal,
)
from gate_contract.merkle import Frontier
from gate_contract.v1.batch_pb2 import Batch

AGENT = Signer("d.example/agent/gate-1/0123456789abcdef", Ed25519PrivateKey.from_private_bytes(b"a" * 32))
RECORDS = [b"record %d" % number for number in range(10)]


def frontier(records: Sequence[bytes]) -> Frontier:
    return Frontier().grown(leaf_hashes(records))


def note(records: Sequence[bytes], signer: Signer = AGENT, origin: str = AGENT.name) -> bytes:
    return signer.sign(Checkpoint.of(origin, frontier(records)).body()).to_bytes()


def batch(start: int, end: int, records: Sequence[bytes] = RECORDS) -> bytes:
    return seal(start, records[start:end], note(records[:end]))


def held(records: Sequence[bytes]) -> Callable[[int, int], Sequence[bytes]]:
    return lambda start, end: records[start:end]


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
        return RECORDS[start:end]

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
    with pytest.raises(ForkError, match="record 3 is") as error:
        opened(batch(2, 8), mine)
    for record in (RECORDS[3], mine[3]):
        assert sha256(record).hexdigest() in str(error.value)


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
