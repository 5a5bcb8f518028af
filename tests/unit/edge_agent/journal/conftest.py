"""What the tests of the journal share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Where a test's journal is."""
    return tmp_path / "journal"
