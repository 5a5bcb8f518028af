"""One connection's record stream, against a collector made up for each test."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import JournalError, UplinkError
from edge_agent.uplink.session import MAX_LIVE
from edge_agent.uplink.stream import RecordStream, StandstillError
from gate_contract.checkpoint import COSIGNATURE, Note, Signer, open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import verify_inclusion
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.batch_pb2 import Batch
from tests.unit.edge_agent.uplink.fakes import (
    AGENT,
    COLLECTOR,
    Answers,
    FakeJournal,
    Requests,
    collector,
    connect,
    receipt,
    receipt_note,
    welcome,
)

BACKLOG = 200


@pytest.fixture
def journal() -> FakeJournal:
    return FakeJournal()


@pytest.fixture
def stream(journal: FakeJournal) -> RecordStream:
    return RecordStream(journal, COLLECTOR.verifier, "test", lambda: 7, lambda _size: None)


@contextmanager
def channel_to(answers: Answers) -> Iterator[grpc.Channel]:
    with collector(answers) as address, connect(address) as channel:
        yield channel


def run(stream: RecordStream, answers: Answers) -> None:
    with channel_to(answers) as channel:
        stream.run(channel, on_welcome=lambda: None)


def with_backlog(journal: FakeJournal, passages: int = 1) -> int:
    """Commits of one record each, and then passages in one commit; index of the first passage."""
    for number in range(BACKLOG):
        journal.append(b"old %d" % number)
    return journal.append(*(b"new %d" % number for number in range(passages)))


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


# --- live records ---------------------------------------------------------------------------------------------------


def live_of(requests: Requests, batches: list[Batch] | None = None) -> pb.LiveRecords:
    """The next live message; batches before it are put aside."""
    for request in requests:
        if request.WhichOneof("body") == "live":
            return request.live
        if batches is not None:
            batches.append(Batch.FromString(request.batch))
    raise AssertionError("no live records came")


def test_a_new_passage_goes_ahead_of_the_backlog_with_its_proof(journal: FakeJournal, stream: RecordStream) -> None:
    index = with_backlog(journal, 2)
    stream.live(index, 2)
    found: list[pb.LiveRecords] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        batches: list[Batch] = []
        found.append(live_of(requests, batches))
        assert sum(len(batch.records) for batch in batches) < BACKLOG
        yield pb.StreamResponse(live=pb.LiveTaken(indices=[index, index + 1]))

    run(stream, answers)
    checkpoint = open_checkpoint(found[0].checkpoint, AGENT.verifier)
    assert [record.body for record in found[0].records] == [b"new 0", b"new 1"]
    for record in found[0].records:
        (leaf,) = leaf_hashes([record.body])
        verify_inclusion(record.index, checkpoint.size, leaf, record.proof, checkpoint.root)
    assert stream.live_waiting == 0


def test_live_records_of_different_commits_come_under_their_own_checkpoints(
    journal: FakeJournal, stream: RecordStream
) -> None:
    index = with_backlog(journal)
    journal.append(b"newer")
    stream.live(index, 2)
    sizes: list[int] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        sizes.extend(open_checkpoint(live_of(requests).checkpoint, AGENT.verifier).size for _ in range(2))

    run(stream, answers)
    assert sizes == [index + 1, index + 2]


def test_live_records_that_were_not_confirmed_go_again_on_the_next_connection(
    journal: FakeJournal, stream: RecordStream
) -> None:
    index = with_backlog(journal, 2)
    stream.live(index, 2)
    seen: list[list[int]] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        seen.append([record.index for record in live_of(requests).records])
        yield pb.StreamResponse(live=pb.LiveTaken(indices=[index]))

    with channel_to(answers) as channel:
        for _ in range(2):
            stream.run(channel, on_welcome=lambda: None)
    assert seen == [[index, index + 1], [index + 1]]


def test_live_records_go_in_bounded_messages(journal: FakeJournal, stream: RecordStream) -> None:
    index = with_backlog(journal, MAX_LIVE + 3)
    stream.live(index, MAX_LIVE + 3)
    counts: list[int] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        counts.extend(len(live_of(requests).records) for _ in range(2))

    run(stream, answers)
    assert counts == [MAX_LIVE, 3]


def test_a_record_whose_proof_the_journal_has_no_more_goes_with_the_backlog_alone(
    journal: FakeJournal, stream: RecordStream
) -> None:
    journal.forgets_live = True
    index = with_backlog(journal)
    stream.live(index, 1)

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        size = 0
        while size < journal.size:
            request = next(requests)
            assert request.WhichOneof("body") == "batch"
            size += len(Batch.FromString(request.batch).records)
            yield receipt(journal, size)

    run(stream, answers)
    assert stream.live_waiting == 0


def test_what_a_receipt_covers_is_no_live_record_any_more(journal: FakeJournal, stream: RecordStream) -> None:
    stream.live(journal.append(b"one"), 1)
    assert stream.live_waiting == 1

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)
        yield receipt(journal, 1)

    run(stream, answers)
    assert stream.live_waiting == 0


def test_the_backlogs_rate_is_bounded_and_live_records_do_not_wait_for_it(journal: FakeJournal) -> None:
    stream = RecordStream(
        journal, COLLECTOR.verifier, "test", lambda: 7, lambda _size: None, max_records_per_s=1, monotonic=lambda: 0.0
    )
    index = with_backlog(journal)
    came: list[str | None] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        came.append(next(requests).WhichOneof("body"))  # the one that the rate allows at once
        stream.live(index, 1)
        came.append(next(requests).WhichOneof("body"))

    run(stream, answers)
    assert came == ["batch", "live"]


# --- what the collector owes ----------------------------------------------------------------------------------------


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
