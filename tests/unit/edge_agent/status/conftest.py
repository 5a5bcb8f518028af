"""What the tests of gatectl share."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.unit.edge_agent.status.desk_room import Room

NOBODY = 65_534


@contextmanager
def closed_to(directory: Path) -> Iterator[None]:
    """Inside, this process may not enter the directory; root, who may enter everything, is nobody for that long."""
    user, mode = os.geteuid(), directory.stat().st_mode
    directory.chmod(0)
    if user == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(user)
        directory.chmod(mode)


@pytest.fixture
def somebody_else() -> Callable[[Path], AbstractContextManager[None]]:
    return closed_to


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A machine whose agent left a status file."""
    return Room(tmp_path)
