"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# `make test` asks the same questions every time, so that a change is judged by what it changed. New questions are asked
# by hand: `make explore`, with as many examples as there is time for; what it finds becomes an @example.
settings.register_profile("same", derandomize=True, print_blob=True, deadline=None)
settings.register_profile("explore", max_examples=int(os.environ.get("EXAMPLES", "2000")), print_blob=True)
settings.register_profile("long")  # tests/properties: a state machine sets its own
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "same"))

# A background job of a shell is started with SIGINT ignored, and so would be every program the tests start: those that
# are to end at Ctrl-C would not.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Journeys start hundreds of programs: without bytecode each would compile the whole project anew, half a second each
# time, and pytest would rewrite every test anew. Some build machines ask for none to be written.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

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
