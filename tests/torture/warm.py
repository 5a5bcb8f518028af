"""Starting a program in a tenth of a second: a process that has imported it already and forks.

The imports of a program take a second, and no file of its state is touched in it: a kill there would test nothing. What
the fork runs is the program's own entry point with its own arguments.

    python -m tests.torture.warm edge-agent      # asks on stdin, answers on stdout; see `Warm`
"""

from __future__ import annotations

import json
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Self

REPOSITORY = Path(__file__).resolve().parents[2]
REAP_S = 0.02
ANSWER_S = 120.0

# What each program imports sooner or later, and its entry point.
MODULES = {
    "edge-agent": ("edge_agent.commands.run", "tests.torture.small_agent"),
    "gate-collector": (
        "collector.commands.serve",
        "collector.app",
        "alembic.command",
        "alembic.config",
        "alembic.script",
    ),
}
ENTRIES = {"edge-agent": "tests.torture.small_agent", "gate-collector": "collector.cli"}


class Started:
    """A process that a Warm forked. `code` is its exit code once it has ended, as subprocess has it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.code: int | None = None
        self.over = threading.Event()

    def signal(self, number: int) -> None:
        """Send a signal to it and what it started, unless it is gone."""
        with suppress(ProcessLookupError):
            if not self.over.is_set():
                os.killpg(self.pid, number)


class Warm:
    """A warm process of one program; a context manager."""

    def __init__(self, program: str) -> None:
        self._command = [sys.executable, "-m", "tests.torture.warm", program]
        self._running: dict[int, Started] = {}
        self._lock = threading.Lock()
        self._answered = threading.Condition()
        self._latest: Started | None = None

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        for started in list(self._running.values()):
            started.signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def start(self, arguments: Sequence[str], log: Path, go: Path | None = None) -> Started:
        """Start it with these arguments, its output appended to `log`; with `go`, once that fifo was written to."""
        request = {"arguments": list(arguments), "log": str(log), "go": str(go or "")}
        with self._lock, self._answered:
            self._latest = None
            if self._process.stdin is None:
                raise RuntimeError("the warm process has no stdin")
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            if not self._answered.wait_for(lambda: self._latest is not None, ANSWER_S) or self._latest is None:
                raise RuntimeError(f"{' '.join(self._command)} does not answer")
            return self._latest

    def _read(self) -> None:
        for line in self._process.stdout or ():
            answer: dict[str, Any] = json.loads(line)
            with self._answered:
                if "started" in answer:
                    self._latest = self._running[answer["started"]] = Started(answer["started"])
                    self._answered.notify_all()
                else:
                    ended = self._running.pop(answer["ended"])
                    ended.code = answer["code"]
                    ended.over.set()


def serve(run: Callable[[], object]) -> None:
    """Fork on request, for ever; say what was started and what has ended."""
    lines = ""
    while True:
        if select.select([0], [], [], REAP_S)[0]:
            data = os.read(0, 65536).decode()
            if not data:
                return
            *whole, lines = (lines + data).split("\n")
            for line in whole:
                _say(started=_fork(json.loads(line), run))
        with suppress(ChildProcessError):
            while (ended := os.waitpid(-1, os.WNOHANG))[0]:
                _say(ended=ended[0], code=os.waitstatus_to_exitcode(ended[1]))


def _say(**words: int) -> None:
    os.write(1, json.dumps(words).encode() + b"\n")


def _fork(request: dict[str, Any], run: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        with suppress(PermissionError):
            os.setpgid(pid, pid)  # here, too: a kill may come before the child has got so far
        return pid
    code = 70
    try:
        _become(request)
        run()
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    except BaseException:  # noqa: BLE001 - this is the process's outermost frame: Python would print and exit likewise
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        with suppress(ValueError, OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)
    return 0


def _become(request: dict[str, Any]) -> None:
    """As if started by the arguments, with the log as output."""
    with suppress(PermissionError):  # it leads a group already: whoever forked it was faster
        os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((null, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    os.close(log)
    os.close(null)
    if request["go"]:
        with open(request["go"], "rb") as go:  # noqa: PTH123 - a Path here would be one more import to think about
            go.read()
    sys.argv = request["arguments"]
    random.seed()


def main() -> None:
    """Serve the program named on the command line."""
    program = sys.argv[1]
    for module in MODULES[program]:
        import_module(module)
    run: Callable[[], object] = import_module(ENTRIES[program]).main
    serve(run)


if __name__ == "__main__":
    main()
