"""Several packets of one vehicle are one reading."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.drivers.plate.merge import FORGET_S, MAX_READS, MAX_VEHICLES, Merged, VehicleMerger
from edge_agent.drivers.plate.schema import TrackFacts
from edge_agent.model.moment import SECOND, Moment, MonoNs, WallNs
from edge_agent.model.readings import EvidenceRef, PlateSeen

FACTS = TrackFacts(id=("carID",), state=("carState",), last=("lost",), settle_s=1, longest_s=3)
BEGAN = Moment(WallNs(0), MonoNs(0), b"b" * 16, synchronised=True)
numbers = count(1)


def at(seconds: float) -> Moment:
    return replace(BEGAN, mono=MonoNs(round(seconds * SECOND)))


def seen(text: str, confidence: float | None = 0.5, *, when: float = 0, picture: bytes = b"") -> PlateSeen:
    pictures = (EvidenceRef(picture * 32, 1, "image/jpeg", "plate"),) if picture else ()
    return PlateSeen("cam", at(when), text, confidence, "", "", "", f"e{next(numbers)}", pictures)


def texts(merged: list[Merged]) -> list[str]:
    return [each.seen.text for each in merged]


def test_the_last_packet_tells_the_best_read_with_the_others_and_all_pictures() -> None:
    merger = VehicleMerger(FACTS)
    first = seen("AB1Z3", 0.6, picture=b"1")
    assert merger.add("7", "new", first, at(0)) == []
    assert merger.add("7", "update", seen("AB123", 0.9, when=0.2, picture=b"2"), at(0.2)) == []
    (merged,) = merger.add("7", "lost", seen("AB123", 0.8, when=0.4), at(0.4))
    assert (merged.seen.text, merged.seen.confidence, merged.packets) == ("AB123", 0.9, 3)
    assert (merged.seen.event_id, merged.seen.at) == (first.event_id, first.at)
    assert [picture.sha256[:1] for picture in merged.seen.pictures] == [b"2", b"1"]
    assert [(read.seen.text, read.packets) for read in merged.others] == [("AB1Z3", 1)]


def test_a_read_plate_goes_before_a_surer_vehicle_without_one() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "new", seen("", 1.0), at(0))
    assert texts(merger.add("7", "lost", seen("AB123", 0.1), at(0))) == ["AB123"]


def test_without_confidence_the_plate_that_more_packets_agree_on_counts() -> None:
    merger = VehicleMerger(FACTS)
    for text in ("AB123", "A8123", "AB123"):
        merger.add("7", "", seen(text, None), at(0))
    assert texts(merger.tick(at(1))) == ["AB123"]


def test_a_vehicle_is_told_when_no_packet_came_for_a_while_or_after_the_longest_time() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "", seen("AB123"), at(0))
    assert merger.tick(at(0.9)) == []
    assert texts(merger.tick(at(1.0))) == ["AB123"]
    assert merger.tick(at(2.0)) == []
    for tenth in range(30):
        merger.add("8", "", seen("CD456"), at(tenth / 10))
        assert merger.tick(at(tenth / 10)) == []
    assert texts(merger.tick(at(3.0))) == ["CD456"]


def test_what_comes_after_it_was_told_is_the_same_vehicle_unless_it_is_a_better_read() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "", seen("AB123", 0.8), at(0))
    assert texts(merger.tick(at(3))) == ["AB123"]
    assert merger.add("7", "lost", seen("AB123", 0.9), at(4)) == []  # surer of the same
    assert merger.add("7", "lost", seen("A8123", 0.7), at(5)) == []  # worse
    assert merger.tick(at(9)) == []
    assert texts(merger.add("7", "lost", seen("A8128", 0.95), at(10))) == ["A8128"]


def test_a_vehicle_told_without_a_plate_is_told_again_with_it() -> None:
    merger = VehicleMerger(FACTS)
    unread = seen("", None)
    merger.add("7", "", unread, at(0))
    assert texts(merger.tick(at(1))) == [""]
    (again,) = merger.add("7", "lost", seen("AB123"), at(2))
    assert again.seen.text == "AB123"
    assert again.seen.event_id != unread.event_id


def test_a_number_that_is_used_again_long_after_is_another_vehicle() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "lost", seen("AB123"), at(0))
    merger.tick(at(FORGET_S))
    assert merger.vehicles == ()
    assert texts(merger.add("7", "lost", seen("AB123"), at(FORGET_S + 1))) == ["AB123"]


def test_two_vehicles_at_once_do_not_mix() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "new", seen("AB123"), at(0))
    merger.add("8", "new", seen("CD456"), at(0))
    assert texts(merger.add("7", "lost", seen("AB123"), at(0))) == ["AB123"]
    assert texts(merger.add("8", "lost", seen("CD456"), at(0))) == ["CD456"]


def test_one_that_is_begun_anew_with_its_vehicles_goes_on() -> None:
    merger = VehicleMerger(FACTS)
    merger.add("7", "new", seen("AB123", 0.4), at(0))
    resumed = VehicleMerger(FACTS, merger.vehicles)
    assert texts(resumed.add("7", "lost", seen("A8123", 0.3), at(0.5))) == ["AB123"]


def test_vehicles_and_reads_are_bounded_and_none_is_lost_for_it() -> None:
    merger = VehicleMerger(FACTS)
    told: list[str] = []
    for number in range(3 * MAX_VEHICLES):
        told += texts(merger.add(str(number), "new", seen(f"P{number}"), at(number / 1000)))
        assert len(merger.vehicles) <= MAX_VEHICLES
    told += texts(merger.tick(at(5)))
    assert sorted(told) == sorted(f"P{number}" for number in range(3 * MAX_VEHICLES))
    for number in range(2 * MAX_READS):
        merger.add("x", "", seen(f"Q{number}", number / 100), at(6))
    (vehicle,) = [each for each in merger.vehicles if each.track == "x"]
    assert len(vehicle.reads) == MAX_READS
    assert vehicle.best.seen.text == f"Q{2 * MAX_READS - 1}"


PACKETS = st.lists(
    st.tuples(
        st.sampled_from("78"), st.sampled_from(["new", "lost", ""]), st.sampled_from(["", "A1", "B2"]), st.floats(0, 2)
    ),
    max_size=20,
)


@given(PACKETS)
def test_a_vehicle_is_told_with_a_plate_that_was_read(packets: list[tuple[str, str, str, float]]) -> None:
    merger, now = VehicleMerger(FACTS), 0.0
    told: list[Merged] = []
    for track, state, text, pause in packets:
        now += pause
        told += merger.tick(at(now))
        told += merger.add(track, state, seen(text, None), at(now))
    told += merger.tick(at(now + 5))
    assert {each.seen.text for each in told} <= {text for _, _, text, _ in packets}
    if any(text for _, _, text, _ in packets):
        assert any(each.seen.text for each in told)
    assert len({each.seen.event_id for each in told}) == len(told)


@pytest.mark.parametrize("confidence", [None, 0.0, 1.0])
def test_a_single_packet_is_a_vehicle(confidence: float | None) -> None:
    merger = VehicleMerger(FACTS)
    only = seen("AB123", confidence)
    assert [each.seen for each in merger.add("7", "lost", only, at(0))] == [only]
