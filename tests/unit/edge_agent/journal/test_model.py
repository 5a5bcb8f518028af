"""The journal against a list, through anything that can be done to it, in any order."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_agent.journal.journal import Counts, Journal
from tests.unit.edge_agent.journal.journals import SIGNER, acknowledge, collected


class JournalMachine(RuleBasedStateMachine):
    """`records`, `inbox` and `in_flight` are what must be there; `ends` are where commits end."""

    def __init__(self) -> None:
        super().__init__()
        self.state = Path(tempfile.mkdtemp(prefix="journal-model-"))
        self.records: list[bytes] = []
        self.ends: list[int] = []
        self.acknowledged = self.dead = 0
        self.inbox: dict[int, bytes] = {}
        self.in_flight: dict[str, bytes] = {}
        self.journal = self.open()

    def open(self) -> Journal:
        return Journal(self.state / "journal", SIGNER, segment_bytes=5000)

    def teardown(self) -> None:
        self.journal.close()
        shutil.rmtree(self.state)

    @rule(records=st.lists(st.binary(max_size=120), min_size=1, max_size=6), data=st.data())
    def append(self, records: list[bytes], data: Any) -> None:
        consumed = data.draw(st.sets(st.sampled_from(sorted(self.inbox)))) if self.inbox else set()
        memory = {f"lane-{len(self.records) % 3}": b"%d" % len(self.records)}
        assert self.journal.append(records, consumed=sorted(consumed), in_flight=memory) == len(self.records)
        self.records += records
        self.ends.append(len(self.records))
        self.in_flight |= memory
        for inbox_id in consumed:
            del self.inbox[inbox_id]

    @rule(event=st.integers(0, 10_000), body=st.binary(max_size=60))
    def keep(self, event: int, body: bytes) -> None:
        inbox_id = self.journal.spool.keep("camera", str(event), body)
        if inbox_id is not None:
            assert inbox_id not in self.inbox
            self.inbox[inbox_id] = body

    @precondition(lambda self: self.ends)
    @rule(data=st.data())
    def receipt(self, data: Any) -> None:
        size = data.draw(st.sampled_from(self.ends))
        if size > self.journal.size - self.journal.kept():
            acknowledge(self.journal, size, dead=size // 5)
        if size >= self.acknowledged:
            self.acknowledged, self.dead = size, size // 5

    @rule(keep=st.sampled_from([0, 50_000, 1 << 30]))
    def prune(self, keep: int) -> None:
        self.journal.prune(keep)

    @rule()
    def scrub(self) -> None:
        self.journal.scrub()

    @rule()
    def reopen(self) -> None:
        self.journal.close()
        self.journal = self.open()

    @rule()
    def kill(self) -> None:
        """What is on the disk now is all that is left."""
        copy = Path(tempfile.mkdtemp(prefix="journal-model-"))
        shutil.copytree(self.state, copy, dirs_exist_ok=True)
        self.journal.close()
        shutil.rmtree(self.state)
        self.state = copy
        self.journal = self.open()

    @invariant()
    def it_is_as_the_list(self) -> None:
        pending = len(self.records) - self.acknowledged
        assert self.journal.counts() == Counts(len(self.records), self.acknowledged - self.dead, pending, self.dead)
        assert {entry.inbox_id: entry.body for entry in self.journal.spool.inbox()} == self.inbox
        assert self.journal.in_flight() == self.in_flight
        assert self.journal.losses == []
        there, lost, _ = collected(self.journal)
        assert there == {index: self.records[index] for index in range(len(self.records)) if index not in lost}
        assert sorted(lost) == list(range(len(self.records) - self.journal.kept()))
        assert len(lost) <= self.acknowledged


JournalMachine.TestCase.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
TestJournal = JournalMachine.TestCase
