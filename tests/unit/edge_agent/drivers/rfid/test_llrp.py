"""LLRP: messages out of a stream, the client's conversation, and tags that are there once."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from llrpkit.protocol import decode_message, messages

from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.rfid.messages import LlrpMessage
from edge_agent.drivers.rfid.parser import LONGEST, LlrpParser
from edge_agent.drivers.rfid.presence import MOST_TAGS, TagPresence
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.rfid.session import LlrpSession
from edge_agent.drivers.stream import Heard
from edge_agent.model.lane_readings import TagSeen
from edge_agent.profiles import load_profile
from tests.unit.edge_agent.drivers.moments import moment

PROFILE = load_profile("rfid/llrp", of=RfidProfile)
CAPTURES = Path(__file__).resolve().parents[4] / "captures" / "rfid" / "llrp"
REPORT = (CAPTURES / "report_of_two_tags.bin").read_bytes()
KEEPALIVE = struct.pack(">HII", 1 << 10 | 62, 10, 98)


def fed(data: bytes, size: int) -> list[Heard[LlrpMessage] | Garbled]:
    parser = LlrpParser()
    return [item for at in range(0, len(data), size) for item in parser.feed(data[at : at + size])] + parser.flush()


@given(
    st.lists(st.sampled_from([REPORT, KEEPALIVE, b"\x04\x3d\x00", b"\x04", b"\x00" * 70, REPORT[:30]]), max_size=8).map(
        b"".join
    ),
    st.integers(1, 100),
)
def test_however_the_stream_is_cut_the_messages_are_the_same_and_no_byte_is_lost(data: bytes, size: int) -> None:
    whole = fed(data, len(data) or 1)

    assert fed(data, size) == whole
    assert b"".join(item.raw for item in whole) == data


@given(st.binary(max_size=200))
def test_no_bytes_stop_the_parser(data: bytes) -> None:
    parser = LlrpParser()
    parser.feed(struct.pack(">HII", 1 << 10 | 61, 10 + len(data), 1) + data)
    parser.flush()
    assert not parser._pending


def test_a_length_that_lies_holds_no_more_than_a_longest_message() -> None:
    parser = LlrpParser()
    parser.feed(struct.pack(">HII", 1 << 10 | 61, LONGEST, 1))
    for _ in range(40):
        parser.feed(b"\x00" * 4096)
        assert len(parser._pending) <= LONGEST + 4096

    (garbled, *_) = LlrpParser().feed(struct.pack(">HII", 1 << 10 | 61, LONGEST + 1, 1) + b"\x00" * 64)
    assert isinstance(garbled, Garbled)


# --- conversation ----------------------------------------------------------------------------------------------------


def answer(session: LlrpSession, asked: bytes, status: int = 0) -> bytes:
    message = decode_message(asked)
    kind = {3: 13, 20: 30, 21: 31, 22: 32, 24: 34}[int(message.MESSAGE_TYPE)]
    return session.take(LlrpMessage(kind, message.message_id, 20, status=status, status_text="no" if status else ""))


def hello(session: LlrpSession, status: str = "Success") -> bytes:
    return session.take(LlrpMessage(63, 0, 32, connection_status=status))


def test_what_the_gate_sends_is_what_an_independent_codec_reads() -> None:
    session = LlrpSession(PROFILE)
    asked = [hello(session)]
    while following := answer(session, asked[-1]):
        asked.append(following)
    config, delete, add, enable, start = (decode_message(each) for each in asked)

    assert isinstance(config, messages.SET_READER_CONFIG)
    assert not config.reset_to_factory_default
    assert config.keepalive_spec is not None
    assert config.keepalive_spec.periodic_trigger_value == 5000
    assert isinstance(delete, messages.DELETE_ROSPEC)
    assert isinstance(add, messages.ADD_ROSPEC)
    assert add.ro_spec.ro_spec_id == delete.ro_spec_id == PROFILE.inventory.rospec_id
    report = add.ro_spec.ro_report_spec
    assert report is not None
    content = report.tag_report_content_selector
    assert content.enable_antenna_id
    assert content.enable_peak_rssi
    assert content.enable_first_seen_timestamp
    assert content.enable_tag_seen_count
    assert not content.enable_last_seen_timestamp
    assert isinstance(enable, messages.ENABLE_ROSPEC)
    assert isinstance(start, messages.START_ROSPEC)
    assert session.running


def test_keepalives_are_acknowledged_at_any_time() -> None:
    session = LlrpSession(PROFILE)
    acknowledged = decode_message(session.take(LlrpMessage(62, 98, 10)))

    assert isinstance(acknowledged, messages.KEEPALIVE_ACK)
    assert isinstance(decode_message(session.close()), messages.CLOSE_CONNECTION)


def test_a_rospec_that_is_not_there_may_fail_to_be_deleted_and_nothing_else_may_fail() -> None:
    session = LlrpSession(PROFILE)
    delete = answer(session, hello(session))
    add = answer(session, delete, status=300)
    assert add
    assert session.problem == ""

    assert answer(session, add, status=103) == b""
    assert "ADD_ROSPEC_RESPONSE: 103" in session.problem
    assert not session.running


def test_a_reader_that_another_program_holds_is_told() -> None:
    session = LlrpSession(PROFILE)

    assert hello(session, "Failed_A_Client_Initiated_Connection_Already_Exists") == b""
    assert "Another program reads it" in session.problem


# --- presence --------------------------------------------------------------------------------------------------------


def test_a_tag_arrives_once_for_as_long_as_it_is_seen_again() -> None:
    presence = TagPresence(10)
    tag, other = TagSeen("e2"), TagSeen("e3")
    seen = [(tag, 0), (tag, 5), (tag, 14), (other, 15), (tag, 23), (tag, 33), (other, 34)]

    assert [presence.arrived(each, moment(at)) for each, at in seen] == [True, False, False, True, False, True, True]


def test_no_number_of_tags_fills_memory() -> None:
    presence = TagPresence(10)
    for number in range(MOST_TAGS + 10):
        presence.arrived(TagSeen(f"{number:024x}"), moment(0))
    assert len(presence._seen) == MOST_TAGS


@pytest.mark.parametrize("version", [1, 2])
def test_both_versions_are_read(version: int) -> None:
    (item,) = fed(struct.pack(">HII", version << 10 | 62, 10, 98), 10)
    assert isinstance(item, Heard)
