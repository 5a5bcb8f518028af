"""A passenger gate: travellers lay their passports on a reader, whose bytes come over a serial port."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from edge_agent.simulate.machine import Machine
from edge_agent.simulate.mrz import Passport, expired, make_passport
from edge_agent.simulate.programs import wait_until
from edge_agent.simulate.serial_line import SerialLine
from edge_agent.simulate.story.judging import Due
from edge_agent.status.reading import records
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


class DocumentReader(SerialLine):
    """A reader on a serial line of its own; what is laid on it is sent."""

    def show(self, traveller: Traveller) -> None:
        """The zone of a passport."""
        self.send(traveller.passport.sent())


class PassengerGate(Machine):
    """A passenger gate with a document reader."""

    def __init__(self, directory: Path, site_id: str, agent_id: str) -> None:
        """Writes the site file; the reader is plugged in."""
        link = directory / "reader"
        super().__init__(directory, site_id, agent_id, SITE_FILE.format(site=site_id, port=link))
        self.reader = DocumentReader(link)

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
