"""Our commands, run in this process: what a person types, without the second that a start of Python costs.

A story asks `gatectl status` many times a second until something has come true. The entry points, their arguments, what
they print and how they end are the real ones; that each also works as a program of its own is seen where the programs
are started, and in test_gatectl.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import structlog

import collector.cli
import edge_agent.cli
import edge_agent.status.cli
from edge_agent.simulate import programs
from edge_agent.simulate.programs import ProgramError

ENTRIES: dict[str, Callable[[], None]] = {
    "edge-agent": edge_agent.cli.main,
    "gatectl": edge_agent.status.cli.main,
    "gate-collector": collector.cli.main,
}

GOING_ON = {"run", "serve"}


def run_command(name: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run one of our commands to its end; ProgramError with its words when it fails and `check`.

    Those that go on until they are stopped get a process of their own.
    """
    if GOING_ON.intersection(arguments):
        return programs.run_command(name, *arguments, check=check)
    command = [name, *map(str, arguments)]
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
    if check and code:
        raise ProgramError(f"{' '.join(command)}: exit code {code}\n{told[-2000:]}")
    return subprocess.CompletedProcess(command, code, said, told)


def ask(name: str, *arguments: str | Path) -> Any:
    """What a command prints with --json, whatever its exit code."""
    done = run_command(name, *arguments, "--json", check=False)
    try:
        return json.loads(done.stdout)
    except ValueError as error:
        raise ProgramError(f"{' '.join(done.args)}: no JSON\n{done.stderr[-2000:]}") from error


def _exit_code(entry: Callable[[], None]) -> int:
    try:
        entry()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
