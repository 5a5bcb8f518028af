"""What a passage and a declaration say, as values a rule can calculate with.

Conversion is tolerant: what is missing or malformed becomes `Absent` with the reason, never an exception.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from gate_contract.rules import plates
from gate_contract.rules.amounts import Absent, Amount, amount, known_time, money
from gate_contract.rules.boxes import DeclaredBox, boxes_of
from gate_contract.rules.characters import CharacterFact, characters_of
from gate_contract.rules.readings import Seen
from gate_contract.rules.text import shown
from gate_contract.v1 import declaration_pb2, passage_pb2, stamp_pb2

LARGEST_BOUND_NS: Final = 60_000_000_000
"""A clock that may be further off than this tells no time: the order of the records is used instead (K01)."""


@dataclass(frozen=True, slots=True)
class PlateFact:
    """A plate read. `text` is normalised and "" when nothing was read; `confidence` is 0 to 1 or None.

    `characters` are none where the reader does not say how sure it was of each. `voted_from` are the reads that one was
    voted from (`fusion`), in order of arrival; none for a read of a camera.
    """

    device_id: str
    text: str
    confidence: float | None
    late: bool
    characters: tuple[CharacterFact, ...] = ()
    voted_from: tuple[PlateFact, ...] = ()

    @classmethod
    def of(cls, read: passage_pb2.PlateRead) -> PlateFact:
        """Take over what can be used; a confidence outside 0 to 1 is none."""
        confidence = read.confidence if read.HasField("confidence") and 0 <= read.confidence <= 1 else None
        text = plates.normalise(read.text)
        characters = characters_of(text, read.characters, plates.normalise)
        return cls(read.device_id, text, confidence, read.late, characters)

    @property
    def source(self) -> str:
        """E.g. `camera-1, confidence 0.93, late`, or `voted from 3 reads of camera-1 and camera-2, confidence 0.87`."""
        sure = "" if self.confidence is None else f"confidence {self.confidence:.2f}"
        voted = f"voted from {len(self.voted_from)} reads of " if self.voted_from else ""
        return ", ".join(filter(None, (voted + shown(self.device_id), sure, "late" if self.late else "")))


@dataclass(frozen=True, slots=True)
class WeighingFact:
    """A weight on which the scale stood still, kilograms. `kind` and `stability` are None when nobody says."""

    device_id: str
    kilograms: Amount
    uncertainty_kilograms: Amount
    kind: Literal["gross", "net"] | None
    stability: Literal["device", "inferred"] | None
    late: bool

    @classmethod
    def of(cls, weighing: passage_pb2.Weighing) -> WeighingFact:
        """Take over what can be used; enum values this version does not know count as not said."""
        kinds: dict[int, Literal["gross", "net"]] = {
            passage_pb2.WEIGHT_KIND_GROSS: "gross",
            passage_pb2.WEIGHT_KIND_NET: "net",
        }
        stabilities: dict[int, Literal["device", "inferred"]] = {
            passage_pb2.STABILITY_DEVICE: "device",
            passage_pb2.STABILITY_INFERRED: "inferred",
        }
        return cls(
            device_id=weighing.device_id,
            kilograms=amount(weighing.kilograms, negative=True),
            uncertainty_kilograms=amount(weighing.uncertainty_kilograms),
            kind=kinds.get(weighing.kind),
            stability=stabilities.get(weighing.stability),
            late=weighing.late,
        )

    @property
    def source(self) -> str:
        """E.g. `scale-1, stable (inferred), gross or net not said by the device: taken as gross`."""
        kind = self.kind or "gross or net not said by the device: taken as gross"
        stable = f"stable ({self.stability})" if self.stability else "not known to be stable"
        return ", ".join(filter(None, (shown(self.device_id), stable, kind, "late" if self.late else "")))


@dataclass(frozen=True, slots=True)
class PassageFacts:
    """One passage.

    Attributes:
        at_unix_ns: when it opened; None when the gate's clock cannot be believed or did not say.
        direction: a value of `passage_pb2.Direction`; 0 when not said.
        missing: what the lane is equipped for and did not read: kind ("plate", "weight") and reason, in order.
        lane_kind: a value of `passage_pb2.LaneKind`; 0 when not said.
        decided_unix_ns: when its readings were complete; None as for `at_unix_ns`.
        bound_ns: how far the gate's clock may have been off, nanoseconds; None when it does not say.
        lane_id: "" when not said.
        backed_out: it went back the way it came: nothing passed the gate.
        seen: its other readings.
    """

    passage_id: str
    at_unix_ns: int | None
    direction: int
    plates: tuple[PlateFact, ...]
    weighings: tuple[WeighingFact, ...]
    missing: tuple[tuple[str, str], ...]
    lane_kind: int = 0
    decided_unix_ns: int | None = None
    bound_ns: int | None = None
    backed_out: bool = False
    lane_id: str = ""
    seen: Seen = field(default_factory=Seen)

    @classmethod
    def of(cls, passage: passage_pb2.Passage) -> PassageFacts:
        """Take over a message whatever is in it."""
        return cls(
            passage_id=passage.passage_id,
            at_unix_ns=believed(passage.opened),
            direction=passage.direction,
            plates=tuple(PlateFact.of(read) for read in passage.plates),
            weighings=tuple(WeighingFact.of(weighing) for weighing in passage.weighings),
            missing=tuple((missing.kind, missing.reason) for missing in passage.missing),
            lane_kind=passage.lane_kind,
            decided_unix_ns=believed(passage.decided),
            bound_ns=bound_of(passage.opened),
            backed_out=passage.closed_by == passage_pb2.PASSAGE_CLOSING_BACKED_OUT,
            lane_id=passage.lane_id,
            seen=Seen.of(passage.readings),
        )

    def why_missing(self, kind: str) -> str | None:
        """The reason a reading of this kind is missing; None when the passage does not list it as missing."""
        return next((reason for missing, reason in self.missing if missing == kind), None)


@dataclass(frozen=True, slots=True)
class Declared:
    """One version of one declaration. Times are None when not known; `persons` is None when none is declared.

    `received_unix_ns` is when the collector learned of it; `drivers` are pseudonyms of documents on the sailing;
    `value` is in `currency`.
    """

    declaration_id: str
    version: int
    site_id: str
    direction: int
    sailing_id: str
    departure_unix_ns: int | None
    lodged_unix_ns: int | None
    vehicle_plate: str
    trailer_plate: str
    vehicle_tare_kilograms: Amount
    box_tare_kilograms: Amount
    persons: int | None
    cargo_kilograms: Amount
    received_unix_ns: int | None
    boxes: tuple[DeclaredBox, ...]
    hs_codes: tuple[str, ...]
    packages: int | None
    declarant_id: str
    carrier_id: str
    drivers: frozenset[bytes]
    value: Amount
    currency: str
    verified_gross_kilograms: Amount

    @classmethod
    def of(cls, declaration: declaration_pb2.Declaration) -> Declared:
        """Take over a message whatever is in it. No container and no box tare is a box tare of nothing."""
        boxes = boxes_of(declaration)
        return cls(
            declaration_id=declaration.declaration_id,
            version=declaration.version,
            site_id=declaration.site_id,
            direction=declaration.direction,
            sailing_id=declaration.sailing_id,
            departure_unix_ns=known_time(declaration.departure_unix_ns),
            lodged_unix_ns=known_time(declaration.lodged_unix_ns),
            vehicle_plate=plates.normalise(declaration.vehicle_plate),
            trailer_plate=plates.normalise(declaration.trailer_plate),
            vehicle_tare_kilograms=amount(declaration.vehicle_tare_kilograms),
            box_tare_kilograms=_box_tare(declaration, boxes),
            persons=declaration.persons or None,
            cargo_kilograms=amount(declaration.cargo_kilograms),
            received_unix_ns=known_time(declaration.received_unix_ns),
            boxes=boxes,
            hs_codes=tuple(code for each in declaration.goods if (code := _digits(each.hs_code[:20]))),
            packages=sum(each.packages for each in declaration.goods) or None,
            declarant_id=declaration.declarant_id,
            carrier_id=declaration.carrier_id,
            drivers=frozenset(declaration.drivers),
            value=money(declaration.value.amount),
            currency=declaration.value.currency.strip().upper(),
            verified_gross_kilograms=amount(declaration.verified_gross_kilograms),
        )

    @property
    def name(self) -> str:
        """E.g. `D-17 version 2`."""
        return f"{shown(self.declaration_id) or '(no id)'} version {self.version}"


def _digits(code: str) -> str:
    return code if code.isdecimal() else "".join(filter(str.isdecimal, code))


def _box_tare(declaration: declaration_pb2.Declaration, boxes: tuple[DeclaredBox, ...]) -> Amount:
    """Empty mass of the containers as declared in one sum, else of each; nothing where none is declared."""
    if declaration.box_tare_kilograms or not (boxes or declaration.containers):
        return amount(declaration.box_tare_kilograms or "0")
    tares = [each.tare_kilograms for each in boxes if isinstance(each.tare_kilograms, Decimal)]
    return sum(tares, Decimal(0)) if boxes and len(tares) == len(boxes) else Absent("not given")


def believed(stamp: stamp_pb2.Stamp) -> int | None:
    """Wall time of a stamp; None when its clock was not synchronised, or may have been off by more than a minute."""
    if stamp.clock == stamp_pb2.CLOCK_STATE_UNSYNCHRONISED or (bound_of(stamp) or 0) > LARGEST_BOUND_NS:
        return None
    return known_time(stamp.wall_unix_ns)


def bound_of(stamp: stamp_pb2.Stamp) -> int | None:
    """How far a synchronised clock may have been off, nanoseconds; None when that is not known.

    The kernel's bound holds only while it calls its clock synchronised (stamp.proto).
    """
    free = stamp.clock == stamp_pb2.CLOCK_STATE_UNSYNCHRONISED
    return stamp.error_bound_ns if stamp.HasField("error_bound_ns") and not free else None
