"""A flipped bit or a truncation at any offset of any file of the journal.

Every offset with TIDEGATE_OFFSET_STEP=1 (by hand: it takes an hour); some of them otherwise.
"""

from __future__ import annotations

import os
import random
from hashlib import sha256
from pathlib import Path

import pytest

from edge_agent.journal.journal import Journal
from gate_contract.envelope import encode_records
from gate_contract.v1.record_pb2 import Loss
from tests.unit.edge_agent.journal.journals import Sample, collected, make_sample, opened

STEP = int(os.environ.get("TIDEGATE_OFFSET_STEP", "0"))
SOME = 16
"""Offsets of each file that are tried as a rule."""

KILLED, STOPPED = "killed", "stopped"
FILES = [(KILLED, ".db"), (KILLED, ".db-wal"), (KILLED, ".leaves"), (KILLED, "newest"), (STOPPED, ".db")]
"""Of a journal whose agent was killed, everything is in the log; of one that was stopped, in the database."""

DICE = random.Random(2026)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("killed") / "state", killed=True)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    return make_sample(tmp_path_factory.mktemp("stopped") / "state", killed=False)


def file_of(sample: Sample, ending: str) -> Path:
    (path,) = sample.directory.glob(f"*{ending}")
    return path


def offsets(data: bytes) -> list[int]:
    step = STEP or max(1, len(data) // SOME)
    return list(range(DICE.randrange(step), len(data), step))


def lost_indices(journal: Journal, sample: Sample) -> list[int]:
    """Records that are gone; whatever is there must be what was captured."""
    records, lost, frontier = collected(journal)
    assert frontier.root() == sample.frontier.root(), "the same log goes on"
    assert {index: sample.records[index] for index in records} == records
    assert sorted({*records, *lost}) == list(range(len(sample.records)))
    assert [journal.record(index) for index in lost] == [None] * len(lost)
    return sorted(lost)


def check_told(journal: Journal, damaged: bytes, lost: list[int], state: Path) -> None:
    """Every lost record is told, with the damaged file as it was in quarantine."""
    told = {
        index
        for loss in journal.losses
        for index in range(loss.records.first_index, loss.records.first_index + loss.records.count)
    }
    assert told == set(lost)
    for loss in journal.losses:
        assert sha256((state / loss.quarantined).read_bytes()).digest() == loss.quarantined_sha256
        assert loss.quarantined in loss.text
    kept = [path.read_bytes() for path in state.glob("quarantine/*/*")]
    assert not journal.losses or damaged in kept


def go_on(journal: Journal, sample: Sample, lost: list[int]) -> None:
    """Capture resumes, and the collector goes along."""
    assert journal.append([b"the next one"]) == len(sample.records)
    records, still_lost, frontier = collected(journal)
    assert records[len(sample.records)] == b"the next one"
    assert (sorted(still_lost), frontier.size) == (lost, len(sample.records) + 1)


@pytest.mark.timeout(0 if STEP else 120)
@pytest.mark.parametrize(("how", "ending"), FILES)
def test_a_flipped_bit_costs_at_most_the_record_it_hits(
    how: str, ending: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    sample: Sample = request.getfixturevalue(how)
    path = file_of(sample, ending)
    data = path.read_bytes()
    for offset in offsets(data):
        directory = sample.copy(tmp_path / "state")
        damaged = bytearray(data)
        damaged[offset] ^= 1 << DICE.randrange(8)
        (directory / path.name).write_bytes(damaged)
        with opened(directory) as journal:
            lost = lost_indices(journal, sample)
            inbox = [(entry.inbox_id, entry.body) for entry in journal.spool.inbox()]
            around = data[max(0, offset - 8) : offset + 9]
            for index in lost:
                stored = encode_records([sample.records[index]])
                assert any(around[at : at + 4] in stored for at in range(len(around) - 3)), (offset, index)
            assert len(lost) + len(sample.inbox) - len(inbox) <= 1, offset
            assert set(inbox) <= set(sample.inbox), "what a passage has taken does not come again"
            messages = [loss.inbox.count for loss in journal.losses if loss.HasField("inbox")]
            if len(inbox) < len(sample.inbox) or journal.in_flight() != sample.in_flight:
                assert messages
            else:
                assert set(messages) <= {0}, "where nobody can tell, it says that some may be"
            check_told(journal, bytes(damaged), lost, tmp_path / "state")
            go_on(journal, sample, lost)


@pytest.mark.timeout(0 if STEP else 120)
@pytest.mark.parametrize(("how", "ending"), FILES)
def test_a_truncation_costs_at_most_what_is_cut_off(
    how: str, ending: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    sample: Sample = request.getfixturevalue(how)
    path = file_of(sample, ending)
    data = path.read_bytes()
    for offset in offsets(data):
        directory = sample.copy(tmp_path / "state")
        (directory / path.name).write_bytes(data[:offset])
        with opened(directory) as journal:
            lost = lost_indices(journal, sample)
            for index in lost:
                assert encode_records([sample.records[index]]) not in data[:offset], (offset, index)
            missing = {*sample.inbox} - {(entry.inbox_id, entry.body) for entry in journal.spool.inbox()}
            if missing:
                assert any(loss.HasField("inbox") for loss in journal.losses), (offset, missing)
            check_told(journal, data[:offset], lost, tmp_path / "state")
            go_on(journal, sample, lost)


@pytest.mark.parametrize("ending", [".db", ".db-wal", ".leaves", "newest"])
def test_a_file_that_is_gone_costs_at_most_what_was_in_it(ending: str, killed: Sample, tmp_path: Path) -> None:
    directory = killed.copy(tmp_path / "state")
    file_of(killed, ending)
    next(directory.glob(f"*{ending}")).unlink()
    with opened(directory) as journal:
        lost = lost_indices(journal, killed)
        assert bool(lost) == (ending == ".db-wal")
        go_on(journal, killed, lost)


def test_losses_are_told_once_by_records_of_the_same_journal(stopped: Sample, tmp_path: Path) -> None:
    directory = stopped.copy(tmp_path / "state")
    path = next(directory.glob("*.db"))
    path.write_bytes(path.read_bytes().replace(stopped.records[20][100:200], bytes(100)))
    with opened(directory) as journal:
        (loss,) = journal.losses
        assert (loss.records.first_index, loss.records.count) == (20, 1)
    with opened(directory) as journal:
        assert journal.losses == [loss], "as long as no record tells of it"
        journal.record_losses(lambda each: b"record: " + each.SerializeToString())
        assert journal.losses == []
        journal.record_losses(lambda _: b"nothing more to tell")
        body = journal.record(len(stopped.records))
        assert body is not None
        assert Loss.FromString(body.removeprefix(b"record: ")) == loss
        assert journal.size == len(stopped.records) + 1
    with opened(directory) as journal:
        assert journal.losses == []


def test_a_second_damage_does_not_tell_the_first_again(stopped: Sample, tmp_path: Path) -> None:
    directory = stopped.copy(tmp_path / "state")
    path = next(directory.glob("*.db"))
    for index in (20, 30):
        path.write_bytes(path.read_bytes().replace(stopped.records[index][100:200], bytes(100)))
        with opened(directory) as journal:
            (loss,) = journal.losses
            assert (loss.records.first_index, loss.records.count) == (index, 1)
            journal.record_losses(lambda each: each.SerializeToString())
    with opened(directory) as journal:
        _, lost, _ = collected(journal)
        assert sorted(lost) == [20, 30]
