from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.collector.collected import Agent, Collected, probes
from tests.unit.collector.ingest.stories import Database


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    """A collector's state with an empty database."""
    made = Collected(tmp_path)
    yield made
    made.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Collected]:
    """The same on each database that is supported."""
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    made = Collected(tmp_path, url)
    yield made
    made.store.close()


@pytest.fixture
def agent(anywhere: Collected) -> Agent:
    """An agent that was admitted there."""
    return anywhere.admit("gate-1")


@pytest.fixture
def gate(collected: Collected) -> Agent:
    """A gate with six records to send."""
    gate = collected.admit("gate-1")
    gate.records += probes(6)
    return gate


@pytest.fixture
def database(collected: Collected) -> Database:
    """The database, which the test may take away."""
    return Database(collected.store)
