"""One connection's record stream, against a collector made up for each test."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError, UplinkError
from edge_agent.uplink.refusals import StandstillError
from edge_agent.uplink.stream import RecordStream
from gate_contract.checkpoint import COSIGNATURE, Note, NoteError, Signer
from gate_contract.envelope import leaf_hashes
from gate_contract.kept import sign_kept
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.batch_pb2 import Batch
from tests.unit.edge_agent.uplink.fakes import (
    COLLECTOR,
    FakeJournal,
    Requests,
    receipt,
    receipt_note,
    welcome,
)
from tests.unit.edge_agent.uplink.streaming import channel_to, run


def test_a_promise_must_be_this_collectors_and_made_to_this_gate(stream: RecordStream, journal: FakeJournal) -> None:
    digest = bytes(range(32))
    stream.check_kept(sign_kept(digest, 9, journal.origin, COLLECTOR, 17), digest, 9)
    with pytest.raises(NoteError, match="another gate"):
        stream.check_kept(sign_kept(digest, 9, "test/agent/gate-2/0", COLLECTOR, 17), digest, 9)


def test_records_go_up_until_the_collector_has_them_all(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one", b"two")
    arrived: list[bytes] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        assert next(requests).hello.size == 2
        yield welcome()
        arrived.extend(Batch.FromString(next(requests).batch).records)
        assert stream.busy
        yield receipt(journal, 2)

    run(stream, answers)
    assert arrived == [b"one", b"two"]
    assert journal.promised[0] == 2
    assert not stream.busy
    assert (stream.batch_bytes > len(b"onetwo"), stream.live_bytes) == (True, 0)


def test_a_lost_record_goes_up_as_its_leaf_hash(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one", b"two", b"three")
    journal.lost = {1}
    batches: list[Batch] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        batches.append(Batch.FromString(next(requests).batch))

    run(stream, answers)
    (batch,) = batches
    assert list(batch.records) == [b"one", b"three"]
    assert [(lost.index, lost.leaf_hash) for lost in batch.lost] == [(1, leaf_hashes([b"two"])[0])]


def test_a_collector_restored_from_an_old_backup_gets_again_what_it_lost(journal: FakeJournal) -> None:
    behind: list[tuple[int, int]] = []
    stream = RecordStream(
        journal,
        COLLECTOR.verifier,
        "test",
        lambda: 7,
        lambda _size: None,
        on_behind=lambda held, promised: behind.append((held, promised)),
    )
    for body in (b"one", b"two", b"three"):
        journal.append(body)
    journal.promised = (3, receipt_note(journal, 3))
    arrived: list[bytes] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        hello = next(requests).hello
        assert hello.receipt == journal.promised[1]
        answer = welcome(1)
        answer.welcome.receipt = receipt_note(journal, 1)
        yield answer
        while len(arrived) < 2:
            batch = Batch.FromString(next(requests).batch)
            arrived.extend(batch.records)
            yield receipt(journal, batch.first_index + len(batch.records))

    run(stream, answers)
    assert behind == [(1, 3)]
    assert arrived == [b"two", b"three"]
    assert journal.promised[0] == 3


def test_a_restored_collector_is_told_to_nobody_unless_somebody_asked(
    journal: FakeJournal, stream: RecordStream
) -> None:
    journal.append(b"one")
    journal.promised = (1, receipt_note(journal, 1))

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)

    run(stream, answers)


def test_a_journal_that_was_replaced_by_an_older_copy_stands_still(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one")

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome(5)
        list(requests)

    with pytest.raises(StandstillError, match="holds 5 records of this journal, which has 1"):
        run(stream, answers)


@pytest.mark.parametrize(
    ("code", "hopeless"),
    [(pb.REFUSAL_CODE_FORK, True), (pb.REFUSAL_CODE_UNAVAILABLE, False), (pb.REFUSAL_CODE_GAP, False)],
)
def test_a_refusal_is_told_in_the_collectors_words(
    stream: RecordStream, code: pb.RefusalCode.ValueType, hopeless: bool
) -> None:
    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        yield pb.StreamResponse(refusal=pb.Refusal(code=code, text="its words"))

    with pytest.raises(UplinkError, match="its words") as caught:
        run(stream, answers)
    assert isinstance(caught.value, StandstillError) == hopeless


def test_a_receipt_for_what_was_never_sent_is_refused_in_words(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one")
    answer = welcome()
    answer.welcome.receipt = receipt_note(journal, 1)

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield answer
        list(requests)

    with pytest.raises(UplinkError, match="a receipt that cannot be"):
        run(stream, answers)


@pytest.mark.parametrize("dead", [2, 2**64 - 1])
def test_a_receipt_with_more_dead_letters_than_records_is_refused_and_not_kept(
    journal: FakeJournal, stream: RecordStream, dead: int
) -> None:
    journal.append(b"one")

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)
        yield pb.StreamResponse(receipt=pb.Receipt(note=receipt_note(journal, 1), dead_lettered=dead))

    with pytest.raises(UplinkError, match=rf"a receipt that cannot be\. {dead} of 1 records"):
        run(stream, answers)
    assert journal.promised == (0, b"")


def test_a_receipt_of_another_key_is_refused(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one")
    stranger = Signer(COLLECTOR.name, Ed25519PrivateKey.generate(), COSIGNATURE)
    note = stranger.cosign(Note.parse(journal.note(1)), 1).to_bytes()

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)
        yield pb.StreamResponse(receipt=pb.Receipt(note=note))

    with pytest.raises(UplinkError, match="a receipt that does not hold"):
        run(stream, answers)
    assert journal.promised == (0, b"")


def test_a_receipt_before_the_welcome_is_refused(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one")

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield receipt(journal, 1)

    with pytest.raises(UplinkError, match="before its welcome"):
        run(stream, answers)
    assert journal.promised[0] == 0


def test_what_a_newer_collector_says_beyond_is_ignored(journal: FakeJournal, stream: RecordStream) -> None:
    journal.append(b"one")

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield pb.StreamResponse()
        yield welcome()
        next(requests)
        yield receipt(journal, 1)

    run(stream, answers)
    assert journal.promised[0] == 1


def test_a_journal_that_cannot_be_read_ends_the_stream_with_the_reason(
    journal: FakeJournal, stream: RecordStream
) -> None:
    journal.append(b"one")
    journal.damaged = True

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        list(requests)

    with pytest.raises(JournalError, match="cannot be read"):
        run(stream, answers)


def test_a_connection_that_breaks_is_told_as_such(stream: RecordStream) -> None:
    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        raise RuntimeError("the collector fell over")
        yield

    with pytest.raises(grpc.RpcError):
        run(stream, answers)


def test_a_stream_that_was_closed_before_it_began_never_begins(stream: RecordStream) -> None:
    stream.close()
    with channel_to(lambda _requests: iter(())) as channel:
        stream.run(channel, on_welcome=lambda: pytest.fail("it began"))


def test_it_ends_when_it_is_told_to_with_the_reason_it_is_given(stream: RecordStream) -> None:
    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        list(requests)

    with channel_to(answers) as channel:
        stream.run(channel, on_welcome=stream.end)
        with pytest.raises(UplinkError, match="enough"):
            stream.run(channel, on_welcome=lambda: stream.end(UplinkError("enough")))


def test_each_connection_has_a_sender_of_its_own(journal: FakeJournal, stream: RecordStream) -> None:
    """A sender that still waits when its connection has ended must not take what the next one has to send."""
    begun: list[int] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        if begun:
            journal.append(b"late")
            stream.wake()
            next(requests)
            yield receipt(journal, 1)
        begun.append(1)

    with channel_to(answers) as channel:
        for _ in range(2):
            stream.run(channel, on_welcome=lambda: None)
    assert journal.promised[0] == 1


def test_a_record_that_a_reader_does_not_see_yet_is_asked_for_again(
    journal: FakeJournal, stream: RecordStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.append(b"one")
    told = iter([None, journal.stretch(0, 1, 1)])
    monkeypatch.setattr(journal, "stretch", lambda *_: next(told))

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        assert Batch.FromString(next(requests).batch).records == [b"one"]
        yield receipt(journal, 1)

    run(stream, answers)
    assert journal.promised[0] == 1


def test_it_knows_for_how_long_the_collector_owes_a_welcome_and_then_a_receipt(journal: FakeJournal) -> None:
    now = [0.0]
    stream = RecordStream(journal, COLLECTOR.verifier, "test", lambda: 7, lambda _size: None, monotonic=lambda: now[0])
    sent = threading.Event()
    asked = threading.Event()
    told: list[tuple[float, bool]] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        now[0] = 5.0
        told.append(stream.silent_s())
        yield welcome()
        next(requests)
        sent.set()
        asked.wait(30)
        yield receipt(journal, 1)

    with channel_to(answers) as channel:
        running = threading.Thread(target=lambda: stream.run(channel, on_welcome=lambda: None))
        running.start()
        journal.append(b"one")
        stream.wake()
        assert sent.wait(30)
        now[0] = 25.0
        told.append(stream.silent_s())
        asked.set()
        running.join(30)
    assert told == [(5.0, True), (20.0, False)]
