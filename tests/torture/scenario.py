"""Small programs that make promises, and what must hold of them after any fault.

A scenario is prepared once; then its `act` runs many times, each time on a fresh copy of what was prepared and with
another fault in it; each promise is told the moment it is made. `check` then looks at what is on the disk.
"""

from __future__ import annotations

import json
import socket
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from collector.errors import CollectorError
from edge_agent.errors import EdgeAgentError

P = ParamSpec("P")
T = TypeVar("T")

TRIES = 4
"""How often a step is tried when it says that it failed; a single fault must not fail it twice."""

A_READ_FAILED = "a read failed"
"""Among the promises when the disk could not be read: then files may have been put aside and made again."""

Promise = list[Any]
"""What was promised: its kind, then what it is about; JSON."""


class GaveUpError(Exception):
    """A step failed as often as it was tried, each time with an error for people."""


class Teller:
    """How a scenario says what it was promised. What it says has left the process when the call returns."""

    def __init__(self, listener: socket.socket | None) -> None:
        """Tells a socket, or nobody: sendto is no call that is ever made to fail."""
        self._listener = listener

    def promised(self, *promise: object) -> None:
        """From now on this must hold, whatever happens."""
        self._say("promised", list(promise))

    def step(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something that may fail with an error for people, and do it again when it did."""
        for _ in range(TRIES):
            try:
                return work(*args, **kwargs)
            except (EdgeAgentError, CollectorError) as error:
                self._say("error", f"{type(error).__name__}: {error}")
        raise GaveUpError

    def failed(self, text: str) -> None:
        """Something that must never come out of the program did."""
        self._say("failed", text)

    def ended(self) -> None:
        """All steps were done."""
        self._say("ended", "")

    def _say(self, what: str, value: object) -> None:
        if self._listener is not None:
            self._listener.sendall(json.dumps([what, value]).encode() + b"\n")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A small program.

    Attributes:
        name: of it.
        prepare: make what is there before, in an empty directory.
        act: the program: what it changes in the directory, and what it promises.
        check: (directory, promises) -> what is wrong with what is there; opens it as the real program does.
    """

    name: str
    prepare: Callable[[Path], None]
    act: Callable[[Path, Teller], None]
    check: Callable[[Path, Sequence[Promise]], list[str]]


def checked(scenario: Scenario, directory: Path, promises: Sequence[Promise]) -> list[str]:
    """What the scenario's check finds; an exception that is no error for people is a finding, too."""
    try:
        return scenario.check(directory, promises)
    except Exception:  # noqa: BLE001 - whatever a program says on such a disk, it may not end in a traceback
        return [traceback.format_exc()]


@dataclass(slots=True)
class Told:
    """What came out of a run.

    Attributes:
        promises: in order.
        errors: what steps said when they failed; each was tried again.
        failures: what must not be: exceptions that are no errors for people.
        ended: whether all steps were done.
    """

    promises: list[Promise]
    errors: list[str]
    failures: list[str]
    ended: bool


def heard(data: bytes) -> Told:
    """What a Teller said; a line that was cut off was never said."""
    told = Told([], [], [], ended=False)
    lists: dict[str, list[Any]] = {"promised": told.promises, "error": told.errors, "failed": told.failures}
    for line in data.split(b"\n")[:-1]:
        what, value = json.loads(line)
        if what == "ended":
            told.ended = True
        else:
            lists[what].append(value)
    return told
