"""The writer and the calls seen from outside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import Connection

from collector.errors import StoreError
from collector.ingest.accept import Arrival, LiveArrival
from collector.ingest.prepare import prepare_live
from collector.metering import EVIDENCE, STREAM, CallMeter, MeteredWriter, every, timed
from collector.metrics import Metrics
from gate_contract.v1.record_pb2 import Record
from gate_contract.v1.uplink_pb2 import (
    REFUSAL_CODE_BAD_PROOF,
    EvidenceOffer,
    Hello,
    LiveRecords,
    PutEvidenceRequest,
    PutEvidenceResponse,
    Receipt,
    Refusal,
    StreamRequest,
    StreamResponse,
    Welcome,
)
from tests.unit.collector.collected import Collected, passage

WAIT_S = 30


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def collected(tmp_path: Path) -> Iterator[Collected]:
    made = Collected(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def writer(collected: Collected, metrics: Metrics, clock: Clock) -> Iterator[MeteredWriter]:
    arguments = (collected.store, collected.ledger, collected.receipts, lambda: collected.now_ns, lambda: None)
    made = MeteredWriter(*arguments, metrics=metrics, now_s=clock)
    made.start()
    yield made
    made.stop(WAIT_S)
    assert not made.is_alive


def settled(writer: MeteredWriter, *futures: Future[None]) -> None:
    for future in futures:
        future.exception(WAIT_S)
    end = threading.Event()
    for _ in range(WAIT_S * 100):
        if not writer.under_way:
            return
        end.wait(0.01)
    raise AssertionError("work stays under way")


def test_a_writer_without_work_is_not_stuck_however_long_nothing_comes(writer: MeteredWriter, clock: Clock) -> None:
    clock.now += 86_400
    assert (writer.stuck_s, writer.under_way) == (0.0, 0)


def test_a_writer_that_hangs_is_stuck_for_as_long_as_it_does(
    writer: MeteredWriter, metrics: Metrics, clock: Clock
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def hang(_connection: Connection, _now_ns: int) -> None:
        begun.set()
        assert goes_on.wait(WAIT_S)

    first = writer.run(hang)
    assert begun.wait(WAIT_S)
    clock.now += 40
    second = writer.run(lambda _connection, _now_ns: None)
    clock.now += 10
    assert (writer.stuck_s, writer.under_way) == (50.0, 2)
    goes_on.set()
    settled(writer, first, second)
    assert writer.stuck_s == 0.0
    seconds = metrics.registry.get_sample_value("tidegate_collector_store_seconds_sum", {"kind": "job"})
    assert seconds == 50.0 + 10.0


def test_work_that_fails_is_finished_too_a_full_disk_is_no_hang(writer: MeteredWriter, clock: Clock) -> None:
    def fail(_connection: Connection, _now_ns: int) -> None:
        clock.now += 100
        raise StoreError("the database could not do what was asked", cause="database or disk is full")

    failed = writer.run(fail)
    settled(writer, failed)
    assert isinstance(failed.exception(), StoreError)
    assert writer.failing
    assert writer.stuck_s == 0.0


def test_blobs_that_a_gate_gave_up_are_counted_once_they_are_stored(
    collected: Collected, metrics: Metrics, writer: MeteredWriter
) -> None:
    agent = collected.admit("gate-1")
    record = Record.FromString(passage("p1"))
    record.passage.plates[0].pictures.add(role="plate", not_kept="the gate's disk was full")
    record.passage.plates[0].pictures.add(role="vehicle")
    record.passage.weighings[0].curve.not_kept = "the gate's disk was full"
    agent.records += [record.SerializeToString(), passage("p2")]
    journal_id = collected.head(agent).journal_id
    live = LiveArrival(journal_id, prepare_live(agent.live(0), agent.signer.verifier))
    batch = Arrival(journal_id, collected.prepare(agent, agent.batch()))
    for outcome in (writer.submit(live), writer.submit(batch), writer.submit(batch)):
        outcome.result(WAIT_S)
    for _ in range(WAIT_S * 100):
        if not writer.under_way:
            break
        threading.Event().wait(0.01)
    assert metrics.registry.get_sample_value("tidegate_collector_evidence_shed_total") == 2


def test_turns_of_the_reconciliation_are_timed_and_their_result_is_handed_on(metrics: Metrics) -> None:
    assert timed(lambda now_ns: now_ns + 1, metrics)(41) == 42
    assert metrics.registry.get_sample_value("tidegate_collector_judge_seconds_count") == 1


# --- calls ----------------------------------------------------------------------------------------------------------


class Context:
    """Of a call whose status was set."""

    def __init__(self, code: grpc.StatusCode = grpc.StatusCode.OK) -> None:
        self._code = code

    def code(self) -> int:
        return int(self._code.value[0])


class Handler:
    """A method's handler, as gRPC hands it to interceptors."""

    def __init__(self, **behaviours: Any) -> None:
        self.request_streaming = self.response_streaming = False
        self.request_deserializer = self.response_serializer = None
        self.unary_unary = self.unary_stream = self.stream_stream = None
        self.__dict__.update(behaviours)


class Call:
    def __init__(self, method: str) -> None:
        self.method = method


def metered(metrics: Metrics, method: str, handler: Handler) -> Any:
    async def continuation(_details: object) -> Handler:
        return handler

    return asyncio.run(CallMeter(metrics).intercept_service(continuation, Call(method)))


def calls(metrics: Metrics, method: str, code: str) -> float:
    return metrics.registry.get_sample_value("tidegate_collector_rpcs_total", {"method": method, "code": code}) or 0.0


