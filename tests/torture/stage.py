"""What stands around the victims: cameras that count, trucks on scales, and the end of a run, when all drains."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

from edge_agent.simulate.frames import YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from tests.torture import verdict
from tests.torture.ends import CollectorEnd, EndError, GateEnd
from tests.torture.warm import REPOSITORY

STUCK_AFTER_S = 180.0
"""Draining may take as long as there is something to drain; what moves no more for so long never ends."""


@contextmanager
def counter(gate: GateEnd, seed: str) -> Iterator[subprocess.Popen[bytes]]:
    """A counter that pushes to a gate; SIGTERM lets it end with the event in hand."""
    command = [sys.executable, "-m", "tests.torture.counter", "--url", gate.camera_url, "--log", str(gate.counted)]
    with (gate.directory / "counter.log").open("ab") as log:
        process = subprocess.Popen([*command, "--seed", seed], stdout=log, stderr=log, cwd=REPOSITORY)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def trucks(port: Path, rng: random.Random) -> Iterator[None]:
    """A scale onto which something drives now and then."""
    load = Decimal(0)
    stopped = threading.Event()

    def drive() -> None:
        nonlocal load
        while not stopped.wait(rng.uniform(0.2, 1.5)):
            load = Decimal(0) if load else Decimal(rng.randrange(1000, 40_000, 20))

    driver = threading.Thread(target=drive, name="trucks")
    with Indicator(YaohuaA9Frames(Decimal(20)), port, lambda: load, 20):
        driver.start()
        try:
            yield
        finally:
            stopped.set()
            driver.join()


@contextmanager
def kept_on_failure(prefix: str) -> Iterator[tuple[Path, list[str]]]:
    """A directory that is deleted unless the list of problems, or an exception, says that something is wrong."""
    directory, problems = Path(tempfile.mkdtemp(prefix=prefix)), ["not finished"]
    yield directory, problems
    if not problems:
        shutil.rmtree(directory)


def drain(collector: CollectorEnd, gates: Sequence[GateEnd], counters: Sequence[subprocess.Popen[bytes]]) -> list[str]:
    """Let everything run until nothing is pending, and stop it in order; what is wrong with what is there then."""
    ends = (collector, *gates)
    try:
        for end in ends:
            end.start()
        for end in ends:
            end.wait_ready()
        for each in counters:
            each.send_signal(signal.SIGTERM)
        for each in counters:
            each.wait(STUCK_AFTER_S)
        balances = [_drained(gate, collector) for gate in gates]
        for end in reversed(ends):
            end.stop()
    except (EndError, subprocess.TimeoutExpired) as error:
        return [str(error)]
    problems = verdict.judge_collector(collector)
    for gate, balance in zip(gates, balances, strict=True):
        problems += verdict.judge_gate(gate, collector) + verdict.judge_balance(gate, balance)
        problems += verdict.judge_state(gate)
    for end in ends:
        problems += verdict.judge_log(end)
    return problems


def _drained(gate: GateEnd, collector: CollectorEnd) -> dict[str, int]:
    """The balance once nothing is pending and nothing is missing; EndError when that does not come."""
    seen: object = None
    moved = time.monotonic()
    while True:
        balance = verdict.journal_of(gate)
        missing = verdict.missing(gate, collector)
        held = verdict.held_of(gate, collector)
        # Of two moments, but both grow no more once the last event is in.
        if not missing and balance and held and not balance["pending"] and len(held.records) == balance["captured"]:
            return balance
        now = (len(missing), balance and balance["pending"])
        seen, moved = (seen, moved) if now == seen else (now, time.monotonic())
        if time.monotonic() - moved > STUCK_AFTER_S:
            raise EndError(
                f"{gate.name} has drained nothing for {STUCK_AFTER_S:g} s: {balance}, {len(missing)} missing: "
                f"{missing[:5]}\n{gate.log_tail()}"
            )
        time.sleep(0.3)
