"""[[actuator]] tables as the gateways of lanes."""

from __future__ import annotations

from collections.abc import Iterable

from edge_agent.actuate.settings import Actuator, Kind, LaneActuators
from edge_agent.actuate.words import Word
from edge_agent.config_actuators import SAFE, ActuatorTable


def gateways_of(tables: Iterable[ActuatorTable]) -> list[LaneActuators]:
    """The actuators of each lane that has some."""
    by_lane: dict[str, list[ActuatorTable]] = {}
    for table in tables:
        by_lane.setdefault(table.lane, []).append(table)
    return [_lane(lane_id, each) for lane_id, each in by_lane.items()]


def _lane(lane_id: str, tables: list[ActuatorTable]) -> LaneActuators:
    barrier = next((table for table in tables if table.kind == "barrier"), None)
    device, _, contact = (barrier.seen_by or "" if barrier else "").partition("/")
    ordered = sorted(tables, key=lambda table: table.kind == "barrier")
    return LaneActuators(
        lane_id, tuple(map(_actuator, ordered)), device, contact, barrier.pass_within if barrier else 30.0
    )


def _actuator(table: ActuatorTable) -> Actuator:
    named = table.named
    words: dict[Word, dict[str, bool]] = {}
    for key, output in named.items():
        # With a pulse, too: an agent that died in the middle of one has left the other button pressed.
        others = {other: False for other in named.values() if other != output}
        words[Word(key)] = {**others, output: True}
    if table.kind == "barrier":
        words.setdefault(Word.CLOSE, {named["open"]: False})
    else:
        words[Word.OFF] = dict.fromkeys(named.values(), False)
    safe = SAFE[table.kind].get(table.fail_safe)
    word = Word(safe) if safe is not None else None
    fail_safe = word if word in words else (Word.OFF if word is not None else None)
    return Actuator(table.id, Kind(table.kind), table.device, words, table.pulse, fail_safe)
