from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collector.ledger.log import read_entries
from collector.store import alarms, schema
from collector.store.alarms import LOST, PERSONAL_DATA_READ, SHORT_JOURNAL, Alarm, keep_alarm, raise_alarm
from gate_contract.v1.ledger_pb2 import LedgerEntry
from tests.unit.collector.collected import Collected


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


def count(collected: Collected) -> int:
    with collected.store.read() as connection:
        return connection.scalars(select(func.count()).select_from(schema.alarms)).one()


def test_an_alarm_is_logged_each_time_and_kept_once(collected: Collected, capsys: pytest.CaptureFixture[str]) -> None:
    for at_ns in (1, 2):
        with collected.store.write() as connection:
            alarm = Alarm("d.example/agent/gate-1/00", SHORT_JOURNAL, "it has 2, 3 are held", 2)
            raise_alarm(connection, collected.ledger, alarm, at_ns)
    assert count(collected) == 1
    with collected.store.read() as connection:
        ((_, body),) = read_entries(connection, 0)
    kept = LedgerEntry.FromString(body).alarm
    assert (kept.kind, kept.detail, kept.record_index) == (SHORT_JOURNAL, "it has 2, 3 are held", 2)
    assert capsys.readouterr().out.count("alarm: it has 2, 3 are held") == 2


def test_other_words_another_kind_and_another_journal_are_other_alarms(collected: Collected) -> None:
    with collected.store.write() as connection:
        for origin, kind, detail in (("a", LOST, "1"), ("a", LOST, "2"), ("a", SHORT_JOURNAL, "1"), ("b", LOST, "1")):
            keep_alarm(connection, collected.ledger, Alarm(origin, kind, detail), 1)
    assert count(collected) == 4


def test_alarms_of_one_kind_of_one_journal_are_bounded(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_KEPT", 3)
    with collected.store.write() as connection:
        for number in range(10):
            keep_alarm(connection, collected.ledger, Alarm("a", LOST, str(number)), 1)
        keep_alarm(connection, collected.ledger, Alarm("b", LOST, "0"), 1)
    assert count(collected) == 4


def test_readings_of_personal_data_are_all_kept(collected: Collected, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_KEPT", 3)
    with collected.store.write() as connection:
        for number in range(5):
            keep_alarm(connection, collected.ledger, Alarm("subject-1", PERSONAL_DATA_READ, str(number)), 1)
    assert count(collected) == 5, "or who reads often enough reads unseen"
