"""Cases and draws on PostgreSQL."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.collector.cases.bureau import Bureau
from tests.unit.collector.reconcile import island
from tests.unit.collector.reconcile.island import HOUR, NOON, a_declaration, a_passage


def test_a_case_goes_its_way_on_postgresql_too(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(island, "CONFIG", f'storage_url = "{postgres_url}"\n{island.CONFIG}')
    bureau = Bureau(tmp_path)
    declaration = a_declaration()
    declaration.declarant_id = "ACME"
    bureau.declare(declaration, a_declaration("D-2", plate="琼A10002"))
    bureau.receive(a_passage(kilograms="29000"))
    bureau.go_on()
    bureau.go_on(NOON + 26 * HOUR)
    assert bureau.standing_case().level == 1
    officer = bureau.desk.draw("P-1", "CHIEF", NOON + 26 * HOUR).assignee
    bureau.desk.decide("P-1", "violation", "hidden", officer, NOON + 26 * HOUR)
    assert bureau.credit("ACME") == ("warned", f"case {bureau.standing_case().case_id}: violation")
    bureau.go_on(NOON + 40 * HOUR)  # D-2 was not seen
    assert bureau.standing_case("D-2", "declaration").codes == {"D01"}
    bureau.receive(a_passage("P-2", plates=["琼A10002"]), at=NOON + 40 * HOUR)
    bureau.go_on(NOON + 41 * HOUR)
    assert not bureau.standing_case("D-2", "declaration").is_open
    assert bureau.audit().holds
    bureau.close()
