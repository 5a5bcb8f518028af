"""A real collector and a real gate with one camera lane, both with metrics; for journeys about health and clocks."""

from __future__ import annotations

import json
import os
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from edge_agent.simulate import programs
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, running, wait_until

COLLECTOR_FILE = """\
deployment = "test.example"
state_dir = "collector"
listen = "127.0.0.1:{uplink}"
enrol_listen = "127.0.0.1:{enrolment}"
hostnames = ["127.0.0.1"]

[metrics]
listen = "127.0.0.1:{metrics}"
"""

SITE_FILE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[metrics]
listen = "127.0.0.1:{metrics}"

[[camera]]
id = "plate-1"
profile = "plate/hikvision-isapi-push"
listen = "127.0.0.1:{http}"
allow = ["127.0.0.1"]

[[lane]]
id = "L1"
kind = "vehicle"
cameras = ["plate-1"]
"""

EVENT = """\
<EventNotificationAlert><channelID>1</channelID><dateTime>2026-03-01T12:00:00+08:00</dateTime><eventType>ANPR</eventType>
<ANPR><licensePlate>{plate}</licensePlate><confidenceLevel>95</confidenceLevel></ANPR><UUID>{number}</UUID>
</EventNotificationAlert>"""

DEADLINE_S = 60.0
numbers = count(1)


@contextmanager
def added(environment: dict[str, str]) -> Iterator[None]:
    """What is started inside gets these variables, too."""
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


ASKING_S = 0.4
"""Between two questions that each start a program."""


class WatchedGate:
    """Both programs, in a directory; the environments are added to those of what is started at the gate, and there."""

    def __init__(
        self, directory: Path, environment: dict[str, str] | None = None, collectors: dict[str, str] | None = None
    ) -> None:
        uplink, enrolment, http, self.agent_port, self.collector_port = free_ports(5)
        self.directory, self._http = directory, http
        self._environment, self._collectors = environment or {}, collectors or {}
        self.site_file, self.config = directory / "site.toml", directory / "collector.toml"
        self.site_file.write_text(SITE_FILE.format(http=http, metrics=self.agent_port), encoding="utf-8")
        self.config.write_text(
            COLLECTOR_FILE.format(uplink=uplink, enrolment=enrolment, metrics=self.collector_port), encoding="utf-8"
        )
        self.uplink_address, self.state_dir = f"127.0.0.1:{uplink}", directory / "state"
        self.collector = Program(directory / "collector.log", "gate-collector", "serve", "--config", self.config)
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)

    @contextmanager
    def open(self) -> Iterator[None]:
        """The collector runs and the machine is enrolled; whatever runs at the end is ended."""
        with running(self.agent, self.collector):
            self.start_collector()
            invitation = self.directory / "invitation.json"
            self.run("gate-collector", "agents", "invite", "gate-1", "--site", "xiuying", "--config", self.config,
                     "-o", invitation)  # fmt: skip
            self.run("edge-agent", "enrol", "--invite", invitation, "--config", self.site_file)
            yield

    def start_collector(self) -> None:
        with added(self._collectors):
            self.collector.start_until("serving ")

    def start_agent(self) -> None:
        with added(self._environment):
            self.agent.start()
        self.wait_for("the agent runs", lambda status: status["agent"]["pid"] == self.agent.pid is not None)

    def run(self, name: str, *arguments: str | Path) -> str:
        """Run a command to its end; what it printed."""
        with added(self._collectors if name == "gate-collector" else self._environment):
            return programs.run_command(name, *arguments).stdout

    def status(self) -> dict[str, Any]:
        with added(self._environment):
            answer: dict[str, Any] = programs.ask("gatectl", "--config", self.site_file, "status")
        return answer

    def codes(self) -> list[str]:
        return [reason["code"] for reason in self.status()["reasons"]]

    def wait_for(self, what: str, true: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The status as soon as this is true of it."""
        seen: dict[str, Any] = {}

        def asked() -> bool:
            seen.update(self.status())
            if self._environment:
                time.sleep(ASKING_S)  # else asking would keep the machine from what is waited for
            return true(seen)

        try:
            wait_until(what, asked, DEADLINE_S)
        except Exception as error:
            error.add_note(json.dumps(seen, ensure_ascii=False)[:4000])
            error.add_note(self.agent.log_tail())
            raise
        return seen

    def drained(self) -> dict[str, Any]:
        """Everything is at the collector."""
        status = self.wait_for(
            "nothing is pending", lambda status: (status["journal"] or {"pending": 1})["pending"] == 0
        )
        journal: dict[str, Any] = status["journal"]
        return journal

    def records(self) -> list[dict[str, Any]]:
        """All records of the journal, as gatectl shows them."""
        lines = self.run("gatectl", "--config", self.site_file, "tail", "-n", "10000", "--json").splitlines()
        return [json.loads(line) for line in lines]

    def incidents(self) -> list[str]:
        return [each["record"]["incident"]["code"] for each in self.records() if "incident" in each["record"]]

    def push(self, plate: str) -> int:
        """The status that a camera's push gets."""
        body = EVENT.format(plate=plate, number=next(numbers)).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._http}/push/plate-1", body, {"Content-Type": "application/xml"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            return int(answer.status)

    def audit(self) -> str:
        """What `gate-collector audit` says; it fails when something does not hold."""
        return self.run("gate-collector", "audit", "--config", self.config)

    def scrape(self, port: int) -> dict[str, float]:
        """Samples by name and labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=DEADLINE_S) as answer:
            lines = answer.read().decode().splitlines()
        samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}
