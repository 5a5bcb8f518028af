"""Running a scenario in a process of its own under strace."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path

from tests.torture.ends import wait_traced
from tests.torture.scenario import GaveUpError, Scenario, Teller, Told, heard

ENDS_WITHIN_S = 60
_PR_SET_PTRACER = 0x59616D61
_ANYBODY = -1


def run_traced(scenario: Scenario, state: Path, options: Sequence[str]) -> Told:
    """Let the scenario act on `state` under strace with these options; what it told. It may well be killed."""
    ours, theirs = socket.socketpair()
    with closing(ours):
        pid = _fork(lambda: _act(scenario, state, theirs), theirs, ours)
        theirs.close()
        tracer = subprocess.Popen(["strace", "-f", "-qq", *options, "-p", str(pid)], stderr=subprocess.DEVNULL)
        try:
            wait_traced(pid, tracer)
            ours.sendall(b"go\n")
            said = _everything(ours)
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            tracer.wait()
    return heard(said)


def run_plain(scenario: Scenario, state: Path) -> None:
    """Let the scenario act on `state` here, so that whatever is imported late is imported now."""
    scenario.act(state, Teller(None))


def _fork(act: Callable[[], None], mine: socket.socket, other: socket.socket) -> int:
    pid = os.fork()
    if pid:
        return pid
    try:
        other.close()
        # Where only ancestors may trace (Yama), let the strace beside us.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, _ANYBODY, 0, 0, 0)
        signal.alarm(ENDS_WITHIN_S)
        mine.recv(3)
        act()
    finally:
        os._exit(0)
    return 0


def _act(scenario: Scenario, state: Path, listener: socket.socket) -> None:
    teller = Teller(listener)
    try:
        scenario.act(state, teller)
    except GaveUpError:
        return
    except BaseException:  # noqa: BLE001 - whatever comes out is the finding
        teller.failed(traceback.format_exc())
    else:
        teller.ended()


def _everything(pipe: socket.socket) -> bytes:
    data = b""
    while more := pipe.recv(65536):
        data += more
    return data


def scratch_directory() -> Path:
    """A new directory on a fast disk: what is lost in a power cut there is nobody's."""
    shared_memory = Path("/dev/shm")
    usable = os.access(shared_memory, os.W_OK) and shutil.disk_usage(shared_memory).free > 256 << 20
    return Path(tempfile.mkdtemp(prefix="tidegate-torture-", dir=shared_memory if usable else None))
