"""The real programs as processes, for the demo and the journeys: started, stopped, killed, never left behind."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0


class ProgramError(RuntimeError):
    """A program did not do what the story needs; carries the end of its log."""


def run_command(name: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of our commands to its end; ProgramError with its words when it fails and `check`."""
    done = to_its_end(name, list(map(str, arguments)))
    if check and done.returncode != 0:
        said = (done.stderr or done.stdout)[-2000:]
        raise ProgramError(f"{name} {' '.join(map(str, arguments))}: exit code {done.returncode}\n{said}")
    return done


def to_its_end(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """A process of its own. The journeys put something faster in its place."""
    return subprocess.run([_executable(name), *arguments], capture_output=True, text=True, check=False, timeout=120)


def ask(name: str, *arguments: str | Path) -> Any:
    """What a command prints with --json, whatever its exit code."""
    done = run_command(name, *arguments, "--json", check=False)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise ProgramError(f"{name} {' '.join(map(str, arguments))}: no JSON\n{done.stderr[-2000:]}") from error


class Program:
    """One long-running program; its output goes to a log file."""

    def __init__(self, log: Path, name: str, *arguments: str | Path) -> None:
        """Not started yet."""
        self._log, self._command = log, [_executable(name), *map(str, arguments)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it (again), in a session of its own: a Ctrl-C is for us, and `running` ends it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, deadline_s: float = 15.0) -> int | None:
        """SIGTERM, and SIGKILL when that does not do; the exit code."""
        return self._end(signal.SIGTERM, deadline_s)

    def kill(self) -> None:
        """SIGKILL, as the power or the kernel would."""
        self._end(signal.SIGKILL, 5.0)

    def log_tail(self, size: int = 2000) -> str:
        """The end of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-size:] if self._log.exists() else ""

    def start_until(self, words: str, deadline_s: float = DEADLINE_S) -> None:
        """Start it and wait for these words in its log; ProgramError with its end when they do not come."""
        before = self._said(words)
        self.start()
        end = time.monotonic() + deadline_s
        while self._said(words) == before:
            why = "it ended" if self.pid is None else "" if time.monotonic() < end else f"not within {deadline_s:g} s"
            if why:
                raise ProgramError(f"{self._command[0]} did not say {words!r}: {why}\n{self.log_tail()}")
            time.sleep(0.1)

    def _said(self, words: str) -> int:
        return self.log_tail(1 << 22).count(words)

    def _end(self, number: signal.Signals, deadline_s: float) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            return process.wait(deadline_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait(5)


@contextlib.contextmanager
def running(*programs: Program) -> Iterator[None]:
    """Whatever happens inside, all of them are ended afterwards."""
    try:
        yield
    finally:
        for program in programs:
            program.stop()


def wait_until(what: str, true: Callable[[], bool], deadline_s: float = DEADLINE_S, every_s: float = 0.1) -> None:
    """Ask until it is true; ProgramError naming what did not come true."""
    end = time.monotonic() + deadline_s
    while not true():
        if time.monotonic() > end:
            raise ProgramError(f"not within {deadline_s:g} s: {what}")
        time.sleep(every_s)


def _executable(name: str) -> str:
    return str(Path(sys.executable).parent / name)
