"""The AIS driver: a receiver's bytes in, messages and garbled bytes out. Sans-IO; payloads are read by pyais."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyais
from pyais.exceptions import AISBaseException

from edge_agent.drivers.ais.parts import Joined, PartJoiner
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.nmea0183 import Sentence, SentenceParser
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import Vessel

FIELDS_OF_VDM = 6

PAYLOAD_ERRORS = (AISBaseException, ValueError, LookupError, TypeError)
"""What pyais raises for a payload that no station sends. The last three it does not promise; they must not stop us."""

_SHORTEST = {
    **dict.fromkeys((1, 2, 3, 4, 9, 11, 18, 22), 168),
    **dict.fromkeys((7, 10, 12, 13, 20, 28), 72),
    **dict.fromkeys((14, 25), 40),
} | {5: 422, 6: 88, 8: 56, 15: 88, 16: 92, 17: 80, 19: 312, 21: 272, 23: 160, 24: 160, 26: 60, 27: 96}
"""Bits of the shortest message of each type (M.1371-5 annex 8, tables 46 to 84; 5 and 16 as some receivers cut spare
bits). pyais reads what is cut off as smaller numbers: half an MMSI is another ship.
"""

_UNKNOWN: dict[str, tuple[object, ...]] = {
    "lon": (181.0,),
    "lat": (91.0,),
    "speed": (102.3,),
    "course": (360.0,),
    "heading": (511,),
    "turn": (-128.0,),
    "second": (60,),
    "maneuver": (0,),
    "imo": (0,),
    "callsign": ("",),
    "shipname": ("",),
    "name": ("",),
    "destination": ("",),
    "ship_type": (0,),
    "draught": (0.0,),
    "month": (0,),
    "day": (0,),
    "hour": (24,),
    "minute": (60,),
    "epfd": (0,),
    "status": (15,),
}
"""Codes by which a station says that it does not know (ITU-R M.1371-5, annex 8): they are no values."""

LONG_RANGE = 27
_LONG_RANGE_UNKNOWN = _UNKNOWN | {"speed": (63, 63.0), "course": (511, 511.0)}
"""The long-range message has codes of its own (M.1371-5, annex 8, 3.25)."""

_WITH_BYTES = frozenset({6, 8, 17, 25, 26})

_STATUS = (
    "under_way_using_engine",
    "at_anchor",
    "not_under_command",
    "restricted_manoeuverability",
    "constrained_by_her_draught",
    "moored",
    "aground",
    "engaged_in_fishing",
    "under_way_sailing",
    "reserved_hsc",
    "reserved_wig",
    "towing_astern",
    "pushing_ahead",
    "reserved",
    "ais_sart_active",
)
"""Navigational status 0 to 14 (M.1371-5, annex 8, table 47); 15 is not defined."""


@dataclass(frozen=True, slots=True)
class AisMessage:
    """A decoded message: pyais's names, M.1371 units (knots, degrees, metres); None: the station does not know."""

    fields: dict[str, Any]

    @property
    def vessel(self) -> Vessel:
        """What it says of the ship."""
        get: Callable[[str], Any] = self.fields.get
        return Vessel(
            mmsi=self.fields["mmsi"],
            message_type=self.fields["msg_type"],
            latitude_degrees=get("lat"),
            longitude_degrees=get("lon"),
            speed_knots=get("speed"),
            course_degrees=get("course"),
            heading_degrees=get("heading"),
            status=get("status"),
            name=get("shipname"),
            call_sign=get("callsign"),
            imo=get("imo"),
            ship_type=get("ship_type"),
            destination=get("destination"),
        )


@dataclass(frozen=True, slots=True)
class OtherSentence:
    """A good sentence that carries no AIS message, e.g. the receiver's own state ("AIALR")."""

    address: str


AisSaid = AisMessage | OtherSentence


class AisDriver:
    """Reads one receiver."""

    def __init__(self) -> None:
        self._sentences = SentenceParser()
        self._joiner = PartJoiner()

    def feed(self, chunk: bytes) -> list[Heard[AisSaid] | Garbled]:
        """What these bytes complete. A message of several parts counts from its first part."""
        return self._read(self._sentences.feed(chunk))

    def flush(self) -> list[Heard[AisSaid] | Garbled]:
        """The rest, when no more bytes come; parts whose message never came whole are garbled."""
        return [*self._read(self._sentences.flush()), *self._joiner.flush()]

    def _read(self, sentences: list[Sentence | Garbled]) -> list[Heard[AisSaid] | Garbled]:
        items: list[Heard[AisSaid] | Garbled] = []
        for sentence in sentences:
            if isinstance(sentence, Garbled):
                items.append(sentence)
            elif sentence.kind not in {"VDM", "VDO"}:
                said = OtherSentence(sentence.talker + sentence.kind)
                items.append(Heard(sentence.offset, sentence.raw, said))
            elif len(sentence.fields) != FIELDS_OF_VDM:
                reason = f"{sentence.kind} has {len(sentence.fields)} fields, not {FIELDS_OF_VDM}"
                items.append(Garbled(sentence.offset, sentence.raw, reason))
            else:
                joined, lost = self._joiner.add(sentence)
                items += lost
                if joined is not None:
                    items.append(_decoded(joined))
        return items


def _decoded(parts: Joined) -> Heard[AisSaid] | Garbled:
    offset, raw = parts[0].offset, b"".join(part.raw for part in parts)
    bits = 6 * sum(len(part.fields[4]) for part in parts)
    try:
        fields: dict[str, Any] = pyais.decode(*(part.text for part in parts)).asdict(enum_as_int=True)
    except PAYLOAD_ERRORS as error:
        return Garbled(offset, raw, f"the payload is no AIS message: {type(error).__name__} {error}")
    kind = fields["msg_type"]
    shortest = _SHORTEST.get(kind)
    if shortest is None or bits < shortest:
        return Garbled(offset, raw, f"a message {kind} of {bits} bits is none; the shortest has {shortest}")
    for key, codes in _codes_of(kind, frozenset(fields)):
        if fields[key] in codes:
            fields[key] = None
    if fields.get("status") is not None:
        fields["status"] = _STATUS[fields["status"]]
    if kind in _WITH_BYTES:
        fields = {key: value.hex() if isinstance(value, bytes) else value for key, value in fields.items()}
    return Heard(offset, raw, AisMessage(fields))


@cache
def _codes_of(kind: int, keys: frozenset[str]) -> tuple[tuple[str, tuple[object, ...]], ...]:
    """The keys of this type of message that have codes for "not available"."""
    unknown = _LONG_RANGE_UNKNOWN if kind == LONG_RANGE else _UNKNOWN
    return tuple((key, codes) for key, codes in unknown.items() if key in keys)
