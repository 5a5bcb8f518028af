"""P06, P07: who did not board a sailing that has left, and whether the heads counted are those that boarded.

Findings about sailings, opened and closed as passages, manifests and counts come.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, func, insert, select, update

from collector.reconcile.acts import acts_of
from collector.reconcile.passed import decisions_before, with_documents
from collector.reconcile.register_memory import RegisterMemory
from collector.reconcile.uses import released
from collector.registers.reading import latest
from collector.store import schema
from collector.store.engine import Store
from gate_contract.registers import manifest_of
from gate_contract.rules import after_boarding
from gate_contract.rules.bookings import HOUR
from gate_contract.v1 import register_pb2 as pb
from gate_contract.v1.decision_pb2 import Finding

SAILING: Final = "sailing"
"""Finding.subject_kind of what concerns a whole sailing."""

LOOKED_AT_FOR: Final = 48 * HOUR
"""After its departure: a gate that was offline has brought its passages by then, and the heads are counted."""

EVERY: Final = 10_000_000_000
"""Nanoseconds between two looks: nothing here stops anybody."""


class BoardingWatch:
    """Looks at each sailing when it has left, and again when something of it changed."""

    def __init__(self) -> None:
        self._looked_ns: int | None = None
        self._seen: dict[str, tuple[object, ...]] = {}

    def run(self, store: Store, registers: RegisterMemory, now_unix_ns: int) -> None:
        """Open and close findings as of now."""
        if self._looked_ns is not None and 0 <= now_unix_ns - self._looked_ns < EVERY:
            return
        self._looked_ns = now_unix_ns
        left = {
            each.sailing_id: each
            for each in registers.sailings.values()
            if 0 < each.departure_unix_ns <= now_unix_ns < each.departure_unix_ns + LOOKED_AT_FOR
        }
        with store.read() as connection:
            states = _states(connection, sorted(left))
            manifests = _manifests(connection, sorted(left))
        changed = {
            each: (
                *states.get(each, ()),
                manifests.get(each, 0),
                sailing.SerializeToString(deterministic=True),
                registers.policy_of(sailing.site_id).hash,
            )
            for each, sailing in left.items()
        }
        for sailing_id, state in changed.items():
            if self._seen.get(sailing_id) != state:
                with store.write() as connection:
                    _settle(connection, left[sailing_id], registers, now_unix_ns)
        self._seen = changed


def _states(connection: Connection, sailing_ids: Sequence[str]) -> dict[str, tuple[object, ...]]:
    """What changes when somebody boarded, was judged again or was let through by an officer, by sailing."""
    tickets, shown = schema.manifest_tickets.c, schema.passage_documents.c
    verdicts, acts = schema.verdicts.c, schema.officer_acts.c
    query = (
        select(
            tickets.sailing_id,
            func.max(tickets.ledger_index),
            func.count(),
            func.max(verdicts.ledger_index),
            func.max(acts.received_ns),
        )
        .outerjoin(schema.passage_documents, shown.pseudonym == tickets.pseudonym)
        .outerjoin(schema.verdicts, verdicts.passage_id == shown.passage_id)
        .outerjoin(schema.officer_acts, acts.passage_id == shown.passage_id)
        .where(tickets.sailing_id.in_(sailing_ids))
        .group_by(tickets.sailing_id)
    )
    return {row[0]: tuple(row[1:]) for row in connection.execute(query)} if sailing_ids else {}


def _manifests(connection: Connection, sailing_ids: Sequence[str]) -> dict[str, int]:
    """Version of each one's manifest: one that only takes somebody off, or is withdrawn, brings no ticket."""
    table = schema.register_items.c
    query = select(table.item_key, table.version).where(table.kind == pb.ITEM_KIND_MANIFEST, table.latest)
    return {row.item_key: row.version for row in connection.execute(query.where(table.item_key.in_(sailing_ids)))}


def _settle(connection: Connection, sailing: pb.Sailing, registers: RegisterMemory, now_unix_ns: int) -> None:
    """Make the findings of one sailing true as of now, in the caller's write transaction."""
    item = latest(connection, pb.ITEM_KIND_MANIFEST, [sailing.sailing_id]).get(sailing.sailing_id)
    due = [] if item is None or sailing.cancelled else _due(connection, sailing, item, registers, now_unix_ns)
    table = schema.findings
    query = select(table.c.finding_id, table.c.body).where(
        table.c.subject == sailing.sailing_id, table.c.subject_kind == SAILING, table.c.latest
    )
    standing = {row.body: row.finding_id for row in connection.execute(query)}
    bodies = {each.SerializeToString(deterministic=True): each for each in due}
    if over := [number for body, number in standing.items() if body not in bodies]:
        connection.execute(update(table).where(table.c.finding_id.in_(over)).values(latest=False))
    version = item.version if item else 0
    if new := [
        _row(sailing.sailing_id, version, body, each, now_unix_ns)
        for body, each in bodies.items()
        if body not in standing
    ]:
        connection.execute(insert(table), new)


def _due(
    connection: Connection, sailing: pb.Sailing, item: pb.RegisterItem, registers: RegisterMemory, now_unix_ns: int
) -> list[Finding]:
    manifest = manifest_of(pb.SailingManifest.FromString(item.body))
    shown = with_documents(connection, manifest.tickets.keys(), None)
    passages = {each.passage_id for some in shown.values() for each in some}
    acts = acts_of(connection, passages, registers.officers)
    before = decisions_before(connection, acts.keys(), None)
    boarded = {
        pseudonym
        for pseudonym, some in shown.items()
        if any(released(each, acts.get(each.passage_id, ()), before.get(each.passage_id, ())) for each in some)
    }
    heads = sailing.heads if sailing.HasField("heads") else None
    policy = registers.policy_of(sailing.site_id)
    return after_boarding(manifest, boarded, heads, sailing.departure_unix_ns or None, now_unix_ns, policy)


def _row(sailing_id: str, version: int, body: bytes, finding: Finding, now_unix_ns: int) -> dict[str, Any]:
    return {
        "subject": sailing_id,
        "subject_kind": SAILING,
        "sequence": version,
        "code": finding.code,
        "action": finding.action,
        "severity": finding.severity,
        "at_ns": now_unix_ns,
        "latest": True,
        "body": body,
    }
