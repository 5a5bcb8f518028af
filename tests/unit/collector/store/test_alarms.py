from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from collector.store import alarms, schema
from collector.store.alarms import LOST, SHORT_JOURNAL, Alarm, keep_alarm, raise_alarm
from collector.store.engine import Store
from tests.migrated import open_new


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_new(f"sqlite:///{tmp_path / 'c.db'}")
    yield made
    made.close()


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalars(select(func.count()).select_from(schema.alarms)).one()


def test_an_alarm_is_logged_each_time_and_kept_once(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for at_ns in (1, 2):
        with store.write() as connection:
            raise_alarm(connection, Alarm("d.example/agent/gate-1/00", SHORT_JOURNAL, "it has 2, 3 are held", 2), at_ns)
    assert count(store) == 1
    assert capsys.readouterr().out.count("alarm: it has 2, 3 are held") == 2


def test_other_words_another_kind_and_another_journal_are_other_alarms(store: Store) -> None:
    with store.write() as connection:
        for origin, kind, detail in (("a", LOST, "1"), ("a", LOST, "2"), ("a", SHORT_JOURNAL, "1"), ("b", LOST, "1")):
            keep_alarm(connection, Alarm(origin, kind, detail), 1)
    assert count(store) == 4


def test_alarms_of_one_kind_of_one_journal_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "MOST_KEPT", 3)
    with store.write() as connection:
        for number in range(10):
            keep_alarm(connection, Alarm("a", LOST, str(number)), 1)
        keep_alarm(connection, Alarm("b", LOST, "0"), 1)
    assert count(store) == 4
