"""Samples of the torture for every test run; whole by hand, see docs/torture.md."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.torture.ends import no_strace
from tests.torture.full import no_mounts
from tests.torture.warm import REPOSITORY

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("torture")]


@pytest.fixture(scope="module")
def _strace() -> None:
    if problem := no_strace():
        pytest.skip(f"needs strace: {problem}")


def torture(*arguments: str) -> None:
    """Run one of its commands; what it says is shown when it fails."""
    command = [sys.executable, "-m", "tests.torture", *arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=800)
    assert done.returncode == 0, done.stdout + done.stderr


def test_random_kills_of_both_programs_lose_double_and_reorder_nothing() -> None:
    torture("kills", "--n", "30", "--agents", "2", "--seed", "20261")


@pytest.mark.usefixtures("_strace")
def test_a_fault_at_a_file_system_call_breaks_no_promise() -> None:
    torture("sweep", "--every", "97")


@pytest.mark.usefixtures("_strace")
def test_a_power_cut_breaks_no_promise() -> None:
    torture("powercut", "--points", "40", "--draws", "1")


@pytest.mark.usefixtures("_strace")
def test_power_cuts_catch_stores_that_do_not_sync() -> None:
    torture("bites")


def test_a_full_disk_loses_nothing_and_is_recovered_from() -> None:
    if problem := no_mounts():
        pytest.skip(problem)
    torture("full", "--every", "25")
