"""What the journeys share."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from edge_agent.simulate import programs
from tests.journeys import commands


@pytest.fixture(scope="session", autouse=True)
def _commands_run_in_this_process() -> Iterator[None]:
    """See commands.py."""
    with mock.patch.object(programs, "to_its_end", commands.to_its_end):
        yield
