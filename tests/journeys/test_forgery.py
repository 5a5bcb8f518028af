"""What somebody might try who has a certificate, a copy of batches, or another agent's key."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import pytest

from gate_contract.checkpoint import Checkpoint, Note, Signer
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier
from gate_contract.v1 import uplink_pb2 as uplink
from gate_contract.v1.uplink_pb2 import EvidenceOffer, PutEvidenceRequest
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub
from tests.journeys.collector_harness import (
    DEADLINE_S,
    CollectorProcess,
    Gate,
    Stream,
    enrolled,
    passage,
    probes,
    status_of,
)


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorProcess]:
    process = CollectorProcess(tmp_path_factory.mktemp("collector"))
    process.start()
    yield process
    # Whatever was tried, everything that is stored is proved, and nothing broke.
    audit = process.json("audit")
    assert audit["problems"] == []
    assert process.stop() == 0
    assert process.logged("fault") == []
    assert "Traceback" not in process.log.read_text()


@pytest.fixture
def gate(collector: CollectorProcess, request: pytest.FixtureRequest) -> Gate:
    made = enrolled(collector, f"gate-{abs(hash(request.node.nodeid)) % 10**9}")
    made.write(*probes(6), passage(f"passage-of-{made.agent_id}"))
    return made


@pytest.fixture
def other(collector: CollectorProcess, gate: Gate) -> Gate:
    made = enrolled(collector, f"{gate.agent_id}-other")
    made.write(*gate.records)
    return made


def held(gate: Gate) -> int:
    """Records of the journal at the collector."""
    journals = gate.collector.json("stats")["by_journal"]
    (found,) = [int(each["records"]) for each in journals if each["origin"] == gate.origin]
    return found


def refused(gate: Gate, batch: bytes) -> uplink.Refusal:
    with Stream(gate) as stream:
        stream.next()
        stream.send(batch)
        return stream.refusal()


def test_batches_that_are_replayed_add_nothing(gate: Gate) -> None:
    first, second = gate.batch(0, 3), gate.batch(3)
    with Stream(gate) as stream:
        stream.next()
        for batch in (first, second, first, second, first):
            stream.send(batch)
        stream.until(7)
        stream.finish()
        while True:
            try:
                assert stream.next().receipt.note
            except StopIteration:
                break
    assert held(gate) == 7


def test_batches_out_of_order_are_a_gap(gate: Gate) -> None:
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(3))
        stream.send(gate.batch(0, 3))
        answer = stream.refusal()
    assert (answer.code, answer.size) == (uplink.REFUSAL_CODE_GAP, 0)
    warnings = [event for event in gate.collector.logged("refused") if event["origin"] == gate.origin]
    assert [(event["level"], event["code"]) for event in warnings] == [("warning", "REFUSAL_CODE_GAP")]
    assert held(gate) == 0


def test_records_left_out_swapped_or_cut_break_the_seal(gate: Gate) -> None:
    note, records = gate.note(), gate.records
    swapped = [records[1], records[0], *records[2:]]
    for tried in (records[1:], records[:-1], swapped, [*records[:-1], records[-1][:-1]]):
        assert refused(gate, seal(0, tried, note)).code == uplink.REFUSAL_CODE_BAD_SEAL
    assert refused(gate, gate.batch(0)[:-7]).code in {uplink.REFUSAL_CODE_BAD_SEAL, uplink.REFUSAL_CODE_MALFORMED}
    assert held(gate) == 0


def test_a_batch_of_another_agent_is_not_taken(gate: Gate, other: Gate) -> None:
    assert refused(gate, other.batch(0)).code == uplink.REFUSAL_CODE_BAD_SEAL
    assert held(gate) == held(other) == 0


def test_a_batch_signed_by_another_agents_key_in_this_ones_name_is_not_taken(gate: Gate, other: Gate) -> None:
    head = Checkpoint.of(gate.origin, Frontier().grown(leaf_hashes(gate.records)))
    in_its_name = Signer(gate.origin, other.signer._private_key).sign(head.body())
    both = Note(head.body(), (*gate.signer.sign(head.body()).signatures, *other.signer.sign(head.body()).signatures))
    for note in (in_its_name, other.signer.sign(head.body()), both):
        answer = refused(gate, seal(0, gate.records, note.to_bytes()))
        assert answer.code == uplink.REFUSAL_CODE_BAD_SEAL
    assert held(gate) == 0


def test_a_live_record_of_another_agent_is_not_taken(gate: Gate, other: Gate) -> None:
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(other.live(6))
        assert stream.refusal().code == uplink.REFUSAL_CODE_BAD_SEAL
    assert held(gate) == 0


def test_an_old_live_record_that_is_replayed_adds_nothing(gate: Gate) -> None:
    old = gate.live(6)
    with Stream(gate) as stream:
        stream.next()
        stream.send_live(old)
        assert stream.taken() == [6]
        gate.write(*probes(3, 60))
        stream.send(gate.batch(0))
        stream.until(10)
        stream.send_live(old)
        assert stream.taken() == [6]
    passages = gate.collector.json("passages", "--limit", "10000")
    assert [each["passage_id"] for each in passages].count(f"passage-of-{gate.agent_id}") == 1


def test_an_old_checkpoint_over_newer_records_is_not_taken(gate: Gate) -> None:
    old = gate.note()
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(7)
    assert refused(gate, seal(7, probes(2, 70), old)).code == uplink.REFUSAL_CODE_BAD_SEAL
    assert held(gate) == 7


def test_a_certificate_does_not_speak_for_another_journal(gate: Gate, other: Gate) -> None:
    with Stream(gate, origin=other.origin) as stream:
        code, text = status_of(stream.next)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert other.origin in text
    (warning,) = [event for event in gate.collector.logged("stream refused") if other.origin in event["reason"]]
    assert warning["level"] == "warning"


def test_an_old_certificate_is_over_when_the_new_one_was_used(gate: Gate) -> None:
    with Stream(gate) as stream:
        stream.next()
    thief = gate.renew()
    with Stream(thief) as stream:  # the answer may have been lost: both count
        assert stream.next().welcome.takes_live
    with Stream(gate) as stream:
        stream.next()
        stream.send(gate.batch(0))
        stream.until(7)
    with Stream(thief) as stream:
        code, text = status_of(stream.next)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "was replaced by certificate" in text
    offer = PutEvidenceRequest(offer=EvidenceOffer(sha256=b"x" * 32, size=1, media_type="image/jpeg"))
    with thief.channel() as channel:
        code, _ = status_of(lambda: list(UplinkServiceStub(channel).PutEvidence(iter([offer]), timeout=DEADLINE_S)))
    assert code is grpc.StatusCode.PERMISSION_DENIED


def test_a_certificate_of_a_revoked_agent_opens_nothing(gate: Gate) -> None:
    assert gate.collector.command("agents", "revoke", gate.agent_id, "--reason", "stolen").returncode == 0
    with Stream(gate) as stream:
        code, text = status_of(stream.next)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert "stolen" in text
    code, text = status_of(gate.renew)
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert held(gate) == 0
