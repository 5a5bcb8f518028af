"""Agents against a real collector: what it accepts, what it refuses, and what it says."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]  # ships no types

from gate_contract.checkpoint import Checkpoint
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier
from gate_contract.v1 import uplink_pb2 as uplink
from gate_contract.v1.uplink_pb2 import EvidenceOffer, PutEvidenceRequest, PutEvidenceResponse
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub
from tests.journeys.collector_harness import (
    DEADLINE_S,
    CollectorProcess,
    Gate,
    Stream,
    enrolled,
    eventually,
    incident,
    passage,
    probes,
    status_of,
)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    """One collector for the tests that do not stop it."""
    process = CollectorProcess(tmp_path_factory.mktemp("collector"))
    process.start()
    yield process
    assert process.stop() == 0
    # Whatever the agents did, clients that hung up and calls that were cancelled included.
    assert process.logged("fault") == []
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
def gate(collector: CollectorProcess, request: pytest.FixtureRequest) -> Gate:
    """A gate of the test's own."""
    return enrolled(collector, re.sub(r"[^a-z0-9-]+", "-", request.node.name)[5:63].strip("-"))


def test_what_is_sent_is_receipted_and_welcomed_again(gate: Gate) -> None:
    gate.write(*probes(10), passage("journey-1"), b"\xff\xff", incident("i1"))
    with Stream(gate) as stream:
        welcome = stream.next().welcome
        assert (welcome.protocol, welcome.size, welcome.receipt) == (1, 0, b"")
        assert welcome.window_bytes >= welcome.max_batch_bytes > 0
        stream.send(gate.batch(0))
        assert stream.receipt().checkpoint.size == 13
    with Stream(gate) as stream:
        welcome = stream.next().welcome
        assert (welcome.size, welcome.dead_lettered) == (13, 1)
        assert b"\n13\n" in welcome.receipt


def test_what_was_accepted_is_accepted_once_however_often_it_comes(gate: Gate) -> None:
    gate.write(*probes(10))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        first = stream.receipt()
        stream.send(gate.batch(0))
        assert stream.receipt() == first
        gate.write(*probes(5, 10))
        stream.send(gate.batch(3))
        assert stream.receipt().checkpoint.size == 15
        stream.finish()
        with pytest.raises(StopIteration):
            stream.next()
    stats = gate.collector.json("stats")
    (journal,) = [each for each in stats["by_journal"] if each["origin"] == gate.origin]
    assert (journal["records"], journal["batches"]) == (15, 2)


def test_many_batches_may_be_on_their_way(gate: Gate) -> None:
    gate.write(*probes(400))
    with Stream(gate) as stream:
        stream.next()
        for start in range(0, 400, 10):
            stream.send(gate.batch(start, start + 10))
        stream.until(400)


def test_a_fork_is_quarantined_and_alarmed_and_nothing_of_it_accepted(gate: Gate) -> None:
    gate.write(*probes(5), passage("forked-passage"))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(6)
        honest, gate.records = gate.records, [*gate.records[:4], *probes(3, 90)]
        stream.send(gate.batch(4))
        answer = stream.refusal()
    assert (answer.code, answer.size) == (uplink.REFUSAL_CODE_FORK, 6)
    assert "record 4 has" in answer.text
    (alarm,) = [event for event in gate.collector.logged("quarantined") if event["origin"] == gate.origin]
    assert (alarm["level"], alarm["kind"]) == ("error", "fork")
    gate.records = [*honest, *probes(1, 6)]
    with Stream(gate) as stream:
        assert stream.next().welcome.size == 6
        stream.send(gate.batch(6))
        stream.until(7)
    eventually(
        lambda: any(
            finding["code"] == "K03" and finding["subject"] == gate.origin
            for finding in gate.collector.json("findings")
        )
    )


def test_a_batch_that_was_altered_on_the_way_is_quarantined(gate: Gate) -> None:
    gate.write(*probes(5))
    note = gate.signer.sign(Checkpoint.of(gate.origin, Frontier().grown(leaf_hashes(gate.records))).body())
    with Stream(gate) as stream:
        stream.next()
        stream.send(seal(0, [*gate.records[:4], b"altered"], note.to_bytes()))
        assert stream.refusal().code == uplink.REFUSAL_CODE_BAD_SEAL
    before = gate.collector.json("stats")["quarantined"]
    with Stream(gate) as stream:
        stream.next()
        stream.send(seal(0, [*gate.records[:4], b"altered"], note.to_bytes()))
        stream.refusal()
    assert gate.collector.json("stats")["quarantined"] == before


