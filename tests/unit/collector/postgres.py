"""A PostgreSQL for the tests: the one that TIDEGATE_TEST_POSTGRES names, or a throw-away cluster."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError

VARIABLE = "TIDEGATE_TEST_POSTGRES"
_numbers = itertools.count()


class Postgres:
    """A server on which databases can be made; `url` is an SQLAlchemy URL of one that is there."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    @contextmanager
    def database(self) -> Iterator[str]:
        """URL of a new, empty database; it is dropped afterwards."""
        name = f"tidegate_test_{os.getpid()}_{next(_numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """The server; the test that asks is skipped when there is none."""
    if url := os.environ.get(VARIABLE):
        yield Postgres(url)
        return
    programs = _programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL: {VARIABLE} is not set and no initdb is installed")
    user = _user()
    if user is None and os.geteuid() == 0:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    directory = Path(tempfile.mkdtemp(prefix="tidegate-postgres-"))
    try:
        if user is not None:
            shutil.chown(directory, user, user)
        with _cluster(programs, directory, user) as url:
            yield Postgres(url)
    finally:
        shutil.rmtree(directory, ignore_errors=True)  # the server's watcher removes it, too


def _programs() -> Path | None:
    """Directory of initdb and postgres: on the path, or where Debian puts them."""
    if (found := shutil.which("initdb")) is not None:
        return Path(found).parent
    return next((path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)


def _user() -> str | None:
    """Whom to run it as; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return None


# Ends the server when its standard input does, so that none is left behind by tests that were killed.
_WATCHED = '"$@" & read -r _; kill -QUIT $!; wait; rm -rf "$0"'


@contextmanager
def _cluster(programs: Path, directory: Path, user: str | None) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(directory / "data")
    make = (str(programs / "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
    subprocess.run(make, user=user, cwd=directory, check=True, capture_output=True, timeout=120)
    settings = (f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={directory}", "fsync=off")
    serve = [str(programs / "postgres"), "-D", data, *(word for each in settings for word in ("-c", each))]
    with (directory / "log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", _WATCHED, str(directory), *serve], stdin=subprocess.PIPE, stdout=log, stderr=log, user=user
        )
    url = f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres"
    try:
        _wait_for(url)
        yield url
    finally:
        server.communicate(timeout=60)


def _wait_for(url: str) -> None:
    engine = create_engine(url)
    end = time.monotonic() + 60
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
        else:
            engine.dispose()
            return
