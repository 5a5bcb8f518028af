"""The collector's ingest with all its threads, in this process, on a SQLite file: stopped, killed, copied, restored."""

from __future__ import annotations

import asyncio
import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event, select

from collector.agents.authority import Authority
from collector.balance import Balance
from collector.ledger.audit import Trust, audit
from collector.ledger.journal import JournalHead, stored_leaves, stored_records
from collector.store import schema
from gate_contract.checkpoint import Receipt, open_receipt
from gate_contract.v1.uplink_pb2 import LiveRecords, StreamResponse, Welcome
from tests.unit.collector.collected import DEPLOYMENT, START, Agent, Collected, probes
from tests.unit.collector.ingest.uplink import Call, EndedError, Uplink

AUTHORITY = Authority.make(DEPLOYMENT, START)


@cache
def _admitted() -> tuple[Path, bytes, bytes]:
    """A state in which two gates were admitted, and the gates' certificates; copied for each example."""
    state = Path(tempfile.mkdtemp(prefix="properties-collector-"))
    collected = Collected(state)
    uplink = Uplink(collected, authority=AUTHORITY)
    atexit.register(shutil.rmtree, state, ignore_errors=True)
    ours, theirs = (uplink.certificate(collected.admit(name, name[-1:].encode())) for name in ("gate-1", "gate-2"))
    uplink.servicer.close()
    collected.store.close()
    return state, ours, theirs


class CollectorSide:
    """A collector that admitted gate-1, whose journal is a real one, and gate-2, which is in memory (`stranger`)."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        template, self.certificate, self.stolen = _admitted()
        self._loop = loop
        self.state = _copy(template)
        self.agent = Agent("gate-1", Ed25519PrivateKey.from_private_bytes(b"1" * 32))
        self.stranger = Agent("gate-2", Ed25519PrivateKey.from_private_bytes(b"2" * 32))
        self.now = START
        self.full = False
        """Whether its disk takes nothing."""
        self._audited: list[tuple[Path, int]] = []
        self._open()

    def _open(self) -> None:
        self._collected = Collected(self.state)
        self._collected.now = self.now
        event.listen(self._collected.store._engine, "checkout", self._bound)
        self._uplink = Uplink(self._collected, authority=AUTHORITY)
        self._uplink.__enter__()
        self._call: Call | None = None

    def _bound(self, connection: sqlite3.Connection, *_: object) -> None:
        """A database that may not grow is a full disk: SQLite answers SQLITE_FULL."""
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages if self.full else 1 << 30}")

    # --- its life ------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End in order; the state stays."""
        self.hang_up()
        self._uplink.__exit__()
        self._collected.store.close()

    def remove(self) -> None:
        """Close, and forget everything."""
        self.close()
        shutil.rmtree(self.state)

    def reopen(self) -> None:
        """Stop in order, and start."""
        self.close()
        self._open()

    def kill(self) -> None:
        """What is on the disk now is all that is left."""
        self.go_on_from(_copy(self.state))

    def backup(self) -> Path:
        """A copy of the state as it is now."""
        return _copy(self.state)

    def restore(self, backup: Path) -> None:
        """Go on from a copy of a backup, which stays."""
        self.go_on_from(_copy(backup))

    def go_on_from(self, state: Path) -> None:
        """Let another state take the place of the present one."""
        self.remove()
        self.state = state
        self._open()

    def set_clock(self, now: datetime) -> None:
        """The clock jumps."""
        self.now = self._collected.now = now

    # --- its uplink ----------------------------------------------------------------------------------------------

    def greet(self, size: int, receipt: bytes, certificate: bytes | None = None) -> Welcome:
        """A new stream of the gate's; EndedError when it is not welcome."""
        self.hang_up()
        call = self._uplink.call(certificate or self.certificate)
        call.hello(self.agent, size=size, receipt=receipt)
        try:
            welcome = self._loop.run_until_complete(call.next())
        except EndedError:
            self._loop.run_until_complete(call.close())
            raise
        assert welcome.WhichOneof("body") == "welcome"
        self._call = call
        return welcome.welcome

    @property
    def call(self) -> Call:
        """The stream that is open; `greet` before."""
        assert self._call is not None
        return self._call

    @property
    def is_called(self) -> bool:
        """Whether a stream is open."""
        return self._call is not None

    def answer(self) -> StreamResponse:
        """The next answer on the open stream; a refusal ends it."""
        response = self._loop.run_until_complete(self.call.next())
        if response.WhichOneof("body") == "refusal":
            self.hang_up()
        return response

    def ask(self, message: bytes | LiveRecords) -> StreamResponse:
        """What the collector says to a batch or to live records on the open stream."""
        self.send(message)
        return self.answer()

    def send(self, message: bytes | LiveRecords) -> None:
        """Send without waiting."""
        if isinstance(message, bytes):
            self.call.send(message)
        else:
            self.call.send_live(message)

    def opened(self, note: bytes) -> Receipt:
        """A receipt that must hold."""
        return open_receipt(note, self._collected.receipts.verifier, self.agent.origin)

    def hang_up(self) -> None:
        """The connection is gone."""
        if self._call is not None:
            self._loop.run_until_complete(self._call.close())
            self._call = None

    def stranger_sends(self, count: int) -> None:
        """The other gate's records come beside ours."""
        held = self._collected.head(self.stranger).frontier.size
        del self.stranger.records[held:]
        self._collected.accept(self.stranger, *probes(count, held))
        self.now = self._collected.now

    # --- what it has -----------------------------------------------------------------------------------------------

    @property
    def head(self) -> JournalHead:
        """Where the gate's journal stands here."""
        return self._collected.head(self.agent)

    def held(self) -> tuple[dict[int, bytes], list[bytes]]:
        """The gate's records by index, those left out that are lost, and the leaf hashes of all."""
        head = self.head
        with self._collected.store.read() as connection:
            records = stored_records(connection, head.journal_id, 0, head.frontier.size)
            return records, stored_leaves(connection, head.journal_id, 0, head.frontier.size)

    def passages(self) -> list[tuple[int, str, int]]:
        """(record, passage id, revision) of the gate's passages, as they were understood."""
        table = schema.passages.c
        query = select(table.record_index, table.passage_id, table.revision)
        with self._collected.store.read() as connection:
            rows = connection.execute(query.where(table.journal_id == self.head.journal_id)).all()
        return sorted((row.record_index, row.passage_id, row.revision) for row in rows)

    def quarantined(self) -> int:
        """How much was put into quarantine."""
        with self._collected.store.read() as connection:
            return len(connection.scalars(select(schema.quarantine.c.quarantine_id)).all())

    def problems(self) -> Sequence[Any]:
        """What the audit and the balance find; looked at again when the database's files were written."""
        written = [(path, path.stat().st_mtime_ns) for path in sorted(self.state.glob("collector.db*"))]
        if written == self._audited:
            return []
        problems = self._problems()
        self._audited = [] if problems else written
        return problems

    def _problems(self) -> Sequence[Any]:
        collected = self._collected
        trust = Trust(DEPLOYMENT, collected.ledger.verifier, collected.receipts.verifier, AUTHORITY.certificate_pem)
        with collected.store.read() as connection:
            imbalances = Balance().look(connection)
        return [*audit(collected.store, trust, self.state / "evidence").problems, *imbalances]


def _copy(state: Path) -> Path:
    copy = Path(tempfile.mkdtemp(prefix="properties-collector-"))
    shutil.copytree(state, copy, dirs_exist_ok=True)
    return copy
