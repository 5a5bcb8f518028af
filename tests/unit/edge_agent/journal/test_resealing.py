"""A record and its leaf hash are damaged at the same place: the uplink goes on, and only that record is lost."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from edge_agent.errors import JournalError
from edge_agent.journal import recovery, resealing
from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Journal
from edge_agent.journal.resealing import stand_in
from gate_contract.checkpoint import open_checkpoint
from gate_contract.merkle import HASH_SIZE, Frontier
from tests.unit.edge_agent.journal.damaging import RECORDS, change, leaves, make, segment
from tests.unit.edge_agent.journal.journals import SIGNER, acknowledge, collected, opened

LOST = 3
"""The second record of the commit at 2."""


def damage(directory: Path, first_index: int) -> None:
    """The record LOST and its leaf, at the same place."""
    change(segment(directory, first_index), RECORDS[LOST], b"")
    path = leaves(directory, first_index)
    data = bytearray(path.read_bytes())
    at = (LOST - first_index) * HASH_SIZE
    data[at : at + HASH_SIZE] = bytes(HASH_SIZE)
    path.write_bytes(data)


def check_all_but_the_lost_one_goes_up(journal: Journal, more: dict[int, bytes]) -> Frontier:
    """A collector verifies every batch; the tree it has in the end."""
    there, lost, known = collected(journal)
    assert there == {index: body for index, body in enumerate(RECORDS) if index != LOST} | more
    assert lost == {LOST: stand_in(LOST)}
    return known


@pytest.mark.parametrize("segment_bytes", [None, 1])
def test_the_uplink_goes_on_and_only_the_record_is_lost(tmp_path: Path, segment_bytes: int | None) -> None:
    directory = tmp_path / "journal"
    make(directory, segment_bytes)
    damage(directory, 2 if segment_bytes else 0)
    with opened(directory) as journal:
        assert journal.append([b"before"]) == 8
        assert journal.live(8) is None or segment_bytes, "nothing beyond an unknown hash goes up before it"
        if segment_bytes:
            assert journal.scrub() in (0, 2)
            assert journal.scrub() in (0, 2)
            assert journal.live(8) is None
        known = check_all_but_the_lost_one_goes_up(journal, {8: b"before"})
        assert journal.append([b"after"]) == 9
        live = journal.live(9)
        assert live is not None
        stretch = journal.stretch(8, 10, 1 << 20)
        assert stretch is not None
        assert (
            open_checkpoint(stretch.note, SIGNER.verifier).root == journal._store.head.frontier.root() != known.root()
        )
        told = [(loss.records.first_index, loss.records.count) for loss in journal.losses]
        assert (LOST, 1) in told
        assert told[-1] == (LOST, 0)
        assert "sealed anew" in journal.losses[-1].text
        assert (tmp_path / journal.losses[-1].quarantined).exists()
    assert examine(tmp_path, SIGNER).findings == []
    with opened(directory) as journal:
        check_all_but_the_lost_one_goes_up(journal, {8: b"before", 9: b"after"})
        assert journal.in_flight() == {"L1": b"state"}


def test_a_receipt_is_taken_for_what_was_sealed_anew_and_it_is_pruned(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    make(directory, 1)
    damage(directory, 2)
    with opened(directory) as journal:
        assert journal.origin == SIGNER.name
        journal.scrub()
        journal.scrub()
        check_all_but_the_lost_one_goes_up(journal, {})
        acknowledge(journal, 8)
        assert journal.prune(keep=0) > 0
        assert journal.counts().pending == 0


@pytest.mark.parametrize("step", [1, 2, 3])
def test_killed_at_any_step_it_is_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    directory = tmp_path / "journal"
    make(directory, 1)
    damage(directory, 2)
    real: Callable[..., None] = recovery.place
    placed: list[int] = []

    def place(*arguments: object) -> None:
        placed.append(1)
        if len(placed) == step:
            raise OSError(5, "Input/output error")
        real(*arguments)

    with opened(directory) as journal:
        journal.scrub()
        journal.scrub()
        with monkeypatch.context() as patch:
            patch.setattr(resealing, "place", place)
            with pytest.raises(JournalError, match="cannot be sealed anew"):
                journal.stretch(2, 10, 1 << 20)
        assert journal.append([b"captured meanwhile"]) == 8
        assert journal.live(8) is None
    with opened(directory) as journal:
        check_all_but_the_lost_one_goes_up(journal, {8: b"captured meanwhile"})
    assert examine(tmp_path, SIGNER).findings == []


def test_what_a_receipt_covers_is_not_sealed_anew(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    make(directory)
    with opened(directory) as journal:
        acknowledge(journal, 4)
    damage(directory, 0)
    with opened(directory) as journal:
        assert journal.append([b"the next one"]) == 8
        assert journal.live(8) is not None, "the collector does not ask for it"
        with pytest.raises(JournalError, match="record 3 is lost, and so is its hash"):
            journal.stretch(2, 10, 1 << 20)
        stretch = journal.stretch(4, 10, 1 << 20)
        assert stretch is not None
        assert (stretch.end, stretch.lost) == (9, ())


def test_a_journal_whose_tree_is_not_known_there_either_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = tmp_path / "journal"
    make(directory)
    damage(directory, 0)
    with opened(directory) as journal:
        monkeypatch.setattr(resealing, "unknown_in", lambda *_: 1)
        before = segment(directory).read_bytes()
        with pytest.raises(JournalError, match="record 3 is lost, and so is its hash"):
            journal.stretch(2, 10, 1 << 20)
        assert segment(directory).read_bytes() == before


def test_fsck_has_nothing_to_say_of_a_note_that_could_not_be_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    make(directory)
    change(segment(directory), SIGNER.name.encode() + b"\n6\n", SIGNER.name.encode() + b"\n7\n")
    damage(directory, 0)
    with opened(directory) as journal:
        assert journal.size == 8
    assert examine(tmp_path, SIGNER).findings == []
    with opened(directory) as journal:
        check_all_but_the_lost_one_goes_up(journal, {})


def test_what_else_is_damaged_is_mended_on_the_way(tmp_path: Path) -> None:
    directory = tmp_path / "journal"
    make(directory, 1)
    damage(directory, 2)
    change(segment(directory, 4), RECORDS[5], b"")
    segment(directory, 0).write_bytes(b"no database at all" * 500)
    with opened(directory) as journal:
        journal.append([b"the next one"])
        assert journal.live(8) is not None, "nothing is known of that yet"
        there, lost, _ = collected(journal)
        assert (sorted(there), sorted(lost)) == ([2, 4, 6, 7, 8], [0, 1, 3, 5])
        assert journal.live(8) is None, "its proof was one in the tree before"
        journal.append([b"and one more"])
        assert journal.live(9) is not None
    assert examine(tmp_path, SIGNER).findings == []


def test_a_disk_that_does_not_let_it_be_looked_for_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path / "journal")

    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with closing(Journal(tmp_path / "journal", SIGNER)) as journal:
        journal.append([b"one"])
        monkeypatch.setattr("edge_agent.journal.store.unknown_in", fail)
        with pytest.raises(JournalError, match="cannot be read"):
            journal.live(8)
