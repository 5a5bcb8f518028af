"""A collector and gates as programs, each in a directory: what the stories about them share."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from itertools import count
from pathlib import Path
from typing import Any

from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import Program, ask, run_command, wait_until

COLLECTOR_FILE = """\
deployment = "test.example"
state_dir = "collector"
listen = "{host}:{uplink}"
enrol_listen = "{host}:{enrolment}"
hostnames = ["{host}"]
"""

EVENT = """\
<EventNotificationAlert><channelID>1</channelID><dateTime>2026-03-01T12:00:00+08:00</dateTime><eventType>ANPR</eventType>
<ANPR><licensePlate>{plate}</licensePlate><confidenceLevel>95</confidenceLevel></ANPR><UUID>{number}</UUID>
</EventNotificationAlert>"""

DEADLINE_S = 60.0

numbers = count(1)


class CollectorProgram:
    """`gate-collector serve`; may be stopped and started again."""

    def __init__(self, directory: Path, host: str = "127.0.0.1") -> None:
        """`host` is where it listens for agents. Not started yet."""
        directory.mkdir(parents=True, exist_ok=True)
        uplink, enrolment = free_ports(2)
        self.directory, self.address = directory, f"{host}:{uplink}"
        self.config = directory / "collector.toml"
        self.config.write_text(COLLECTOR_FILE.format(host=host, uplink=uplink, enrolment=enrolment))
        self.program = Program(directory / "collector.log", "gate-collector", "serve", "--config", self.config)

    def start(self) -> None:
        """Start it, and wait until it serves."""
        self.program.start_until("serving ")


class GateProgram:
    """`edge-agent run` with a site file of the story's, and what is asked of it."""

    def __init__(self, directory: Path, site: str, http: int) -> None:
        """`site` is the site file's text, `http` the port that it gives to a camera that pushes; 0 without one."""
        directory.mkdir(exist_ok=True)
        self.directory, self.http = directory, http
        self.site_file = directory / "site.toml"
        self.site_file.write_text(site, encoding="utf-8")
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)

    def enrol(self, collector: Path) -> None:
        """Be invited by the collector with this configuration, which serves, and enrol."""
        invitation = self.directory / "invitation.json"
        invite = ("agents", "invite", f"gate-{next(numbers)}", "--site", "xiuying", "--config", collector)
        run_command("gate-collector", *invite, "-o", invitation)
        run_command("edge-agent", "enrol", "--invite", invitation, "--config", self.site_file)

    def start(self) -> None:
        """Start it, and wait until it says of itself that it runs."""
        self.agent.start()
        wait_until("the agent runs", lambda: self.status()["agent"]["pid"] == self.agent.pid is not None)

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    def records(self, kind: str) -> list[dict[str, Any]]:
        """What its journal has of a kind of record."""
        done = run_command("gatectl", "--config", self.site_file, "tail", "-n", "10000", "--json")
        records = [json.loads(line)["record"] for line in done.stdout.splitlines()]
        return [record[kind] for record in records if kind in record]

    def push(self, plate: str, path: str = "/push/plate-1") -> int:
        """The status that a camera's push gets."""
        body = EVENT.format(plate=plate, number=next(numbers)).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http}{path}", body, {"Content-Type": "application/xml"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
