"""What goes on beside the stream: evidence, reference data, certificates; and the end."""

from __future__ import annotations

import threading

import grpc
import pytest

from edge_agent.errors import EdgeAgentError, UplinkError
from edge_agent.uplink import supervisor
from tests.unit.edge_agent.uplink.fakes import collector
from tests.unit.edge_agent.uplink.supervised import DEADLINE_S, Gate, running, until_it_hangs_up
from tests.unit.edge_agent.uplink.test_evidence import ITEM, Shelf

pytestmark = pytest.mark.usefixtures("quick")


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
