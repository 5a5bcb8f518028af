"""Random kills of both programs against an independent counter.

A collector and some gates run as real processes; each is killed with SIGKILL again and again, at a random moment of its
life (also while it starts) or, where strace may trace, at the entry of a random write call. Meanwhile independent
counters push plates and write down what they were told is captured. At the end everything runs undisturbed until it is
drained, and then each plate that was told must be at the collector exactly once, in order, with its pictures.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter as Tally
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture import verdict
from tests.torture.ends import Boundary, CollectorEnd, End, EndError, GateEnd, no_strace, quiet_ports
from tests.torture.old_journal import furnish
from tests.torture.stage import counter, drain, trucks
from tests.torture.warm import Warm

BOUNDARY_CALLS = ("pwrite64", "fdatasync", "fsync", "rename", "unlink", "ftruncate")
OLD_PLATES = 60
FIRST_LIVES = 3
"""Lives that end at a boundary if they can: an older journal is taken over, the tables are made."""

TRACED_S = 5.0
MOST_CALLS = 16
"""Boundaries are drawn from the first so many calls of a thread, the early ones more often: each push has a thread."""


@dataclass(slots=True)
class Outcome:
    """What a run did and found.

    Attributes:
        kills: how many kills there were, by what they hit.
        told: events that a counter was told are captured.
        records: records at the collector at the end.
        problems: what is wrong; empty when everything is as it must be.
    """

    kills: Tally[str] = field(default_factory=Tally)
    told: int = 0
    records: int = 0
    problems: list[str] = field(default_factory=list)


class Executioner(threading.Thread):
    """Lets one end live and die, `count` times."""

    def __init__(self, end: End, warm: Warm, count: int, rng: random.Random, *, boundaries: bool) -> None:
        """`boundaries`: whether strace can kill at the entry of a call."""
        super().__init__(name=f"executioner of {end.name}")
        self._end, self._warm, self._count, self._rng, self._boundaries = end, warm, count, rng, boundaries
        self._stopped = threading.Event()
        self.kills: Tally[str] = Tally()
        self.problem = ""

    def run(self) -> None:
        """Kill, start again, kill …; stops at the first thing that must not be."""
        try:
            for _ in range(self._count):
                if self._stopped.is_set():
                    return
                self.kills[self._live_and_die()] += 1
        except EndError as error:
            self.problem = str(error)

    def stop(self) -> None:
        """Kill no more."""
        self._stopped.set()

    def _live_and_die(self) -> str:
        """One life; what it died of."""
        kind = self._rng.choices(("at a boundary", "young", "at work", "old"), (35, 25, 33, 7))[0]
        first = self.kills.total() < FIRST_LIVES
        if self._boundaries and (first or kind == "at a boundary"):
            return self._die_at_a_boundary()
        self._end.start_warm(self._warm)
        if kind == "young":
            self._end.wait(self._rng.uniform(0, 0.4))
        else:
            self._end.wait_ready()
            self._end.wait(self._rng.uniform(0.5, 4.0) if kind == "old" else self._rng.uniform(0, 0.8))
        self._end.kill()
        return kind

    def _die_at_a_boundary(self) -> str:
        call = self._rng.choice(BOUNDARY_CALLS)
        when = round(MOST_CALLS ** self._rng.random())
        self._end.start_warm(self._warm, Boundary(call, when))
        deadline = time.monotonic() + TRACED_S
        while not self._end.is_ready and not self._end.wait(0.05) and time.monotonic() < deadline:
            pass  # tracing makes it slow to start
        hit = self._end.wait(self._rng.uniform(0.2, 1.5))
        self._end.kill()
        return f"at {call}" if hit else "at work"


class KillRun:
    """A collector and `agents` gates in `directory`, every second one with a scale."""

    def __init__(self, directory: Path, seed: int, agents: int) -> None:
        self._seed = seed
        ports = quiet_ports(2 + agents, self._random("ports"))
        self._collector = CollectorEnd(directory, ports[:2])
        self._scales = [directory / f"scale-{number}" if number % 2 else None for number in range(agents)]
        self._gates = [
            GateEnd(directory / f"gate-{number}", f"gate-{number}", ports[2 + number], scale)
            for number, scale in enumerate(self._scales)
        ]
        self._ends: list[End] = [self._collector, *self._gates]

    def run(self, count: int, progress: Callable[[int], None]) -> Outcome:
        """Kill `count` times, drain, judge. `progress` is told how many kills there were."""
        outcome = Outcome()
        with ExitStack() as stack:
            for end in self._ends:
                stack.callback(end.end_anyhow)
            for scale in filter(None, self._scales):
                stack.enter_context(trucks(scale, self._random(scale.name)))
            self._enrol()
            counters = [stack.enter_context(counter(gate, f"{self._seed}/{gate.agent_id}")) for gate in self._gates]
            self._execute(count, progress, outcome)
            outcome.problems = outcome.problems or drain(self._collector, self._gates, counters)
        outcome.told = sum(len(verdict.counted(gate, "told")) for gate in self._gates)
        held = [verdict.held_of(gate, self._collector) for gate in self._gates]
        outcome.records = sum(len(each.records) for each in held if each)
        return outcome

    def _enrol(self) -> None:
        self._collector.start()
        self._collector.wait_ready()
        for gate in self._gates:
            gate.enrol(self._collector)
        self._collector.kill()
        # One gate comes from the release before: its journal is taken over while it is killed.
        old = self._gates[0]
        told = furnish(old.state_dir, "plate-1", OLD_PLATES)
        lines = [f"{word} 0 {plate}\n" for plate in told for word in ("offered", "told")]
        old.counted.write_text("".join(lines), encoding="utf-8")

    def _execute(self, count: int, progress: Callable[[int], None], outcome: Outcome) -> None:
        """All kills, each end by an executioner of its own."""
        shares = [count // len(self._ends) + (at < count % len(self._ends)) for at in range(len(self._ends))]
        boundaries = not no_strace()
        with Warm("edge-agent") as agent, Warm("gate-collector") as server:
            executioners = [
                Executioner(
                    end,
                    server if end is self._collector else agent,
                    share,
                    self._random(end.name),
                    boundaries=boundaries,
                )
                for end, share in zip(self._ends, shares, strict=True)
            ]
            _watch(executioners, progress)
            for end in self._ends:
                end.end_anyhow()
        for executioner in executioners:
            outcome.kills.update({f"{executioner.name[15:]} {how}": n for how, n in executioner.kills.items()})
            outcome.problems += [executioner.problem] if executioner.problem else []

    def _random(self, name: str) -> random.Random:
        """Everyone draws from its own numbers, so that who is first does not matter."""
        return random.Random(f"{self._seed}/{name}")


def _watch(executioners: list[Executioner], progress: Callable[[int], None]) -> None:
    """Let them do their work; at the first problem all stop."""
    for executioner in executioners:
        executioner.start()
    try:
        while any(executioner.is_alive() for executioner in executioners):
            progress(sum(executioner.kills.total() for executioner in executioners))
            if any(executioner.problem for executioner in executioners):
                return
            time.sleep(0.05)
        progress(sum(executioner.kills.total() for executioner in executioners))
    finally:
        for executioner in executioners:
            executioner.stop()
        for executioner in executioners:
            executioner.join()
