"""The one place where the collector's parts are joined."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import structlog
from grpc_health.v1 import health_pb2  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1.health import aio as health_aio  # type: ignore[import-untyped]  # ships no types

from collector.agents.servicer import EnrolmentServicer
from collector.agents.tls import server_credentials
from collector.balance import Balance
from collector.cases.follow import CaseFollower
from collector.config import CollectorConfig, split_address
from collector.downlink.feed import Feed
from collector.downlink.servicer import ReferenceServicer
from collector.draws.selections import Selector
from collector.errors import CollectorError, StoreError
from collector.ingest.evidence import EvidenceStore
from collector.ingest.servicer import UplinkServicer
from collector.judge import Judge
from collector.keys import CollectorKeys
from collector.ledger.log import Ledger
from collector.metering import CallMeter, MeteredWriter, every, timed
from collector.metrics import FAILING, OLDEST, WAITING, Metrics, StockCollector, take_stock
from collector.metrics_server import MetricsServer
from collector.notify import Notifier
from collector.privacy.keystore import FILE as KEY_STORE
from collector.privacy.keystore import KeyStore
from collector.privacy.retention import EVERY_S as RETENTION_EVERY_S
from collector.privacy.retention import Retention
from collector.reconcile.policy import load_policy
from collector.reconcile.service import Reconciler
from collector.registers.officers import name_deployment
from collector.serving import alone_in, bind, make_server
from collector.store.engine import Store, open_store
from gate_contract.v1.enrolment_pb2_grpc import add_EnrolmentServiceServicer_to_server
from gate_contract.v1.reference_pb2_grpc import add_ReferenceServiceServicer_to_server
from gate_contract.v1.uplink_pb2_grpc import add_UplinkServiceServicer_to_server

UPLINK_SERVICE = "gate_contract.v1.UplinkService"
ENROLMENT_SERVICE = "gate_contract.v1.EnrolmentService"

# A stop is to be over within five seconds; these add up to less.
DRAIN_S, GRACE_S, JUDGE_S, WRITER_S = 2.0, 0.5, 0.5, 1.5

HEALTH_EVERY_S = 1.0

STOCK_EVERY_S = 5.0
"""How often what is held is counted, for metrics, and looked through for what does not add up."""

STUCK_S = 45.0
"""A writer that has work and finishes nothing for so long hangs. A database that another program has locked gives up
sooner (collector.store.engine.BUSY_TIMEOUT_S), and then the work is finished: it failed."""

_MANY_RPCS = 4096
_FEW_RPCS = 64
_ENROLMENT_BYTES = 64 * 1024  # a request for a certificate has about 1 KiB

_log = structlog.get_logger()

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the collector listens, host:port."""

    uplink: str
    enrolment: str


def serve(config: CollectorConfig, on_ready: Callable[[Addresses], None]) -> None:
    """Run the collector until SIGTERM or SIGINT; `on_ready` is told the addresses once it listens.

    Raises CollectorError when it cannot start: another one runs on this state directory, a port is taken, the database
    or the keys cannot be used.
    """
    with alone_in(config.state_dir):
        keys = _load_keys(config)
        store = open_store(config.database_url)
        try:
            ledger = Ledger(keys.ledger)
            with store.read() as connection:
                ledger.check_head(connection)
            name_deployment(store, ledger, time.time_ns())
            asyncio.run(_Collector(config, keys, store, ledger).run(on_ready))
        finally:
            store.close()


