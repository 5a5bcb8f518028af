"""Opening the database: SQLite by default, PostgreSQL by URL; one place for transactions.

SQLite runs with WAL and synchronous=FULL: when a write transaction has returned, it survives a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from collector.errors import StoreDownError, StoreError

_MIGRATION_LOCK = 0x7469646567617465  # "tidegate"; any number that nobody else uses

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_S = 30

HEAD = "0003"
"""Newest revision in MIGRATIONS: a database that has it needs no migration."""


class Store:
    """The collector's database.

    `write()` and `read()` give a connection in a transaction. Writers are serialised by the database; a write
    transaction is durable when its block ends without an exception, and undone when it ends with one.

    The writers of this process take turns in the order they came: SQLite alone lets whoever asks at the right moment
    go first, and one that writes without a pause would keep the others out.
    """

    def __init__(self, engine: Engine) -> None:
        """Use `open_store` instead."""
        self._engine = engine
        self._sqlite = engine.dialect.name == "sqlite"
        self._writers = Turnstile()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction; StoreError when the database cannot (disk full, locked, damaged)."""
        try:
            with self._writers.passing(), self._engine.connect() as connection:
                # SQLite would begin as a reader and fail later when another writer came between.
                self._begin(connection, "BEGIN IMMEDIATE")
                try:
                    yield connection
                except BaseException as error:
                    if _is_read_only(error):
                        connection.invalidate()  # SQLite opens read-only what it cannot open for writing just then
                    connection.rollback()
                    raise
                connection.commit()
        except DBAPIError as error:
            raise _translated(error) from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: everything read in it is from one moment."""
        try:
            with self._engine.connect() as connection:
                if not self._sqlite:
                    # PostgreSQL's default would show each statement another moment; SQLite never does.
                    connection.execution_options(isolation_level="REPEATABLE READ")
                self._begin(connection, "BEGIN")
                try:
                    yield connection
                finally:
                    connection.rollback()
        except DBAPIError as error:
            raise _translated(error) from error

    def _begin(self, connection: Connection, sqlite_statement: str) -> None:
        if self._sqlite:
            connection.exec_driver_sql(sqlite_statement)
        else:
            connection.begin()

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


class Turnstile:
    """A lock that is given in the order it was asked for."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = self._now = 0

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Hold it."""
        with self._changed:
            mine, self._next = self._next, self._next + 1
            self._changed.wait_for(lambda: self._now == mine)
        try:
            yield
        finally:
            with self._changed:
                self._now += 1
                self._changed.notify_all()


def open_store(url: str, *, migrate: bool = True) -> Store:
    """Open the database at an SQLAlchemy URL ("sqlite:////var/lib/tidegate/collector.db", "postgresql+psycopg://…").

    Makes or upgrades its tables when `migrate`; refuses a database that a newer release has written.
    Raises StoreError with the cause and next step.
    """
    # Without parameters in its errors: they would put plates into logs.
    engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"), hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine)
    store = Store(engine)
    try:
        if migrate:
            _migrate(store, engine)
    except sqlite3.DatabaseError as error:  # raised while the connection was set up, before SQLAlchemy saw it
        raise _translated(error) from error
    except StoreError:
        store.close()
        raise
    return store


def open_existing(url: str) -> Store:
    """Like open_store, for commands that look: they make no database where there is none."""
    path = make_url(url).database
    if url.startswith("sqlite") and not Path(path or "").exists():
        raise StoreError(
            f"there is no database at {path}",
            fix="check --config and --state-dir; `gate-collector serve` makes the database on its first start",
        )
    return open_store(url)


def _configure_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
        # Transactions are begun by Store, never by the driver behind its back.
        connection.isolation_level = None
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_S * 1000}",
            "synchronous=FULL",
            "foreign_keys=ON",
            "cache_size=-16000",
            "wal_autocheckpoint=4096",  # 16 MiB: the largest group of batches is written back once, not four times
        ):
            connection.execute(f"PRAGMA {pragma}")
        _enter_wal(connection)


def _enter_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log; once a database is there it stays so.

    When two programs open a new database at the same moment SQLite does not wait by itself, whatever its busy timeout.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _migrate(store: Store, engine: Engine) -> None:
    """Make or upgrade the tables in one transaction; who starts at the same time waits, and finds them made."""
    at = _revision(store)
    if at == HEAD:
        return
    # Only here: it takes a quarter of a second, and nearly always there is nothing to do.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    if at is not None and at not in {script.revision for script in scripts}:
        raise StoreError(
            f"the database {_shown(engine)} was written by a newer release (schema {at})",
            fix="install that release, or restore the backup that fits this one",
        )
    with store.write() as connection:
        if engine.dialect.name == "postgresql":  # SQLite lets one in at a time by itself
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(store: Store) -> str | None:
    """The schema that the database has; None when it has none yet."""
    with store.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.scalars(text("SELECT version_num FROM alembic_version")).one_or_none()


def _is_read_only(error: BaseException) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0) if isinstance(error, DBAPIError) else 0
    return code & 0xFF == sqlite3.SQLITE_READONLY


def _translated(error: DBAPIError | sqlite3.DatabaseError) -> StoreError:
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    fix = "see the cause; nothing was half done"
    if "full" in cause:
        fix = "free space on the disk that holds the database; agents keep their records until then"
    elif "unable to open" in cause:
        fix = "check that the directory exists and that this user may write in it"
    elif "malformed" in cause or "not a database" in cause:
        fix = "stop the collector, run `gate-collector audit`, and restore from the last good backup"
    elif "locked" in cause:
        fix = "another program holds the database; end it or try again"
    kind = StoreDownError if isinstance(error, OperationalError | sqlite3.OperationalError) else StoreError
    return kind("the database could not do what was asked", cause=cause, fix=fix)


def _shown(engine: Engine) -> str:
    """Its URL without a password."""
    return engine.url.render_as_string(hide_password=True)
