from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ingest.contents import (
    MAX_REVISION,
    Contents,
    best_plate,
    dead_letter_rows,
    heaviest,
    incident_row,
    loss_as_incident,
    passage_row,
    repeated,
    understand,
)
from gate_contract.v1.passage_pb2 import Passage
from gate_contract.v1.record_pb2 import LostEvidence, LostInbox, LostRecords, Record
from tests.unit.collector.collected import incident, passage, probes


def understood(first_index: int, records: Sequence[bytes]) -> Contents:
    return understand(range(first_index, first_index + len(records)), records)


def reason(record: bytes) -> str:
    contents = understood(7, [record])
    assert list(contents.dead_letters) == [7]
    return contents.dead_letters[7]


def test_records_that_make_no_row_are_passed_over() -> None:
    record = Record(format=1, site_id="haikou")
    record.lifecycle.agent_version = "1"
    garbled = Record(format=1)
    garbled.garbled.reason = "checksum"
    orphan = Record(format=1)
    orphan.orphan.reason = "another lane"
    everything = [*probes(2), record.SerializeToString(), garbled.SerializeToString(), orphan.SerializeToString()]
    assert understood(0, everything) == Contents()


def test_passages_and_incidents_are_taken_with_their_index() -> None:
    contents = understood(10, [*probes(1), passage("p1"), incident("i1"), passage("p2")])
    assert [(seen.index, seen.passage.passage_id) for seen in contents.passages] == [(11, "p1"), (13, "p2")]
    assert [(seen.index, seen.incident.incident_id) for seen in contents.incidents] == [(12, "i1")]
    assert contents.dead_letters == {}


def test_what_follows_a_record_that_is_not_understood_is_understood() -> None:
    contents = understood(0, [b"\xff\xff", passage("p1")])
    assert contents.dead_letters == {0: "2 bytes that are no Record"}
    assert [seen.index for seen in contents.passages] == [1]


def test_each_reason_for_a_dead_letter_is_said() -> None:
    newer = Record.FromString(passage("p1"))
    newer.format = 2
    assert reason(newer.SerializeToString()) == "record format 2; this release understands 1"
    assert reason(Record(format=1).SerializeToString()) == "a record without a body that this release knows"
    unknown_body = Record(format=1).SerializeToString() + b"\xa2\x06\x03abc"
    assert reason(unknown_body) == "a record without a body that this release knows"
    assert reason(passage("")) == "a passage with id '' and revision 1"
    assert reason(passage("p1", revision=0)) == "a passage with id 'p1' and revision 0"
    assert reason(passage("p1", revision=MAX_REVISION + 1)) == f"a passage with id 'p1' and revision {MAX_REVISION + 1}"
    assert reason(passage("p\0")) == "a NUL character in the passage's names"
    assert reason(passage("p1", plate="琼\0")) == "a NUL character in the passage's names"
    assert reason(incident("i\0")) == "a NUL character in the incident's names"


def test_a_reason_stays_short_however_long_the_id_is() -> None:
    long = passage("p" * 100_000, revision=0)
    assert len(reason(long)) < 150
    (seen,) = understood(0, [passage("p" * 100_000)]).passages
    assert len(repeated(seen, 3)) < 150


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_no_bytes_stop_the_reading(records: list[bytes]) -> None:
    contents = understood(0, records)
    assert len(contents.dead_letters) + len(contents.passages) + len(contents.incidents) <= len(records)


def test_a_passage_row_repeats_what_the_record_says() -> None:
    seen = understood(4, [passage("p1", 2)]).passages[0]
    row = passage_row(seen, 3, 99)
    assert row | {"body": b""} == {
        "passage_id": "p1",
        "revision": 2,
        "journal_id": 3,
        "record_index": 4,
        "site_id": "haikou",
        "lane_id": "lane-1",
        "opened_ns": 1_772_352_000_000_000_000,
        "plate": "琼A12345",
        "kilograms": "12340",
        "received_ns": 99,
        "body": b"",
    }
    assert Passage.FromString(row["body"]) == seen.passage


