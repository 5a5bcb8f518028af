"""The rule book over one passage, among 100, 10,000 and 1,000,000 declarations: its cost must not grow with them.

    python -m benchmarks.rules

One process, one thread; processor time of the thread, since others use the machine. Every declaration is open to every
passage, but for one kind that comes weeks later, when none is. Besides vehicles that are as declared, misread or not
declared at all, a passage with every kind of reading is judged with everything in the context filled: 10,000 control
orders, a manifest of 1,500 tickets, settlements, quantities, selections and sightings of every declaration that is
judged.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from benchmarks.report import table
from gate_contract import iso6346
from gate_contract.orders import Opened
from gate_contract.rules import (
    BookingIndex,
    Context,
    Manifest,
    OrderIndex,
    Policy,
    QuantityLeft,
    Sailing,
    Settlement,
    Sighting,
    decide,
)
from gate_contract.rules.plates import PROVINCES
from gate_contract.v1.decision_pb2 import ACTION_HOLD, RELEASE_MODE_DECLARATION, Decision
from gate_contract.v1.declaration_pb2 import Declaration, DeclaredContainer, GoodsItem
from gate_contract.v1.order_pb2 import ControlOrder, Selector
from gate_contract.v1.passage_pb2 import (
    DIRECTION_INBOUND,
    LANE_KIND_VEHICLE,
    STABILITY_DEVICE,
    WEIGHT_KIND_GROSS,
    Passage,
    PlateRead,
    Weighing,
)
from gate_contract.v1.reading_pb2 import (
    AxleWeights,
    ContainerSeen,
    DocumentSeen,
    FaceChecked,
    RadiationOccupancy,
    Reading,
    Scan,
    SealSeen,
)
from gate_contract.v1.register_pb2 import Selection
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, Stamp

SIZES = (100, 10_000, 1_000_000)
PASSAGES = 1_000
ORDERS, TICKETS = 10_000, 1_500
NOON, HOUR, SECOND = 1_790_000_000_000_000_000, 3_600_000_000_000, 1_000_000_000
WEEKS_LATER = NOON + 30 * 24 * HOUR
LETTERS, DIGITS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "0123456789"
POLICY = Policy.default()


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each decision of one kind, and what it is called."""

    kind: str
    seconds: tuple[float, ...]

    def at(self, share: float) -> float:
        """The quantile, microseconds."""
        return sorted(self.seconds)[min(int(share * len(self.seconds)), len(self.seconds) - 1)] * 1e6


@dataclass(slots=True)
class Slice:
    """One size: how long its index takes to build, what it occupies, and the decisions."""

    size: int
    build_s: float = 0.0
    near_s: float = 0.0
    megabytes: float = 0.0
    measured: list[Measured] = field(default_factory=list)


def plate(chance: random.Random) -> str:
    """Half of them of one province; of the serial a fifth letters, as at one port."""
    province = "琼" if chance.random() < 0.5 else chance.choice(PROVINCES)
    serial = "".join(chance.choice(LETTERS if chance.random() < 0.2 else DIGITS) for _ in range(5))
    return f"{province}{chance.choice(LETTERS[:6])}{serial}"


def box(number: int) -> str:
    """A container number that is right."""
    body = f"MSKU{number:06}"
    return body + iso6346.check_digit(body)


def declarations(count: int) -> list[Declaration]:
    """`count` bookings, no two of one plate."""
    chance = random.Random(6346)
    known: dict[str, None] = {}
    while len(known) < count:
        known[plate(chance)] = None
    return [
        Declaration(
            declaration_id=f"D-{number}",
            version=1,
            site_id="xiuying",
            direction=DIRECTION_INBOUND,
            sailing_id="S-1",
            departure_unix_ns=NOON + number % 24 * HOUR,
            lodged_unix_ns=NOON - 5 * HOUR,
            vehicle_plate=text,
            vehicle_tare_kilograms="8000",
            box_tare_kilograms="2200",
            persons=1,
            cargo_kilograms="11900",
            equipment=[DeclaredContainer(number=box(number), size_type="22G1", tare_kilograms="2200")],
            goods=[GoodsItem(hs_code="08051000", packages=40)],
            declarant_id=f"declarant-{number % 500}",
        )
        for number, text in enumerate(known)
    ]


