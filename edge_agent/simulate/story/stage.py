"""The told vehicles and the travellers, from the first file to the last verdict."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge_agent.simulate.programs import Program, ask, wait_until
from edge_agent.simulate.story import readings
from edge_agent.simulate.story.judging import Due, Found
from edge_agent.simulate.story.passengers import Boarding, PassengerGate, due, plan_boarding
from edge_agent.simulate.story.people import people_told
from edge_agent.simulate.story.setting import Sailings, Setting
from edge_agent.simulate.story.telling import Teller
from edge_agent.simulate.story.telling_gate import TellingGate
from edge_agent.simulate.story.vehicles import INJECTIONS, OTHER_SITE, clean
from gate_contract.v1.passage_pb2 import Passage

SITE = "macun"
CLEAN = 90
OF_EACH = 2
TRAVELLERS = 100
"""A sailing."""

BETWEEN_TRAVELLERS_S = 0.12
ORDER_EXPIRES_S = 60.0
LONG_ALONE_S = 13 * 3600
"""Longer than policy K05 lets a gate decide by itself."""

LIMIT = "100000"

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Timetable:
    """When the two ferries leave."""

    first: datetime
    second: datetime


class Stage:
    """Everything of the told part, in one directory."""

    def __init__(self, directory: Path, collector_config: Path, ports: tuple[int, int], tell: Tell) -> None:
        """`ports` are free; nothing is started."""
        directory.mkdir()
        self._config, self._tell = collector_config, tell
        self.now = datetime.now(UTC)
        self.setting = Setting(directory / "files", collector_config)
        self.main = TellingGate(directory / "told-main", SITE, "told-main", ports[0])
        self.other = TellingGate(directory / "told-other", OTHER_SITE, "told-other", ports[1])
        self.people = PassengerGate(directory / "people", SITE, "people-1")
        teller = Teller(20260301, self.now, SITE)
        self.tellings = [clean(teller) for _ in range(CLEAN)]
        self.tellings += [injection.tell(teller) for injection in INJECTIONS for _ in range(OF_EACH)]
        self.boardings: list[Boarding] = []
        self._orders_end = self.now
        self.people_told: list[tuple[Passage, Due | None]] = []

    @property
    def programs(self) -> tuple[Program, ...]:
        """Those that must be ended."""
        return (self.main.agent, self.other.agent, self.people.agent)

    @property
    def gates(self) -> tuple[TellingGate | PassengerGate, ...]:
        """All of them."""
        return (self.main, self.other, self.people)

    def set_up(self, other_sailings: Sailings, timetable: Timetable) -> None:
        """Everything that is known beforehand; `other_sailings` are those of the live lanes."""
        setting = self.setting
        setting.officers.appoint()
        self._orders_end = setting.orders(self.tellings, ORDER_EXPIRES_S) + timedelta(seconds=2)
        setting.policy()
        departure = max(each.said.departure for each in self.tellings)
        ferries = [
            (f"{SITE}-ferry-{n}", SITE, at, False) for n, at in enumerate((timetable.first, timetable.second), 1)
        ]
        told = [(f"{SITE}-told", SITE, departure, False), (f"{SITE}-cancelled", SITE, departure, True)]
        setting.sailings([*other_sailings, *told, *ferries])
        today = self.now.date()
        first = plan_boarding(f"{SITE}-ferry-1", TRAVELLERS, 11, today, [])
        second = plan_boarding(f"{SITE}-ferry-2", TRAVELLERS, 12, today, first.tickets[10:12])
        self.boardings = [first, second]
        for boarding in self.boardings:
            setting.manifest(boarding)
        setting.credit(self.tellings)
        setting.declarations("told", [said for each in self.tellings for said in each.known])
        setting.registers(self.tellings)
        with ThreadPoolExecutor(len(self.gates)) as pool:
            list(pool.map(lambda gate: gate.enrol(self._config), self.gates))
        self._tell(
            f"{len(self.tellings)} vehicles are told, {sum(len(b.tickets) for b in self.boardings)} tickets sold"
        )

    def tell_vehicles(self) -> None:
        """First what was before, at both sites; then the passages that are judged."""
        setting = self.setting
        before = [each for telling in self.tellings for each in telling.passages[:-1]]
        self.other.tell([passage for site, passage in before if site == OTHER_SITE], after_loss=True)
        self.main.tell([passage for site, passage in before if site == SITE], after_loss=True)
        for gate in (self.other, self.main):
            gate.agent.start()
        self._wait_judged([passage.passage_id for _, passage in before])
        self.main.agent.stop()
        wait_until("the short order has expired", lambda: datetime.now(UTC) > self._orders_end)
        self._restamp()
        told = [each for each in self.tellings if each.passages]
        counted = [
            self.setting.officers.counted(SITE, each.passage.passage_id, each.counted)
            for each in told
            if each.counted is not None
        ]
        self.people_told = people_told(self.now, OF_EACH)
        passages = [*(each.passage for each in told), *(passage for passage, _ in self.people_told)]
        self.main.tell(passages, counted)
        self.main.agent.start()
        self._wait_judged([each.passage_id for each in passages])
        setting.declarations("later", [said for each in self.tellings for said in each.later])
        self._tell(f"{len(told)} told vehicles have passed, and what was declared late or amended came afterwards")

    def board(self, boarding: Boarding, departure: datetime) -> None:
        """Everybody to the reader, one after the other; then the ship leaves and heads are counted."""
        before = len(self.people.passages())
        for traveller in boarding.showings:
            self.people.reader.show(traveller)
            time.sleep(BETWEEN_TRAVELLERS_S)
        wait_until(
            f"all of {boarding.sailing_id} are through",
            lambda: len(self.people.passages()) >= before + len(boarding.showings),
        )
        wait_until(f"{boarding.sailing_id} leaves", lambda: datetime.now(UTC) > departure, 180)
        self.setting.heads(boarding)
        self._tell(f"{boarding.sailing_id} has left with {boarding.heads} heads on {len(boarding.tickets)} tickets")

    def grow_old(self) -> None:
        """The passenger gate's copy of everything is dated back, as if nobody had reached it for 13 hours (K05)."""
        self.people.agent.stop()
        with closing(sqlite3.connect(self.people.state_dir / "reference.db")) as connection, connection:
            connection.execute("UPDATE state SET fetched_ns = fetched_ns - ?", (LONG_ALONE_S * 10**9,))
            connection.execute("UPDATE fetched SET boot_id = zeroblob(16)")  # of another run of the machine

    def shown_old(self) -> list[frozenset[str]]:
        """Codes of the gate's own decisions on travellers who come then; the collector is away."""
        before = len(self.people.passages())
        for boarding in self.boardings:
            self.people.reader.show(boarding.showings[5])
            time.sleep(BETWEEN_TRAVELLERS_S)
        wait_until("two more are through", lambda: len(self.people.passages()) >= before + len(self.boardings))
        return [codes for _, codes, _ in self.people.passages()[before:]]

    def due(self) -> list[Due]:
        """All verdicts due at the collector."""
        vehicles = [
            Due(
                each.said.declaration_id if each.finding_of == "declaration" else each.passage.passage_id,
                each.name,
                each.codes,
                each.action,
            )
            for each in self.tellings
        ]
        shown = [traveller for boarding in self.boardings for traveller in boarding.showings]
        people = due(shown, self.people.passages()[: len(shown)])
        ferries = [
            Due(each.sailing_id, "no-shows, and a head too few", each.codes, "REVIEW") for each in self.boardings
        ]
        told = [each for _, each in self.people_told if each is not None]
        gaps = [Due(gate.origin, "journal with a gap", frozenset({"K03"}), "HOLD") for gate in (self.main, self.other)]
        return [*vehicles, *people, *told, *ferries, *gaps]

    def found(self) -> dict[str, Found]:
        """What the collector says, by passage, declaration and sailing."""
        listed: list[dict[str, Any]] = ask("gate-collector", "passages", "--limit", LIMIT, "--config", self._config)
        found = {
            each["passage_id"]: Found(frozenset(each["findings"]), (each["action"] or "-").upper()) for each in listed
        }
        others: dict[str, list[str]] = {}
        actions: dict[str, str] = {}
        standing: list[dict[str, Any]] = ask("gate-collector", "findings", "--limit", LIMIT, "--config", self._config)
        for each in standing:
            if each["subject_kind"] != "passage":
                others.setdefault(each["subject"], []).append(each["code"])
                actions[each["subject"]] = each["action"].upper()
        return found | {subject: Found(frozenset(codes), actions[subject]) for subject, codes in others.items()}

    def _wait_judged(self, passage_ids: list[str]) -> None:
        wait_until("all that was told is judged", lambda: self._judged() >= set(passage_ids), 120)

    def _judged(self) -> set[str]:
        listed: list[dict[str, Any]] = ask("gate-collector", "passages", "--limit", LIMIT, "--config", self._config)
        return {each["passage_id"] for each in listed if each["action"] is not None}

    def _restamp(self) -> None:
        """Vehicles that come only now."""
        for telling in self.tellings:
            if telling.comes_now:
                now = readings.stamp(datetime.now(UTC))
                telling.passage.opened.CopyFrom(now)
                telling.passage.decided.CopyFrom(now)
