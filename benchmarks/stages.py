"""What each stage costs a record or frame, one core, one thread, in one process and one run."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks.load import GROUP, records
from benchmarks.report import table
from edge_agent.assemble.lane import GateLane
from edge_agent.assemble.state import LaneSettings, LaneState
from edge_agent.drivers.scale.driver import ScaleDriver
from edge_agent.drivers.schema import Profile
from edge_agent.journal.journal import Journal
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.observation import Observation
from edge_agent.model.observation_wire import observation_of
from edge_agent.model.readings import PlateSeen, Stability, StableWeight, Weight, WeightSample
from edge_agent.model.wire import stamp_of
from edge_agent.profiles import load_profile
from edge_agent.simulate.frames import ToledoContinuousFrames, YaohuaA9Frames
from gate_contract.checkpoint import Checkpoint, Signer, open_checkpoint
from gate_contract.envelope import leaf_hashes, open_batch, seal
from gate_contract.merkle import Frontier
from gate_contract.rules import BookingIndex, Context, Policy, decide
from gate_contract.v1 import reading_pb2
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.passage_pb2 import WEIGHT_KIND_GROSS, Passage, PlateRead, Weighing
from gate_contract.v1.record_pb2 import Record

REPEATS = 5
DIVISION = Decimal(20)


@dataclass(frozen=True, slots=True)
class Cost:
    """Median cost of one item, microseconds."""

    stage: str
    microseconds: float


def costs() -> list[Cost]:
    """All stages, in the order a record meets them."""
    directory = Path(tempfile.mkdtemp(prefix="tidegate-bench-"))
    try:
        return [*_drivers(), *_assembly(), *_rules(), *_sealing(), *_journal(directory)]
    finally:
        shutil.rmtree(directory)


def _drivers() -> list[Cost]:
    yaohua = b"".join(YaohuaA9Frames(DIVISION).encode(DIVISION * n, in_motion=False) for n in range(2000))
    toledo = b"".join(ToledoContinuousFrames(DIVISION).encode(DIVISION * n, in_motion=False) for n in range(2000))
    found = []
    for name, stream in (("yaohua-xk3190-a9-tf0", yaohua), ("mettler-toledo-continuous", toledo)):
        read = partial(_read, load_profile(f"scale/{name}"), stream)
        found.append(_timed(f"frame to weight, {name}", 2000, read))
    return found


def _read(profile: Profile, stream: bytes) -> None:
    driver = ScaleDriver(profile)
    for start in range(0, len(stream), 512):
        driver.feed(stream[start : start + 512])


def _assembly() -> list[Cost]:
    """A truck lane between two loops, with a scale at 50 Hz, a camera, container numbers, scanner and portal."""
    settings = LaneSettings(
        lane_id="L1",
        direction="outbound",
        scales=("scale-1",),
        cameras=("camera-1",),
        open_kilograms=Decimal(500),
        clear_kilograms=Decimal(200),
        grace_s=3,
        settle_s=20,
        approach_s=30,
        late_s=60,
        expects=("weight", "plate", "container", "scan", "radiation"),
        loop_in="io-1/loop-in",
        loop_out="io-1/loop-out",
    )
    lane = GateLane(settings, lambda _now: "P1")
    truck = _truck()
    found = []
    for name, count in (("alone", 0), ("and 30 readings of those behind it", 30)):
        state = _played(lane, LaneState(), [*truck[:-3], *(_loop("loop-in", 8, active=True) for _ in range(count))])
        weights = [_weight(20000, 9 + n / 50) for n in range(500)]
        steps = partial(_played, lane, state, weights)
        found.append(_timed(f"assembly, one weight under a truck {name}", len(weights), steps))
    found.append(_timed(f"assembly, a truck's {len(truck)} readings", 1, lambda: _played(lane, LaneState(), truck)))
    return found


def _played(lane: GateLane, state: LaneState, readings: Sequence[Any]) -> LaneState:
    for reading in readings:
        state = lane.advance(state, reading, reading.at).state
    return state


def _truck() -> list[Any]:
    """What is read of one, from the entry loop to the exit."""
    container = reading_pb2.ContainerSeen(number="CSQU3054383", check_digit_ok=True)
    stable = StableWeight(
        "scale-1", _at(6), _weight(20000, 6).weight, Stability.DEVICE, 10, 1000, Decimal(24), Decimal(20)
    )
    return [
        _loop("loop-in", 0, active=True),
        PlateSeen("camera-1", _at(1), "粤B00077", 0.9, "", "", "", "e"),
        _observed("box-1", 2, container=container),
        _observed("rpm-1", 3, radiation=reading_pb2.RadiationOccupancy(gamma_samples=5)),
        _observed("xray-1", 4, scan=reading_pb2.Scan(scan_id="S1")),
        *(_weight(400 * n, 4 + n / 50) for n in range(1, 50)),
        _loop("loop-in", 5.5, active=False),
        stable,
        _loop("loop-out", 60, active=True),
        _weight(0, 61),
        _loop("loop-out", 62, active=False),
    ]


def _at(seconds: float) -> Moment:
    return Moment(WallNs(round((1_790_000_000 + seconds) * SECOND)), MonoNs(round(seconds * SECOND)), bytes(16), True)


def _weight(kilograms: int, seconds: float) -> WeightSample:
    return WeightSample("scale-1", _at(seconds), Weight(Decimal(kilograms), "kg", None, None, None, b""))


def _loop(name: str, seconds: float, *, active: bool) -> Observation:
    return _observed("io-1", seconds, input=reading_pb2.InputChanged(name=name, active=active))


def _observed(device: str, seconds: float, **body: Any) -> Observation:
    observation = observation_of(reading_pb2.Reading(device_id=device, at=stamp_of(_at(seconds)), **body))
    if observation is None:
        raise AssertionError("a reading of a passage")
    return observation


def _rules() -> list[Cost]:
    passage = Passage(
        passage_id="P1",
        revision=1,
        plates=[PlateRead(text="粤B00077", confidence=0.9)],
        weighings=[Weighing(kilograms="20000", kind=WEIGHT_KIND_GROSS, uncertainty_kilograms="24")],
    )
    context = Context(now_unix_ns=1_790_000_000_000_000_000, reference_age_s=1, goods="regulated", site_id="s")
    policy = Policy.default()
    found = []
    for count in (100, 100_000):
        index = BookingIndex(_declarations(count))
        decide(passage, index, context, policy)
        found.append(
            _timed(
                f"rule book, one passage among {count:,} declarations",
                200,
                lambda index=index: [decide(passage, index, context, policy) for _ in range(200)],  # type: ignore[misc]  # mypy infers no lambda with defaults
            )
        )
    return found


def _declarations(count: int) -> list[Declaration]:
    return [
        Declaration(
            declaration_id=f"D-{number}",
            version=1,
            site_id="s",
            vehicle_plate=f"粤{'ABCDEFGHJK'[number // 100_000 % 10]}{number % 100_000:05}"
            if number != 77
            else "粤B00077",
            vehicle_tare_kilograms="8000",
            box_tare_kilograms="0",
            persons=1,
            cargo_kilograms="11900",
        )
        for number in range(count)
    ]


def _sealing() -> list[Cost]:
    signer = Signer("bench/agent/a/0011", Ed25519PrivateKey.generate())
    group = records(GROUP)
    frontier = Frontier().grown(leaf_hashes(group))
    body = Checkpoint.of(signer.name, frontier).body()
    note = signer.sign(body).to_bytes()
    batch = seal(0, group, note)
    return [
        _timed("SHA-256 leaf hash of 300 bytes", GROUP, lambda: leaf_hashes(group)),
        _timed("leaf hash and tree growth", GROUP, lambda: Frontier().grown(leaf_hashes(group))),
        _timed("Ed25519 signature of a checkpoint", 20, lambda: [signer.sign(body) for _ in range(20)]),
        _timed(
            "verification of a signed checkpoint",
            20,
            lambda: [open_checkpoint(note, signer.verifier) for _ in range(20)],
        ),
        _timed("sealing a batch for the wire", GROUP, lambda: seal(0, group, note)),
        _timed(
            f"opening a batch of {GROUP}: parse, signature, hashes, root",
            GROUP,
            lambda: open_batch(batch, Frontier(), signer.verifier, lambda *_: []),
        ),
        _timed("decoding a verified record", GROUP, lambda: [Record.FromString(each) for each in group]),
    ]


def _journal(directory: Path) -> list[Cost]:
    signer = Signer("bench/agent/a/0011", Ed25519PrivateKey.generate())
    journal = Journal(directory / "journal", signer)
    group = records(GROUP)
    many = _timed(f"journal append, {GROUP} in one synced commit", GROUP, lambda: journal.append(group))
    one = _timed(
        "journal append, one record in its own synced commit", 1, lambda: journal.append(group[:1]), repeats=40
    )

    def read_all() -> None:
        index = 0
        while (stretch := journal.stretch(index, 8192, 4 << 20)) is not None:
            index = stretch.end

    read = _timed("journal read back for the uplink", journal.size, read_all)
    journal.close()
    return [many, one, read]


def _timed(stage: str, items: int, work: Callable[[], object], repeats: int = REPEATS) -> Cost:
    work()
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return Cost(stage, sorted(times)[len(times) // 2] / items * 1e6)


def main() -> None:
    """Prints a table."""
    found = costs()
    unit = next(cost.microseconds for cost in found if cost.stage.startswith("SHA-256"))
    print("One core, one thread, one process; medians.\n")
    rows = ((each.stage, f"{each.microseconds:,.2f}", f"{each.microseconds / unit:,.1f}") for each in found)
    print(table(("stage", "µs an item", "in SHA-256 leaf hashes"), rows))


if __name__ == "__main__":
    main()