@pytest.mark.parametrize(("closed", "closed_ns"), [(True, 1_772_352_005_000_000_000), (False, None)])
def test_an_incident_row_is_open_until_its_closing(closed: bool, closed_ns: int | None) -> None:
    row = incident_row(understood(4, [incident("i1", closed=closed)]).incidents[0], 3)
    assert (row["incident_id"], row["code"], row["device_id"]) == ("i1", "device-silent", "scale-1")
    assert (row["opened_ns"], row["closed_ns"]) == (1_772_352_000_000_000_000, closed_ns)


def test_dead_letter_rows_are_in_the_order_of_the_records() -> None:
    rows = dead_letter_rows({9: "later", 2: "earlier"}, 3, 99)
    assert [(row["record_index"], row["reason"]) for row in rows] == [(2, "earlier"), (9, "later")]


def test_the_surest_plate_is_shown() -> None:
    shown = Passage()
    assert best_plate(shown) == ""
    shown.plates.add(text="")
    shown.plates.add(text="UNSURE")
    assert best_plate(shown) == "UNSURE"
    shown.plates.add(text="FIRST", confidence=0.8)
    shown.plates.add(text="SECOND", confidence=0.8)
    assert best_plate(shown) == "FIRST"


def test_the_greatest_weight_is_shown_exactly_as_it_was_written() -> None:
    shown = Passage()
    assert heaviest(shown) == ""
    for text in ("garbage", "NaN", "Infinity", "4120", "12340.50", "12340.5"):
        shown.weighings.add(kilograms=text)
    assert heaviest(shown) == "12340.50"
    light = Passage()
    light.weighings.add(kilograms="0")
    assert heaviest(light) == "0"


def lost(**what: object) -> Record:
    record = Record(format=1, site_id="haikou")
    record.loss.text = "the file was cut short"
    for name, value in what.items():
        getattr(record.loss, name).MergeFrom(value)
    return record


@pytest.mark.parametrize(
    ("record", "code", "text"),
    [
        (
            lost(records=LostRecords(first_index=3, count=2)),
            "records-lost",
            "records 3 to 4 lost: the file was",
        ),
        (lost(inbox=LostInbox(count=2)), "messages-lost", "2 captured messages of devices lost: "),
        (lost(inbox=LostInbox(count=0)), "messages-lost", "an unknown number of captured messages"),
        (lost(evidence=LostEvidence(sha256=b"\xab" * 32)), "evidence-lost", f"evidence {'ab' * 32} lost: "),
        (lost(), "captured-data-lost", "captured data lost: the file was cut short"),
    ],
)
def test_a_loss_is_told_as_an_incident_that_was_over_when_it_was_found(record: Record, code: str, text: str) -> None:
    record.loss.found.wall_unix_ns = 1_772_352_000_000_000_000
    contents = understood(7, [record.SerializeToString()])
    (seen,) = contents.incidents
    row = incident_row(seen, 3)
    assert (row["incident_id"], row["code"], row["record_index"]) == ("loss-7", code, 7)
    assert row["opened_ns"] == row["closed_ns"] == 1_772_352_000_000_000_000
    assert row["text"].startswith(text)
    assert list(contents.lost_messages) == ([7] if code == "messages-lost" else [])


def test_a_loss_names_the_file_that_was_put_aside() -> None:
    record = lost()
    record.loss.quarantined = "quarantine/2026-journal"
    assert "put aside as quarantine/2026-journal, SHA-256 not known" in loss_as_incident(record.loss, 1).text
    record.loss.quarantined_sha256 = b"\xcd" * 32
    assert f"SHA-256 {'cd' * 32}" in loss_as_incident(record.loss, 1).text
    record.loss.text = "a\0b"
    assert reason(record.SerializeToString()) == "a NUL character in the loss's names"


def test_readings_make_no_row() -> None:
    record = Record(format=1, site_id="haikou")
    record.reading.device_id = "ais-1"
    assert understood(0, [record.SerializeToString()]) == Contents()
