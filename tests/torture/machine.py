"""A gate machine's state without its devices: journal, evidence, keys; and the check that every promise was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge_agent.errors import EdgeAgentError
from edge_agent.journal.fsck import examine
from edge_agent.journal.journal import Journal
from gate_contract.checkpoint import COSIGNATURE, Note, Receipt, Signer, journal_origin, open_receipt
from gate_contract.envelope import BatchError, open_batch, seal_encoded
from gate_contract.merkle import Frontier
from gate_contract.v1.record_pb2 import Loss, Record
from tests.torture.scenario import A_READ_FAILED, Promise

DEPLOYMENT = "torture.example"
KEY = Ed25519PrivateKey.from_private_bytes(b"g" * 32)
SIGNER = Signer(journal_origin(DEPLOYMENT, "gate-1", KEY.public_key().public_bytes_raw()), KEY)
COLLECTOR = Signer(f"{DEPLOYMENT}/collector", Ed25519PrivateKey.from_private_bytes(b"c" * 32), COSIGNATURE)
RECEIVED_NS = 1_790_000_000_000_000_000
CAMERA = "plate-1"
SEGMENT_BYTES = 16 << 10
WEIGHT = 1500
"""Bytes of a record: a few of them fill a segment."""


def body(tag: str) -> bytes:
    """A record that can be told from every other one."""
    record = Record(format=1, site_id="haikou")
    record.probe.payload = tag.encode() + b" " + (sha256(tag.encode()).digest() * (WEIGHT // 32))
    return record.SerializeToString()


def tag_of(record: bytes) -> str:
    """The tag of a record's or an inbox entry's bytes."""
    return Record.FromString(record).probe.payload.partition(b" ")[0].decode()


def open_journal(state: Path) -> Journal:
    """The machine's journal, in small segments."""
    return Journal(state / "journal", SIGNER, segment_bytes=SEGMENT_BYTES)


