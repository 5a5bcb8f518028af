"""What a passage's other readings say: containers, scans, radiation, axles, documents, faces, seals, distances.

Conversion is tolerant: what is missing or malformed becomes "", None or `Absent`, never an exception.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from gate_contract import iso6346
from gate_contract.rules.amounts import Amount, amount
from gate_contract.rules.characters import CharacterFact, characters_of
from gate_contract.rules.text import shown
from gate_contract.v1 import reading_pb2

_LONGEST_NUMBER = 64
"""Texts are cut here before they are looked at: no container or seal number is longer."""

_LOOKED_AT = 200
"""Readings of one kind that are looked at; no vehicle has so many."""


def container_number(text: str) -> str:
    """A container number as it is compared: capitals without what people write between its parts."""
    cut = text[:_LONGEST_NUMBER]
    return cut.upper() if cut.isalnum() else iso6346.compact(cut)


def seal_number(text: str) -> str:
    """A seal's number as it is compared: letters and digits in capitals."""
    return "".join(character for character in text[:_LONGEST_NUMBER].upper() if character.isalnum())


def _share(value: float) -> float | None:
    """0 to 1, else None."""
    return value if 0 <= value <= 1 else None


@dataclass(frozen=True, slots=True)
class ContainerFact:
    """A container's number as read; `size_type` is "" when none was read.

    `read_as` is what the reader wrote where several reads of one container were voted (`fusion`) and came to another
    number; "" where it is the reader's own.
    """

    device_id: str
    number: str
    size_type: str
    confidence: float | None
    unattended: bool
    characters: tuple[CharacterFact, ...] = ()
    read_as: str = ""

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> ContainerFact:
        """Take over what can be used."""
        seen = reading.container
        number = container_number(seen.number)
        return cls(
            reading.device_id,
            number,
            container_number(seen.size_type),
            _share(seen.confidence),
            seen.unattended,
            characters_of(number, seen.characters, container_number),
        )

    @property
    def valid(self) -> bool:
        """Whether it is a number of ISO 6346 with the right check digit. Computed here, whatever the reader says."""
        return iso6346.is_valid(self.number)

    @property
    def source(self) -> str:
        """E.g. `camera-2, read as CSQU3054388, confidence 0.91, not sure enough to be used without a person`."""
        sure = "" if self.confidence is None else f"confidence {self.confidence:.2f}"
        doubt = "" if self.unattended else "not sure enough to be used without a person"
        voted = f"read as {shown(self.read_as)}" if self.read_as else ""
        return ", ".join(filter(None, (shown(self.device_id), voted, sure, doubt)))


@dataclass(frozen=True, slots=True)
class ScanFact:
    """One scan. `classes`: the words of the scanner's object class, in small letters; `share`: how sure it is."""

    device_id: str
    scan_id: str
    verdict: str
    device_verdict: str
    classes: tuple[str, ...]
    percent: Amount
    image_problem: str

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> ScanFact:
        """Take over what can be used; an object class of several words parted by , ; | or / is several classes."""
        scan = reading.scan
        text = scan.object_class[:_LOOKED_AT].casefold()
        for mark in ";|/":
            text = text.replace(mark, ",")
        return cls(
            reading.device_id,
            scan.scan_id,
            scan.verdict,
            scan.device_verdict,
            tuple(dict.fromkeys(word for part in text.split(",") if (word := " ".join(part.split())))),
            amount(scan.confidence),
            scan.image_problem,
        )

    @property
    def source(self) -> str:
        """E.g. `xray-1, scan 17`."""
        return ", ".join(filter(None, (shown(self.device_id), self.scan_id and f"scan {shown(self.scan_id)}")))


@dataclass(frozen=True, slots=True)
class RadiationFact:
    """One occupancy of a radiation portal."""

    device_id: str
    gamma_alarm: bool
    neutron_alarm: bool

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> RadiationFact:
        """Take over the portal's own words."""
        return cls(reading.device_id, reading.radiation.gamma_alarm, reading.radiation.neutron_alarm)


@dataclass(frozen=True, slots=True)
class AxlesFact:
    """Axles that were weighed one after the other, kilograms."""

    device_id: str
    axles: tuple[Amount, ...]
    total: Amount
    uncertainty: Amount

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> AxlesFact:
        """Take over what can be used."""
        axles = reading.axles
        return cls(
            reading.device_id,
            tuple(amount(each) for each in axles.axle_kilograms[:_LOOKED_AT]),
            amount(axles.total_kilograms),
            amount(axles.uncertainty_kilograms),
        )


