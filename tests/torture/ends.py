"""The real programs as victims: a collector and gates that are started, killed at any moment and started again."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from edge_agent.simulate.programs import run_command
from tests.torture.warm import REPOSITORY, Started, Warm

PORTS = range(20_000, 32_000)
"""Below the system's range for outgoing connections: a port whose program is dead is not given to somebody else."""

START_S = 60.0
STOP_S = 30.0

COLLECTOR_FILE = """\
deployment = "torture.example"
state_dir = "collector"
listen = "127.0.0.1:{}"
enrol_listen = "127.0.0.1:{}"
hostnames = ["127.0.0.1"]
"""

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"
keep_acknowledged = 0
{scale}
[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
scales = [{scales}]
cameras = ["plate-1"]
grace = "500 ms"
settle = "2 s"
approach = "2 s"
late = "1 s"
"""

SCALE = """
[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "{port}"
division = "20 kg"
stable_window = "300 ms"
"""


class EndError(RuntimeError):
    """A program did what it must not: ended by itself, or did not start; carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """Die at the entry of the `when`th `call` of a thread (1 is the first): at a write boundary."""

    call: str
    when: int

    def attach(self, pid: int) -> subprocess.Popen[bytes]:
        """Trace a process that waits; returns when that has begun. It ends with the process."""
        command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={self.call}", "-e", "signal=none"]
        command += ["-e", f"inject={self.call}:signal=SIGKILL:when={self.when}", "-p", str(pid)]
        tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        wait_traced(pid, tracer)
        return tracer


def wait_traced(pid: int, tracer: subprocess.Popen[bytes]) -> None:
    """Wait until a process is traced; EndError when the tracer gives up."""
    status = Path(f"/proc/{pid}/status")
    while "TracerPid:\t0\n" in status.read_text():
        if tracer.poll() is not None:
            raise EndError(f"strace cannot trace: exit code {tracer.returncode}")
        time.sleep(0.001)


class End:
    """One program that can be killed. Its output is appended to a log."""

    def __init__(self, name: str, log: Path, ready: str, command: Sequence[str]) -> None:
        """`ready` is what it writes to its log once it is at work."""
        self.name = name
        self._log, self._ready, self._command = log, ready.encode(), list(command)
        self._started: Started | None = None
        self._tracer: subprocess.Popen[bytes] | None = None
        self._read_from = 0
        log.touch()

    def start(self) -> None:
        """Start it as its users do."""
        self._read_from = self._log.stat().st_size
        self._started = start_cold([executable(self._command[0]), *self._command[1:]], self._log)

    def start_warm(self, warm: Warm, boundary: Boundary | None = None) -> None:
        """Start it without its imports, to die at a boundary when one is given."""
        self._read_from = self._log.stat().st_size
        if boundary is None:
            self._started = warm.start(self._command, self._log)
            return
        go = self._log.with_suffix(".go")
        go.unlink(missing_ok=True)
        os.mkfifo(go)
        self._started = warm.start(self._command, self._log, go)
        self._tracer = boundary.attach(self._started.pid)
        go.write_bytes(b"go")

    @property
    def is_ready(self) -> bool:
        """Whether it is at work since the latest start."""
        with self._log.open("rb") as log:
            log.seek(self._read_from)
            return self._ready in log.read()

    def wait_ready(self) -> None:
        """Wait until it is at work; EndError when it ends instead, or takes for ever."""
        end = time.monotonic() + START_S
        while not self.is_ready:
            if self._running.over.is_set():
                raise EndError(f"{self.name} did not start: exit code {self._running.code}\n{self.log_tail()}")
            if time.monotonic() > end:
                raise EndError(f"{self.name} is not at work after {START_S:g} s\n{self.log_tail()}")
            time.sleep(0.02)

    @property
    def pid(self) -> int:
        """Of the latest start."""
        return self._running.pid

    def wait(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        return self._running.over.wait(seconds)

    def kill(self) -> None:
        """SIGKILL; EndError when it had ended by itself."""
        self._end(signal.SIGKILL)
        if self._running.code != -signal.SIGKILL:
            raise EndError(f"{self.name} ended by itself: exit code {self._running.code}\n{self.log_tail()}")

    def stop(self) -> None:
        """SIGTERM; EndError when it does not end in order."""
        self._end(signal.SIGTERM)
        if self._running.code:
            raise EndError(f"{self.name} stopped with exit code {self._running.code}\n{self.log_tail()}")

    def end_anyhow(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self._started is not None:
            self._end(signal.SIGKILL)

    def log_tail(self, size: int = 3000) -> str:
        """The end of its log."""
        return self.log_text()[-size:]

    def log_text(self) -> str:
        """All of its log."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def _end(self, number: int) -> None:
        self._running.signal(number)
        if not self.wait(STOP_S):
            self._running.signal(signal.SIGKILL)
            raise EndError(f"{self.name} did not end within {STOP_S:g} s of signal {number}\n{self.log_tail()}")
        if self._tracer is not None:
            self._tracer.wait()
            self._tracer = None

    @property
    def _running(self) -> Started:
        if self._started is None:
            raise EndError(f"{self.name} was never started")
        return self._started


class CollectorEnd(End):
    """`gate-collector serve`."""

    def __init__(self, directory: Path, ports: Sequence[int]) -> None:
        self.config, self.state_dir = directory / "collector.toml", directory / "collector"
        self.config.write_text(COLLECTOR_FILE.format(*ports), encoding="utf-8")
        command = ["gate-collector", "serve", "--config", str(self.config)]
        super().__init__("the collector", directory / "collector.log", "serving ", command)


class GateEnd(End):
    """`edge-agent run` on a machine that was enrolled; with a scale where `scale_port` is given.

    Its journal is cut into small segments and tidied often, so that rolls and prunings are among what is killed.
    """

    def __init__(self, directory: Path, agent_id: str, http_port: int, scale_port: Path | None) -> None:
        directory.mkdir()
        self.has_scale = scale_port is not None
        self.agent_id, self.directory, self.state_dir = agent_id, directory, directory / "state"
        self.site_file, self.counted = directory / "site.toml", directory / "counted.txt"
        self.camera_url = f"http://127.0.0.1:{http_port}/push/plate-1"
        scale = SCALE.format(port=scale_port) if scale_port else ""
        scales = '"scale-1"' if scale_port else ""
        self.site_file.write_text(SITE_FILE.format(scale=scale, scales=scales, http=http_port), encoding="utf-8")
        command = ["edge-agent", "run", "--config", str(self.site_file)]
        super().__init__(agent_id, directory / "agent.log", '"agent.started"', command)

    def enrol(self, collector: CollectorEnd) -> None:
        """Invite at the collector, enrol here."""
        invitation = self.directory / "invitation.json"
        invite = ("gate-collector", "agents", "invite", self.agent_id, "--site", "xiuying", "-o", invitation)
        run_command(*invite, "--config", collector.config)
        run_command("edge-agent", "enrol", "--invite", invitation, "--config", self.site_file)


def executable(name: str) -> str:
    """One of our commands, as installed."""
    return str(Path(sys.executable).parent / name)


def quiet_ports(count: int, rng: random.Random) -> list[int]:
    """Ports nobody listens on, and nobody will be given while their program is dead."""
    found: list[int] = []
    while len(found) < count:
        port = rng.choice(PORTS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


def start_cold(command: Sequence[str], log: Path) -> Started:
    """Start a program as its users do, in a session of its own."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True, cwd=REPOSITORY
        )
    started = Started(process.pid)

    def wait() -> None:
        started.code = process.wait()
        started.over.set()

    threading.Thread(target=wait, name=f"wait for {command[0]}", daemon=True).start()
    return started


def no_strace() -> str:
    """Why no process can be traced here; "" when one can."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        tracer = Boundary("fsync", 1).attach(sleeper.pid)
    except EndError as error:
        return f"{error} (ptrace is forbidden here?)"
    finally:
        sleeper.kill()
        sleeper.wait()
    tracer.wait()
    return ""