class _Collector:
    """The running parts."""

    def __init__(self, config: CollectorConfig, keys: CollectorKeys, store: Store, ledger: Ledger) -> None:
        self._config = config
        self._keys = keys
        self._notifier = Notifier()
        self._metrics = Metrics()
        self._judge = Judge(
            timed(Reconciler(store, ledger, config).run_once, self._metrics),
            time.time_ns,
            beside=(
                Selector(store, ledger, load_policy(config.policy_file), config.draws).run_once,
                CaseFollower(store, ledger, config.cases).run_once,
            ),
        )
        self._writer = MeteredWriter(
            store, ledger, keys.receipts, time.time_ns, self._judge.wake, metrics=self._metrics
        )
        self._balance = Balance()
        self._stock = StockCollector(time.monotonic, self._metrics.connected)
        self._enrolment = EnrolmentServicer(store, keys, ledger.append, config.certificate_days)
        self._retention = Retention(config.retention, config.state_dir / KEY_STORE, store, ledger)
        self._store = store
        self._writer_died = False
        self._health = health_aio.HealthServicer()

    async def run(self, on_ready: Callable[[Addresses], None]) -> None:
        """Start everything, wait for a signal, stop everything in order; CollectorError when a part ended unasked."""
        with self._serving_metrics():
            await self._run(on_ready)

    async def _run(self, on_ready: Callable[[Addresses], None]) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        evidence = EvidenceStore(self._config.state_dir)
        evidence.forget_abandoned(time.time())
        uplink = UplinkServicer(
            self._store,
            self._writer,
            evidence,
            self._keys.receipts.verifier,
            window_bytes=self._config.window_bytes,
            max_batch_bytes=self._config.max_batch_bytes,
        )
        servers = [self._uplink_server(), self._enrolment_server()]
        add_UplinkServiceServicer_to_server(uplink, servers[0])
        add_ReferenceServiceServicer_to_server(self._reference(), servers[0])
        add_EnrolmentServiceServicer_to_server(self._enrolment, servers[1])
        addresses = self._listen(*servers)
        self._writer.start()
        self._judge.start()
        for server in servers:
            await server.start()
        on_ready(addresses)
        self._notifier.ready()
        helpers = [
            asyncio.create_task(uplink.watch()),
            asyncio.create_task(self._supervise(stop)),
            asyncio.create_task(every(STOCK_EVERY_S, self._take_stock)),
            asyncio.create_task(every(RETENTION_EVERY_S, self._retention.step)),
        ]
        await stop.wait()
        await self._stop(uplink, servers, helpers)
        if self._writer_died:
            raise CollectorError("the writer ended unasked", fix="see the log; systemd starts the service again")

    async def _stop(
        self, uplink: UplinkServicer, servers: list[grpc.aio.Server], helpers: list[asyncio.Task[None]]
    ) -> None:
        _log.info("stopping")
        self._notifier.stopping()
        await self._health.enter_graceful_shutdown()
        with suppress(TimeoutError):
            await asyncio.wait_for(uplink.drain(), DRAIN_S)
        await asyncio.gather(*(server.stop(GRACE_S) for server in servers))
        for helper in helpers:
            helper.cancel()
        uplink.close()
        await asyncio.to_thread(self._judge.stop, JUDGE_S)
        await asyncio.to_thread(self._writer.stop, WRITER_S)
        _log.info("stopped")

    def _reference(self) -> ReferenceServicer:
        key_store = self._config.state_dir / KEY_STORE
        feed = Feed(self._store, self._config.deployment, self._keys.receipts, lambda: KeyStore(key_store))
        return ReferenceServicer(self._store, feed)

    def _uplink_server(self) -> grpc.aio.Server:
        # A batch that is somewhat too large is still read, so that the refusal can say so.
        return self._server(_MANY_RPCS, 2 * self._config.max_batch_bytes)

    def _enrolment_server(self) -> grpc.aio.Server:
        return self._server(_FEW_RPCS, _ENROLMENT_BYTES)

    def _server(self, rpcs: int, message_bytes: int) -> grpc.aio.Server:
        return make_server(self._health, CallMeter(self._metrics), rpcs, message_bytes)

    def _listen(self, uplink: grpc.aio.Server, enrolment: grpc.aio.Server) -> Addresses:
        def load() -> CollectorKeys:
            return _load_keys(self._config)

        return Addresses(
            bind(uplink, self._config.listen, server_credentials(load, mutual=True)),
            bind(enrolment, self._config.enrol_listen, server_credentials(load, mutual=False)),
        )

    async def _supervise(self, stop: asyncio.Event) -> None:
        """Tell gRPC's health service and systemd's watchdog how it goes; end the process when the writer died."""
        watchdog_s = self._notifier.watchdog_s
        every_s = HEALTH_EVERY_S if watchdog_s is None else min(HEALTH_EVERY_S, watchdog_s / 3)
        while True:
            if not self._writer.is_alive:
                _log.critical("the writer ended unasked; stopping")
                self._writer_died = True
                stop.set()
                return
            hangs = self._writer.stuck_s > STUCK_S
            writes = not self._writer.failing and not hangs
            for service, well in (
                ("", writes and not self._balance.imbalances),
                (UPLINK_SERVICE, writes),
                (ENROLMENT_SERVICE, writes),
            ):
                await self._health.set(service, _SERVING if well else _NOT_SERVING)
            if hangs:
                _log.critical("the writer hangs", seconds=round(self._writer.stuck_s), waiting=self._writer.under_way)
            else:  # only a process that gets on may say that it lives
                self._notifier.alive()
            await asyncio.sleep(every_s)

    def _take_stock(self) -> None:
        """What is held, for metrics; and whether it adds up."""
        try:
            with self._store.read() as connection:
                for imbalance in self._balance.look(connection):
                    _log.error("alarm: what is stored does not add up", origin=imbalance.origin, text=imbalance.text)
                self._stock.stock = take_stock(connection, self._balance.imbalances, time.monotonic())
        except StoreError as error:
            _log.warning("what is held could not be counted", cause=str(error))

    @contextmanager
    def _serving_metrics(self) -> Iterator[None]:
        """Answer scrapes, where the configuration says so."""
        listen = self._config.metrics.listen
        if listen is None:
            yield
            return
        self._metrics.registry.register(self._stock)
        self._metrics.show(WAITING, lambda: self._writer.under_way)
        self._metrics.show(OLDEST, lambda: self._writer.stuck_s)
        self._metrics.show(FAILING, lambda: self._writer.failing)
        host, port = split_address(listen)
        server = MetricsServer(host, port, self._metrics.registry)
        server.start()
        _log.info("metrics are served", address=f"{host}:{server.port}")
        try:
            yield
        finally:
            server.stop()


def _load_keys(config: CollectorConfig) -> CollectorKeys:
    return CollectorKeys.load_or_create(config.state_dir, config.deployment, config.hostnames, datetime.now(UTC))