def receipt_of(journal: Journal, size: int) -> tuple[Receipt, bytes]:
    """The collector's receipt for a checkpoint of this size, and its note."""
    stretch = journal.stretch(size - 1, 1, 1)
    if stretch is None or stretch.end != size:
        raise AssertionError(f"no checkpoint at {size}")
    note = COLLECTOR.cosign(Note.parse(stretch.note), RECEIVED_NS // 10**9).to_bytes()
    return open_receipt(note, COLLECTOR.verifier, SIGNER.name), note


def loss_record(loss: Loss) -> bytes:
    """A loss as the agent records it."""
    return Record(format=1, site_id="haikou", loss=loss).SerializeToString()


def check_journal(state: Path, promises: Sequence[Promise]) -> list[str]:
    """Open the journal as the agent does: promises hold, nothing is half done, nothing is lost, and it goes on."""
    try:
        problems = _fsck(state)
        with closing(open_journal(state)) as journal:
            problems += _problems(journal, promises) + _left_over(state)
            if [A_READ_FAILED] not in promises:
                problems += [f"{path} was put aside" for path in (state / "quarantine").glob("*")]
            problems += [f"a loss is claimed: {loss}" for loss in journal.losses if _is_loss(loss, promises)]
            pending = range(journal.receipt()[0], journal.size)
            problems += [f"record {index} is gone" for index in pending if journal.record(index) is None]
            journal.append([body("one-more")])
            problems += _sealed(journal)
        return problems + _fsck(state)
    except EdgeAgentError as error:
        return [f"the journal cannot be used: {error}"]


def _fsck(state: Path) -> list[str]:
    """What `edge-agent fsck` says; nothing of a journal that is not there yet."""
    if not any((state / "journal").glob("*.db")):
        return []
    return [f"fsck: {finding}" for finding in examine(state, SIGNER).findings]


def _is_loss(loss: Loss, promises: Sequence[Promise]) -> bool:
    """What was moved to another place because a read failed, whole, is no loss."""
    moved = loss.HasField("records") and not loss.records.count
    return not (moved and [A_READ_FAILED] in promises)


def check_mended(state: Path, promises: Sequence[Promise]) -> list[str]:
    """As check_journal, of a damaged journal: what is gone is told exactly once, and the damaged file is kept."""
    try:
        with closing(open_journal(state)) as journal:
            problems = _problems(journal, promises) + _left_over(state)
            told = [loss.records for loss in (*journal.losses, *_recorded_losses(journal)) if loss.HasField("records")]
            for index in range(journal.size):
                times = sum(loss.first_index <= index < loss.first_index + loss.count for loss in told)
                if times != (journal.record(index) is None):
                    problems.append(f"record {index} is said to be lost {times} times: {journal.record(index)!r:.40}")
            if not any((state / "quarantine").glob("*/*")):
                problems.append("the damaged file is not kept")
            journal.append([body("one-more")])
        return problems + _fsck(state)
    except EdgeAgentError as error:
        return [f"the journal cannot be used: {error}"]


def _recorded_losses(journal: Journal) -> list[Loss]:
    records = [Record.FromString(record) for index in range(journal.size) if (record := journal.record(index))]
    return [record.loss for record in records if record.HasField("loss")]


def _problems(journal: Journal, promises: Sequence[Promise]) -> list[str]:
    counts = journal.counts()
    held = {index: record for index in range(journal.size) if (record := journal.record(index)) is not None}
    waiting = [tag_of(entry.body) for entry in journal.spool.inbox()]
    tags = Counter(tag for tag in (*map(tag_of, held.values()), *waiting) if tag)
    problems = [f"{tag} is there {times} times" for tag, times in tags.items() if times > 1]
    if (
        counts.captured != counts.acknowledged + counts.pending + counts.dead_lettered
        or counts.captured != journal.size
    ):
        problems.append(f"the balance does not hold: {counts}, {journal.size} records")
    for promise in promises:
        problems += _broken(promise, journal, held, tags)
    return problems


def _broken(promise: Promise, journal: Journal, held: dict[int, bytes], tags: Counter[str]) -> list[str]:
    """What is wrong with one promise."""
    match promise:
        case ["record", int(index), str(tag)]:
            # That one is gone is told of all records.
            is_another = index >= journal.size or (index in held and tag_of(held[index]) != tag)
            return [f"record {index} was {tag} and is not any more; there are {journal.size}"] if is_another else []
        case ["captured", str(tag)]:
            return [] if tags[tag] == 1 else [f"{tag} was captured and is there {tags[tag]} times"]
        case ["receipt", int(size)]:
            covered = journal.receipt()[0]
            return [] if covered >= size else [f"a receipt for {size} was kept; now it is for {covered}"]
        case ["in flight", str(lane), str(memory)]:
            have = journal.in_flight().get(lane, b"").decode()
            return [] if have >= memory else [f"{lane} remembered {memory!r}, now {have!r}"]
    return []


def _sealed(journal: Journal) -> list[str]:
    """The whole tree holds under the signed checkpoints, from the first record on."""
    known = Frontier()
    try:
        while (stretch := journal.stretch(known.size, 64, 1 << 20)) is not None:
            data = seal_encoded(stretch.first_index, stretch.bodies, stretch.note, stretch.lost)
            known = open_batch(data, known, SIGNER.verifier, lambda _start, _end: []).frontier
            if any(index >= journal.receipt()[0] for index, _ in stretch.lost):
                return [f"records are lost: {stretch.lost}"]
    except BatchError as error:
        return [f"the collector would refuse it: {error}"]
    return [] if known.size == journal.size else [f"the checkpoints cover {known.size} of {journal.size} records"]


def _left_over(state: Path) -> list[str]:
    """What an interrupted step may leave, opening must have tidied."""
    found = [path for path in state.rglob("*") if ".part" in path.name or ".mended" in path.name]
    return [f"{path.relative_to(state)} was left behind" for path in found]
