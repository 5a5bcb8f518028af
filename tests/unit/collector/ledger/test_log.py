from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import update

from collector.errors import StoreError
from collector.ledger import log
from collector.ledger.log import Ledger, read_entries, read_head, stored_tree
from collector.store import schema
from gate_contract.checkpoint import Checkpoint, Signer, open_checkpoint
from gate_contract.merkle import Frontier, inclusion_proof, leaf_hash, verify_inclusion
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.unit.collector.collected import Collected


def entries(count: int, start: int = 0) -> list[LedgerEntry]:
    return [LedgerEntry(format=1, entered_unix_ns=number) for number in range(start, start + count)]


def append(collected: Collected, new: list[LedgerEntry]) -> int:
    with collected.store.write() as connection:
        return collected.ledger.append(connection, new)


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


def test_entries_get_dense_indices_under_one_signed_checkpoint(collected: Collected) -> None:
    assert append(collected, entries(3)) == 0
    assert append(collected, entries(2, 3)) == 3
    with collected.store.read() as connection:
        found = dict(read_entries(connection, 0))
        head = read_head(connection)
    assert [LedgerEntry.FromString(found[index]).entered_unix_ns for index in range(5)] == [0, 1, 2, 3, 4]
    grown = Frontier().grown(leaf_hash(body) for body in found.values())
    assert head.frontier == grown
    signed = open_checkpoint(head.checkpoint, collected.ledger.verifier)
    assert signed == Checkpoint.of("d.example/ledger", grown)


def test_appending_nothing_changes_nothing(collected: Collected) -> None:
    assert append(collected, []) == 0
    append(collected, entries(2))
    with collected.store.read() as connection:
        before = read_head(connection)
    assert append(collected, []) == 2
    with collected.store.read() as connection:
        assert read_head(connection) == before


def test_what_is_not_committed_was_never_entered(collected: Collected) -> None:
    append(collected, entries(1))

    def fail() -> None:
        with collected.store.write() as connection:
            collected.ledger.append(connection, entries(3, 1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert append(collected, entries(1, 1)) == 1


def test_writers_in_several_places_make_one_ledger(collected: Collected) -> None:
    others = [Collected(collected.state_dir) for _ in range(3)]
    threads = [threading.Thread(target=lambda one=one: [append(one, entries(1)) for _ in range(10)]) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with collected.store.read() as connection:
        bodies = dict(read_entries(connection, 0))
        assert read_head(connection).frontier == Frontier().grown(leaf_hash(body) for body in bodies.values())
    assert len(bodies) == 30
    for one in others:
        one.store.close()


def test_each_entry_is_proved_from_the_stored_tree(collected: Collected) -> None:
    append(collected, entries(300))
    append(collected, entries(300, 300))
    with collected.store.read() as connection:
        head, tree = read_head(connection), stored_tree(connection)
        bodies = dict(read_entries(connection, 0))
        for index in (0, 255, 256, 299, 300, 511, 599):
            proof = inclusion_proof(index, 600, tree.node)
            verify_inclusion(index, 600, leaf_hash(bodies[index]), proof, head.frontier.root())


def test_a_ledger_of_another_key_is_refused(collected: Collected) -> None:
    with collected.store.read() as connection:
        collected.ledger.check_head(connection)  # an empty one is anybody's
    append(collected, entries(1))
    other = Ledger(Signer("d.example/ledger", Ed25519PrivateKey.from_private_bytes(b"o" * 32)))
    with collected.store.read() as connection:
        collected.ledger.check_head(connection)
        with pytest.raises(StoreError, match=r"not signed by this collector's key d\.example/ledger"):
            other.check_head(connection)


def test_a_head_that_does_not_fit_its_checkpoint_is_refused(collected: Collected) -> None:
    append(collected, entries(1))
    with collected.store.write() as connection:
        connection.execute(update(schema.ledger_head).values(peaks=b"x" * 32))
    with collected.store.read() as connection, pytest.raises(StoreError, match="does not fit its own checkpoint"):
        collected.ledger.check_head(connection)
    with collected.store.write() as connection:
        connection.execute(update(schema.ledger_head).values(peaks=b"x" * 31))
    with collected.store.read() as connection, pytest.raises(StoreError, match=r"head is damaged.*audit"):
        log.read_head(connection)
