"""What the tests of the journal share: keys, small journals, and a collector that verifies what they send."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.journal.journal import Journal
from edge_agent.model.sealed import Stretch
from gate_contract.checkpoint import COSIGNATURE, Note, Receipt, Signer, open_checkpoint
from gate_contract.envelope import open_batch, seal_encoded
from gate_contract.merkle import Frontier
from gate_contract.v1.batch_pb2 import Batch

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
SIGNER = Signer("test/agent/gate-01/0011223344556677", KEY)
COLLECTOR = Signer("test/collector", Ed25519PrivateKey.from_private_bytes(bytes(31) + b"\x01"), COSIGNATURE)


def records_of(stretch: Stretch) -> list[bytes]:
    """Its records, decoded."""
    return [record for body in stretch.bodies for record in Batch.FromString(body).records]


def sealed(stretch: Stretch) -> bytes:
    """As it goes up."""
    return seal_encoded(stretch.first_index, stretch.bodies, stretch.note, stretch.lost)


def acknowledge(journal: Journal, size: int, dead: int = 0) -> None:
    """As when the collector's receipt has come and was verified; a commit must end at `size`."""
    stretch = journal.stretch(size - 1, 1, 1)
    assert stretch is not None
    assert stretch.end == size
    receipt = Receipt(open_checkpoint(stretch.note, SIGNER.verifier), 1)
    journal.acknowledge(receipt, COLLECTOR.cosign(Note.parse(stretch.note), 1).to_bytes(), dead, 42)


def collected(journal: Journal, step: int = 7) -> tuple[dict[int, bytes], dict[int, bytes], Frontier]:
    """What a collector has when it has verified all: records by index, leaf hashes of the lost ones, the tree."""
    known, records, lost = Frontier(), dict[int, bytes](), dict[int, bytes]()
    while (stretch := journal.stretch(known.size, step, 1 << 20)) is not None:
        assert stretch.first_index == known.size
        assert stretch.record_count == stretch.end - stretch.first_index - len(stretch.lost)
        opened = open_batch(sealed(stretch), known, SIGNER.verifier, lambda *_: [])
        records |= dict(zip(opened.indices, opened.records, strict=True))
        lost |= opened.lost
        known = opened.frontier
    return records, lost, known


@dataclass(slots=True)
class Sample:
    """A small journal with a bit of everything, in `state`, as it was at its best.

    Attributes:
        state: its state directory.
        records: what was captured.
        inbox: (id, body) of what waits.
        in_flight: passages under way.
        frontier: its tree.
    """

    state: Path
    records: list[bytes] = field(default_factory=list)
    inbox: list[tuple[int, bytes]] = field(default_factory=list)
    in_flight: dict[str, bytes] = field(default_factory=dict)
    frontier: Frontier = field(default_factory=Frontier)

    @property
    def directory(self) -> Path:
        """The journal's directory."""
        return self.state / "journal"

    def copy(self, to: Path) -> Path:
        """A copy of the state; its journal's directory."""
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(self.state, to)
        return to / "journal"


def make_sample(state: Path, *, killed: bool, segment_bytes: int | None = None) -> Sample:
    """A sample; `killed`: as an agent leaves it that was killed, with everything in the write-ahead log."""
    dice = random.Random(7)
    made = Sample(state)
    original = state if not killed else state.with_name(f"{state.name}.living")
    original.mkdir()
    with closing(Journal(original / "journal", SIGNER, segment_bytes=segment_bytes)) as journal:

        def append(*records: bytes, consumed: tuple[int, ...] = ()) -> None:
            journal.append(records, consumed=consumed, in_flight={"lane-1": b"under way %d" % journal.size})
            made.records.extend(records)

        for number in range(6):
            inbox_id = journal.spool.keep("camera-1", f"event {number}", b"message %d " % number * 4)
            assert inbox_id is not None
            append(dice.randbytes(60), consumed=(inbox_id,) if number % 2 else ())
        append(*(dice.randbytes(300) for _ in range(40)))
        acknowledge(journal, 3)
        append(*(dice.randbytes(50) for _ in range(3)))
        append(dice.randbytes(9000))
        made.inbox = [(entry.inbox_id, entry.body) for entry in journal.spool.inbox()]
        made.in_flight = journal.in_flight()
        if killed:
            shutil.copytree(original, state)
    made.frontier = collected_frontier(made.records)
    return made


def collected_frontier(records: list[bytes]) -> Frontier:
    """The tree over these records."""
    from gate_contract.envelope import leaf_hashes

    return Frontier().grown(leaf_hashes(records))


@contextmanager
def opened(directory: Path) -> Iterator[Journal]:
    """The journal, closed in the end."""
    with closing(Journal(directory, SIGNER)) as journal:
        yield journal