def test_a_call_is_counted_with_the_status_it_ended_with(metrics: Metrics) -> None:
    async def well(request: str, _context: Context) -> str:
        return request.upper()

    async def refused(_request: str, _context: Context) -> str:
        raise grpc.aio.AbortError

    async def broken(_request: str, _context: Context) -> str:
        raise RuntimeError("a defect")

    async def left(_request: str, _context: Context) -> str:
        raise asyncio.CancelledError

    method = "/gate_contract.v1.EnrolmentService/Enrol"
    answer = asyncio.run(metered(metrics, method, Handler(unary_unary=well)).unary_unary("a", Context()))
    assert answer == "A"
    for behaviour, context, error in (
        (refused, Context(grpc.StatusCode.PERMISSION_DENIED), grpc.aio.AbortError),
        (broken, Context(), RuntimeError),
        (left, Context(), asyncio.CancelledError),
    ):
        with pytest.raises(error):
            asyncio.run(metered(metrics, method, Handler(unary_unary=behaviour)).unary_unary("a", context))
    found = {code: calls(metrics, "Enrol", code) for code in ("OK", "PERMISSION_DENIED", "UNKNOWN", "CANCELLED")}
    assert found == {"OK": 1, "PERMISSION_DENIED": 1, "UNKNOWN": 1, "CANCELLED": 1}


def test_a_method_that_there_is_not_is_left_to_grpc(metrics: Metrics) -> None:
    async def nothing(_details: object) -> None:
        return None

    assert asyncio.run(CallMeter(metrics).intercept_service(nothing, Call("/x/Y"))) is None


def test_bytes_of_evidence_are_counted_as_they_come(metrics: Metrics) -> None:
    async def put(requests: AsyncIterator[PutEvidenceRequest], _context: Context) -> AsyncIterator[PutEvidenceResponse]:
        async for request in requests:
            yield PutEvidenceResponse(offset=len(request.chunk))

    async def requests() -> AsyncIterator[PutEvidenceRequest]:
        yield PutEvidenceRequest(offer=EvidenceOffer(size=7))
        yield PutEvidenceRequest(chunk=b"pic")
        yield PutEvidenceRequest(chunk=b"ture")

    async def talk(handler: Any) -> list[int]:
        return [response.offset async for response in handler.stream_stream(requests(), Context())]

    put_handler = Handler(stream_stream=put, request_streaming=True, response_streaming=True)
    assert asyncio.run(talk(metered(metrics, EVIDENCE, put_handler))) == [0, 3, 4]
    assert metrics.registry.get_sample_value("tidegate_collector_evidence_received_bytes_total") == 7
    assert calls(metrics, "PutEvidence", "OK") == 1


def test_what_goes_over_an_agents_stream_is_counted_and_a_stream_that_is_left_is_over(metrics: Metrics) -> None:
    over: list[str] = []

    async def stream(requests: AsyncIterator[StreamRequest], _context: Context) -> AsyncIterator[StreamResponse]:
        try:
            async for request in requests:
                match request.WhichOneof("body"):
                    case "hello":
                        yield StreamResponse(welcome=Welcome(size=1))
                    case "batch":
                        yield StreamResponse(receipt=Receipt(note=b"n"))
                    case _:
                        yield StreamResponse(refusal=Refusal(code=REFUSAL_CODE_BAD_PROOF))
        finally:
            over.append("over")

    async def requests() -> AsyncIterator[StreamRequest]:
        yield StreamRequest(hello=Hello(origin="d.example/agent/gate-1/ab"))
        yield StreamRequest(batch=b"12345")
        yield StreamRequest(live=LiveRecords(checkpoint=b"c"))

    handler = metered(metrics, STREAM, Handler(stream_stream=stream, request_streaming=True, response_streaming=True))

    async def talk(*, whole: bool) -> None:
        responses = handler.stream_stream(requests(), Context())
        await anext(responses)
        assert metrics.connected == {"d.example/agent/gate-1/ab": 1}
        assert metrics.registry.get_sample_value("tidegate_collector_streams") == 1
        if whole:
            async for _ in responses:
                pass
        await responses.aclose()
        assert metrics.connected == {}
        assert metrics.registry.get_sample_value("tidegate_collector_streams") == 0

    asyncio.run(talk(whole=True))
    asyncio.run(talk(whole=False))
    assert over == ["over", "over"]
    value = metrics.registry.get_sample_value
    assert value("tidegate_collector_receipts_total") == 1
    assert value("tidegate_collector_refusals_total", {"code": "bad_proof"}) == 1
    assert value("tidegate_collector_intake_seconds_count", {"kind": "batch"}) == 1
    assert (value("tidegate_collector_batch_received_bytes_total") or 0) > 5
    assert (calls(metrics, "Stream", "OK"), calls(metrics, "Stream", "CANCELLED")) == (1, 1)


def test_what_is_done_now_and_then_goes_on_after_a_fault() -> None:
    done: list[int] = []

    async def until_thrice() -> None:
        loop, thrice = asyncio.get_running_loop(), asyncio.Event()

        def work() -> None:
            done.append(len(done))
            if len(done) == 1:
                raise ValueError("a fault that nobody thought of")
            if len(done) >= 3:
                loop.call_soon_threadsafe(thrice.set)

        task = asyncio.create_task(every(0.0, work))
        await thrice.wait()
        task.cancel()

    asyncio.run(asyncio.wait_for(until_thrice(), 30))
    assert len(done) >= 3