def seen(*reads: str, kilograms: str = "22175", readings: Sequence[Reading] = (), at: int = NOON) -> Passage:
    """A vehicle of this plate, with the declared weight."""
    stamp = Stamp(wall_unix_ns=at, clock=CLOCK_STATE_SYNCHRONISED, error_bound_ns=1_000_000)
    return Passage(
        passage_id="P-1",
        revision=1,
        lane_kind=LANE_KIND_VEHICLE,
        direction=DIRECTION_INBOUND,
        opened=stamp,
        decided=stamp,
        plates=[
            PlateRead(device_id=f"camera-{number}", text=text, confidence=0.9 - number / 10)
            for number, text in enumerate(reads)
        ],
        weighings=[
            Weighing(
                device_id="scale-1",
                kilograms=kilograms,
                uncertainty_kilograms="20",
                kind=WEIGHT_KIND_GROSS,
                stability=STABILITY_DEVICE,
            )
        ],
        readings=readings,
    )


def misread(text: str, chance: random.Random) -> str:
    """One digit or letter of the serial taken for another one."""
    place = chance.randrange(2, len(text))
    other = chance.choice([each for each in LETTERS + DIGITS if each != text[place]])
    return text[:place] + other + text[place + 1 :]


def everything(booked: Declaration, chance: random.Random) -> Passage:
    """Every kind of reading; three cameras of which one misread, two views of the container, one broken."""
    number = booked.equipment[0].number
    bodies = [
        {"container": ContainerSeen(number=number, size_type="22G1", confidence=0.9, unattended=True)},
        {"container": ContainerSeen(number=number[:-1] + str((int(number[-1]) + 3) % 10), confidence=0.6)},
        {"scan": Scan(scan_id="7", verdict="clear", device_verdict="CLEAR", object_class="fruit")},
        {"radiation": RadiationOccupancy(gamma_samples=10, neutron_samples=2, complete=True)},
        {"axles": AxleWeights(axle_kilograms=["7000", "7600", "7575"], total_kilograms="22175")},
        {"document": DocumentSeen(kind="TD3", pseudonym=b"a" * 32, expires="2030-01-01")},
        {"face": FaceChecked(outcome="matched", score=0.97, threshold=0.94, tries=1)},
        {"seal": SealSeen(container=number, number="A1234", state="whole")},
    ]
    readings = [Reading(device_id=f"device-{at}", **body) for at, body in enumerate(bodies)]  # type: ignore[arg-type]  # fields of several types
    text = booked.vehicle_plate
    return seen(text, misread(text, chance), text, readings=readings)


def full_context(judged: Iterable[Declaration]) -> Context:
    """Everything filled, so that every rule has what it looks for."""
    known = list(judged)
    names = [each.declaration_id for each in known]
    opened = [
        Opened(
            ControlOrder(
                order_id=f"O-{number}",
                version=1,
                authority="customs",
                action=ACTION_HOLD,
                valid_from_unix_ns=NOON - HOUR,
                expires_unix_ns=NOON + HOUR,
                selectors=[Selector(plate=f"澳{number:05}"), Selector(hs_prefix=f"97{number:05}")],
            ),
            "wang",
            "li",
            "active",
        )
        for number in range(ORDERS)
    ]
    settlement = Settlement(paid=Decimal(1000), duty_due=Decimal(0), duty_paid=Decimal(0), guarantee_left=Decimal(1))
    return Context(
        now_unix_ns=NOON + SECOND,
        reference_age_s=1,
        goods="regulated",
        site_id="xiuying",
        sightings={
            each.vehicle_plate: [Sighting("P-0", "xinhai", NOON - 9 * HOUR, 1_000_000, DIRECTION_INBOUND)]
            for each in known
        },
        quantities={name: [QuantityLeft("vehicles", Decimal(1), "vehicles")] for name in names},
        carriers={each.vehicle_plate: "C-1" for each in known},
        manifest=Manifest("S-1", {bytes([number >> 8, number & 255]) * 16: "T" for number in range(TICKETS)}),
        payments=dict.fromkeys(names, settlement),
        sailings={"S-1": Sailing(NOON + HOUR)},
        orders=OrderIndex(opened),
        selections={
            name: Selection(declaration_id=name, mode=RELEASE_MODE_DECLARATION, rate=100, day="2026-09-21")
            for name in names
        },
    )


