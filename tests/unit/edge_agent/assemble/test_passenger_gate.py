"""A passenger gate: one person a passage, and what comes of one who follows another."""

from __future__ import annotations

from dataclasses import replace

from edge_agent.model.passage import ClosedBy, OpenedBy
from tests.unit.edge_agent.assemble.lanes import CURTAINS, PERSONS, Lane, document, entry, face, leaving


def test_a_document_and_a_face_are_one_persons_passage() -> None:
    lane = Lane(PERSONS)
    lane.give(document("A", 0), face("A", 2))
    (passage,) = lane.passages
    assert (passage.lane_kind, passage.opened_by, passage.closed_by) == (
        "passenger",
        OpenedBy.DOCUMENT,
        ClosedBy.COMPLETE,
    )


def test_another_document_is_another_person() -> None:
    lane = Lane(PERSONS)
    lane.give(document("A", 0), document("B", 1), face("B", 2))
    assert lane.ends == [("P1", 1, ClosedBy.SUPERSEDED), ("P2", 1, ClosedBy.COMPLETE)]
    assert [missing.kind for missing in lane.passages[0].missing] == ["face"]


def test_a_visa_is_of_the_person_who_is_there() -> None:
    lane = Lane(PERSONS)
    lane.give(document("A", 0), document("V", 1, "MRV-A"), face("A", 2))
    (passage,) = lane.passages
    assert len(passage.readings) == 3


def test_a_face_that_is_tried_again_is_the_same_persons() -> None:
    lane = Lane(replace(PERSONS, expects=("document", "face", "plate")))
    lane.give(document("A", 0), face("", 2, matched=False), face("A", 4))
    assert lane.passages == []
    assert lane.state.passage is not None
    assert len(lane.state.passage.readings) == 3


def test_a_second_face_without_a_document_is_a_passage_that_says_so() -> None:
    lane = Lane(PERSONS)
    lane.give(document("A", 0), face("A", 2), face("B", 4))
    lane.wait_until(40)
    first, second = lane.passages
    assert (first.closed_by, second.closed_by) == (ClosedBy.COMPLETE, ClosedBy.GRACE_EXPIRED)
    (missing,) = second.missing
    assert missing.kind == "document"
    assert "followed another person closely" in missing.reason


def test_the_same_face_seen_again_in_leaving_is_an_orphan() -> None:
    lane = Lane(PERSONS)
    lane.give(document("A", 0), face("A", 2), face("A", 4))
    assert len(lane.passages) == 1
    assert "further read" in lane.orphans[0].reason


def test_somebody_who_goes_in_behind_another_without_a_document_is_recorded() -> None:
    lane = Lane(CURTAINS)
    lane.give(document("A", 0), entry(1, active=True), entry(2, active=False), face("A", 3))
    lane.give(entry(4, active=True), entry(5, active=False))
    lane.give(leaving(6, active=True), leaving(7, active=False), leaving(8, active=True), leaving(9, active=False))
    lane.wait_until(13)
    last = lane.passages[-1]
    assert (last.passage_id, last.opened_by, last.closed_by) == ("P2", OpenedBy.TRIGGER, ClosedBy.DEPARTED)
    assert "followed another person closely" in next(m.reason for m in last.missing if m.kind == "document")
    assert len(last.readings) == 4


def test_somebody_who_goes_in_behind_another_and_shows_a_document_is_a_person_like_all() -> None:
    lane = Lane(CURTAINS)
    lane.give(document("A", 0), entry(1, active=True), entry(2, active=False), face("A", 3))
    lane.give(entry(4, active=True), entry(5, active=False), document("B", 6), face("B", 7))
    lane.give(leaving(8, active=True), leaving(9, active=False))
    last = lane.passages[-1]
    assert (last.passage_id, last.closed_by, last.missing) == ("P2", ClosedBy.COMPLETE, ())


def test_somebody_who_walks_out_and_was_never_seen_to_come_is_recorded() -> None:
    lane = Lane(CURTAINS)
    lane.give(leaving(0, active=True), leaving(1, active=False))
    lane.wait_until(4)
    (passage,) = lane.passages
    assert {missing.kind for missing in passage.missing} == {"document", "face"}
