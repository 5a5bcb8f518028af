from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.collector.postgres import Postgres, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server; the test is skipped where there is none."""
    with running_postgres() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """An empty database of it."""
    with postgres.database() as url:
        yield url
