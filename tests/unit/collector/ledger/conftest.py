from __future__ import annotations

import shutil

import pytest

from collector.store.engine import open_store
from tests.unit.collector.ledger.audited import Built, Place, build


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    directory, copy = tmp_path_factory.mktemp("audited"), tmp_path_factory.mktemp("copies") / "copy"
    trust = build(directory)
    return Built(directory, trust, copy, open_store(f"sqlite:///{copy / 'collector.db'}", migrate=False))


@pytest.fixture
def place(built: Built) -> Place:
    shutil.rmtree(built.copy, ignore_errors=True)
    shutil.copytree(built.original, built.copy)
    return Place(built.copy, built.trust, built.store)
