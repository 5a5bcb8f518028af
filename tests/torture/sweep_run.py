"""The sweep over all scenarios, in several processes."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.torture.agent_scenarios import AGENT_SCENARIOS
from tests.torture.beside_scenarios import BESIDE_SCENARIOS
from tests.torture.collector_scenarios import COLLECTOR_SCENARIOS
from tests.torture.scenario import Scenario
from tests.torture.sweep import Fault, Swept, sample
from tests.torture.tracing import scratch_directory

SCENARIOS: dict[str, Scenario] = {
    each.name: each for each in (*AGENT_SCENARIOS, *BESIDE_SCENARIOS, *COLLECTOR_SCENARIOS)
}
PORTION = 8
"""Faults that a process is given at a time."""

_prepared: dict[str, Swept] = {}


@dataclass(slots=True)
class SweepOutcome:
    """What a sweep tried, and what is wrong; `directory` holds the states of what went wrong."""

    directory: Path
    tried: int = 0
    problems: list[str] = field(default_factory=list)


def run_sweep(
    names: Sequence[str], every: int, jobs: int, on_start: Callable[[int], None], progress: Callable[[int], None]
) -> SweepOutcome:
    """Try each `every`th fault; `on_start` is told how many there are to try, `progress` how many were tried."""
    outcome = SweepOutcome(scratch_directory())
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        counted = pool.map(_count, names, [outcome.directory] * len(names))
        faults = [fault for offset, found in enumerate(counted) for fault in sample(found, every, offset)]
        on_start(len(faults))
        portions = [faults[start : start + PORTION] for start in range(0, len(faults), PORTION)]
        for portion, problems in zip(
            portions, pool.map(_try, portions, [outcome.directory] * len(portions)), strict=True
        ):
            outcome.tried += len(portion)
            outcome.problems += problems
            progress(outcome.tried)
    if not outcome.problems:
        shutil.rmtree(outcome.directory)
    return outcome


def try_one(fault: Fault) -> SweepOutcome:
    """Try one fault again; everything is kept."""
    directory = scratch_directory()
    return SweepOutcome(directory, 1, Swept(SCENARIOS[fault.scenario], directory).try_fault(fault))


def _count(name: str, directory: Path) -> list[Fault]:
    return _swept(name, directory).faults()


def _try(faults: Sequence[Fault], directory: Path) -> list[str]:
    return [problem for fault in faults for problem in _swept(fault.scenario, directory).try_fault(fault)]


def _swept(name: str, directory: Path) -> Swept:
    """A scenario prepared in this process."""
    if name not in _prepared:
        own = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=directory))
        _prepared[name] = Swept(SCENARIOS[name], own)
    return _prepared[name]
