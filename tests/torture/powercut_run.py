"""Power cuts in all scenarios, in several processes."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path

from tests.torture.powercut import Cut, PowerCuts, cuts, record, sampled
from tests.torture.recording import Recording
from tests.torture.scenario import Promise
from tests.torture.sweep_run import SCENARIOS
from tests.torture.tracing import scratch_directory

PORTION = 50
"""Power cuts that a process is given at a time."""

_playing: dict[str, PowerCuts] = {}


@dataclass(slots=True)
class PowerOutcome:
    """How many disks were looked at, and what is wrong."""

    tried: int = 0
    problems: list[str] = field(default_factory=list)


def run_powercuts(
    names: Sequence[str],
    points: int,
    draws: int,
    seed: int,
    jobs: int,
    on_start: Callable[[int], None],
    progress: Callable[[int], None],
) -> PowerOutcome:
    """Cut the power at `points` of each scenario's moments (0: at all), each drawn `draws` times."""
    outcome = PowerOutcome()
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        recordings = dict(zip(names, pool.map(_record, names), strict=True))
        found = [cut for name in names for cut in sampled(list(cuts(name, recordings[name], seed, draws)), points)]
        on_start(len(found))
        portions = [
            (recordings[name], some[start : start + PORTION])
            for name in names
            for some in [[cut for cut in found if cut.scenario == name]]
            for start in range(0, len(some), PORTION)
        ]
        for (_, some), problems in zip(portions, pool.map(_try, portions), strict=True):
            outcome.tried += len(some)
            outcome.problems += problems
            progress(outcome.tried)
    return outcome


def try_one(cut: Cut) -> tuple[Path, list[Promise], list[str]]:
    """One power cut again: where its disk is, what had been promised, and what is wrong."""
    recording = _record(cut.scenario)
    scenario, directory = SCENARIOS[cut.scenario], scratch_directory()
    promises = PowerCuts(scenario, recording).image(cut, directory)
    return directory, promises, PowerCuts(scenario, recording).try_cut(cut)


def _record(name: str) -> Recording:
    directory = scratch_directory()
    try:
        return record(SCENARIOS[name], directory)
    finally:
        shutil.rmtree(directory)


def _try(portion: tuple[Recording, Sequence[Cut]]) -> list[str]:
    recording, some = portion
    name = some[0].scenario
    if name not in _playing:
        _playing[name] = PowerCuts(SCENARIOS[name], recording)
    return [problem for cut in some for problem in _playing[name].try_cut(cut)]
