"""What gRPC's C core writes about handshakes becomes words; everything else is passed on unchanged.

The bytes were recorded from grpcio 1.85 with GRPC_TRACE=handshaker; addresses of memory are shortened.
"""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.agents.tls_log import MAX_LINE, CoreLog, FailedHandshake

START = b"I1122 02:26:28.596202   12616 "
ENDPOINT = (
    b"grpc.internal.endpoint_local_address=ipv4:127.0.0.1:7443, "
    b"grpc.internal.endpoint_peer_address=ipv4:10.0.0.7:54180, grpc.internal.security_connector=0x561}"
)
STEPS = (
    START + b"trace.cc:91] gRPC Tracers: handshaker\n"
    + START + b"handshaker.cc:80] handshake_manager 0x7f1: adding handshaker endpoint_info [0x561] at index 0\n"
    + START + b"handshaker.cc:155] CallNextHandshakerLocked: error=OK shutdown=false index=0, args={endpoint=0x7f1, "
    b"args={" + ENDPOINT + b", read_buffer.Length()=0, exit_early=0}\n"
    + START + b"channel_trace.h:396] handshake manager 0x7f1:  calling handshaker endpoint_info at index 0\n"
)  # fmt: skip
VERIFY = b"SSL_ERROR_SSL: error:1000007d:SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: "
UNTRACED = START + b"ssl_transport_security.cc:2563] Handshake failed with error " + VERIFY + b"%s\n"


def failure(text: bytes) -> bytes:
    error = b"UNKNOWN: Ssl handshake failed (TSI_PROTOCOL_FAILURE): " + text + b": OK\n"
    trace = b"=== Source Location Trace: === \nsrc/core/util/status_helper.cc:68\n"
    return (
        START + b"ssl_transport_security.cc:2563] Handshake failed with error " + text + b"\n"
        + START + b"handshaker.cc:155] CallNextHandshakerLocked: error=" + error + trace
        + b" shutdown=false index=2, args={endpoint=0x7f1, args={" + ENDPOINT + b", exit_early=0}\n"
        + START + b"channel_trace.h:396] handshake manager 0x7f1: Failed with error: " + error + trace + b"\n"
    )  # fmt: skip


FOREIGN = failure(VERIFY + b"self signed certificate in certificate chain")
OTHERS = (
    b"Traceback (most recent call last):\n",
    START + b"server.cc:12] something else\n",
    b'{"event": "json", "args={": 1}\n',
)


def read(data: bytes, *, traced: bool = True) -> list[FailedHandshake | bytes]:
    return CoreLog(traced=traced).feed(data)


def test_a_foreign_certificate_is_told_once_with_peer_port_and_reason() -> None:
    [item] = read(STEPS + FOREIGN)
    assert isinstance(item, FailedHandshake)
    assert (item.peer, item.port) == ("ipv4:10.0.0.7:54180", "ipv4:127.0.0.1:7443")
    assert "foreign" in item.reason
    assert "self signed certificate in certificate chain" in item.detail


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (VERIFY + b"certificate has expired", "has expired"),
        (VERIFY + b"certificate is not yet valid", "clock"),
        (VERIFY + b"unsupported certificate purpose", "not for clients"),
        (b"SSL_ERROR_SSL: error:100000c0:SSL routines:OPENSSL_internal:PEER_DID_NOT_RETURN_A_CERTIFICATE", "showed no"),
        (b"SSL_ERROR_SSL: error:10000418:SSL routines:OPENSSL_internal:TLSV1_ALERT_UNKNOWN_CA", "another collector"),
        (b"SSL_ERROR_SSL: error:100000f7:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER", "does not speak TLS"),
        (b"SSL_ERROR_SSL: error:100000fd:SSL routines:OPENSSL_internal:NEVER_SEEN_BEFORE", "could not be set up"),
    ],
)
def test_each_kind_of_failure_has_its_words(text: bytes, words: str) -> None:
    [item] = read(failure(text))
    assert isinstance(item, FailedHandshake)
    assert words in item.reason


def test_handshakes_that_succeed_leave_no_trace() -> None:
    assert read(STEPS) == []


def test_without_the_trace_the_failure_is_still_told() -> None:
    [item] = read(UNTRACED % b"self signed certificate", traced=False)
    assert isinstance(item, FailedHandshake)
    assert (item.peer, item.port) == ("unknown", "unknown")
    assert "foreign" in item.reason


def test_everything_else_is_passed_on_unchanged() -> None:
    assert read(b"".join(OTHERS)) == list(OTHERS)
    assert b"".join(item for item in read(STEPS + OTHERS[0] + FOREIGN + OTHERS[1]) if isinstance(item, bytes)) == (
        OTHERS[0] + OTHERS[1]
    )


def test_a_line_without_end_is_passed_on_in_pieces_and_not_kept() -> None:
    core_log = CoreLog(traced=True)
    assert core_log.feed(b"x" * MAX_LINE) == []
    assert core_log.feed(b"y") == [b"x" * MAX_LINE + b"y"]
    assert core_log.feed(b"z\n") == [b"z\n"]


@given(
    st.lists(st.sampled_from([STEPS, FOREIGN, *OTHERS]), max_size=6),
    st.lists(st.integers(min_value=0, max_value=8000), max_size=12),
)
def test_any_chopping_of_the_stream_gives_the_same(parts: list[bytes], cuts: list[int]) -> None:
    data = b"".join(parts)
    core_log = CoreLog(traced=True)
    chopped = [
        item
        for start, end in pairwise([0, *sorted(min(cut, len(data)) for cut in cuts), len(data)])
        for item in core_log.feed(data[start:end])
    ]
    assert chopped == read(data)
