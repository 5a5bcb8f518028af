"""`python -m tests.torture`: kill, cut and fill what must lose nothing."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.torture.careless import what_is_caught
from tests.torture.ends import no_strace
from tests.torture.full import FullRun, no_mounts, unshare
from tests.torture.kills import KillRun
from tests.torture.powercut import parse_cut
from tests.torture.powercut_run import run_powercuts
from tests.torture.powercut_run import try_one as try_again
from tests.torture.stage import kept_on_failure
from tests.torture.sweep import parse_fault
from tests.torture.sweep_run import SCENARIOS, run_sweep, try_one
from tests.torture.tracing import scratch_directory

NAMESPACE = "TIDEGATE_TORTURE_MOUNTS"
"""Set where this process has mounts of its own."""

OUT = Console(highlight=False, soft_wrap=True)


@click.group()
def torture() -> None:
    """Kill, cut and fill what must lose nothing; the exit code is 0 only if nothing was lost, doubled or reordered."""


@torture.command()
@click.option("--n", "count", default=200, show_default=True, help="Kills.")
@click.option("--seed", type=int, help="Repeats a run as far as the machine allows; default: another one each time.")
@click.option("--agents", default=3, show_default=True, help="Gates; every second one has a scale, too.")
def kills(count: int, seed: int | None, agents: int) -> None:
    """Kill both programs at random moments against an independent counter."""
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    again = f"python -m tests.torture kills --n {count} --agents {agents} --seed {seed}"
    OUT.print(f"seed {seed}")
    began = time.monotonic()
    with kept_on_failure("tidegate-torture-") as (directory, problems):
        with _bar("kills", count) as (_, progress):
            outcome = KillRun(directory, seed, agents).run(count, progress)
        problems[:] = outcome.problems
    for what, times in sorted(outcome.kills.items()):
        OUT.print(f"  {what}: {times}")
    took = time.monotonic() - began
    OUT.print(
        f"{outcome.kills.total()} kills in {took:.0f} s; {outcome.told} plates told captured, {outcome.records} records"
    )
    _end(
        problems,
        f"everything is kept in {directory}; again: {again}",
        "nothing lost, nothing doubled, nothing reordered",
    )


@torture.command()
@click.option("--every", default=29, show_default=True, help="Try every k-th fault; 1 tries all, which takes minutes.")
@click.option("--only", default="", help="One scenario, or one fault as a failure names it.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def sweep(every: int, only: str, jobs: int) -> None:
    """Put SIGKILL, EIO, ENOSPC and EINTR at each file system call in turn."""
    _need_strace()
    if "/" in only:
        outcome = try_one(parse_fault(only))
    else:
        names = [only] if only else list(SCENARIOS)
        with _bar("faults", None) as (on_start, progress):
            outcome = run_sweep(names, every, jobs, on_start, progress)
    OUT.print(f"{outcome.tried} faults")
    where = f"states are kept in {outcome.directory}; again: python -m tests.torture sweep --only FAULT"
    _end(outcome.problems, where, "every promise was kept")


@torture.command()
@click.option("--points", default=0, help="Moments of each scenario, evenly; 0 takes all.")
@click.option("--draws", default=3, show_default=True, help="How often what is left to chance is drawn.")
@click.option("--seed", default=0, show_default=True, help="Of the draws.")
@click.option("--only", default="", help="One scenario, or one cut as a failure names it.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def powercut(points: int, draws: int, seed: int, only: str, jobs: int) -> None:
    """Cut the power at any moment: rebuild the disk as it may look then, and open it."""
    _need_strace()
    if "/" in only:
        directory, promises, problems = try_again(parse_cut(only))
        OUT.print(f"promised by then: {promises}", markup=False)
        _end(problems, f"the disk as it was is in {directory}", f"every promise was kept; the disk is in {directory}")
        return
    names = [only] if only else list(SCENARIOS)
    with _bar("power cuts", None) as (on_start, progress):
        outcome = run_powercuts(names, points, draws, seed, jobs, on_start, progress)
    OUT.print(f"{outcome.tried} power cuts")
    _end(outcome.problems, "again: python -m tests.torture powercut --only CUT", "every promise was kept")


@torture.command()
def bites() -> None:
    """Show that a power cut catches stores that are careless, and our own programs when their syncs are left out."""
    _need_strace()
    directory = scratch_directory()
    found = what_is_caught(directory, list(SCENARIOS.values()))
    shutil.rmtree(directory)
    for name, careless, caught in found:
        OUT.print(f"  {name}: {'caught' if caught else 'spared'}{'' if caught == careless else ', wrongly'}")
    wrong = [name for name, careless, caught in found if careless != caught]
    _end(wrong, "those were caught or spared wrongly", "the careless are caught, the careful are spared")


@torture.command()
@click.option("--every", default=5, show_default=True, help="Step between two levels, percent.")
@click.option("--seed", default=0, show_default=True, help="Of the plates and ports.")
def full(every: int, seed: int) -> None:
    """Fill the agent's disk level by level, then wholly."""
    if NAMESPACE not in os.environ:
        if problem := no_mounts():
            raise click.ClickException(problem)
        again = [*unshare(), sys.executable, "-m", "tests.torture", *sys.argv[1:]]
        sys.exit(subprocess.run(again, env=os.environ | {NAMESPACE: "1"}, check=False).returncode)
    levels = range(0, 100, every)
    with kept_on_failure("tidegate-full-") as (directory, problems):
        with _bar("levels", len(levels)) as (_, progress):
            outcome = FullRun(directory, seed).run(levels, progress)
        problems[:] = outcome.problems
    OUT.print(f"captured at each level: {outcome.captured}; with nothing free: {outcome.in_reserve}")
    _end(problems, f"everything but the disk is kept in {directory}", "all that was told is kept, and it recovers")


def _need_strace() -> None:
    if problem := no_strace():
        raise click.ClickException(problem)


@contextmanager
def _bar(name: str, total: int | None) -> Iterator[tuple[Callable[[int], None], Callable[[int], None]]]:
    """A progress bar: the first function is told how much there is to do, the second how much is done."""
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=OUT) as bar:
        task = bar.add_task(name, total=total)
        yield lambda known: bar.update(task, total=known), lambda done: bar.update(task, completed=done)


def _end(problems: list[str], where: str, praise: str) -> None:
    if problems:
        for problem in problems[:20]:
            OUT.print(f"✗ {problem}", markup=False)
        OUT.print(f"{len(problems)} problems; {where}", markup=False)
        sys.exit(1)
    OUT.print(f"✓ {praise}")


if __name__ == "__main__":
    torture()
