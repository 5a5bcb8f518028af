"""What an agent writes to its disk, as small programs."""

from __future__ import annotations

from pathlib import Path

from edge_agent.journal.journal import Journal
from tests.torture.machine import (
    CAMERA,
    RECEIVED_NS,
    SIGNER,
    body,
    check_journal,
    check_mended,
    loss_record,
    open_journal,
    receipt_of,
)
from tests.torture.old_journal import write_old_journal
from tests.torture.scenario import Scenario, Teller


def _nothing(_state: Path) -> None:
    """A machine that has not run yet."""


def _some_records(state: Path, count: int = 5) -> None:
    journal = open_journal(state)
    for number in range(count):
        journal.append([body(f"before-{number}")])
    journal.close()


def _append(journal: Journal, teller: Teller, *tags: str) -> int:
    """Append records, and promise them."""
    first = teller.step(journal.append, [body(tag) for tag in tags])
    for offset, tag in enumerate(tags):
        teller.promised("record", first + offset, tag)
        teller.promised("captured", tag)
    return first + len(tags)


def _keep(journal: Journal, teller: Teller, tag: str) -> int | None:
    """Keep what a camera sent, and promise it. None when an earlier try, said to have failed, has kept it."""
    inbox_id = teller.step(journal.spool.keep, CAMERA, tag, body(tag))
    teller.promised("captured", tag)
    return inbox_id


def _act_appending(state: Path, teller: Teller) -> None:
    """Records, alone and several at once, and a passage under way."""
    journal = teller.step(open_journal, state)
    _append(journal, teller, "a")
    _append(journal, teller, "b", "c", "d")
    for memory in ("1", "2"):
        teller.step(journal.append, [], in_flight={"L1": memory.encode()})
        teller.promised("in flight", "L1", memory)
    _append(journal, teller, "e")
    teller.step(journal.close)


def _act_spooling(state: Path, teller: Teller) -> None:
    """What a camera sends is kept, then taken into a record."""
    journal = teller.step(open_journal, state)
    first = _keep(journal, teller, "first")
    second = _keep(journal, teller, "second")
    for inbox_id, tag in ((first, "first"), (second, "second")):
        if inbox_id is not None:
            teller.step(journal.append, [body(tag)], consumed=[inbox_id])
            teller.promised("captured", tag)
    _keep(journal, teller, "third")
    teller.step(journal.close)


def _act_rolling(state: Path, teller: Teller) -> None:
    """Enough records for several segments, with something in the inbox that must come along."""
    journal = teller.step(open_journal, state)
    _keep(journal, teller, "kept")
    for number in range(13):
        _append(journal, teller, f"r{number}")
    teller.step(journal.close)


def _before_pruning(state: Path) -> None:
    _some_records(state, 24)


def _act_pruning(state: Path, teller: Teller) -> None:
    """Receipts come, and what they cover is forgotten."""
    journal = teller.step(open_journal, state)
    for size in (12, 23):
        receipt, note = teller.step(receipt_of, journal, size)
        teller.step(journal.acknowledge, receipt, note, 0, RECEIVED_NS)
        teller.promised("receipt", size)
        teller.step(journal.prune, 0)
    _append(journal, teller, "after")
    teller.step(journal.close)


def _old_release(state: Path) -> None:
    records = [body(f"old-{number}") for number in range(12)]
    inbox = [(CAMERA, tag, body(tag)) for tag in ("old-kept", "old-kept-2")]
    write_old_journal(state / "journal.db", SIGNER, records, inbox)


def _act_migrating(state: Path, teller: Teller) -> None:
    """The first start of this release on the journal of release 0.1."""
    for number in range(12):
        teller.promised("record", number, f"old-{number}")
        teller.promised("captured", f"old-{number}")
    for tag in ("old-kept", "old-kept-2"):
        teller.promised("captured", tag)
    journal = teller.step(open_journal, state)
    _append(journal, teller, "new")
    teller.step(journal.close)


DAMAGED = range(12, 15)
"""Records of the flipped byte's commit: they may be lost, and then somebody must say so."""


def _damaged(state: Path) -> None:
    """A journal whose active segment has a flipped byte in the middle of a record."""
    journal = open_journal(state)
    for number in range(4):
        journal.append([body(f"before-{3 * number + offset}") for offset in range(3)])
    journal.append([body(f"before-{number}") for number in DAMAGED])
    journal.append([body("before-15")])
    journal.close()
    path = max((state / "journal").glob("*.db"))
    content = bytearray(path.read_bytes())
    content[content.rindex(b"before-13 ") + 700] ^= 0x40
    path.write_bytes(content)


def _act_mending(state: Path, teller: Teller) -> None:
    """The journal is opened, mended, and the loss is recorded."""
    for number in range(16):
        if number not in DAMAGED:
            teller.promised("record", number, f"before-{number}")
            teller.promised("captured", f"before-{number}")
    journal = teller.step(open_journal, state)
    teller.step(journal.record_losses, loss_record)
    teller.promised("told of losses")
    _append(journal, teller, "after")
    teller.step(journal.close)


AGENT_SCENARIOS = (
    Scenario("appending", _nothing, _act_appending, check_journal),
    Scenario("appending-again", _some_records, _act_appending, check_journal),
    Scenario("spooling", _some_records, _act_spooling, check_journal),
    Scenario("rolling", _nothing, _act_rolling, check_journal),
    Scenario("pruning", _before_pruning, _act_pruning, check_journal),
    Scenario("migrating", _old_release, _act_migrating, check_journal),
    Scenario("mending", _damaged, _act_mending, check_mended),
)
