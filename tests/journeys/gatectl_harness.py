"""A gate that gatectl is asked about."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from edge_agent.simulate.frames import YaohuaA9Frames
from edge_agent.simulate.indicator import Indicator
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import running
from tests.journeys.gate_program import CollectorProgram, GateProgram

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[[scale]]
id = "scale-1"
profile = "scale/yaohua-xk3190-a9-tf0"
port = "{port}"
division = "20 kg"
silent_after = "1 s"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
scales = ["scale-1"]
cameras = ["plate-1"]
"""


GATECTL = str(Path(sys.executable).parent / "gatectl")


ENGLISH = {"LC_ALL": "C.UTF-8"}


DEADLINE_S = 60.0


class Gate(GateProgram):
    """A collector, a gate's agent, and a scale with nothing on it that talks, all running."""

    def __init__(self, directory: Path) -> None:
        (http,) = free_ports(1)
        super().__init__(directory, SITE_FILE.format(port=directory / "port", http=http), http)
        self._collector = CollectorProgram(directory)
        self.collector = self._collector.program
        self.scale = Indicator(YaohuaA9Frames(Decimal(20)), directory / "port", lambda: Decimal(0))

    @contextmanager
    def open(self) -> Iterator[None]:
        with running(self.agent, self.collector), self.scale:
            self._collector.start()
            self.enrol(self._collector.config)
            self.agent.start()
            self.wait_for("healthy")
            yield

    def ask(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run gatectl to its end."""
        return subprocess.run(
            [GATECTL, "--config", str(self.site_file), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
            env={**os.environ, **ENGLISH, **environment},
        )

    def wait_for(self, level: str, *codes: str) -> dict[str, Any]:
        """The status as soon as it has this level for these reasons."""
        end = time.monotonic() + DEADLINE_S
        while True:
            status = self.status()
            if (status["level"], *(reason["code"] for reason in status["reasons"])) == (level, *codes):
                return status
            assert time.monotonic() < end, f"{status}\n{self.agent.log_tail()}"
            time.sleep(0.1)
