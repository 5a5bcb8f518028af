"""What happens when the journal is opened: the active segment is checked, and mended where it is damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from edge_agent.journal.chain import MENDED, Chain, put_in_place
from edge_agent.journal.files import synced
from edge_agent.journal.leaves import LeafFile
from edge_agent.journal.losses import told_losses
from edge_agent.journal.mend import Mended, mend
from edge_agent.journal.quarantine import put_aside
from edge_agent.journal.segment import DamagedError, Head, commits_from, connect, connect_to_read, lost_between
from edge_agent.journal.verify import Leaves, Sound, check_segment, merged_leaves
from gate_contract.checkpoint import Signer
from gate_contract.v1.record_pb2 import Loss


@dataclass(frozen=True, slots=True)
class Opened:
    """The journal as it goes on: its head, bytes of commits in the active segment, and losses to be written there."""

    head: Head
    weight: int
    losses: list[Loss] = field(default_factory=list)


def open_active(chain: Chain, signer: Signer) -> Opened:
    """Check the active segment, and mend it where it is damaged; JournalError when the journal cannot go on.

    OSError and sqlite3.Error go to the caller.
    """
    try:
        sound = check_newest(chain, signer)
    except DamagedError as damage:
        return mend_active(chain, signer, damage)
    chain.adopt_ledgers(sound.head.receipt_size)
    return Opened(sound.head, sound.weight, set_leaves_right(chain, chain.segments[-1], sound))


def mend_active(chain: Chain, signer: Signer, damage: DamagedError, known: Head | None = None) -> Opened:
    """Make the active segment again; what is lost is written in it. `known` as in `mend`."""
    active = chain.segments[-1]
    mended = mend(chain, active, signer, damage, known)
    place(chain, active, mended)
    return Opened(mended.head, mended.weight)


def unsettled(chain: Chain) -> list[int]:
    """Closed segments to be looked at first: an agent was killed while it closed them, or they are gone."""
    paths = {first: chain.segment(first) for first in chain.segments[:-1]}
    return [first for first, path in paths.items() if not path.exists() or path.with_name(f"{path.name}-wal").exists()]


def settle(chain: Chain, first_index: int, signer: Signer, tell: Callable[[list[Loss]], None]) -> None:
    """Check a closed segment, and mend it where it is damaged. `tell` makes losses durable before anything changes."""
    try:
        sound = check_closed(chain, first_index, signer)
    except DamagedError as damage:
        mended = mend(chain, first_index, signer, damage)
        tell(mended.losses)
        place(chain, first_index, mended)
        return
    tell(set_leaves_right(chain, first_index, sound))
    with closing(connect(chain.segment(first_index))) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def check_newest(chain: Chain, signer: Signer) -> Sound:
    """As `check_segment` for the active segment, and that it holds every transaction there was."""
    active, newest = chain.segments[-1], chain.witness.read()
    sound = check_segment(chain.segment(active), chain.leaves(active), signer.verifier)
    if newest > sound.head.version:
        raise DamagedError("its newest transactions are gone", tail=True)
    return sound


def check_closed(chain: Chain, first_index: int, signer: Signer) -> Sound:
    """As `check_segment`, and that it ends where the next one begins."""
    sound = check_segment(chain.segment(first_index), chain.leaves(first_index), signer.verifier)
    if sound.head.frontier.size != chain.end_of(first_index):
        raise DamagedError("it ends before the next one begins", tail=True)
    return sound


def place(chain: Chain, first_index: int, mended: Mended) -> None:
    """Let a mended segment and its leaves take the place of the damaged ones; killed anywhere, it is or can be done."""
    whole = mended.part.with_name(f"{chain.segment(first_index).name}{MENDED}")
    synced(mended.part)
    mended.part.rename(whole)
    synced(chain.directory)
    put_in_place(whole)
    chain.leaves(first_index).replace(mended.leaves)


def set_leaves_right(chain: Chain, first_index: int, sound: Sound) -> list[Loss]:
    """Make the leaf file of a sound segment fit it; what there is to tell when it was altered."""
    leaves = chain.leaves(first_index)
    if sound.leaves is Leaves.FIT:
        return []
    with closing(connect_to_read(chain.segment(first_index))) as connection, closing(leaves):
        if sound.leaves is Leaves.SHORT:
            fill_leaves(connection, leaves, leaves.end)
            leaves.sync()
            return []
        damaged = sound.leaves is Leaves.DAMAGED
        aside = put_aside(chain.directory.parent, leaves.path.name, [leaves.path]) if damaged else []
        leaves.replace(b"".join(data for _, data in _leaves_of(connection, first_index)))
    return told_losses("a leaf file was altered", [], first_index, 0, aside[0]) if aside else []


def fill_leaves(connection: sqlite3.Connection, leaves: LeafFile, start: int) -> None:
    """Write the leaves of the records from `start` on that a segment holds."""
    for first_index, data in _leaves_of(connection, start):
        leaves.write(first_index, data)


def _leaves_of(connection: sqlite3.Connection, start: int) -> Iterator[tuple[int, bytes]]:
    """(first index, leaf hashes) of the commits from the one with record `start` on."""
    for commit in commits_from(connection, start):
        lost = lost_between(connection, commit.first_index, commit.end_index)
        yield commit.first_index, b"".join(merged_leaves(commit, lost))
