"""An uplink with everything around it, for the tests of what keeps it connected."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc

from edge_agent.errors import EvidenceLostError
from edge_agent.uplink.progress import UplinkState
from edge_agent.uplink.stream import RecordStream
from edge_agent.uplink.supervisor import Uplink
from gate_contract.v1 import uplink_pb2 as pb
from tests.unit.edge_agent.uplink.fakes import COLLECTOR, FakeJournal, Requests, welcome
from tests.unit.edge_agent.uplink.test_evidence import FakeBlobs

DEADLINE_S = 30.0


class FakeConnector:
    """Where the collector is; renewals as the test wants them."""

    def __init__(self, address: str, credentials: Callable[[], grpc.ChannelCredentials]) -> None:
        self.address, self.credentials = address, credentials
        self.renewals: Iterator[bool] = iter(())

    def renew_if_due(self) -> bool:
        return next(self.renewals, False)

    def explain(self, error_text: str, *, was_up: bool) -> str:
        return f"{'cut' if was_up else 'explained'}: {error_text}"


class Gate:
    """An uplink with everything around it."""

    def __init__(
        self, address: str, credentials: Callable[[], grpc.ChannelCredentials] = grpc.local_channel_credentials
    ) -> None:
        self.journal, self.blobs = FakeJournal(), FakeBlobs()
        self.connector = FakeConnector(address, credentials)
        self.waiting: list[tuple[bytes, int, str]] = []
        self.states: queue.SimpleQueue[UplinkState] = queue.SimpleQueue()
        self.lost: queue.SimpleQueue[EvidenceLostError] = queue.SimpleQueue()
        self.refreshed: queue.SimpleQueue[grpc.Channel] = queue.SimpleQueue()
        self.refresh: Callable[[grpc.Channel], None] = self.refreshed.put
        self.receipts: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.stream = RecordStream(self.journal, COLLECTOR.verifier, "test", lambda: 7, self.receipts.put)
        self.uplink = Uplink(
            self.connector,
            self.stream,
            self.take_waiting,
            self.blobs,
            self._refresh,
            self.states.put,
            self.lost.put,
        )

    def take_waiting(self) -> list[tuple[bytes, int, str]]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def _refresh(self, channel: grpc.Channel, _over: threading.Event) -> None:
        self.refresh(channel)

    def state(self) -> UplinkState:
        """The next one it tells."""
        return self.states.get(timeout=DEADLINE_S)


@contextmanager
def running(gate: Gate) -> Iterator[None]:
    gate.uplink.start()
    try:
        yield
    finally:
        gate.uplink.stop()


def until_it_hangs_up(requests: Requests) -> Iterator[pb.StreamResponse]:
    """A collector that says welcome and gives no receipt."""
    next(requests)
    yield welcome()
    for _ in requests:
        pass
