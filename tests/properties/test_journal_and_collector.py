"""A real journal and a real collector against a list, through anything that can happen to either, in any order.

A journal may lose what a damaged file held, and says so; a collector may be put back to an old copy; nothing else may
cost a record, double one, change the order, or let in what the gate did not sign.

In `make test` the same examples each time, within seconds; HYPOTHESIS_PROFILE=long goes on for long, with others.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from edge_agent.errors import JournalError
from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Counts
from gate_contract.checkpoint import Checkpoint, Note, NoteError
from gate_contract.envelope import leaf_hashes
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import LiveRecord, LiveRecords
from tests.properties import forgeries
from tests.properties.two_sides import ANY, TIMES, UNBOUNDED, UNKNOWN, TwoSides, one_of, sealed, told
from tests.unit.collector.ingest.uplink import EndedError


class JournalAndCollector(TwoSides):
    """What else happens to either side, and what must be true after each step."""

    def teardown(self) -> None:
        try:
            self.drain()
        finally:
            self.near.close()
            self.far.remove()
            self.runner.close()
            for each in (self.state, *self.backups):
                shutil.rmtree(each)

    # --- forgery ---------------------------------------------------------------------------------------------------

    @rule(forge=st.sampled_from(forgeries.BATCHES), number=st.integers(0, 1 << 20))
    def forged_batch(self, forge: Callable[[forgeries.Material], forgeries.Forgery], number: int) -> None:
        self._connected()
        held, leaves = self.far.head.frontier.size, self.far.held()[1]
        stretch = self._stretch(held, 5)
        if stretch is None:
            return
        signers = self.far.agent.signer, self.far.stranger.signer
        forgery = forge(forgeries.Material(leaves, stretch, *signers, number))
        self._is_refused(forgery, held)

    @rule(forge=st.sampled_from(forgeries.LIVE))
    def forged_live(self, forge: Callable[..., forgeries.Forgery]) -> None:
        item = self.near.live(len(self.records) - 1)
        if item is None or (self.far.full and forge is forgeries.live_of_two_histories):
            return  # a fork is told and kept in one transaction, which a full disk does not take
        self._connected()
        if forge is forgeries.live_of_two_histories:
            record = LiveRecord(index=item.index, body=item.body, proof=item.proof)
            self._live_is_taken(LiveRecords(checkpoint=item.note, records=[record]))
        forgery = forge(item, self.far.agent.signer, self.far.stranger.signer)
        self._is_refused(forgery, self.far.head.frontier.size)

    def _is_refused(self, forgery: forgeries.Forgery, held: int) -> None:
        answer = self.far.ask(forgery.message)
        assert answer.WhichOneof("body") == "refusal", answer
        assert answer.refusal.code in forgery.codes, answer
        assert self.far.head.frontier.size == held

    @precondition(lambda self: not self.tried_a_stolen_name)
    @rule()
    def a_stolen_name(self) -> None:
        """Another gate's certificate does not open our stream."""
        self.tried_a_stolen_name = True
        with pytest.raises(EndedError, match="PERMISSION_DENIED"):
            self.far.greet(len(self.records), b"", self.far.stolen)

    @precondition(lambda self: self.receipts)
    @rule(which=ANY)
    def forged_receipt(self, which: int) -> None:
        """One of another collector, and one of this collector over another history."""
        note, _ = one_of(self.receipts, which)
        true = self.far.opened(note)
        text = Note.parse(note).text
        with pytest.raises(NoteError):
            self.far.opened(self.far.stranger.signer.sign(text).to_bytes())
        other = Checkpoint(true.checkpoint.origin, len(self.records) + 1, bytes(32))
        with pytest.raises(JournalError, match="older copy"):
            self.near.acknowledge(type(true)(other, 1), b"", 0, 1)

    # --- the gate ----------------------------------------------------------------------------------------------------

    @rule(keep=st.sampled_from([0, 50_000, UNBOUNDED]))
    def prune(self, keep: int) -> None:
        self.near.prune(keep)
        assert self._pruned <= self.acknowledged

    @rule()
    def scrub(self) -> None:
        self.near.scrub()

    @rule()
    def restart_the_gate(self) -> None:
        self.far.hang_up()
        self.near.close()
        self.near = self._opened()

    @rule()
    def kill_the_gate(self) -> None:
        """What is on its disk now is all that is left."""
        self._kill()
        self.near = self._opened()

    def _kill(self) -> None:
        self.far.hang_up()
        copy = Path(tempfile.mkdtemp(prefix="properties-gate-"))
        shutil.copytree(self.state, copy, dirs_exist_ok=True)
        self.near.close()
        shutil.rmtree(self.state)
        self.state = copy

    @rule(killed=st.booleans(), where=st.floats(0, 1, exclude_max=True), bit=st.integers(-1, 7), which=ANY)
    def damage_the_journal(self, killed: bool, where: float, bit: int, which: int) -> None:
        """A file of the journal has a flipped bit, or is cut off (`bit` is -1), while the agent does not run."""
        oldest = self._pruned
        if killed:
            self._kill()
        else:
            self.far.hang_up()
            self.near.close()
        files = [each for each in sorted((self.state / "journal").iterdir()) if _is_kept(each, oldest)]
        file = one_of(files, which)
        content = bytearray(file.read_bytes())
        offset = int(where * len(content))
        if bit < 0:
            del content[offset:]
        elif content:
            content[offset] ^= 1 << bit
        file.write_bytes(content)
        self.near = self._opened()
        for _ in range(self.near.segments):
            self.near.scrub()
        self._take_the_loss(flipped=bit >= 0)

    def _take_the_loss(self, *, flipped: bool) -> None:
        """At most what was damaged is lost, and that is told, by records that are captured as any other."""
        assert self.near.size == len(self.records)
        gone = {index for index in range(self._pruned, len(self.records)) if self.near.record(index) is None}
        ranges = [loss.records for loss in self.near.losses if loss.HasField("records")]
        claimed = {index for each in ranges for index in range(each.first_index, each.first_index + each.count)}
        assert gone - self.lost <= claimed <= gone
        inbox = {entry.inbox_id: entry.body for entry in self.near.spool.inbox()}
        assert inbox.items() <= self.inbox.items()
        if inbox != self.inbox or self.near.in_flight() != self.in_flight:
            assert any(loss.HasField("inbox") for loss in self.near.losses)
        if flipped:
            assert len(gone - self.lost) + len(self.inbox) - len(inbox) <= 1
        self.lost, self.inbox, self.in_flight = gone | self.lost, inbox, self.near.in_flight()
        self._take_the_receipt()
        self.near.record_losses(told)
        added = [self.near.record(index) for index in range(len(self.records), self.near.size)]
        self.records += [record for record in added if record is not None]

    def _take_the_receipt(self) -> None:
        """An older receipt may be all that is left: it was given, and what it does not cover goes up again."""
        size, note = self.near.receipt()
        assert size <= self.acknowledged
        if size < self.acknowledged:
            assert note == b"" or note in [each for each, _ in self.receipts]
            self.acknowledged, self.dead = size, self.near.counts().dead_lettered

    # --- the collector -------------------------------------------------------------------------------------------

    @rule()
    def restart_the_collector(self) -> None:
        self.far.reopen()

    @rule()
    def kill_the_collector(self) -> None:
        held = self.far.held()
        self.far.kill()
        assert self.far.held() == held

    @precondition(lambda self: len(self.backups) < 3)
    @rule()
    def back_up_the_collector(self) -> None:
        self.backups.append(self.far.backup())

    @precondition(lambda self: self.backups)
    @rule(which=ANY)
    def restore_the_collector(self, which: int) -> None:
        self.far.restore(one_of(self.backups, which))

    @rule()
    def fill_the_collectors_disk(self) -> None:
        self.far.full = not self.far.full

    @rule(count=st.integers(1, 3))
    @precondition(lambda self: not self.far.full)
    def another_gate_sends(self, count: int) -> None:
        self.far.stranger_sends(count)

    @rule(now=st.sampled_from(TIMES))
    def clocks_jump(self, now: datetime) -> None:
        self.far.set_clock(now)

    # --- what must be true -----------------------------------------------------------------------------------------

    @invariant()
    def the_journal_adds_up(self) -> None:
        pending = len(self.records) - self.acknowledged
        assert self.near.counts() == Counts(len(self.records), self.acknowledged - self.dead, pending, self.dead)
        assert {entry.inbox_id: entry.body for entry in self.near.spool.inbox()} == self.inbox
        assert self.near.in_flight() == self.in_flight
        assert self.near.losses == []

    @invariant()
    def the_collector_has_a_first_part_of_what_was_captured(self) -> None:
        records, leaves = self.far.held()
        assert leaves == leaf_hashes(self.records[: len(leaves)])
        assert records == {index: self.records[index] for index in records}
        assert set(range(len(leaves))) - set(records) <= self.lost | set(range(self._pruned))
        assert self.far.problems() == []

    @invariant()
    def a_passage_is_understood_once(self) -> None:
        seen = self.far.passages()
        assert len({(name, revision) for _, name, revision in seen}) == len(seen)
        for index, name, revision in seen:
            stated = Record.FromString(self.records[index]).passage
            assert (stated.passage_id, stated.revision) == (name, revision)

    def drain(self) -> None:
        """Everything is well again, and stays so: nothing is missing."""
        self.far.full = False
        self.connect()
        while (stretch := self._stretch(self.far.head.frontier.size, 100)) is not None:
            self._answered(stretch, self.far.head.frontier.size, self.far.ask(sealed(stretch)))
            self._acknowledge(*self.receipts[-1])
        records, leaves = self.far.held()
        assert leaves == leaf_hashes(self.records)
        missing = set(range(len(self.records))) - set(records)
        assert missing <= self.lost | set(range(self._pruned))
        assert self.near.counts().pending == 0
        stated = [Record.FromString(record) for record in records.values() if record != UNKNOWN]
        passages = {(each.passage.passage_id, each.passage.revision) for each in stated if each.HasField("passage")}
        assert {(name, revision) for _, name, revision in self.far.passages()} == passages
        assert examine(self.state, self.far.agent.signer).findings == []
        self.the_collector_has_a_first_part_of_what_was_captured()


def _is_kept(file: Path, oldest: int) -> bool:
    """Whether a file of the journal is not merely the leaves of what was pruned."""
    return not file.name.endswith("-shm") and (file.name == "newest" or int(file.name.partition(".")[0]) >= oldest)


LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"
JournalAndCollector.TestCase.settings = settings(
    max_examples=1000 if LONG else 8,
    stateful_step_count=60 if LONG else 25,
    deadline=None,
    derandomize=not LONG,
    database=None,
    phases=[Phase.generate, Phase.shrink] if LONG else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)


pytestmark = [pytest.mark.timeout(0 if LONG else 600)]
TestJournalAndCollector = JournalAndCollector.TestCase
