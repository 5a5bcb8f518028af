"""What the store promises, kept by PostgreSQL too."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import insert, make_url, select, text, update

from collector.agents.authority import Authority
from collector.config import CollectorConfig
from collector.errors import StoreDownError, StoreError
from collector.ledger.audit import Trust, audit
from collector.reconcile.service import Reconciler
from collector.store import schema
from collector.store.engine import open_store
from tests.unit.collector.collected import DEPLOYMENT, START, Collected, incident, passage, probes


def test_alembic_sees_nothing_left_to_migrate(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    store.close()


def test_programs_that_start_at_once_make_the_tables_once(postgres_url: str) -> None:
    problems: list[BaseException] = []

    def start() -> None:
        try:
            open_store(postgres_url).close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_a_write_is_whole_or_not_there_and_a_read_sees_one_moment(postgres_url: str) -> None:
    store = open_store(postgres_url)
    row = {"name": "x", "position": 1}

    def fail() -> None:
        with store.write() as connection:
            connection.execute(insert(schema.cursors), row)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.read() as before:
        assert before.execute(select(schema.cursors)).all() == []
        with store.write() as connection:
            connection.execute(insert(schema.cursors), row)
        assert before.execute(select(schema.cursors)).all() == []
    with store.read() as after:
        assert len(after.execute(select(schema.cursors)).all()) == 1
    store.close()


def test_a_server_that_is_away_or_a_row_that_does_not_fit_is_an_error_of_the_store(postgres_url: str) -> None:
    with pytest.raises(StoreDownError, match="the database could not do what was asked"):
        open_store(make_url(postgres_url).set(port=1).render_as_string(hide_password=False))
    store = open_store(postgres_url)
    with pytest.raises(StoreError, match="duplicate key") as error, store.write() as connection:
        connection.execute(insert(schema.cursors), [{"name": "x", "position": 1}] * 2)
    assert not isinstance(error.value, StoreDownError)
    store.close()


def test_a_database_of_a_newer_release_is_refused_without_telling_the_password(postgres_url: str) -> None:
    store = open_store(postgres_url)
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreError, match=r"newer release \(schema 9999\)") as error:
        open_store(make_url(postgres_url).set(password="secret").render_as_string(hide_password=False))
    assert "secret" not in str(error.value)


def test_everything_that_came_is_judged_and_audited_there(postgres_url: str, tmp_path: Path) -> None:
    collected = Collected(tmp_path, postgres_url)
    agent = collected.admit("gate-1")
    collected.accept(agent, *probes(600), passage("p1"), incident("i1"), b"\xff")
    agent.records += [*probes(10, 900), passage("p2"), passage("p1", 2), *probes(3, 950)]
    collected.take_live(agent, agent.live(613, 614, size=615))
    reconciler = Reconciler(
        collected.store, collected.ledger, CollectorConfig(deployment=DEPLOYMENT, state_dir=tmp_path)
    )
    while reconciler.run_once(collected.now_ns):
        pass
    collected.take(agent, agent.batch(603, lost=[604, 613]))
    while reconciler.run_once(collected.now_ns):
        pass
    authority = Authority.make(DEPLOYMENT, START)
    trust = Trust(DEPLOYMENT, collected.ledger.verifier, collected.receipts.verifier, authority.certificate_pem)
    report = audit(collected.store, trust, tmp_path / "evidence")
    assert report.problems == ()
    assert (report.records, report.verdicts) == (618, 2)
    with collected.store.write() as connection:
        connection.execute(update(schema.passages).where(schema.passages.c.passage_id == "p2").values(plate="琼X00000"))
    report = audit(collected.store, trust, tmp_path / "evidence")
    assert [problem.what.partition(";")[0] for problem in report.problems] == ["column plate is '琼X00000'"]
    collected.store.close()
