"""Which leaf hash every record of a damaged segment had, and the tree they make."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

from edge_agent.errors import JournalError
from edge_agent.journal.remains import Remains
from edge_agent.journal.segment import Commit, DamagedError
from edge_agent.journal.verify import merged_leaves
from gate_contract.checkpoint import NoteError, Verifier, open_checkpoint
from gate_contract.merkle import HASH_SIZE, Frontier

Leaf = bytes | None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a segment's tree is.

    Attributes:
        first_index: index of its first record.
        base: the tree before it; None when that is not known.
        leaves: leaf hashes in order; None where it is not known.
        frontier: the tree at its end.
        doubtful: indices whose leaf hash only a leaf file says that is wrong somewhere: it counts for a record that
            has it, and for nothing else.
    """

    first_index: int
    base: Frontier | None
    leaves: list[Leaf]
    frontier: Frontier
    doubtful: frozenset[int] = frozenset()

    def drop_doubtful(self, found: Container[int]) -> None:
        """Take a doubtful hash for none, but of the records that were `found` by it."""
        for index in self.doubtful:
            if index not in found:
                self.leaves[index - self.first_index] = None

    def frontier_at(self, size: int) -> Frontier | None:
        """The tree of the first `size` records, within the segment; None when it is not known."""
        if size == self.frontier.size:
            return self.frontier
        return _grown(self.base, self.leaves[: size - self.first_index])


def find_truth(
    remains: Remains, kept: bytes, first_index: int, base: Frontier | None, anchor: Frontier | None, verifier: Verifier
) -> Truth:
    """Weigh rows and leaf file against each other and against what is sealed and signed.

    Args:
        remains: whole commits; those that turn out to be altered are taken out of it.
        kept: the leaf file's bytes.
        first_index: of the segment.
        base: the tree before it; None when that is not known.
        anchor: a tree that was certainly this journal's, at the segment's end or before; None when there is none.
        verifier: the journal's key.

    JournalError when not even the tree can be known.
    """
    filed = [kept[at : at + HASH_SIZE] for at in range(0, len(kept), HASH_SIZE)]
    ends = [commit.end_index for commit in remains.commits.values()]
    end = max([first_index + len(filed), anchor.size if anchor else first_index, *ends])
    by_file = [*_known(filed), *[None] * (end - first_index - len(filed))]
    by_rows: list[Leaf] = [None] * len(by_file)
    for commit in list(remains.commits.values()):
        if not _put(by_rows, commit, remains.lost, first_index):
            del remains.commits[commit.first_index]
    anchors = [(anchor.size, anchor.root())] if anchor else []
    anchors += _signed(remains, verifier)
    pairs = list(zip(by_rows, by_file, strict=True))
    for leaves in ([row or file for row, file in pairs], [file or row for row, file in pairs]):
        frontier = _grown(base, leaves)
        if frontier is not None and all(_fits(base, leaves, first_index, *each) for each in anchors):
            return Truth(first_index, base, leaves, frontier)
    if anchor is None or anchor.size != end:
        raise JournalError(
            f"the journal cannot go on: its tree of {end} records can be had neither from its newest segment "
            f"({first_index:020}.db) nor from the leaf file beside it",
            cause="both were damaged at the same place",
            fix="what is left is kept in the directory quarantine: keep that as evidence, move the directory journal "
            "away, and enrol this machine again",
        )
    leaves = [row or file for row, file in pairs]
    if base is None:  # nothing to weigh it against
        return Truth(first_index, base, leaves, anchor)
    doubtful = frozenset(first_index + place for place, row in enumerate(by_rows) if row is None)
    return Truth(first_index, base, leaves, anchor, doubtful)


def _known(leaves: Sequence[bytes]) -> list[Leaf]:
    """Zeros are none: the power was cut before they were there."""
    return [leaf if any(leaf) else None for leaf in leaves]


def _put(leaves: list[Leaf], commit: Commit, lost: dict[int, Leaf], first_index: int) -> bool:
    """Put a whole commit's leaf hashes in their places; False when it does not say which of its records are lost."""
    try:
        hashes = merged_leaves(commit, lost)
    except DamagedError:
        return False
    start = commit.first_index - first_index
    leaves[start : start + len(hashes)] = _known(hashes)
    return True


def _signed(remains: Remains, verifier: Verifier) -> list[tuple[int, bytes]]:
    """Size and root of the newest whole commit's note, where that is signed."""
    newest = max(remains.commits.values(), key=lambda commit: commit.end_index, default=None)
    if newest is None:
        return []
    try:
        checkpoint = open_checkpoint(newest.note, verifier)
    except NoteError:
        return []
    return [(checkpoint.size, checkpoint.root)]


def _grown(base: Frontier | None, leaves: Sequence[Leaf]) -> Frontier | None:
    if base is None or None in leaves:
        return None
    return base.grown([leaf for leaf in leaves if leaf is not None])


def _fits(base: Frontier | None, leaves: Sequence[Leaf], first_index: int, size: int, root: bytes) -> bool:
    grown = _grown(base, leaves[: max(0, size - first_index)])
    return grown is not None and grown.size == size and grown.root() == root
