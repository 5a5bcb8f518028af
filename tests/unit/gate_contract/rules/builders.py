"""Messages and judgements for the rule book's tests: one truck that is as declared, changed where a test says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from gate_contract.rules import BookingIndex, Context, EarlierDecision, JournalDefect, Policy, decide
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2, reading_pb2, stamp_pb2

HOUR = 3_600_000_000_000
NOON = 1_740_830_400_000_000_000
"""2025-03-01T12:00:00Z: the truck passes."""

PLATE = "琼A12345"
RELEASE, REVIEW, INSPECT, HOLD = (
    decision_pb2.ACTION_RELEASE,
    decision_pb2.ACTION_REVIEW,
    decision_pb2.ACTION_INSPECT,
    decision_pb2.ACTION_HOLD,
)


def a_declaration(
    declaration_id: str = "D-1",
    *,
    version: int = 1,
    plate: str = PLATE,
    trailer: str = "",
    site: str = "xiuying",
    direction: passage_pb2.Direction.ValueType = passage_pb2.DIRECTION_INBOUND,
    sailing: str = "",
    departure: int = NOON + HOUR,
    lodged: int = NOON - 5 * HOUR,
    tare: str = "12000",
    box_tare: str = "0",
    persons: int = 2,
    cargo: str = "13000",
    containers: Sequence[str] = (),
    received: int = 0,
    equipment: Sequence[declaration_pb2.DeclaredContainer] = (),
    hs_codes: Sequence[str] = (),
    packages: int = 0,
    declarant: str = "",
    carrier: str = "",
    drivers: Sequence[bytes] = (),
    value: str = "",
    currency: str = "CNY",
    verified_gross: str = "",
) -> declaration_pb2.Declaration:
    """12,000 kg empty, 13,000 kg of goods, two persons: 25,150 kg."""
    return declaration_pb2.Declaration(
        declaration_id=declaration_id,
        version=version,
        vehicle_plate=plate,
        trailer_plate=trailer,
        site_id=site,
        direction=direction,
        sailing_id=sailing,
        departure_unix_ns=departure,
        lodged_unix_ns=lodged,
        vehicle_tare_kilograms=tare,
        box_tare_kilograms=box_tare,
        persons=persons,
        cargo_kilograms=cargo,
        containers=containers,
        received_unix_ns=received,
        equipment=equipment,
        goods=[declaration_pb2.GoodsItem(hs_code=code, packages=packages) for code in hs_codes],
        declarant_id=declarant,
        carrier_id=carrier,
        drivers=drivers,
        value=declaration_pb2.Money(amount=value, currency=currency) if value else None,
        verified_gross_kilograms=verified_gross,
    )


_FULLNESS: dict[bool | None, declaration_pb2.Fullness.ValueType] = {
    None: declaration_pb2.FULLNESS_UNSPECIFIED,
    False: declaration_pb2.FULLNESS_EMPTY,
    True: declaration_pb2.FULLNESS_LOADED,
}


def a_box(
    number: str,
    *,
    size_type: str = "",
    full: bool | None = None,
    seals: Sequence[str] = (),
    tare: str = "",
    verified_gross: str = "",
) -> declaration_pb2.DeclaredContainer:
    """A declared container; `full` None says nothing."""
    return declaration_pb2.DeclaredContainer(
        number=number,
        size_type=size_type,
        fullness=_FULLNESS[full],
        seals=seals,
        tare_kilograms=tare,
        verified_gross_kilograms=verified_gross,
    )


def a_container(number: str, *, size_type: str = "", device: str = "camera-2") -> reading_pb2.Reading:
    seen = reading_pb2.ContainerSeen(number=number, size_type=size_type, confidence=0.9, unattended=True)
    return reading_pb2.Reading(device_id=device, container=seen)


def a_scan(
    object_class: str = "", *, verdict: str = "clear", confidence: str = "", problem: str = "", scan_id: str = "7"
) -> reading_pb2.Reading:
    scan = reading_pb2.Scan(
        scan_id=scan_id,
        verdict=verdict,
        device_verdict=verdict.upper(),
        object_class=object_class,
        confidence=confidence,
        image_problem=problem,
    )
    return reading_pb2.Reading(device_id="xray-1", scan=scan)


def a_document(
    pseudonym: bytes = b"a" * 32, *, expires: str = "2030-01-01", faults: Sequence[str] = ()
) -> reading_pb2.Reading:
    document = reading_pb2.DocumentSeen(kind="TD3", pseudonym=pseudonym, expires=expires, faults=faults)
    return reading_pb2.Reading(device_id="document-1", document=document)


def a_plate(text: str = PLATE, *, confidence: float | None = 0.95, late: bool = False) -> passage_pb2.PlateRead:
    return passage_pb2.PlateRead(device_id="camera-1", text=text, confidence=confidence, late=late)


def a_weighing(
    kilograms: str = "25150",
    *,
    uncertainty: str = "20",
    kind: passage_pb2.WeightKind.ValueType = passage_pb2.WEIGHT_KIND_GROSS,
    stability: passage_pb2.Stability.ValueType = passage_pb2.STABILITY_DEVICE,
    late: bool = False,
) -> passage_pb2.Weighing:
    return passage_pb2.Weighing(
        device_id="scale-1",
        kilograms=kilograms,
        uncertainty_kilograms=uncertainty,
        kind=kind,
        stability=stability,
        late=late,
    )


def a_passage(
    *,
    plates: Sequence[passage_pb2.PlateRead | str] = (PLATE,),
    weighings: Sequence[passage_pb2.Weighing | str] = ("25150",),
    missing: dict[str, str] | None = None,
    direction: passage_pb2.Direction.ValueType = passage_pb2.DIRECTION_INBOUND,
    at: int = NOON,
    clock: stamp_pb2.ClockState.ValueType = stamp_pb2.CLOCK_STATE_SYNCHRONISED,
    bound: int | None = None,
    readings: Sequence[reading_pb2.Reading] = (),
    lane: passage_pb2.LaneKind.ValueType = passage_pb2.LANE_KIND_UNSPECIFIED,
) -> passage_pb2.Passage:
    """Plates and weights may be given as text alone."""
    return passage_pb2.Passage(
        passage_id="P-1",
        revision=1,
        direction=direction,
        opened=stamp_pb2.Stamp(wall_unix_ns=at, clock=clock, error_bound_ns=bound),
        lane_kind=lane,
        readings=readings,
        plates=[a_plate(each) if isinstance(each, str) else each for each in plates],
        weighings=[a_weighing(each) if isinstance(each, str) else each for each in weighings],
        missing=[passage_pb2.MissingReading(kind=kind, reason=reason) for kind, reason in (missing or {}).items()],
    )


def a_context(
    goods: Literal["regulated", "free"] = "free",
    *,
    earlier: EarlierDecision | None = None,
    defects: tuple[JournalDefect, ...] = (),
    site: str = "xiuying",
    reference_age_s: int | None = None,
) -> Context:
    return Context(NOON + HOUR, reference_age_s, goods, earlier, defects, site)


def judge(
    passage: passage_pb2.Passage,
    declarations: Sequence[declaration_pb2.Declaration] | BookingIndex = (),
    context: Context | None = None,
    policy: Policy | None = None,
) -> decision_pb2.Decision:
    return decide(passage, declarations, context or a_context(), policy or Policy.default())


def codes(decision: decision_pb2.Decision) -> list[str]:
    return [finding.code for finding in decision.findings]


def the_finding(decision: decision_pb2.Decision, code: str) -> decision_pb2.Finding:
    found = [finding for finding in decision.findings if finding.code == code]
    assert len(found) == 1, f"{code} fired {len(found)} times, among {codes(decision)}"
    return found[0]


def inputs_of(finding: decision_pb2.Finding) -> dict[str, str]:
    return {each.name: each.value for each in finding.inputs}


def other_bookings(count: int) -> list[declaration_pb2.Declaration]:
    """Bookings far from every plate of these tests, so that chance is not excluded by their small number."""
    return [a_declaration(f"X-{number}", plate=f"粤ZZ{number:03d}港") for number in range(count)]
