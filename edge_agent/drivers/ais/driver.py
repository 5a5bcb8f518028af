"""The AIS driver: a receiver's bytes in, messages and garbled bytes out. Sans-IO."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from edge_agent.drivers.ais.parts import Joined, PartJoiner
from edge_agent.drivers.ais.payload import NoMessageError, read_payload
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.nmea0183 import Sentence, SentenceParser
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import Vessel

FIELDS_OF_VDM = 6


@dataclass(frozen=True, slots=True)
class AisMessage:
    """A decoded message; its fields are those of `read_payload`.

    Attributes:
        channel: the radio channel that it was heard on ("A", "B"); None when the receiver does not say.
        own_ship: the transponder's own report (VDO), which was not received from anybody.
    """

    fields: dict[str, Any]
    channel: str | None
    own_ship: bool

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
    offset, raw = parts[0].offset, parts[0].raw if len(parts) == 1 else b"".join(part.raw for part in parts)
    try:
        first = parts[0]
        said = AisMessage(read_payload(parts), channel=first.fields[3] or None, own_ship=first.kind == "VDO")
        return Heard(offset, raw, said)
    except NoMessageError as error:
        return Garbled(offset, raw, str(error))
