"""What all tests share."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

# A background job of a shell is started with SIGINT ignored, and so would be every program the tests start: those that
# are to end at Ctrl-C would not.
signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def shared() -> Callable[[str], Path]:
    """A path under ../shared; the test is skipped where that directory is not there."""

    def find(name: str) -> Path:
        path = REPOSITORY.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"../shared/{name} is not beside the repository")
        return path

    return find
