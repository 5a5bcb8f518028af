from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import select

from collector.ingest import quarantine as module
from collector.ingest.quarantine import BAD_SEAL, FORK, Refused, quarantine
from collector.store import schema
from collector.store.digest import row_digest
from tests.unit.collector.collected import Collected


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


def put(collected: Collected, kind: str, detail: str, body: bytes) -> bool:
    with collected.store.write() as connection:
        return quarantine(connection, collected.ledger, Refused("d/agent/gate-1/0", kind, detail, body), 17)


def test_a_refused_batch_is_kept_with_its_reason_under_a_digest(collected: Collected) -> None:
    assert put(collected, FORK, "record 3 is other", b"batch")
    with collected.store.read() as connection:
        (row,) = connection.execute(select(schema.quarantine)).mappings()
    assert (row["kind"], row["detail"], row["body"], row["at_ns"]) == ("fork", "record 3 is other", b"batch", 17)
    assert row["body_sha256"] == sha256(b"batch").digest()
    assert row["digest"] == row_digest({name: row[name] for name in schema.DIGESTED["quarantine"]})


def test_the_same_batch_again_fills_nothing(collected: Collected) -> None:
    assert put(collected, FORK, "record 3 is other", b"batch")
    assert not put(collected, FORK, "record 3 is other", b"batch")
    assert put(collected, BAD_SEAL, "record 3 is other", b"batch")
    assert put(collected, FORK, "record 3 is other", b"another batch")


def test_the_oldest_bodies_make_room_and_their_rows_stay(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_BODY_BYTES", 250)
    for number in range(5):
        put(collected, BAD_SEAL, f"{number}", bytes([number]) * 100)
    with collected.store.read() as connection:
        kept = connection.execute(select(schema.quarantine).order_by(schema.quarantine.c.quarantine_id)).all()
    assert [row.detail for row in kept if row.body is not None] == ["3", "4"]
    assert [row.body_sha256 for row in kept] == [sha256(bytes([number]) * 100).digest() for number in range(5)]
