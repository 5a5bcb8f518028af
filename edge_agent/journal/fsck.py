"""Looking at everything an agent keeps. Changes nothing, not even what SQLite would.

Where no agent runs, files with a log beside them are read as copies. Beside an agent that runs they are read where they
are, as its other readers do, and what is found must be found again: files change and go meanwhile.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory

from edge_agent.errors import JournalError
from edge_agent.journal.chain import MENDED, Chain
from edge_agent.journal.evidence_list import listed
from edge_agent.journal.losses import ranges
from edge_agent.journal.mend import plan, tree_before
from edge_agent.journal.recovery import check_closed, check_newest
from edge_agent.journal.segment import DamagedError, commits_from, connect_to_read, read_head
from edge_agent.journal.verify import Leaves
from gate_contract.checkpoint import NoteError, Signer, open_checkpoint

REPAIR = "Run it with --repair, or start the agent: both mend it and put the damaged file into quarantine"


LOOKS = 3
"""How often something must be found beside an agent that runs, each time anew."""

FORGED = "Keep the whole state directory as evidence: no fault of a disk makes a checksum that fits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was written.

    Attributes:
        file: relative to the state directory.
        damage: what is wrong.
        lost: what is lost with it.
        fix: what to do.
    """

    file: str
    damage: str
    lost: str
    fix: str


@dataclass(frozen=True, slots=True)
class Report:
    """What was looked at and what was found."""

    segments: int
    records: int
    blobs: int
    findings: list[Finding]


def examine(state_dir: Path, signer: Signer, *, running: bool = False) -> Report:
    """Check segments, leaf files, the signed tree, the list of evidence and every blob; JournalError without a journal.

    `running` says that an agent uses the directory meanwhile. OSError goes to the caller.
    """
    if not running:
        with _still(state_dir) as copied:
            return _examine(state_dir, copied, signer)
    report = _examine(state_dir, state_dir, signer)
    for _ in range(LOOKS - 1):
        if report.findings:
            again = _examine(state_dir, state_dir, signer)
            report = replace(again, findings=[each for each in report.findings if each in again.findings])
    return report


@contextmanager
def _still(state_dir: Path) -> Iterator[Path]:
    """A directory with the journal and the list of evidence as they are: SQLite may write beside them there.

    Only what has a log is copied.
    """
    with TemporaryDirectory(prefix="edge-agent-fsck-") as made:
        copied = Path(made)
        (copied / "journal").mkdir()
        for file in (*state_dir.glob("journal/*"), *state_dir.glob("evidence.db*")):
            target = copied / file.relative_to(state_dir)
            logged = file.with_name(f"{file.name}-wal")
            if file.name.endswith("-shm"):
                continue
            if file.name.endswith("-wal") or (logged.exists() and logged.stat().st_size):
                shutil.copyfile(file, target)
            else:
                target.symlink_to(file.absolute())
        yield copied


def _examine(state_dir: Path, copied: Path, signer: Signer) -> Report:
    directory = copied / "journal"
    chain = Chain(directory)
    if not chain.segments:
        raise JournalError(
            f"there is no journal in {state_dir}",
            fix="an older agent's journal.db is taken over when the agent starts"
            if (state_dir / "journal.db").exists()
            else "the agent makes it when it runs for the first time",
        )
    blobs = sorted(path for path in (state_dir / "evidence").glob("*/*") if not path.suffix)
    try:
        findings = [*_segments(chain, signer), *_ledgers(chain), *_altered(state_dir, blobs)]
        findings += _missing(state_dir, copied / "evidence.db")
    except sqlite3.Error as error:
        raise JournalError(f"the journal in {state_dir} cannot be read", cause=str(error)) from error
    findings += [
        Finding(f"journal/{path.name}", "an agent was killed while it mended this", "nothing", REPAIR)
        for path in directory.glob(f"*{MENDED}")
    ]
    return Report(len(chain.segments), _size(chain), len(blobs), findings)


