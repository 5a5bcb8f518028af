"""AIS: messages of one and several sentences. Values are in tests/captures/ais; here is what streams may do."""

from __future__ import annotations

from functools import reduce
from operator import xor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.drivers.ais.driver import AisDriver, AisMessage, AisSaid
from edge_agent.drivers.ais.parts import MOST_WAITING, WITHIN, WITHIN_UNORDERED, PartJoiner
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.nmea0183 import Sentence, SentenceParser
from edge_agent.drivers.stream import Heard

ONE = b"!AIVDM,1,1,,B,15M67FC000G?ufbE`FepT@3n00Sa,0*5C\r\n"
FIRST = b"!AIVDM,2,1,1,A,55?MbV02;H;s<HtKR20EHE:0@T4@Dn2222222216L961O5Gf0NSQEp6ClRp8,0*1C\r\n"
SECOND = b"!AIVDM,2,2,1,A,88888888880,2*25\r\n"
ARMOUR = "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVW`abcdefghijklmnopqrstuvw"


def sentence(body: str) -> bytes:
    return f"!{body}*{reduce(xor, body.encode()):02X}\r\n".encode()


def fed(data: bytes, size: int = 4096) -> list[Heard[AisSaid] | Garbled]:
    driver = AisDriver()
    return [item for at in range(0, len(data), size) for item in driver.feed(data[at : at + size])] + driver.flush()


@given(
    st.lists(st.sampled_from([ONE, FIRST, SECOND, b"\r\n", ONE[:20], b"noise"]), max_size=10).map(b"".join),
    st.integers(1, 90),
)
def test_however_the_stream_is_cut_the_messages_are_the_same(data: bytes, size: int) -> None:
    assert fed(data, size) == fed(data)


@pytest.mark.parametrize(("address", "channel"), [("AIVDM", "B"), ("AIVDM", ""), ("AIVDO", "")])
def test_a_message_tells_its_channel_and_whether_it_is_the_transponders_own(address: str, channel: str) -> None:
    (heard,) = fed(sentence(f"{address},1,1,,{channel},15M67FC000G?ufbE`FepT@3n00Sa,0"))
    assert isinstance(heard, Heard)
    assert isinstance(heard.said, AisMessage)
    assert (heard.said.channel, heard.said.own_ship) == (channel or None, address == "AIVDO")


@settings(max_examples=300)
@given(
    st.text(ARMOUR, max_size=90),
    st.integers(0, 9),
    st.sampled_from(["A", "B", "", "1"]),
)
def test_no_payload_stops_the_receiver_and_a_decoded_one_names_its_ship(payload: str, fill: int, channel: str) -> None:
    (item,) = fed(sentence(f"AIVDM,1,1,,{channel},{payload},{fill}"))

    if isinstance(item, Heard):
        assert isinstance(item.said, AisMessage)
        assert item.said.vessel.mmsi == item.said.fields["mmsi"]
    else:
        assert item.reason


@pytest.mark.parametrize(
    ("parts", "between", "joined"),
    [
        ((FIRST, SECOND), WITHIN - 2, True),
        ((FIRST, SECOND), WITHIN, False),
        ((SECOND, FIRST), WITHIN_UNORDERED - 2, True),
        ((SECOND, FIRST), WITHIN_UNORDERED, False),
    ],
)
def test_parts_belong_together_only_when_they_come_together(
    parts: tuple[bytes, bytes], between: int, joined: bool
) -> None:
    items = fed(parts[0] + ONE * between + parts[1])
    messages = [item for item in items if isinstance(item, Heard) and isinstance(item.said, AisMessage)]

    assert len(messages) == between + joined
    assert ["part" in item.reason for item in items if isinstance(item, Garbled)] == ([] if joined else [True, True])


def test_a_receiver_that_never_sends_second_parts_fills_no_memory() -> None:
    joiner, lost = PartJoiner(), 0
    parser = SentenceParser()
    for number in range(40):
        (part,) = parser.feed(sentence(f"AIVDM,2,1,{number % 10},{'ABCD'[number // 10]},55?MbV0,0"))
        assert isinstance(part, Sentence)
        lost += len(joiner.add(part)[1])

    assert len(joiner._waiting) == MOST_WAITING
    assert lost == 40 - MOST_WAITING


def test_the_first_part_told_again_begins_the_message_anew() -> None:
    lost, message = fed(FIRST + FIRST + SECOND)

    assert isinstance(lost, Garbled)
    assert isinstance(message, Heard)
    assert isinstance(message.said, AisMessage)
    assert message.said.fields["shipname"] == "EVER DIADEM"
