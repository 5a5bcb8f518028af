"""The GNSS driver: a receiver's bytes in, sentences and positions out. Sans-IO."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.gnss.sentences import GnssSentence, NotThisFormError, Value, read_sentence
from edge_agent.drivers.nmea0183 import Sentence, SentenceParser
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import Position


@dataclass(frozen=True, slots=True)
class OtherSentence:
    """A good sentence that says nothing of time or place here, e.g. a maker's own."""

    address: str


@dataclass(frozen=True, slots=True)
class GnssSaid:
    """A sentence, and the position of the moment before, when this sentence shows it to be complete."""

    sentence: GnssSentence | OtherSentence
    position: Position | None = None


class GnssDriver:
    """Reads one receiver.

    The sentences of one moment share its time of day; what they say is put together into one position (date from RMC,
    altitude from GGA …). GSA and VTG carry no time and count for the moment under way. A position has a fix when a
    sentence says that satellites gave it, and none says otherwise: a place that was reckoned, typed in or simulated is
    no evidence.
    """

    def __init__(self) -> None:
        self._sentences = SentenceParser()
        self._moment: dict[str, Value] = {}

    def feed(self, chunk: bytes) -> list[Heard[GnssSaid] | Garbled]:
        """What these bytes complete, in the order of the stream."""
        return [self._heard(item) if isinstance(item, Sentence) else item for item in self._sentences.feed(chunk)]

    def flush(self) -> list[Heard[GnssSaid] | Garbled]:
        """The rest of a line, when no more bytes come."""
        return [self._heard(item) if isinstance(item, Sentence) else item for item in self._sentences.flush()]

    def interrupt(self) -> Position | None:
        """The position under way, when no more sentences come."""
        return self._complete()

    def _heard(self, sentence: Sentence) -> Heard[GnssSaid] | Garbled:
        try:
            read = read_sentence(sentence)
        except NotThisFormError as error:
            return Garbled(sentence.offset, sentence.raw, f"{sentence.talker}{sentence.kind}: {error}")
        if read is None:
            said = GnssSaid(OtherSentence(sentence.talker + sentence.kind))
        else:
            said = GnssSaid(read, self._take(read))
        return Heard(sentence.offset, sentence.raw, said)

    def _take(self, sentence: GnssSentence) -> Position | None:
        """The position that this sentence shows to be complete: the first with another time of day begins the next."""
        complete = None
        if "time" in sentence.says:
            time = sentence.says["time"]
            if self._moment and time != self._moment.get("time"):
                complete = self._complete()
            self._moment["time"] = time
        if sentence.kind in {"GGA", "GNS", "RMC", "GLL", "ZDA", "VTG"} and self._moment:
            unmeasured = self._moment.get("measured") is False
            self._moment |= {key: value for key, value in sentence.says.items() if value is not None}
            if unmeasured:
                self._moment["measured"] = False
        return complete

    def _complete(self) -> Position | None:
        moment, self._moment = self._moment, {}
        if not moment:
            return None
        fix = moment.get("measured") is True
        date, time = moment.get("date"), moment.get("time")
        return Position(
            fix=fix,
            latitude_degrees=cast("Decimal | None", moment.get("lat")) if fix else None,
            longitude_degrees=cast("Decimal | None", moment.get("lon")) if fix else None,
            altitude_metres=cast("Decimal | None", moment.get("alt")) if fix else None,
            satellites=cast("int | None", moment.get("satellites")),
            hdop=cast("Decimal | None", moment.get("hdop")),
            time=f"{date}T{time}Z" if date and time else cast("str | None", time),
        )
