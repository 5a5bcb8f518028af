"""Records that go ahead of the backlog, and the backlog's bounded rate."""

from __future__ import annotations

from collections.abc import Iterator

from edge_agent.uplink.session import MAX_LIVE
from edge_agent.uplink.stream import RecordStream
from gate_contract.checkpoint import open_checkpoint
from gate_contract.envelope import leaf_hashes
from gate_contract.merkle import verify_inclusion
from gate_contract.v1 import uplink_pb2 as pb
from gate_contract.v1.batch_pb2 import Batch
from tests.unit.edge_agent.uplink.fakes import (
    AGENT,
    COLLECTOR,
    FakeJournal,
    Requests,
    receipt,
    welcome,
)
from tests.unit.edge_agent.uplink.streaming import BACKLOG, channel_to, run, with_backlog


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
    assert stream.live_bytes > 2 * len(b"new 0")


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
