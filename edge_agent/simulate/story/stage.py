"""The story's vehicles and travellers, from the first file to the last verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from edge_agent.model.moment import WallNs
from edge_agent.reference.file import Changes, ReferenceFile
from edge_agent.simulate.machine import Machine
from edge_agent.simulate.programs import Program, ask, wait_until
from edge_agent.simulate.story import readings
from edge_agent.simulate.story.judging import Due, Found
from edge_agent.simulate.story.lanes import LaneDevices
from edge_agent.simulate.story.passengers import Boarding, PassengerGate, due, plan_boarding
from edge_agent.simulate.story.people import people_told
from edge_agent.simulate.story.player import LanePlayer
from edge_agent.simulate.story.playing import PORTS_NEEDED, Playing, in_order, inspect
from edge_agent.simulate.story.setting import Setting
from edge_agent.simulate.story.telling import OTHER_SITE, Teller, Telling, Where
from edge_agent.simulate.story.telling_gate import ROAD, TellingGate
from edge_agent.simulate.story.vehicles import INJECTIONS, clean
from gate_contract.v1.passage_pb2 import Passage

SITE = "macun"
CLEAN: dict[Where, int] = {"scale": 38, "axles": 12, "empties": 20, "road": 20}
"""Vehicles with nothing wrong, by the lane they come to."""

OF_EACH = 2
TRAVELLERS = 100
"""A sailing."""

BETWEEN_TRAVELLERS_S = 0.12
ORDER_EXPIRES_S = 60.0
PORTS = 2 + PORTS_NEEDED
ASK_EVERY_S = 1.0
"""A command of the collector costs a second of a core: who waits for its answer leaves some to the others."""

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
    """Everything of the story, in one directory."""

    def __init__(self, directory: Path, collector_config: Path, ports: Sequence[int], tell: Tell) -> None:
        """`ports`: as many as `PORTS` that are free; nothing is started."""
        directory.mkdir()
        self._config, self._tell = collector_config, tell
        self.now = datetime.now(UTC)
        self.setting = Setting(directory / "files", collector_config)
        self.main = TellingGate(directory / "told-main", SITE, "told-main", ports[0])
        self.other = TellingGate(directory / "told-other", OTHER_SITE, "told-other", ports[1])
        self.people = PassengerGate(directory / "people", SITE, "people-1")
        self.playing = Playing(directory, SITE, ports[2:])
        teller = Teller(20260301, self.now, SITE)
        self.tellings = [clean(teller, where) for where, count in CLEAN.items() for _ in range(count)]
        self.tellings += [injection.tell(teller) for injection in INJECTIONS for _ in range(OF_EACH)]
        self.boardings: list[Boarding] = []
        self._orders_end = self.now
        self.people_told: list[tuple[Passage, Due | None]] = []

    @property
    def programs(self) -> tuple[Program, ...]:
        """Those that must be ended."""
        return tuple(gate.agent for gate in self.gates)

    @property
    def gates(self) -> tuple[Machine, ...]:
        """All of them."""
        return (self.main, self.other, self.people, *self.playing.gates)

    @property
    def played(self) -> list[Telling]:
        """Vehicles whose devices send their bytes."""
        return [each for each in self.tellings if not each.told]

    @property
    def told(self) -> list[Telling]:
        """Those that are written into a journal."""
        return [each for each in self.tellings if each.told]

    def set_up(self, timetable: Timetable) -> None:
        """Everything that is known beforehand."""
        setting = self.setting
        setting.officers.appoint()
        self._orders_end = setting.orders(self.tellings, ORDER_EXPIRES_S) + timedelta(seconds=2)
        setting.policy()
        departure = max(each.said.departure for each in self.tellings)
        ferries = [
            (f"{SITE}-ferry-{n}", SITE, at, False) for n, at in enumerate((timetable.first, timetable.second), 1)
        ]
        others = [(f"{SITE}-told", SITE, departure, False), (f"{SITE}-cancelled", SITE, departure, True)]
        setting.sailings([*others, *ferries])
        today = self.now.date()
        first = plan_boarding(f"{SITE}-ferry-1", TRAVELLERS, 11, today, [])
        second = plan_boarding(f"{SITE}-ferry-2", TRAVELLERS, 12, today, first.tickets[10:12])
        self.boardings = [first, second]
        for boarding in self.boardings:
            setting.manifest(boarding)
        setting.credit(self.tellings)
        setting.declarations("known", [said for each in self.tellings for said in each.known])
        setting.registers(self.tellings)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda gate: gate.enrol(self._config), self.gates))
        told = [each for each in self.told if each.passages]
        self._tell(
            f"{len(self.played)} vehicles are to be played here, {len(told)} told, {len(self.told) - len(told)} never"
            f" come; {sum(len(b.tickets) for b in self.boardings)} tickets are sold"
        )

    def plug_in(self, stack: ExitStack) -> None:
        """The played lanes' devices, and then their agents, until those know what was declared."""
        expected = sum(len(each.known) for each in self.played)
        for gate in self.playing.gates:
            gate.plug_in(stack)
            gate.agent.start()
        for gate in self.playing.gates:
            wait_until(f"{gate.agent_id} hears all of its devices", gate.hears_all)
            wait_until(f"{gate.agent_id} has its declarations", lambda g=gate: declarations(g) >= expected)  # type: ignore[misc]  # mypy infers no lambda with defaults
        self._tell(f"{' and '.join(gate.agent_id for gate in self.playing.gates)} know {expected} declarations")

    def tell_vehicles(self) -> None:
        """First what was before, at the other site; then the passages that are judged."""
        before = [passage for each in self.told for passage in each.at(OTHER_SITE)]
        self.other.tell(before, after_loss=True)
        self.other.agent.start()
        self._wait_judged([passage.passage_id for passage in before])
        self.people_told = people_told(self.now, OF_EACH)
        for each in self.told:
            if each.comes_now:
                readings.restamp(each.passage, datetime.now(UTC))
        here = [passage for each in self.told for passage in each.at(SITE)]
        passages = [*here, *(passage for passage, _ in self.people_told)]
        self.main.tell(passages, after_loss=True)
        self.main.agent.start()
        self._wait_judged([each.passage_id for each in passages])
        self._tell(f"{sum(bool(each.passages) for each in self.told)} told vehicles have passed")

    def play_vehicles(self) -> None:
        """All lanes at once, those of both sites."""
        with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
            road = pool.submit(self._play_road, stack)
            self.playing.play([each for each in self.played if each.where != "road"], self._order_over)
            road.result()
        came = len(self.playing.crossed)
        self._tell(
            f"{came} vehicles have passed, {sum(bool(each.through) for each in self.playing.crossed)} of them freely"
        )

    def come_afterwards(self) -> None:
        """What an officer finds, and what is declared or amended when its vehicle has passed."""
        self._wait_judged([each.passage.passage_id for each in self.played])
        for each in self.tellings:
            if each.counted is not None:
                inspect(self.playing.gate_of(each.passage.passage_id), each, self.setting.officers)
        later = [said for each in self.tellings for said in each.later]
        self.setting.declarations("later", later)
        self._tell(f"{len(later)} declarations came late or were amended")

    def _play_road(self, stack: ExitStack) -> None:
        wait_until("the other site's agent runs", lambda: self.other.snapshot() is not None, 300)
        camera = LaneDevices({"road-camera": self.other.camera_url})
        camera.start()
        stack.callback(camera.stop)
        seen = [each for each in self.played if each.where == "road"]
        LanePlayer(self.other, ROAD, camera).play(in_order(seen, self._order_over))

    def _order_over(self) -> bool:
        return datetime.now(UTC) > self._orders_end

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
        with closing(ReferenceFile(self.people.state_dir / "reference.db")) as file:
            head = file.load().head
            if head.fetched is not None:
                wall = WallNs(head.fetched.wall - LONG_ALONE_S * 10**9)
                then = replace(head.fetched, wall=wall, boot_id=bytes(16))  # of another run of the machine
                file.write(Changes(), replace(head, fetched=then))

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
        wait_until("all that was told is judged", lambda: self._judged() >= set(passage_ids), 300, ASK_EVERY_S)

    def _judged(self) -> set[str]:
        listed: list[dict[str, Any]] = ask("gate-collector", "passages", "--limit", LIMIT, "--config", self._config)
        return {each["passage_id"] for each in listed if each["action"] is not None}


def declarations(gate: Machine) -> int:
    """How many the gate knows; 0 while it is not connected."""
    snapshot = gate.snapshot()
    return 0 if snapshot is None or not snapshot["uplink"]["connected"] else int(snapshot["reference"]["declarations"])
