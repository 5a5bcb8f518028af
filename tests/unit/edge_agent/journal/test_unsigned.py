"""Commits whose checkpoint could not be had again when the journal was mended."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.fsck import examine
from gate_contract.merkle import leaf_hash
from tests.unit.edge_agent.journal.damaging import RECORDS, change, leaves, make, segment, sql
from tests.unit.edge_agent.journal.journals import SIGNER, opened


def test_a_commit_without_a_checkpoint_was_told_and_is_no_new_finding(directory: Path) -> None:
    make(directory)
    sql(segment(directory), "DELETE FROM commits WHERE first_index = 2")
    change(leaves(directory), leaf_hash(RECORDS[2]), b"altered")
    with opened(directory) as journal:
        assert journal.origin == SIGNER.name
        assert [loss.records.count for loss in journal.losses] == [2]
    assert [finding.damage for finding in examine(directory.parent, SIGNER).findings] == []
