from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.collector.privacy.state import State


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    """An empty collector."""
    made = State(tmp_path)
    yield made
    made.close()
