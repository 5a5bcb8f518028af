"""What the tests of passages share."""

from __future__ import annotations

import pytest

from tests.unit.edge_agent.assemble.lanes import TRUCKS, Lane


@pytest.fixture
def lane() -> Lane:
    """A vehicle lane with a scale and a camera."""
    return Lane()


@pytest.fixture
def trucks() -> Lane:
    """A truck lane with everything, between two loops."""
    return Lane(TRUCKS)