def _segments(chain: Chain, signer: Signer) -> Iterator[Finding]:
    for first_index in chain.segments:
        active = first_index == chain.segments[-1]
        name = f"journal/{chain.segment(first_index).name}"
        try:
            sound = check_newest(chain, signer) if active else check_closed(chain, first_index, signer)
        except DamagedError as damage:
            yield Finding(name, str(damage), _would_lose(chain, first_index, signer), REPAIR)
            continue
        if sound.leaves is Leaves.DAMAGED:
            yield Finding(f"journal/{chain.leaves(first_index).path.name}", "a leaf was altered", "nothing", REPAIR)
        for problem in _bad_notes(chain, first_index, signer):
            yield Finding(name, problem, "nothing, if nobody has altered more than that", FORGED)


def _bad_notes(chain: Chain, first_index: int, signer: Signer) -> Iterator[str]:
    """Checkpoints that do not hold although their checksums fit."""
    with closing(connect_to_read(chain.segment(first_index))) as connection:
        for commit in commits_from(connection, first_index):
            if not commit.note:
                continue  # the tree is not known there: what lies behind it was damaged, and told
            try:
                size = open_checkpoint(commit.note, signer.verifier).size
            except NoteError as error:
                yield f"the checkpoint of {commit.end_index} records: {error}"
            else:
                if size != commit.end_index:
                    yield f"the checkpoint of {commit.end_index} records is one of {size}"


def _would_lose(chain: Chain, first_index: int, signer: Signer) -> str:
    try:
        made = plan(chain, first_index, signer)
    except JournalError as error:
        return str(error)
    lost = [f"{count} records from {first} on" for first, count in ranges(made.newly_lost)]
    if made.messages is None:
        lost.append("perhaps captured messages that no passage had taken yet")
    elif made.messages:
        lost.append(f"{made.messages} captured messages or passages under way")
    return ", ".join(lost) or "nothing"


def _ledgers(chain: Chain) -> Iterator[Finding]:
    """Leaf files of pruned records: whether they lead to the tree where the oldest segment begins."""
    oldest = chain.segments[0]
    pruned = [first for first in chain.ledgers if first < oldest]
    if not pruned:
        return
    try:
        with closing(connect_to_read(chain.segment(oldest))) as connection:
            base = read_head(connection, oldest).base
    except (sqlite3.Error, DamagedError, UnicodeDecodeError):
        return  # told already
    if base is not None and tree_before(chain, oldest, ledgers_only=True) != base:
        yield Finding(
            f"journal/{chain.leaves(pruned[0]).path.name} … {chain.leaves(pruned[-1]).path.name}",
            "leaf hashes of pruned records are gone or altered",
            "nothing: the collector has confirmed these records",
            "Keep the files. Only a collector restored from a backup that lacks these records would need them",
        )


def _altered(state_dir: Path, blobs: list[Path]) -> Iterator[Finding]:
    for path in blobs:
        try:
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            continue  # it was delivered meanwhile; one that must be there is missed below
        if digest != path.name:
            yield Finding(
                str(path.relative_to(state_dir)),
                "the blob was altered",
                "this blob; its hash stays in the record that names it",
                "Keep the file. The agent records the loss when it comes to deliver it",
            )


def _missing(state_dir: Path, database: Path) -> Iterator[Finding]:
    """Blobs that are to be delivered and are not there; what is delivered leaves the list before the directory."""
    try:
        waiting = listed(database)
    except sqlite3.Error as error:
        yield Finding("evidence.db", str(error), "nothing: the list is made again from the directory of blobs", REPAIR)
        return
    for digest in waiting:
        name = f"evidence/{digest.hex()[:2]}/{digest.hex()}"
        if not (state_dir / name).exists():
            yield Finding(
                name,
                "a blob that is to be delivered is gone",
                "this blob; its hash stays in the record that names it",
                "Look who removed it. The agent records the loss when it comes to deliver it",
            )


def _size(chain: Chain) -> int:
    """Records captured, as the newest head that can be read says."""
    for first_index in reversed(chain.segments):
        try:
            with closing(connect_to_read(chain.segment(first_index))) as connection:
                return read_head(connection, first_index).frontier.size
        except (sqlite3.Error, DamagedError, UnicodeDecodeError):
            continue
    return 0