def test_other_batches_that_cannot_be_accepted_say_why(gate: Gate) -> None:
    gate.write(*probes(5))
    for batch, code, text in (
        (gate.batch(2), uplink.REFUSAL_CODE_GAP, "begins at 2; known are 0 records"),
        (b"\xff\xff", uplink.REFUSAL_CODE_MALFORMED, "no batch"),
        (b"x" * (4 * 1024 * 1024 + 1), uplink.REFUSAL_CODE_TOO_LARGE, "the largest that is accepted has 4194304"),
    ):
        with Stream(gate) as stream:
            stream.next()
            stream.send(batch)
            answer = stream.refusal()
            assert answer.code == code
            assert text in answer.text


def test_a_message_that_grpc_does_not_read_is_in_the_log_with_the_agents_name(gate: Gate) -> None:
    with Stream(gate) as stream:
        stream.next()
        stream.send(b"x" * (8 * 1024 * 1024 + 1))
        code, _ = status_of(stream.next)
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    # Which of the two depends on whether gRPC ends the call or its requests first.
    told = ("stream broke off", "stream ended")
    eventually(lambda: any(event["origin"] == gate.origin for name in told for event in gate.collector.logged(name)))


def test_receipts_for_what_came_before_go_ahead_of_a_refusal(gate: Gate) -> None:
    gate.write(*probes(5))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0, 3))
        stream.send(gate.batch(4))
        assert stream.receipt().checkpoint.size == 3
        assert stream.refusal().size == 3


def test_only_enrolled_machines_get_through_tls(gate: Gate) -> None:
    with gate.anonymous_channel(gate.collector.uplink) as channel:
        call = UplinkServiceStub(channel).Stream(iter(()), timeout=DEADLINE_S)
        code, _ = status_of(lambda: next(call))
    assert code is grpc.StatusCode.UNAVAILABLE
    eventually(lambda: bool(gate.collector.logged("TLS handshake failed")))


@pytest.mark.parametrize(
    ("hello", "code", "text"),
    [
        ({"origin": "test.example/agent/other/0"}, grpc.StatusCode.PERMISSION_DENIED, "the certificate is for"),
        ({"protocol": 0}, grpc.StatusCode.FAILED_PRECONDITION, "this collector speaks 1"),
    ],
)
def test_a_hello_that_does_not_fit_is_refused(
    collector: CollectorProcess, hello: dict[str, object], code: grpc.StatusCode, text: str
) -> None:
    gate = enrolled(collector, f"hello-{next(iter(hello))}")
    with Stream(gate, **hello) as stream:
        found, words = status_of(stream.next)
    assert found is code
    assert text in words


def test_a_stream_begins_with_a_hello_and_goes_on_with_batches(gate: Gate) -> None:
    with gate.channel() as channel:
        call = UplinkServiceStub(channel).Stream(iter([uplink.StreamRequest(batch=b"x")]), timeout=DEADLINE_S)
        code, text = status_of(lambda: next(call))
        assert (code, text) == (grpc.StatusCode.INVALID_ARGUMENT, "a stream begins with a hello")
        hello = uplink.StreamRequest(hello=uplink.Hello(protocol=1, origin=gate.origin))
        call = UplinkServiceStub(channel).Stream(iter([hello, hello]), timeout=DEADLINE_S)
        next(call)
        code, text = status_of(lambda: next(call))
        assert (code, text) == (grpc.StatusCode.INVALID_ARGUMENT, "only batches and live records follow the hello")


def test_a_newer_stream_replaces_the_older(gate: Gate) -> None:
    gate.write(*probes(3))
    with Stream(gate) as older:
        older.next()
        with Stream(gate) as newer:
            newer.next()
            code, text = status_of(older.next)
            assert (code, text) == (grpc.StatusCode.ABORTED, "a newer stream of this journal took over")
            newer.send(gate.batch(0))
            newer.until(3)


