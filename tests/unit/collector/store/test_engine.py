from __future__ import annotations

import sqlite3
import threading
import time
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, insert, select

from collector.errors import StoreError
from collector.store import schema
from collector.store.engine import HEAD, MIGRATIONS, Store, Turnstile, open_existing, open_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'c.db'}"


def shape(metadata: MetaData) -> dict[str, object]:
    """Everything SQLite knows of the tables: columns with types, keys, indices."""
    return {
        table.name: (
            [(column.name, str(column.type), column.nullable, column.unique) for column in table.columns],
            sorted(column.name for column in table.primary_key.columns),
            sorted((str(index.name), tuple(index.columns.keys()), index.unique) for index in table.indexes),
            sorted(key.target_fullname for key in table.foreign_keys),
        )
        for table in metadata.tables.values()
        if table.name != "alembic_version"
    }


def reflected(url: str) -> dict[str, object]:
    engine = create_engine(url)
    found = MetaData()
    found.reflect(engine)
    engine.dispose()
    return shape(found)


def test_the_migrated_schema_equals_the_metadata(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    made = f"sqlite:///{tmp_path / 'made.db'}"
    engine = create_engine(made)
    schema.metadata.create_all(engine)
    assert reflected(url) == reflected(made)
    engine.dispose()


def test_alembic_sees_nothing_left_to_migrate(url: str) -> None:
    store = open_store(url)
    with store.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    store.close()


def test_the_newest_migration_is_the_one_that_is_looked_for() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_commands_that_look_make_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"there is no database at .*c\.db.*gate-collector serve"):
        open_existing(f"sqlite:///{tmp_path / 'c.db'}")
    assert not (tmp_path / "c.db").exists()
    open_store(f"sqlite:///{tmp_path / 'c.db'}").close()
    open_existing(f"sqlite:///{tmp_path / 'c.db'}").close()


def test_two_programs_that_start_at_once_make_the_tables_once(url: str) -> None:
    problems: list[BaseException] = []

    def start() -> None:
        try:
            open_store(url).close()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test shows it
            problems.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def cursor(store: Store, name: str) -> int | None:
    with store.read() as connection:
        return connection.scalar(select(schema.cursors.c.position).where(schema.cursors.c.name == name))


def test_a_write_that_ends_with_an_error_is_undone(url: str) -> None:
    store = open_store(url)

    def fail() -> None:
        with store.write() as connection:
            connection.execute(insert(schema.cursors), {"name": "x", "position": 1})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert cursor(store, "x") is None
    with store.write() as connection:
        connection.execute(insert(schema.cursors), {"name": "x", "position": 2})
    assert cursor(store, "x") == 2
    store.close()


def test_a_read_sees_one_moment(url: str) -> None:
    store = open_store(url)
    with store.read() as before:
        assert before.scalar(select(schema.cursors.c.position)) is None
        with store.write() as connection:
            connection.execute(insert(schema.cursors), {"name": "x", "position": 2})
        assert before.scalar(select(schema.cursors.c.position)) is None
    assert cursor(store, "x") == 2
    store.close()


def test_sqlite_is_durable_and_checks_foreign_keys(url: str) -> None:
    store = open_store(url)
    with store.read() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
    store.close()


def test_a_database_of_a_newer_release_is_refused(url: str, tmp_path: Path) -> None:
    open_store(url).close()
    database = sqlite3.connect(tmp_path / "c.db")
    database.execute("UPDATE alembic_version SET version_num = '9999'")
    database.commit()
    database.close()
    with pytest.raises(StoreError, match=r"newer release \(schema 9999\).*install that release"):
        open_store(url)


def test_a_file_that_is_no_database_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "c.db").write_bytes(b"these are not the bytes of a database, however many there are " * 100)
    with pytest.raises(StoreError, match=r"not a database.*audit"):
        open_store(f"sqlite:///{tmp_path / 'c.db'}")


def test_a_directory_that_is_absent_is_named_as_the_cause(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"unable to open.*check that the directory exists"):
        open_store(f"sqlite:///{tmp_path / 'absent' / 'c.db'}")


def test_a_damaged_page_is_an_error_that_points_to_the_audit(url: str, tmp_path: Path) -> None:
    store = open_store(url)
    with store.write() as connection:
        connection.execute(insert(schema.cursors), [{"name": "x" * 200 + str(n), "position": n} for n in range(500)])
    store.close()
    path = tmp_path / "c.db"
    content = bytearray(path.read_bytes())
    half = len(content) // 2
    content[half:] = b"\xff" * (len(content) - half)
    path.write_bytes(content)
    store = open_store(url, migrate=False)
    with pytest.raises(StoreError, match=r"malformed.*gate-collector audit"), store.read() as connection:
        connection.execute(select(schema.cursors)).all()
    store.close()


def test_a_database_of_the_release_before_is_brought_up_to_date(url: str) -> None:
    engine = create_engine(url)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for kind, detail in (
            ("fork", "record 12 is 00aa here and 11bb in what was accepted before"),
            ("fork", "record 99999999999999999999999 is far"),
            ("bad-seal", "record 3 was altered"),
        ):
            connection.exec_driver_sql(
                "INSERT INTO quarantine (origin, at_ns, kind, detail, body_sha256, digest)"
                " VALUES ('o', 1, ?, ?, x'', x'')",
                (kind, detail),
            )
        connection.exec_driver_sql("INSERT INTO to_judge (passage_id, queued_ns, reason) VALUES ('p1', 1, '')")
    engine.dispose()
    store = open_store(url)
    with store.read() as connection:
        order = schema.quarantine.c.quarantine_id
        found = connection.scalars(select(schema.quarantine.c.record_index).order_by(order)).all()
        assert list(found) == [12, 0, None]
        assert connection.scalars(select(schema.to_judge.c.turn)).all() == [0]
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []
    store.close()


def test_writers_of_one_process_take_turns_in_the_order_they_came() -> None:
    turnstile, order, started = Turnstile(), list[int](), [threading.Event() for _ in range(5)]

    def pass_through(number: int) -> None:
        started[number].set()
        with turnstile.passing():
            order.append(number)

    threads = []
    with turnstile.passing():
        for number in range(5):
            threads.append(threading.Thread(target=pass_through, args=(number,)))
            threads[-1].start()
            assert started[number].wait(60)
            deadline = time.monotonic() + 60
            while turnstile._next < number + 2 and time.monotonic() < deadline:
                time.sleep(0.001)
    for thread in threads:
        thread.join(60)
    assert order == [0, 1, 2, 3, 4]
