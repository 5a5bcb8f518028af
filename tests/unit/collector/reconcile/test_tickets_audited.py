"""A ticket that is taken out of the table of tickets is missed by the audit."""

from __future__ import annotations

from sqlalchemy import delete

from collector.ledger.audit.problems import Problems
from collector.ledger.audit.registers import audit_registers
from collector.store import schema
from tests.unit.collector.reconcile.island import NOON, Island
from tests.unit.collector.reconcile.registers import manifest, sailing

ONE, TWO = bytes(31) + b"1", bytes(31) + b"2"


def found(island: Island) -> list[str]:
    problems = Problems(lambda _checked: None)
    with island.store.read() as connection:
        audit_registers(connection, problems)
    return [str(each) for each in problems.kept]


def test_a_ticket_that_is_gone_is_named_with_its_manifest(island: Island) -> None:
    island.enter(sailing(), manifest({ONE: "s-1", TWO: "s-2"}))
    assert found(island) == []
    island.reconcile(NOON)
    assert found(island) == []
    with island.store.write() as connection:
        connection.execute(delete(schema.manifest_tickets).where(schema.manifest_tickets.c.pseudonym == TWO))
    (problem,) = found(island)
    assert "1 of its tickets are not in the table of tickets" in problem
