"""More than the collector can do at once: who sends little is served, who sends much waits, memory stays bounded."""

from __future__ import annotations

import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

import grpc
import pytest

from gate_contract.checkpoint import Checkpoint
from gate_contract.envelope import leaf_hashes, seal
from gate_contract.merkle import Frontier
from gate_contract.v1.uplink_pb2 import EvidenceOffer, Hello, PutEvidenceRequest, StreamRequest
from gate_contract.v1.uplink_pb2_grpc import UplinkServiceStub
from tests.journeys.collector_harness import (
    DEADLINE_S,
    CollectorProcess,
    Gate,
    Stream,
    enrolled,
    eventually,
    passage,
    probe,
    probes,
    status_of,
)

MIB = 1024 * 1024


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[CollectorProcess]:
    process = CollectorProcess(tmp_path)
    process.start()
    yield process
    process.stop(signal.SIGKILL)


def sealed(gate: Gate, count: int, records: int, payload: int) -> list[bytes]:
    """So many batches of so many records each."""
    frontier, made = Frontier(), []
    for number in range(count):
        bodies = [probe(b"%08d" % (number * records + each) + b"x" * payload) for each in range(records)]
        grown = frontier.grown(leaf_hashes(bodies))
        note = gate.signer.sign(Checkpoint.of(gate.origin, grown).body()).to_bytes()
        made.append(seal(frontier.size, bodies, note))
        frontier = grown
    return made


def held(collector: CollectorProcess) -> dict[str, int]:
    return {each["agent_id"]: int(each["records"]) for each in collector.json("stats")["by_journal"]}


def resident_bytes(collector: CollectorProcess) -> int:
    status = Path(f"/proc/{collector.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def test_one_agent_that_floods_does_not_keep_another_waiting(collector: CollectorProcess) -> None:
    flood, small = enrolled(collector, "flood"), enrolled(collector, "small")
    batches = sealed(flood, 60, 4096, 300)
    with Stream(flood, size=60 * 4096) as piling, Stream(small) as stream:
        piling.next()
        stream.next()
        for batch in batches:
            piling.send(batch)
        assert piling.receipt().checkpoint.size > 0
        for number in range(5):
            small.write(passage(f"small-{number}"))
            stream.send(small.batch(number))
            stream.until(number + 1)
        # Served one after another, each of the five would have waited for all that was piled up before it.
        assert held(collector)["flood"] < 60 * 4096
        piling.until(60 * 4096)


def test_a_hundred_agents_at_once_are_all_served(collector: CollectorProcess) -> None:
    gates = [enrolled(collector, f"gate-{number:03}") for number in range(100)]
    for gate in gates:
        gate.write(*probes(300), passage(f"of-{gate.agent_id}"))
    together = threading.Barrier(len(gates), timeout=DEADLINE_S)

    def reconnect(gate: Gate) -> None:
        together.wait()
        with Stream(gate) as stream:
            stream.next()
            for start in range(0, 301, 50):
                stream.send(gate.batch(start, min(start + 50, 301)))
            stream.until(301)

    with ThreadPoolExecutor(len(gates)) as pool:
        list(pool.map(reconnect, gates))
    assert set(held(collector).values()) == {301}
    assert resident_bytes(collector) < 400 * MIB
    eventually(lambda: collector.json("stats")["verdicts"] == 100)


def test_a_database_that_stalls_holds_the_agents_back_and_nothing_is_lost(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    batches = sealed(gate, 64, 512, 2000)  # a mebibyte each; the window holds sixteen
    with Stream(gate) as stream:
        stream.next()
        stream.send(batches[0])
        stream.until(512)
        before = resident_bytes(collector)
        database = sqlite3.connect(collector.state / "collector.db", isolation_level=None)
        database.execute("BEGIN IMMEDIATE")  # as a disk that hangs: nobody can write
        for batch in batches[1:]:
            stream.send(batch)
        highest = 0
        end = time.monotonic() + 5
        while time.monotonic() < end:
            highest = max(highest, resident_bytes(collector))
            time.sleep(0.1)
        database.execute("ROLLBACK")
        database.close()
        # Sixteen mebibytes as they came, decoded and hashed; not sixty-three.
        assert highest - before < 160 * MIB
        stream.until(64 * 512)
    assert collector.json("audit")["holds"]


def test_an_agent_has_a_few_streams_and_others_have_theirs(collector: CollectorProcess) -> None:
    greedy, other = enrolled(collector, "greedy"), enrolled(collector, "other")
    waiting = threading.Event()

    def silent() -> Iterator[StreamRequest]:
        waiting.wait(DEADLINE_S)
        yield StreamRequest(hello=Hello(protocol=1, origin=greedy.origin))

    with ExitStack() as stack:
        stub = UplinkServiceStub(stack.enter_context(greedy.channel()))
        calls = [stub.Stream(silent(), timeout=DEADLINE_S) for _ in range(9)]
        stack.callback(waiting.set)
        eventually(lambda: any(not call.is_active() for call in calls))
        (refused,) = [call for call in calls if not call.is_active()]
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        other.write(*probes(1))
        with Stream(other) as stream:
            stream.next()
            stream.send(other.batch(0))
            stream.until(1)
    assert len(collector.logged("stream refused")) == 1


def test_pictures_do_not_keep_records_waiting(collector: CollectorProcess) -> None:
    pictures, small = enrolled(collector, "pictures"), enrolled(collector, "small")
    blobs = [bytes([number]) * (4 * MIB) for number in range(8)]
    sent, first_chunk = [0], threading.Event()

    def upload(blob: bytes) -> None:
        def requests() -> Iterator[PutEvidenceRequest]:
            digest = sha256(blob).digest()
            yield PutEvidenceRequest(offer=EvidenceOffer(sha256=digest, size=len(blob), media_type="image/jpeg"))
            for at in range(0, len(blob), 65_536):
                yield PutEvidenceRequest(chunk=blob[at : at + 65_536])
                first_chunk.set()

        with pictures.channel() as channel:
            assert list(UplinkServiceStub(channel).PutEvidence(requests(), timeout=DEADLINE_S))[-1].complete
        sent[0] += 1

    with ThreadPoolExecutor(4) as pool, Stream(small) as stream:
        stream.next()
        uploads = [pool.submit(upload, blob) for blob in blobs]
        assert first_chunk.wait(DEADLINE_S)
        for number in range(5):
            small.write(*probes(1, number))
            stream.send(small.batch(number))
            stream.until(number + 1)
        assert sent[0] < len(blobs)
        for each in uploads:
            each.result()
    assert collector.json("stats")["evidence"] == len(blobs)


def test_more_uploads_of_an_agent_than_four_are_refused(collector: CollectorProcess) -> None:
    gate = enrolled(collector, "gate-1")
    go_on = threading.Event()

    def requests(number: int) -> Iterator[PutEvidenceRequest]:
        offer = EvidenceOffer(sha256=bytes([number]) * 32, size=100, media_type="image/jpeg")
        yield PutEvidenceRequest(offer=offer)
        go_on.wait(DEADLINE_S)

    with ExitStack() as stack:
        stub = UplinkServiceStub(stack.enter_context(gate.channel()))
        stack.callback(go_on.set)
        calls = [stub.PutEvidence(requests(number), timeout=DEADLINE_S) for number in range(4)]
        assert [next(call).offset for call in calls] == [0] * 4
        code, text = status_of(lambda: next(stub.PutEvidence(requests(4), timeout=DEADLINE_S)))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "4 uploads of this agent" in text
        gate.write(*probes(1))
        with Stream(gate) as stream:
            stream.next()
            stream.send(gate.batch(0))
            stream.until(1)