def test_a_key_revoked_while_it_sends_is_stopped_within_seconds(gate: Gate) -> None:
    gate.write(*probes(1))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(1)
        done = gate.collector.command("agents", "revoke", gate.agent_id, "--reason", "stolen")
        assert done.returncode == 0, done.stderr
        start = time.monotonic()
        code, text = status_of(stream.next)
        assert time.monotonic() - start < 30
        assert (code, text) == (grpc.StatusCode.PERMISSION_DENIED, "the journal's key was revoked: stolen")
    with Stream(gate) as stream:
        code, text = status_of(stream.next)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "was revoked" in text
    assert "stolen" in text


def test_a_journal_that_lost_records_raises_an_alarm(gate: Gate) -> None:
    gate.write(*probes(3))
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(3)
    with Stream(gate, size=2) as stream:
        assert stream.next().welcome.size == 3
    (alarm,) = [event for event in gate.collector.logged("shorter than its receipt") if event["origin"] == gate.origin]
    assert (alarm["kind"], alarm["record_index"]) == ("short-journal", 2)
    assert "it has 2 records, 3 are held here" in alarm["event"]


def test_the_health_service_answers_on_both_ports(gate: Gate) -> None:
    for channel in (gate.channel(), gate.anonymous_channel(gate.collector.enrolment)):
        with channel:
            stub = health_pb2_grpc.HealthStub(channel)
            for service in ("", "gate_contract.v1.UplinkService", "gate_contract.v1.EnrolmentService"):
                answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=DEADLINE_S)
                assert answer.status == health_pb2.HealthCheckResponse.SERVING


def put(gate: Gate, offer: EvidenceOffer, chunks: list[bytes]) -> list[PutEvidenceResponse]:
    requests = [PutEvidenceRequest(offer=offer), *(PutEvidenceRequest(chunk=chunk) for chunk in chunks)]
    with gate.channel() as channel:
        return list(UplinkServiceStub(channel).PutEvidence(iter(requests), timeout=DEADLINE_S))


def test_evidence_is_taken_in_pieces_resumed_and_kept_once(gate: Gate) -> None:
    blob = bytes(range(256)) * 3000
    offer = EvidenceOffer(sha256=sha256(blob).digest(), size=len(blob), media_type="image/jpeg")
    pieces = [blob[at : at + 200_000] for at in range(0, len(blob), 200_000)]
    assert [(answer.offset, answer.complete) for answer in put(gate, offer, pieces[:2])] == [(0, False)]
    assert [(answer.offset, answer.complete) for answer in put(gate, offer, pieces[2:])] == [
        (400_000, False),
        (len(blob), True),
    ]
    assert [(answer.offset, answer.complete) for answer in put(gate, offer, [])] == [(len(blob), True)]
    name = sha256(blob).hexdigest()
    kept = gate.collector.state / "evidence" / name[:2] / name
    assert kept.read_bytes() == blob
    stats = gate.collector.json("stats")
    assert stats["evidence"] >= 1
    assert stats["evidence_bytes"] >= len(blob)


def test_evidence_that_is_not_what_was_offered_is_refused(gate: Gate) -> None:
    blob = b"a picture"
    offer = EvidenceOffer(sha256=sha256(blob).digest(), size=len(blob), media_type="image/jpeg")
    for chunks, code, text in (
        ([b"another!!"], grpc.StatusCode.DATA_LOSS, "are not those of"),
        ([b"a picture and more"], grpc.StatusCode.INVALID_ARGUMENT, "18 bytes at 0 of 9"),
    ):
        found, words = status_of(lambda chunks=chunks: put(gate, offer, chunks))  # type: ignore[misc]  # bound now
        assert found is code
        assert text in words
    assert put(gate, offer, [blob])[-1].complete


def test_many_gates_at_once_are_all_served(collector: CollectorProcess) -> None:
    gates = [enrolled(collector, f"crowd-{number}") for number in range(6)]

    def send(gate: Gate) -> int:
        gate.write(*probes(200), passage(f"passage-of-{gate.agent_id}"))
        with Stream(gate) as stream:
            stream.next()
            for start in range(0, 201, 20):
                stream.send(gate.batch(start, min(start + 20, 201)))
            stream.until(201)
        return len(gate.records)

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(send, gates)) == 6 * 201
    journals = {each["origin"]: each["records"] for each in collector.json("stats")["by_journal"]}
    assert [journals[gate.origin] for gate in gates] == [201] * 6
