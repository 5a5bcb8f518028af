"""What keeps the agent connected, against collectors made up for each test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import grpc
import pytest

from edge_agent.errors import EdgeAgentError, EvidenceLostError, UplinkError
from edge_agent.uplink import supervisor
from edge_agent.uplink.progress import UplinkState
from edge_agent.uplink.stream import RecordStream
from edge_agent.uplink.supervisor import Uplink
from gate_contract.v1 import uplink_pb2 as pb
from tests.unit.edge_agent.uplink.fakes import COLLECTOR, FakeJournal, Requests, collector, receipt, welcome
from tests.unit.edge_agent.uplink.test_evidence import ITEM, FakeBlobs, Shelf

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
            0.01,
            self.states.put,
            self.lost.put,
        )

    def take_waiting(self) -> list[tuple[bytes, int, str]]:
        waiting, self.waiting = self.waiting, []
        return waiting

    def _refresh(self, channel: grpc.Channel) -> None:
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


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.01, 0.02))
    monkeypatch.setattr(supervisor, "EVIDENCE_POLL_S", 0.01)
    monkeypatch.setattr(supervisor, "AFTER_FAILURE_S", 0.01)


def until_it_hangs_up(requests: Requests) -> Iterator[pb.StreamResponse]:
    """A collector that says welcome and gives no receipt."""
    next(requests)
    yield welcome()
    for _ in requests:
        pass


def test_it_is_connected_with_the_welcome_and_not_before() -> None:
    say = threading.Event()

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        say.wait(DEADLINE_S)
        yield welcome()
        list(requests)

    with collector(answers) as address, running(gate := Gate(address)):
        assert gate.states.empty()
        say.set()
        assert gate.state() == UplinkState(connected=True)


def test_a_connection_that_ends_is_told_and_made_again() -> None:
    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()

    with collector(answers) as address, running(gate := Gate(address)):
        states = [gate.state() for _ in range(4)]
    assert [state.connected for state in states] == [True, False, True, False]
    assert states[1].problem == "the collector ended the connection"


def test_a_good_connection_that_ends_is_made_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "LASTED_S", 0.0)
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.0, 3600.0))

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()

    with collector(answers) as address, running(gate := Gate(address)):
        assert [gate.state().connected for _ in range(4)] == [True, False, True, False]


def test_a_collector_that_cannot_be_reached_is_explained() -> None:
    with running(gate := Gate("127.0.0.1:1")):
        states = [gate.state() for _ in range(3)]
    assert {state.connected for state in states} == {False}
    assert all(state.problem.startswith("explained: ") for state in states)


def test_a_connection_that_is_cut_is_told_as_one_that_was_up() -> None:
    cut = threading.Event()

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        cut.wait(DEADLINE_S)

    with collector(answers) as address:
        gate = Gate(address)
        gate.uplink.start()
        assert gate.state().connected
    # The server is gone.
    cut.set()
    assert gate.state().problem.startswith("cut: ")
    gate.uplink.stop()


def test_a_connection_that_brought_a_receipt_was_a_good_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (0.0, 3600.0))
    gates: list[Gate] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        size = gates[0].journal.promised[0]
        next(requests)
        yield welcome(size)
        next(requests)
        gates[0].journal.append(b"another")
        yield receipt(gates[0].journal, size + 1)

    with collector(answers) as address:
        gates.append(gate := Gate(address))
        gate.journal.append(b"one")
        with running(gate):
            assert [gate.state().connected for _ in range(6)] == [True, False] * 3


def test_a_line_that_brings_nothing_up_gets_more_time_until_it_does() -> None:
    """On a slow line the answer to a ping waits behind what is being sent."""
    gates: list[Gate] = []
    patience: list[int] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        (gate,) = gates
        next(requests)
        patience.append(gate.uplink._patience)
        yield welcome()
        next(requests)
        if len(patience) == 7:
            yield receipt(gate.journal, 1)

    with collector(answers) as address:
        gates.append(gate := Gate(address))
        gate.journal.append(b"one")
        with running(gate):
            ends = 0
            while ends < 8:
                ends += not gate.state().connected
    assert patience[:8] == [1, 2, 4, 8, 16, 16, 16, 1]
    assert supervisor.dead_after(15.0) == (
        ("grpc.keepalive_timeout_ms", 15_000),
        ("grpc.http2.ping_timeout_ms", 15_000),
    )


def test_a_status_of_the_collector_is_told_by_its_name() -> None:
    def answers(_requests: Requests) -> Iterator[pb.StreamResponse]:
        raise ValueError("the collector has a fault")
        yield

    with collector(answers) as address, running(gate := Gate(address)):
        assert gate.state().problem.startswith("UNKNOWN: ")


def test_an_error_that_is_no_status_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: object, **__: object) -> None:
        raise grpc.RpcError("the library is at its end")

    with collector(until_it_hangs_up) as address:
        gate = Gate(address)
        monkeypatch.setattr(gate.stream, "run", run)
        with running(gate):
            assert gate.state().problem == "the library is at its end"


def test_only_a_standstill_is_tried_again_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "STANDSTILL_S", 3600.0)
    tries = queue.SimpleQueue[int]()
    codes = iter((pb.REFUSAL_CODE_UNAVAILABLE, pb.REFUSAL_CODE_FORK))

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        tries.put(1)
        yield pb.StreamResponse(refusal=pb.Refusal(code=next(codes), text="two histories"))

    with collector(answers) as address, running(gate := Gate(address)):
        assert "UNAVAILABLE" in gate.state().problem
        assert "FORK" in gate.state().problem
        tries.get(timeout=DEADLINE_S)
        tries.get(timeout=DEADLINE_S)
        with pytest.raises(queue.Empty):
            tries.get(timeout=0.3)


def test_a_collector_that_never_says_welcome_is_left_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "WATCH_EVERY_S", 0.02)
    monkeypatch.setattr(supervisor, "WELCOME_WITHIN_S", 0.1)

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        list(requests)
        yield welcome()

    with collector(answers) as address, running(gate := Gate(address)):
        assert gate.state().problem.startswith("the collector can be reached and says nothing")


def test_a_collector_that_gives_no_receipt_is_left_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "WATCH_EVERY_S", 0.02)
    monkeypatch.setattr(supervisor, "RECEIPT_WITHIN_S", 0.1)
    with collector(until_it_hangs_up) as address:
        gate = Gate(address)
        gate.journal.append(b"one")
        with running(gate):
            assert gate.state().connected
            assert "has given no receipt for" in gate.state().problem
            assert gate.state().connected, "it is asked anew"
        assert gate.journal.promised[0] == 0


def test_records_go_up_and_receipts_come_down() -> None:
    gates: list[Gate] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)
        yield receipt(gates[0].journal, 1)
        list(requests)

    with collector(answers) as address:
        gates.append(gate := Gate(address))
        with running(gate):
            gate.journal.append(b"one")
            gate.stream.wake()
            assert gate.receipts.get(timeout=DEADLINE_S) == 1


# --- beside the stream ----------------------------------------------------------------------------------------------


def test_evidence_is_delivered_beside_the_records(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf()
    with collector(until_it_hangs_up, shelf) as address:
        gate = Gate(address)
        gate.waiting = [ITEM]
        done = threading.Event()
        monkeypatch.setattr(gate.blobs, "delivered", lambda _digest: done.set())
        with running(gate):
            assert done.wait(DEADLINE_S)


def test_evidence_that_is_lost_is_told_before_it_is_given_up_and_the_next_one_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with collector(until_it_hangs_up, Shelf()) as address:
        gate = Gate(address)
        gate.blobs.gone = True
        gate.waiting = [ITEM, ITEM]
        monkeypatch.setattr(gate.blobs, "lost", lambda _digest: None)
        with running(gate):
            for _ in range(2):
                assert str(gate.lost.get(timeout=DEADLINE_S)) == "it is gone"


def test_evidence_waits_for_the_next_connection_when_this_one_is_over() -> None:
    over = threading.Event()
    over.set()
    gate = Gate("127.0.0.1:1")
    gate.waiting = [ITEM]
    with grpc.insecure_channel("127.0.0.1:1") as channel:
        gate.uplink._deliver_evidence(channel, over)
    assert gate.lost.empty()


@pytest.mark.parametrize(
    "failure", [UplinkError("it is not there"), grpc.RpcError("broken")], ids=["in words", "of grpc"]
)
def test_what_fails_beside_the_stream_is_tried_again(failure: Exception) -> None:
    failures = iter([failure])
    gate_refreshed = threading.Event()

    def refresh(_channel: grpc.Channel) -> None:
        for each in failures:
            raise each
        gate_refreshed.set()

    with collector(until_it_hangs_up) as address:
        gate = Gate(address)
        gate.refresh = refresh
        with running(gate):
            assert gate_refreshed.wait(DEADLINE_S)


def test_a_helper_whose_channel_was_closed_ends_quietly() -> None:
    gate, up, over = Gate("127.0.0.1:1"), threading.Event(), threading.Event()
    up.set()

    def work(_channel: grpc.Channel, _over: threading.Event) -> None:
        raise ValueError("Cannot invoke RPC on closed channel!")

    with grpc.insecure_channel("127.0.0.1:1") as channel:
        gate.uplink._helper(work, channel, up, over)


def test_a_failure_after_the_end_is_no_news(capsys: pytest.CaptureFixture[str]) -> None:
    gate, up, over = Gate("127.0.0.1:1"), threading.Event(), threading.Event()
    up.set()

    def work(_channel: grpc.Channel, over: threading.Event) -> None:
        over.set()
        raise UplinkError("cut off")

    with grpc.insecure_channel("127.0.0.1:1") as channel:
        gate.uplink._helper(work, channel, up, over)
    assert "cut off" not in capsys.readouterr().out


def test_a_fresh_certificate_is_used_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "RENEWAL_EVERY_S", 0.02)
    with collector(until_it_hangs_up) as address:
        gate = Gate(address)
        gate.connector.renewals = iter([False, True])  # at the first try to connect, and a while later
        with running(gate):
            assert [gate.state().connected for _ in range(3)] == [True, False, True]


def test_a_renewal_that_fails_leaves_the_certificate_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector(until_it_hangs_up) as address:
        gate = Gate(address)

        def refuse() -> bool:
            raise EdgeAgentError("the enrolment port cannot be reached")

        monkeypatch.setattr(gate.connector, "renew_if_due", refuse)
        with running(gate):
            assert gate.state().connected


def test_one_that_never_began_stops() -> None:
    Gate("127.0.0.1:1").uplink.stop()


def test_it_stops_while_it_waits_for_the_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "BACKOFF_S", (3600.0,))
    gate = Gate("127.0.0.1:1")
    with running(gate):
        gate.state()
    gate.uplink._thread.join(DEADLINE_S)
    assert not gate.uplink._thread.is_alive()
