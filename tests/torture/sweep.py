"""A fault at each file system call in turn: SIGKILL, EIO, ENOSPC, EINTR.

The calls of a scenario are counted in a clean run; then it runs once for each call and fault. Each time what it was
promised must be there exactly once, nothing may be half done, errors must be for people, and a single fault must not
keep it from its work when it tries again.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.torture.scenario import A_READ_FAILED, Scenario, Told, checked
from tests.torture.tracing import run_plain, run_traced

# Which errno each call may give; all of them may be the last thing a process does.
ERRORS = {
    "openat": ("EIO", "ENOSPC", "EINTR"),
    "write": ("EIO", "ENOSPC", "EINTR"),
    "pwrite64": ("EIO", "ENOSPC", "EINTR"),
    "pread64": ("EIO", "EINTR"),
    "fsync": ("EIO", "ENOSPC", "EINTR"),
    "fdatasync": ("EIO", "ENOSPC", "EINTR"),
    "ftruncate": ("EIO", "ENOSPC", "EINTR"),
    "fallocate": ("EIO", "ENOSPC", "EINTR"),
    "rename": ("EIO", "ENOSPC"),
    "unlink": ("EIO",),
    "mkdir": ("EIO", "ENOSPC"),
    "rmdir": ("EIO",),
    "link": ("EIO", "ENOSPC"),
}
KILL = "SIGKILL"
_LASTING = ("ENOSPC", "EIO")
_CALL = re.compile(r"\d+ +(\w+)\(")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault in a scenario.

    Attributes:
        scenario: its name.
        call: system call.
        when: at which of them, from 1.
        kind: SIGKILL or an errno's name.
        lasting: whether each later one fails, too.
    """

    scenario: str
    call: str
    when: int
    kind: str
    lasting: bool = False

    def __str__(self) -> str:
        """As `parse` reads it."""
        return f"{self.scenario}/{self.call}/{self.when}{'+' if self.lasting else ''}/{self.kind}"

    @property
    def reads(self) -> bool:
        """Whether a read fails."""
        return self.call == "pread64" and self.kind != KILL

    @property
    def options(self) -> list[str]:
        """For strace."""
        what = f"signal={KILL}" if self.kind == KILL else f"error={self.kind}"
        when = f"{self.when}+" if self.lasting else str(self.when)
        return ["-o", "/dev/null", "-e", f"trace={self.call}", "-e", f"inject={self.call}:{what}:when={when}"]


def parse_fault(text: str) -> Fault:
    """What `str` of a fault wrote."""
    scenario, call, when, kind = text.split("/")
    return Fault(scenario, call, int(when.rstrip("+")), kind, lasting=when.endswith("+"))


class Swept:
    """A scenario, prepared, whose faults are tried in `directory`."""

    def __init__(self, scenario: Scenario, directory: Path) -> None:
        self._scenario = scenario
        self._directory = directory
        self._template = directory / f"{scenario.name}.template"
        self._template.mkdir()
        scenario.prepare(self._template)
        state = self._fresh("warm-up")
        run_plain(scenario, state)
        if problems := scenario.check(state, []):
            raise AssertionError(f"{scenario.name} is not well by itself: {problems}")
        shutil.rmtree(state)

    def faults(self) -> list[Fault]:
        """Every fault at every call that concerns the state directory, in order."""
        state, log = self._fresh("counted"), self._directory / f"{self._scenario.name}.log"
        told = run_traced(self._scenario, state, ["-y", "-o", str(log), "-e", "trace=" + ",".join(ERRORS)])
        if not told.ended or told.errors or (problems := self._scenario.check(state, told.promises)):
            raise AssertionError(f"{self._scenario.name} fails without a fault: {told} {problems}")
        shutil.rmtree(state)
        return list(_faults(self._scenario.name, log.read_text(encoding="utf-8", errors="replace"), str(state)))

    def try_fault(self, fault: Fault) -> list[str]:
        """What is wrong after one fault; the state is kept when something is."""
        state = self._fresh("state")
        told = run_traced(self._scenario, state, fault.options)
        promises = told.promises + ([[A_READ_FAILED]] if fault.reads else [])
        problems = _misbehaved(fault, told) + checked(self._scenario, state, promises)
        if problems:
            kept = self._directory / str(fault).replace("/", "-")
            state.rename(kept)
            errors = f"; it said: {told.errors}" if told.errors else ""
            return [f"{fault}: {problem}{errors}" for problem in problems]
        shutil.rmtree(state)
        return []

    def _fresh(self, name: str) -> Path:
        state = self._directory / f"{self._scenario.name}.{name}"
        shutil.rmtree(state, ignore_errors=True)
        shutil.copytree(self._template, state, symlinks=True)
        return state


def _faults(name: str, log: str, state: str) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for line in log.splitlines():
        found = _CALL.match(line)
        if found is None:
            continue
        call = found[1]
        seen[call] += 1
        if state not in line or "-shm" in line:
            continue  # the interpreter's own business, or SQLite's shared memory, which nothing depends on
        yield Fault(name, call, seen[call], KILL)
        for errno in ERRORS[call]:
            yield Fault(name, call, seen[call], errno)
        yield Fault(name, call, seen[call], _LASTING[_LASTING[0] not in ERRORS[call]], lasting=True)


def _misbehaved(fault: Fault, told: Told) -> list[str]:
    """What the program did that it must not do."""
    problems = list(told.failures)
    if fault.kind != KILL and not fault.lasting and not told.ended and not problems:
        problems.append("a single fault kept it from its work for good")
    problems += [f"an error without a cause: {error}" for error in told.errors if error.count(". ") == 0]
    return problems


def sample(faults: Sequence[Fault], every: int, offset: int) -> list[Fault]:
    """Every k-th of them; all when `every` is 1."""
    return list(faults[offset % every :: every])