@dataclass(frozen=True, slots=True)
class DocumentFact:
    """A document that was read; nothing in it names a person. `pseudonym` is b"" when there is none."""

    device_id: str
    kind: str
    pseudonym: bytes
    expires: str
    faults: tuple[str, ...]

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> DocumentFact:
        """Take over what can be used."""
        seen = reading.document
        return cls(reading.device_id, seen.kind, seen.pseudonym, seen.expires, tuple(seen.faults[:_LOOKED_AT]))

    @property
    def name(self) -> str:
        """Enough of the pseudonym to tell two documents of one passage apart."""
        return f"document {self.pseudonym.hex()[:8] or 'without a pseudonym'}"


@dataclass(frozen=True, slots=True)
class FaceFact:
    """A face check. `score` and `threshold` are None when there is none that can be compared."""

    device_id: str
    matched: bool
    reason: str
    compared: str
    score: float | None
    threshold: float | None
    tries: int
    liveness: str

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> FaceFact:
        """Take over what can be used."""
        face = reading.face
        return cls(
            reading.device_id,
            face.outcome == "matched",
            face.reason,
            face.compared,
            face.score if face.HasField("score") and math.isfinite(face.score) else None,
            face.threshold if math.isfinite(face.threshold) else None,
            face.tries,
            face.liveness,
        )


@dataclass(frozen=True, slots=True)
class SealFact:
    """A seal that was looked at; `container` and `number` are "" when not known."""

    device_id: str
    container: str
    number: str
    state: Literal["whole", "broken", "absent", ""]

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> SealFact:
        """Take over what can be used; a state that is none of the three is ""."""
        seal = reading.seal
        states: dict[str, Literal["whole", "broken", "absent"]] = {
            "whole": "whole",
            "broken": "broken",
            "absent": "absent",
        }
        number, container = seal_number(seal.number), container_number(seal.container)
        return cls(reading.device_id, container, number, states.get(seal.state, ""))


@dataclass(frozen=True, slots=True)
class DistanceFact:
    """What a distance sensor found: something there or nothing."""

    device_id: str
    occupied: bool

    @classmethod
    def of(cls, reading: reading_pb2.Reading) -> DistanceFact:
        """Take over its word."""
        return cls(reading.device_id, reading.distance.occupied)


@dataclass(frozen=True, slots=True)
class Seen:
    """Every reading that a rule looks at, by kind, in order of arrival; late ones count."""

    containers: tuple[ContainerFact, ...] = ()
    scans: tuple[ScanFact, ...] = ()
    radiation: tuple[RadiationFact, ...] = ()
    axles: tuple[AxlesFact, ...] = ()
    documents: tuple[DocumentFact, ...] = ()
    faces: tuple[FaceFact, ...] = ()
    seals: tuple[SealFact, ...] = ()
    distances: tuple[DistanceFact, ...] = ()

    @classmethod
    def of(cls, readings: Iterable[reading_pb2.Reading]) -> Seen:
        """Sort readings by kind. A scan is told twice, without and with its picture: the last record of it counts."""
        kinds: dict[str, list[reading_pb2.Reading]] = {}
        for reading in readings:
            kinds.setdefault(reading.WhichOneof("body") or "", []).append(reading)
        found = {kind: each[:_LOOKED_AT] for kind, each in kinds.items()}
        containers = [ContainerFact.of(each) for each in found.get("container", ())]
        scans = [ScanFact.of(each) for each in found.get("scan", ())]
        last = {(each.device_id, each.scan_id or str(at)): each for at, each in enumerate(scans)}
        return cls(
            containers=tuple(each for each in containers if each.number),
            scans=tuple(last.values()),
            radiation=tuple(map(RadiationFact.of, found.get("radiation", ()))),
            axles=tuple(map(AxlesFact.of, found.get("axles", ()))),
            documents=tuple(map(DocumentFact.of, found.get("document", ()))),
            faces=tuple(map(FaceFact.of, found.get("face", ()))),
            seals=tuple(map(SealFact.of, found.get("seal", ()))),
            distances=tuple(map(DistanceFact.of, found.get("distance", ()))),
        )
