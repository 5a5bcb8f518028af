"""What the journeys share."""

from __future__ import annotations

from collections.abc import Iterator
from unittest import mock

import pytest

from edge_agent.simulate import gate, judgement
from tests.journeys import commands


@pytest.fixture(scope="session", autouse=True)
def _simulated_gates_run_commands_in_this_process() -> Iterator[None]:
    """As the journeys' own do: see commands.py."""
    with (
        mock.patch.multiple(gate, ask=commands.ask, run_command=commands.run_command),
        mock.patch.multiple(judgement, ask=commands.ask, run_command=commands.run_command),
    ):
        yield
