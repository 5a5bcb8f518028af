"""One look at the journal each status turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.app.journal_look import JournalWatch
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.wire import stamp_of
from gate_contract.checkpoint import COSIGNATURE, Note, Signer, open_receipt
from gate_contract.v1.record_pb2 import Record

SIGNER = Signer("test/agent/gate-01/0011223344556677", Ed25519PrivateKey.from_private_bytes(b"k" * 32))
COLLECTOR = Signer("test/collector", Ed25519PrivateKey.from_private_bytes(b"c" * 32), COSIGNATURE)
YEAR = 365 * 86_400


def at(seconds: float, *, wall: float | None = None) -> Moment:
    """A moment of this boot; the wall clock says what it wants."""
    shown = 1_760_000_000 + seconds if wall is None else wall
    return Moment(WallNs(round(shown * SECOND)), MonoNs(round(seconds * SECOND)), bytes(16), synchronised=True)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal", SIGNER)
    yield made
    made.close()


@pytest.fixture
def watch(journal: Journal, tmp_path: Path) -> JournalWatch:
    return JournalWatch(journal, tmp_path / "journal", COLLECTOR.verifier)


def capture(journal: Journal, now: Moment, count: int = 1) -> None:
    record = Record(format=1, site_id="haikou", captured=stamp_of(now)).SerializeToString()
    journal.append([record] * count)


def acknowledge(journal: Journal, now: Moment, dead: int = 0, by: Signer = COLLECTOR) -> None:
    """A receipt over everything."""
    stretch = journal.stretch(journal.size - 1, 1, 1)
    assert stretch is not None
    note = by.cosign(Note.parse(stretch.note), 1).to_bytes()
    journal.acknowledge(open_receipt(note, by.verifier, SIGNER.name), note, dead, now.wall)


def test_a_journal_that_is_empty_balances(watch: JournalWatch) -> None:
    look = watch.look(at(1))
    assert (look.imbalance, look.breach, look.stalled_s) == ("", False, 0.0)
    shown = look.shown(at(1))
    assert (shown["captured"], shown["oldest_pending_age_s"], shown["last_receipt_age_s"]) == (0, None, None)


def test_ages_are_those_of_clocks_that_nobody_sets(journal: Journal, watch: JournalWatch) -> None:
    watch.look(at(0))
    capture(journal, at(10, wall=0))  # the clock said 1970
    acknowledge(journal, at(20, wall=10))
    watch.look(at(20))
    capture(journal, at(30, wall=20))
    later = at(90, wall=10 * YEAR + 1_760_000_000)
    shown = watch.look(later).shown(later)
    assert (shown["oldest_pending_age_s"], shown["last_receipt_age_s"]) == (60, 70)
    assert shown["oldest_pending_unix_ns"] == 20 * SECOND


def test_a_backlog_without_a_receipt_is_counted_until_one_comes(journal: Journal, watch: JournalWatch) -> None:
    capture(journal, at(0), 3)
    for second in range(0, 101, 2):
        look = watch.look(at(second))
    assert look.stalled_s == 100
    acknowledge(journal, at(101), dead=1)
    look = watch.look(at(102))
    assert look.stalled_s == 0
    assert (look.counts.acknowledged, look.counts.dead_lettered, look.counts.pending) == (2, 1, 0)
    assert watch.look(at(500)).stalled_s == 0, "nothing waits"


def test_a_machine_that_slept_a_night_over_a_backlog_has_not_waited(journal: Journal, watch: JournalWatch) -> None:
    capture(journal, at(0))
    watch.look(at(0))
    watch.look(at(2))
    assert watch.look(at(8 * 3600)).stalled_s < 60


def test_a_receipt_that_is_not_the_collectors_is_a_breach_that_is_told_once(
    journal: Journal, watch: JournalWatch
) -> None:
    stranger = Signer("test/collector", Ed25519PrivateKey.generate(), COSIGNATURE)
    capture(journal, at(0))
    acknowledge(journal, at(1), by=stranger)
    look = watch.look(at(2))
    assert look.breach
    assert look.imbalance == "the receipt that is kept is not the collector's"
    assert not watch.look(at(3)).breach


def test_records_that_vanish_from_the_file_under_the_agent_are_a_breach(
    journal: Journal, watch: JournalWatch, tmp_path: Path
) -> None:
    for second in range(4):
        capture(journal, at(second), 2)
    assert watch.look(at(5)).imbalance == ""
    capture(journal, at(6), 2)
    segment = max((tmp_path / "journal").glob("*.db"))
    with closing(sqlite3.connect(segment)) as connection, connection:
        connection.execute("DELETE FROM commits WHERE first_index = 8")
    capture(journal, at(7), 2)
    watch.look(at(8))
    assert watch.look(at(9)).imbalance == "12 were captured and 10 are there"


def test_a_record_that_cannot_be_decoded_has_no_age_and_harms_nothing(journal: Journal, watch: JournalWatch) -> None:
    journal.append([b"\xff\xff no record"])
    shown = watch.look(at(1)).shown(at(1))
    assert (shown["pending"], shown["oldest_pending_age_s"]) == (1, None)
