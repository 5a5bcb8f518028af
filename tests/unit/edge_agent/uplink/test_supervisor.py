"""What keeps the agent connected, against collectors made up for each test."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import grpc
import pytest

from edge_agent.uplink import supervisor
from edge_agent.uplink.progress import SentBytes, UplinkState
from gate_contract.v1 import uplink_pb2 as pb
from tests.unit.edge_agent.uplink.fakes import Requests, collector, receipt, welcome
from tests.unit.edge_agent.uplink.supervised import DEADLINE_S, Gate, running, until_it_hangs_up

pytestmark = pytest.mark.usefixtures("quick")


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


def test_it_counts_the_bytes_that_went_up() -> None:
    gates: list[Gate] = []

    def answers(requests: Requests) -> Iterator[pb.StreamResponse]:
        next(requests)
        yield welcome()
        next(requests)
        yield receipt(gates[0].journal, 1)
        list(requests)

    with collector(answers) as address:
        gates.append(gate := Gate(address))
        assert gate.uplink.sent == SentBytes(0, 0, 0)
        gate.journal.append(b"." * 500)
        with running(gate):
            assert gate.receipts.get(timeout=DEADLINE_S) == 1
        sent = gate.uplink.sent
    assert sent.batches > 500
    assert (sent.live, sent.evidence) == (0, 0)
