"""A passenger gate: travellers lay their passports on a reader, whose bytes come over a serial port."""

from __future__ import annotations

import os
import random
import time
import tty
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from edge_agent.simulate.enrolling import enrol
from edge_agent.simulate.mrz import Passport, expired, make_passport
from edge_agent.simulate.programs import Program, ask, wait_until
from edge_agent.simulate.story.judging import Due
from edge_agent.status.reading import records
from edge_agent.status.snapshot import read_snapshot
from gate_contract.v1.record_pb2 import Record

OPEN = ("ok", "starting", "silent")
"""States of a device whose port is open."""

SITE_FILE = """\
site = "{site}"

[agent]
state_dir = "state"
runtime_dir = "run"

[[device]]
id = "reader-1"
profile = "document/mrz-lines"
port = "{port}"
lane = "walk-1"

[[lane]]
id = "walk-1"
kind = "passenger"
direction = "outbound"
goods = "free"
expects = ["document"]
"""


@dataclass(frozen=True, slots=True)
class Traveller:
    """One showing of one passport, with the verdict due."""

    passport: Passport
    injected: str = "clean"
    codes: frozenset[str] = frozenset()
    action: str = "RELEASE"


@dataclass(slots=True)
class Boarding:
    """One sailing's travellers.

    Attributes:
        tickets: everybody on the manifest.
        showings: in order, as they come to the gate.
        heads: counted on board.
        codes: due on the sailing as a whole.
    """

    sailing_id: str
    tickets: list[Passport] = field(default_factory=list)
    showings: list[Traveller] = field(default_factory=list)
    heads: int = 0
    codes: frozenset[str] = frozenset()


def plan_boarding(sailing_id: str, travellers: int, seed: int, today: date, others: list[Passport]) -> Boarding:
    """A sailing with one of each discrepancy among many who are as their tickets say.

    `others` have tickets for it, too: they went on another sailing before (P08).
    """
    chance = random.Random(seed)  # noqa: S311 - must repeat
    boarding = Boarding(sailing_id, [make_passport(chance, today) for _ in range(travellers)] + others)
    shown = [Traveller(passport) for passport in boarding.tickets[:-3]]  # the last three never come
    stranger = Traveller(make_passport(chance, today), "not on the manifest", frozenset({"P01"}), "REVIEW")
    old = expired(shown[3].passport, today)
    shown[3] = Traveller(old, "document expired", frozenset({"P04"}), "REVIEW")
    boarding.tickets[3] = old
    boarding.showings = [*shown[: travellers // 2], stranger, *shown[travellers // 2 :]]
    boarding.heads = len(shown) - 3  # those who were let through, and two fewer
    boarding.codes = frozenset({"P06", "P07"})
    return boarding


class DocumentReader:
    """A reader's serial port, as a pty; what is laid on it is sent."""

    def __init__(self, link: Path) -> None:
        self._controller, device = os.openpty()
        tty.setraw(device)
        self._device = device
        link.symlink_to(os.ttyname(device))

    def show(self, traveller: Traveller) -> None:
        """The zone of a passport."""
        os.write(self._controller, traveller.passport.sent())

    def close(self) -> None:
        """Unplug it."""
        os.close(self._controller)
        os.close(self._device)


class PassengerGate:
    """A directory with everything one passenger gate has."""

    def __init__(self, directory: Path, site_id: str, agent_id: str) -> None:
        """Writes the site file; the reader is plugged in."""
        directory.mkdir()
        self.directory, self.site_id, self.agent_id = directory, site_id, agent_id
        self.state_dir = directory / "state"
        self.site_file = directory / "site.toml"
        link = directory / "reader"
        self.reader = DocumentReader(link)
        self.site_file.write_text(SITE_FILE.format(site=site_id, port=link), encoding="utf-8")
        self.agent = Program(directory / "agent.log", "edge-agent", "run", "--config", self.site_file)

    def enrol(self, collector_config: Path) -> None:
        """Invite at the collector, enrol here."""
        enrol(self.agent_id, self.site_id, self.directory, collector_config)

    def snapshot(self) -> dict[str, Any] | None:
        """What the agent says of itself."""
        return read_snapshot(self.directory / "run")

    def start(self) -> None:
        """Until the agent has the reader's port open: what was sent before is nobody's."""
        begun = time.time_ns()
        self.agent.start()
        wait_until(f"{self.agent_id} reads documents", lambda: self._reads(begun))

    def _reads(self, since_ns: int) -> bool:
        snapshot = self.snapshot()
        if snapshot is None or snapshot["written_unix_ns"] < since_ns:
            return False
        return any(each["id"] == "reader-1" and each["state"] in OPEN for each in snapshot["devices"])

    def status(self) -> dict[str, Any]:
        """`gatectl status --json`."""
        answer: dict[str, Any] = ask("gatectl", "--config", self.site_file, "status")
        return answer

    def passages(self) -> list[tuple[str, frozenset[str], str]]:
        """(passage id, codes of the gate's own decision, its action) of each, in order; the highest revision counts."""
        found: dict[str, tuple[str, frozenset[str], str]] = {}
        for _, body in records(self.state_dir, 0, 100_000):
            record = Record.FromString(body)
            if record.HasField("passage"):
                decision = record.passage.local_decision
                codes = frozenset(finding.code for finding in decision.findings)
                name = record.passage.passage_id
                found[name] = (name, codes, str(decision.action))
        return list(found.values())


def due(showings: list[Traveller], passages: list[tuple[str, frozenset[str], str]]) -> list[Due]:
    """The verdicts due, by passage: travellers came one after the other, so passages are in the same order."""
    return [
        Due(name, traveller.injected, traveller.codes, traveller.action)
        for traveller, (name, _codes, _action) in zip(showings, passages, strict=True)
    ]
