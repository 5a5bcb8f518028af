"""Our commands, run in this process: what a person types, without the second that a start of Python costs.

A story asks `gatectl status` many times a second until something has come true. The entry points, their arguments, what
they print and how they end are the real ones; that each also works as a program of its own is seen where the programs
are started, and in test_gatectl.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from unittest import mock

import structlog

import collector.cli
import edge_agent.cli
import edge_agent.status.cli
from edge_agent.simulate import programs

ENTRIES: dict[str, Callable[[], None]] = {
    "edge-agent": edge_agent.cli.main,
    "gatectl": edge_agent.status.cli.main,
    "gate-collector": collector.cli.main,
}

GOING_ON = {"run", "serve"}

_as_a_process = programs.to_its_end


def to_its_end(name: str, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """What a command prints and how it ends.

    Those that go on until they are stopped, or that live by another clock, get a process of their own.
    """
    if GOING_ON.intersection(arguments) or "LD_PRELOAD" in os.environ:
        return _as_a_process(name, arguments)
    command = [name, *arguments]
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        mock.patch.object(sys, "argv", command),
        mock.patch.dict(os.environ),  # what a command sets there is for its own process, not for those started later
    ):
        code = _exit_code(ENTRIES[name])
        structlog.reset_defaults()  # it logs to what is now its standard error
    said, told = (each.buffer.getvalue().decode() for each in (out, err))
    return subprocess.CompletedProcess(command, code, said, told)


def _exit_code(entry: Callable[[], None]) -> int:
    try:
        entry()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
