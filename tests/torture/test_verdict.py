"""The checks after a run find what they are for."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from gate_contract.v1.batch_pb2 import Batch
from gate_contract.v1.evidence_pb2 import Evidence
from gate_contract.v1.passage_pb2 import Passage, PlateRead
from gate_contract.v1.record_pb2 import Loss, Orphan, Record
from tests.torture.ends import CollectorEnd, GateEnd
from tests.torture.verdict import judge_balance, judge_gate

PICTURE = b"\xff\xd8\xffa picture"


def plate(text: str) -> PlateRead:
    digest = sha256(PICTURE).digest()
    return PlateRead(text=text, event_id=f"event of {text}", pictures=[Evidence(sha256=digest, role="vehicle")])


def passage(*plates: str, revision: int = 1, name: str = "") -> Record:
    reads = [plate(text) for text in plates]
    return Record(format=1, passage=Passage(passage_id=name or plates[0], revision=revision, plates=reads))


class Run:
    """What a run left: a gate's counter and a collector's database."""

    def __init__(self, directory: Path) -> None:
        self.collector = CollectorEnd(directory, (1, 2))
        self.gate = GateEnd(directory / "gate", "gate-0", 3, None)
        name = sha256(PICTURE).hexdigest()
        self.picture = self.collector.state_dir / "evidence" / name[:2] / name
        self.picture.parent.mkdir(parents=True)
        self.picture.write_bytes(PICTURE)

    def counted(self, *told: str, offered: Sequence[str] = ()) -> None:
        lines = [f"offered 1 {text}\ntold 1 {text}\n" for text in told] + [f"offered 1 {text}\n" for text in offered]
        self.gate.counted.write_text("".join(lines), encoding="utf-8")

    def held(self, *records: Record, second_at: int = 1) -> None:
        """Two batches: the first record, and the others."""
        bodies = [record.SerializeToString() for record in records]
        with closing(sqlite3.connect(self.collector.state_dir / "collector.db")) as connection:
            connection.execute("CREATE TABLE journals (journal_id, origin)")
            connection.execute("CREATE TABLE batches (journal_id, first_index, body)")
            connection.execute("INSERT INTO journals VALUES (1, 'torture.example/agent/gate-0/abc')")
            for first, some in ((0, bodies[:1]), (second_at, bodies[1:])):
                batch = Batch(first_index=first, records=some).SerializeToString()
                connection.execute("INSERT INTO batches VALUES (1, ?, ?)", (first, batch))
            connection.commit()

    def problems(self) -> list[str]:
        return judge_gate(self.gate, self.collector)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


def test_everything_told_once_and_in_order_is_well(run: Run) -> None:
    run.counted("A", "B", "C", offered=["D"])
    orphan = Record(format=1, orphan=Orphan(plate=plate("B")))
    run.held(passage("A"), orphan, passage("C"), passage("C", revision=2), passage("D"))
    assert not run.problems()


def test_a_told_plate_that_is_not_there_is_found(run: Run) -> None:
    run.counted("A", "B")
    run.held(passage("A"))
    assert run.problems() == ["gate-0: B was told and is not at the collector"]


def test_a_plate_in_two_passages_is_found(run: Run) -> None:
    run.counted("A")
    run.held(passage("A"), passage("A", name="another"))
    assert [problem for problem in run.problems() if "2 times" in problem]


def test_a_message_twice_in_one_record_is_found(run: Run) -> None:
    run.counted("A")
    run.held(passage("A", "A"))
    assert run.problems() == ["gate-0: torture.example/agent/gate-0/abc: record 0 holds one message twice"]


def test_another_order_is_found(run: Run) -> None:
    run.counted("A", "B")
    run.held(passage("B"), passage("A"))
    assert run.problems() == ["gate-0: A was told before B and is recorded after it (1 > 0)"]


def test_a_plate_that_nobody_offered_is_found(run: Run) -> None:
    run.counted("A")
    run.held(passage("A"), passage("B"))
    assert run.problems() == ["gate-0: B was never offered: B"]


def test_a_gap_between_batches_is_found(run: Run) -> None:
    run.counted("A", "B")
    run.held(passage("A"), passage("B"), second_at=2)
    assert [problem for problem in run.problems() if "a batch at 2" in problem]


def test_a_picture_that_is_gone_or_another_one_is_found(run: Run) -> None:
    run.counted("A")
    run.held(passage("A"))
    run.picture.write_bytes(b"another")
    assert [problem for problem in run.problems() if "was altered" in problem]
    run.picture.unlink()
    assert [problem for problem in run.problems() if "is not at the collector" in problem]


def test_a_recorded_loss_is_found(run: Run) -> None:
    run.counted("A")
    run.held(passage("A"), Record(format=1, loss=Loss(text="gone")))
    assert run.problems() == ["gate-0: record 1 says that something was lost: gone"]


def test_a_balance_that_does_not_hold_is_found(run: Run) -> None:
    balance = {"captured": 5, "acknowledged": 5, "pending": 0, "dead_lettered": 0}
    assert not judge_balance(run.gate, balance)
    assert judge_balance(run.gate, balance | {"acknowledged": 4})
    assert judge_balance(run.gate, balance | {"acknowledged": 4, "dead_lettered": 1})
