"""Watching the collector's parts from outside: calls and streams by an interceptor, the writer by what it is given."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
import structlog

from collector.ingest.accept import Arrival, LiveArrival, Outcome, Stored
from collector.ingest.writer import Job, Writer
from collector.metrics import Metrics
from gate_contract.v1.uplink_pb2 import PutEvidenceRequest, RefusalCode, StreamRequest, StreamResponse

_log = structlog.get_logger()

T = TypeVar("T")

STREAM = "/gate_contract.v1.UplinkService/Stream"
EVIDENCE = "/gate_contract.v1.UplinkService/PutEvidence"

Handler = Any  # grpc.RpcMethodHandler: its stubs lack the behaviours


@dataclass(slots=True)
class _Agent:
    """Who a stream says it is, and whether that was believed."""

    origin: str = ""
    welcome: bool = False


class CallMeter(grpc.aio.ServerInterceptor):
    """Counts calls by method and status, and what goes over agents' streams."""

    def __init__(self, metrics: Metrics) -> None:
        """`metrics` is where it counts."""
        self._metrics = metrics

    async def intercept_service(
        self, continuation: Callable[[Any], Awaitable[Handler]], handler_call_details: Any
    ) -> Handler:
        """Put the counting around the method that is called."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        method = str(handler_call_details.method)
        if method == STREAM:
            return grpc.stream_stream_rpc_method_handler(
                self._counted_stream(method, self._metered(handler.stream_stream)),
                handler.request_deserializer,
                handler.response_serializer,
            )
        if handler.response_streaming:
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            behaviour = handler.stream_stream or handler.unary_stream
            behaviour = self._counted_stream(method, self._weighed(behaviour) if method == EVIDENCE else behaviour)
        else:
            make = grpc.unary_unary_rpc_method_handler
            behaviour = self._counted_call(method, handler.unary_unary)
        return make(behaviour, handler.request_deserializer, handler.response_serializer)

    def _counted_call(self, method: str, behaviour: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def call(request: Any, context: Any) -> Any:
            with self._counted(method, context):
                return await behaviour(request, context)

        return call

    def _counted_stream(self, method: str, behaviour: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., Any]:
        async def call(requests: Any, context: Any) -> AsyncGenerator[Any, None]:
            with self._counted(method, context):
                async with aclosing(behaviour(requests, context)) as responses:
                    async for response in responses:
                        yield response

        return call

    @contextmanager
    def _counted(self, method: str, context: Any) -> Iterator[None]:
        code = "UNKNOWN"  # what gRPC makes of an exception that nobody expected
        try:
            yield
            code = "OK"
        except grpc.aio.AbortError:
            number = context.code()
            code = next((each.name for each in grpc.StatusCode if number in (each, each.value[0])), code)
            raise
        except (asyncio.CancelledError, GeneratorExit):
            code = "CANCELLED"
            raise
        finally:
            self._metrics.calls.labels(method.rpartition("/")[2], code).inc()

    def _metered(self, behaviour: Callable[..., AsyncGenerator[StreamResponse, None]]) -> Callable[..., Any]:
        async def stream(requests: AsyncIterator[StreamRequest], context: Any) -> AsyncGenerator[StreamResponse, None]:
            agent = _Agent()
            self._metrics.streams.inc()
            try:
                async with aclosing(behaviour(self._arriving(requests, agent), context)) as responses:
                    async for response in responses:
                        self._answered(response, agent)
                        yield response
            finally:
                self._metrics.streams.dec()
                if agent.welcome:
                    self._connected(agent.origin, -1)

        return stream

    def _weighed(self, behaviour: Callable[..., Any]) -> Callable[..., Any]:
        async def arriving(requests: AsyncIterator[PutEvidenceRequest]) -> AsyncIterator[PutEvidenceRequest]:
            async for request in requests:
                self._metrics.evidence_bytes.inc(len(request.chunk))
                yield request

        return lambda requests, context: behaviour(arriving(requests), context)

    def _connected(self, origin: str, change: int) -> None:
        connected = self._metrics.connected
        connected[origin] = connected.get(origin, 0) + change
        if not connected[origin]:
            del connected[origin]

    async def _arriving(self, requests: AsyncIterator[StreamRequest], agent: _Agent) -> AsyncIterator[StreamRequest]:
        """The requests as they come. The next one is asked for when this one is verified and handed on."""
        async for request in requests:
            kind = request.WhichOneof("body")
            arrived = time.monotonic()
            if kind == "hello":
                agent.origin = request.hello.origin
            if kind in ("batch", "live"):
                self._metrics.received_bytes.inc(len(request.batch) or request.ByteSize())
            yield request
            if kind in ("batch", "live"):
                self._metrics.intake.labels(kind).observe(time.monotonic() - arrived)

    def _answered(self, response: StreamResponse, agent: _Agent) -> None:
        match response.WhichOneof("body"):
            case "welcome":  # only now is it known that the stream is that agent's
                agent.welcome = True
                self._connected(agent.origin, 1)
            case "receipt":
                self._metrics.receipts.inc()
            case "refusal":
                name = RefusalCode.Name(response.refusal.code).removeprefix("REFUSAL_CODE_").lower()
                self._metrics.refusals.labels(name).inc()


class MeteredWriter(Writer):
    """A writer that can be seen to get on: each piece of work is timed from when it is handed over."""

    def __init__(self, *arguments: Any, metrics: Metrics, now_s: Callable[[], float] = time.monotonic) -> None:
        """As Writer; `now_s` is a clock that nobody sets and that stands still while the machine is suspended."""
        super().__init__(*arguments)
        self._metrics, self._now_s = metrics, now_s
        self._counting = threading.Lock()
        self._under_way = 0
        self._finished_s = 0.0

    @property
    def under_way(self) -> int:
        """Pieces of work that were handed over and are not done."""
        return self._under_way

    @property
    def stuck_s(self) -> float:
        """For how long it has finished nothing though there was work, whether it went well or not; 0 without work."""
        with self._counting:
            return self._now_s() - self._finished_s if self._under_way else 0.0

    def submit(self, arrival: Arrival | LiveArrival) -> Future[Outcome]:
        """See Writer."""
        stored = super().submit(arrival)
        if isinstance(arrival, Arrival) and (shed := _shed(arrival)):  # what came live comes again with its batch
            stored.add_done_callback(lambda done: self._metrics.evidence_shed.inc(shed if _is_stored(done) else 0))
        return self._timed(stored, "batch" if isinstance(arrival, Arrival) else "live", arrival.size)

    def run(self, job: Job[T]) -> Future[T]:
        """See Writer."""
        return self._timed(super().run(job), "job", 0)

    def _timed(self, done: Future[T], kind: str, size: int) -> Future[T]:
        began = self._now_s()
        with self._counting:
            if not self._under_way:
                self._finished_s = began
            self._under_way += 1
        self._metrics.window_bytes.inc(size)

        def finished(_: Future[T]) -> None:
            now = self._now_s()
            with self._counting:
                self._under_way -= 1
                self._finished_s = now
            self._metrics.window_bytes.dec(size)
            self._metrics.store.labels(kind).observe(now - began)

        done.add_done_callback(finished)
        return done


def _shed(arrival: Arrival) -> int:
    """Blobs that its passages name and that the gate did not keep."""
    passages = [record.passage for record in arrival.contents.passages]
    pictures = [each for passage in passages for plate in passage.plates for each in plate.pictures]
    curves = [weighing.curve for passage in passages for weighing in passage.weighings]
    return sum(bool(each.not_kept) for each in (*pictures, *curves))


def _is_stored(done: Future[Outcome]) -> bool:
    return done.exception() is None and isinstance(done.result(), Stored)


def timed(work: Callable[[int], int], metrics: Metrics) -> Callable[[int], int]:
    """The reconciliation's turn with a watch on it."""

    def turn(now_ns: int) -> int:
        with metrics.judge.time():
            return work(now_ns)

    return turn


async def every(seconds: float, work: Callable[[], None]) -> None:
    """Do what blocks now and then in a thread, until it is cancelled. A fault is logged, and it is done again."""
    while True:
        try:
            await asyncio.to_thread(work)
        except Exception:  # noqa: BLE001 - supervisor: else retention or counting would end for good, and nobody be told
            _log.exception("what is done now and then met a fault")
        await asyncio.sleep(seconds)
