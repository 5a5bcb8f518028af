from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.collector.reconcile.island import Island


@pytest.fixture
def island(tmp_path: Path) -> Iterator[Island]:
    """A collector with an empty database."""
    made = Island(tmp_path)
    yield made
    made.close()