def resident() -> float:
    """Memory of this process, MB."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096 / 1e6


def timed(kind: str, passages: Sequence[Passage], judge: Callable[[Passage], Decision]) -> Measured:
    """Judge each once; the first hundredth before that, to warm up."""
    for passage in passages[: len(passages) // 100]:
        judge(passage)
    found = []
    for passage in passages:
        begun = time.thread_time()
        judge(passage)
        found.append(time.thread_time() - begun)
    return Measured(kind, tuple(found))


def measure(size: int) -> Slice:
    """One size."""
    found, chance = Slice(size), random.Random(size)
    booked = declarations(size)
    gc.collect()
    before, begun = resident(), time.thread_time()
    index = BookingIndex(booked)
    found.build_s, begun = time.thread_time() - begun, time.thread_time()
    index.near("琼A00000", 2)
    found.near_s, found.megabytes = time.thread_time() - begun, resident() - before
    bare = Context(NOON + SECOND, 1, "regulated", site_id="xiuying")
    judged = [chance.choice(booked) for _ in range(PASSAGES)]
    full = full_context(judged)
    kinds: list[tuple[str, Callable[[Declaration], Passage], Context]] = [
        ("as declared", lambda each: seen(each.vehicle_plate), bare),
        ("one character misread", lambda each: seen(misread(each.vehicle_plate, chance)), bare),
        ("not declared", lambda _each: seen(plate(chance)), bare),
        ("not declared, weeks later", lambda _each: seen(plate(chance), at=WEEKS_LATER), bare),
        ("as declared, context filled", lambda each: seen(each.vehicle_plate), full),
        ("every reading, context filled", lambda each: everything(each, chance), full),
    ]
    for kind, made, context in kinds:
        passages = [made(each) for each in judged]
        found.measured.append(
            timed(kind, passages, lambda passage, context=context: decide(passage, index, context, POLICY))  # type: ignore[misc]  # mypy infers no lambda with defaults
        )
    return found


def report(slices: Sequence[Slice]) -> str:
    """Two tables: decisions, and what the index takes."""
    first = slices[0]
    rows = [
        (
            each.kind,
            f"{one.size:,}",
            f"{each.at(0.5):,.0f}",
            f"{each.at(0.99):,.0f}",
            f"{each.at(0.5) / first.measured[at].at(0.5):.2f}",
        )
        for at in range(len(first.measured))
        for one in slices
        for each in (one.measured[at],)
    ]
    built = [(f"{one.size:,}", f"{one.build_s:,.2f}", f"{one.near_s:,.2f}", f"{one.megabytes:,.0f}") for one in slices]
    head = ("passage", "declarations", "p50, µs", "p99, µs", f"p50, times that among {first.size:,}")
    return "\n\n".join(
        [
            f"{PASSAGES:,} decisions of each kind; processor time of one thread.",
            table(head, rows),
            "A plate that is not declared costs more where bookings near it are open: these are compared, no others.",
            "What an index of them takes; the table of neighbours is made at the first plate that is booked nowhere.",
            table(("declarations", "index, s", "neighbours, s", "both, MB"), built),
        ]
    )


def main(sizes: Sequence[int] = SIZES) -> None:
    """Prints two tables."""
    slices = []
    for size in sizes:
        slices.append(measure(size))
        gc.collect()
    print(report(slices))


if __name__ == "__main__":
    main()
