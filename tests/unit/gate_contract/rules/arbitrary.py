"""Hypothesis strategies: passages, declarations and contexts of any kind, near to what is valid and far from it."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

from hypothesis import strategies as st

from gate_contract.orders import Opened
from gate_contract.rules import (
    Context,
    EarlierDecision,
    JournalDefect,
    Manifest,
    OrderIndex,
    Refused,
    Sailing,
    Settlement,
    Sighting,
    StayRecord,
    UsedRelease,
)
from gate_contract.rules.stays import Crossing
from gate_contract.v1 import decision_pb2, declaration_pb2, passage_pb2, reading_pb2, register_pb2, stamp_pb2
from gate_contract.v1.order_pb2 import ControlOrder, Selector
from tests.unit.gate_contract.rules.builders import HOUR, NOON, PLATE

# Texts that come near to what is valid, and texts that are nothing at all.
plates = st.one_of(
    st.text(max_size=12),
    st.text("琼粤AB0OD1I2Z5S8B6G挂·", max_size=9),
    st.sampled_from([PLATE, "琼A1234S", "琼A12399", "琼A777挂", ""]),
)
decimals = st.one_of(
    st.text(max_size=6),
    st.text("-+.0123456789eE_", max_size=12),
    st.integers(0, 60_000).map(str),
    st.sampled_from(["", "NaN", "Infinity", "-0", "999999999.99999999999999999999"]),
)
times = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, NOON, NOON - HOUR, NOON + HOUR, NOON + 36 * HOUR])
)
stamps = st.builds(
    stamp_pb2.Stamp,
    wall_unix_ns=times,
    clock=st.sampled_from(stamp_pb2.ClockState.values()),
    error_bound_ns=st.one_of(st.none(), st.integers(0, 2**64 - 1)),
    boot_id=st.binary(max_size=3),
)
reads = st.builds(
    passage_pb2.PlateRead,
    device_id=st.text(max_size=5),
    text=plates,
    confidence=st.one_of(st.none(), st.floats()),
    late=st.booleans(),
)
weighings = st.builds(
    passage_pb2.Weighing,
    device_id=st.text(max_size=5),
    kilograms=decimals,
    uncertainty_kilograms=decimals,
    kind=st.sampled_from(passage_pb2.WeightKind.values()),
    stability=st.sampled_from(passage_pb2.Stability.values()),
)
numbers = st.one_of(st.text(max_size=12), st.sampled_from(["CSQU3054383", "CSQU3054384", "MSKU1234565", ""]))
pseudonyms = st.sampled_from([b"", b"a" * 32, b"b" * 32, b"\xff"])
bodies = st.one_of(
    st.builds(
        lambda number, size, confidence: {
            "container": reading_pb2.ContainerSeen(number=number, size_type=size, confidence=confidence)
        },
        numbers,
        st.one_of(st.text(max_size=5), st.sampled_from(["22G1", "42G1", "22GP"])),
        st.floats(),
    ),
    st.builds(
        lambda verdict, kind, confidence, problem: {
            "scan": reading_pb2.Scan(
                verdict=verdict, object_class=kind, confidence=confidence, image_problem=problem, device_verdict=kind
            )
        },
        st.sampled_from(["clear", "suspect", "alarm", "", "?"]),
        st.one_of(st.text(max_size=9), st.sampled_from(["empty", "fruit", "tobacco; metal"])),
        decimals,
        st.sampled_from(["", "late"]),
    ),
    st.builds(
        lambda gamma, neutron: {"radiation": reading_pb2.RadiationOccupancy(gamma_alarm=gamma, neutron_alarm=neutron)},
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        lambda weights, total, uncertainty: {
            "axles": reading_pb2.AxleWeights(
                axle_kilograms=weights, total_kilograms=total, uncertainty_kilograms=uncertainty
            )
        },
        st.lists(decimals, max_size=8),
        decimals,
        decimals,
    ),
    st.builds(
        lambda pseudonym, expires, faults: {
            "document": reading_pb2.DocumentSeen(pseudonym=pseudonym, expires=expires, faults=faults)
        },
        pseudonyms,
        st.one_of(st.text(max_size=10), st.sampled_from(["2020-01-01", "2025-02-30", "0000-00-00"])),
        st.lists(st.text(max_size=3), max_size=2),
    ),
    st.builds(
        lambda outcome, score, threshold, liveness: {
            "face": reading_pb2.FaceChecked(outcome=outcome, score=score, threshold=threshold, liveness=liveness)
        },
        st.sampled_from(["matched", "staffed lane", ""]),
        st.one_of(st.none(), st.floats()),
        st.floats(),
        st.sampled_from(["attack suspected", "live", ""]),
    ),
    st.builds(
        lambda number, state, container: {
            "seal": reading_pb2.SealSeen(number=number, state=state, container=container)
        },
        st.text(max_size=4),
        st.sampled_from(["whole", "broken", "absent", "?"]),
        numbers,
    ),
    st.builds(lambda occupied: {"distance": reading_pb2.Distance(occupied=occupied)}, st.booleans()),
    st.just({}),
)
readings = st.builds(lambda device, body: reading_pb2.Reading(device_id=device, **body), st.text(max_size=5), bodies)
missing = st.builds(
    passage_pb2.MissingReading, kind=st.sampled_from(["plate", "weight", "?"]), reason=st.text(max_size=5)
)
passages = st.builds(
    passage_pb2.Passage,
    passage_id=st.text(max_size=5),
    direction=st.sampled_from(passage_pb2.Direction.values()),
    opened=stamps,
    plates=st.lists(reads, max_size=3),
    weighings=st.lists(weighings, max_size=3),
    missing=st.lists(missing, max_size=2),
    readings=st.lists(readings, max_size=4),
    lane_kind=st.sampled_from(passage_pb2.LaneKind.values()),
    decided=stamps,
    closed_by=st.sampled_from(passage_pb2.PassageClosing.values()),
)
boxes = st.builds(
    declaration_pb2.DeclaredContainer,
    number=numbers,
    size_type=st.sampled_from(["", "22G1", "?"]),
    fullness=st.sampled_from(declaration_pb2.Fullness.values()),
    seals=st.lists(st.text(max_size=4), max_size=2),
    tare_kilograms=decimals,
    verified_gross_kilograms=decimals,
)
declarations_of_any_kind = st.lists(
    st.builds(
        declaration_pb2.Declaration,
        declaration_id=st.sampled_from(["D-1", "D-2", "D-3", ""]),
        version=st.integers(0, 2**32 - 1),
        lodged_unix_ns=times,
        departure_unix_ns=times,
        site_id=st.sampled_from(["", "xiuying", "xinhai"]),
        direction=st.sampled_from(passage_pb2.Direction.values()),
        sailing_id=st.sampled_from(["", "S"]),
        vehicle_plate=plates,
        trailer_plate=plates,
        vehicle_tare_kilograms=decimals,
        box_tare_kilograms=decimals,
        persons=st.integers(0, 2**32 - 1),
        cargo_kilograms=decimals,
        containers=st.lists(numbers, max_size=2),
        equipment=st.lists(boxes, max_size=2),
        goods=st.lists(
            st.builds(declaration_pb2.GoodsItem, hs_code=decimals, packages=st.integers(0, 2**32 - 1)), max_size=2
        ),
        drivers=st.lists(pseudonyms, max_size=1),
        carrier_id=st.sampled_from(["", "C-1"]),
        value=st.builds(declaration_pb2.Money, amount=decimals, currency=st.sampled_from(["CNY", "USD", ""])),
        verified_gross_kilograms=decimals,
        received_unix_ns=times,
    ),
    max_size=5,
)
goods_of_lanes: st.SearchStrategy[Literal["regulated", "free"]] = st.sampled_from(["regulated", "free"])
moments = st.one_of(st.just(NOON - HOUR), st.integers(-(2**63), 2**63 - 1))
sightings = st.lists(
    st.builds(
        Sighting,
        st.sampled_from(["P-0", ""]),
        st.sampled_from(["xinhai", "xiuying", ""]),
        moments,
        st.one_of(st.none(), st.integers(0, 2**64 - 1)),
        st.integers(0, 9),
        st.one_of(st.none(), st.integers(-1, 10**9)),
    ),
    max_size=2,
)
sums = st.one_of(st.none(), st.sampled_from([Decimal("NaN"), Decimal("-Infinity"), Decimal(0)]), st.decimals(-9, 10**9))
settlements = st.builds(
    Settlement,
    paid=sums,
    currency=st.sampled_from(["CNY", "USD"]),
    yuan_per_paid=sums,
    yuan_per_declared=sums,
    parties=st.dictionaries(st.sampled_from(["order", "payment"]), st.text(max_size=2)),
    duty_due=sums,
    duty_paid=sums,
    guarantee_left=sums,
)
selectors = st.one_of(
    st.builds(Selector, plate=plates),
    st.builds(Selector, container=numbers),
    st.builds(Selector, document=pseudonyms),
    st.builds(Selector, hs_prefix=st.sampled_from(["0", "08", ""])),
    st.just(Selector()),
)
orders = st.builds(
    ControlOrder,
    order_id=st.text(max_size=2),
    version=st.integers(0, 3),
    valid_from_unix_ns=times,
    expires_unix_ns=times,
    action=st.sampled_from(decision_pb2.Action.values()),
    selectors=st.lists(selectors, max_size=3),
    instruction=st.text(max_size=4),
    lifted=st.booleans(),
)
indexes = st.builds(
    OrderIndex,
    st.lists(st.builds(Opened, orders, st.just("a"), st.just("b"), st.just("active")), max_size=2),
    st.lists(st.builds(Refused, orders, st.text(max_size=3)), max_size=1),
)
stays = st.builds(
    StayRecord,
    st.lists(st.builds(Crossing, moments, st.sampled_from(["in", "out"])), max_size=2).map(tuple),
    st.tuples(moments, moments),
    st.sampled_from([None, True, False]),
)
contexts = st.builds(
    Context,
    sightings=st.dictionaries(st.just(PLATE), sightings),
    superseded=st.lists(
        st.builds(
            declaration_pb2.Declaration,
            declaration_id=st.sampled_from(["D-1", ""]),
            version=st.integers(0, 3),
            vehicle_plate=plates,
            received_unix_ns=times,
        ),
        max_size=1,
    ),
    selected_unix_ns=st.one_of(st.none(), moments),
    used_releases=st.dictionaries(
        st.just("D-1"), st.lists(st.builds(UsedRelease, st.just("P-0"), moments), max_size=1)
    ),
    counted=st.dictionaries(st.just("D-1"), st.integers(-1, 9)),
    carriers=st.dictionaries(st.just(PLATE), st.text(max_size=3)),
    manifest=st.one_of(st.none(), st.builds(Manifest, st.text(max_size=2), st.dictionaries(pseudonyms, st.just("T")))),
    document_sightings=st.dictionaries(pseudonyms, sightings),
    stays=st.dictionaries(pseudonyms, stays),
    payments=st.dictionaries(st.just("D-1"), settlements),
    sailings=st.one_of(
        st.none(),
        st.dictionaries(
            st.just("S"),
            st.builds(Sailing, st.one_of(st.none(), moments), st.booleans(), st.sampled_from([None, True, False])),
        ),
    ),
    orders=st.one_of(st.none(), indexes),
    scan_ordered=st.sampled_from(["", "drawn"]),
    selections=st.dictionaries(
        st.sampled_from(["D-1", "D-2"]),
        st.builds(
            register_pb2.Selection,
            mode=st.sampled_from(decision_pb2.ReleaseMode.values()),
            credit_class=st.text(max_size=3),
            drawn=st.booleans(),
            officer_id=st.text(max_size=3),
            selected_unix_ns=moments,
            scan_ordered=st.sampled_from(["", "drawn"]),
        ),
    ),
    now_unix_ns=st.integers(-(2**63), 2**63 - 1),
    reference_age_s=st.one_of(st.none(), st.integers(-5, 2**64 - 1)),
    goods=goods_of_lanes,
    earlier=st.one_of(
        st.none(), st.builds(EarlierDecision, st.just("late"), st.sampled_from(decision_pb2.Action.values()), times)
    ),
    journal_defects=st.sampled_from([(), (JournalDefect("gap", "o", 1), JournalDefect("fork", "o", 2))]),
    site_id=st.sampled_from(["", "xiuying"]),
)
