"""The push listener is bounded whatever the peer, the machine or a stop does."""

from __future__ import annotations

import socket
import threading
import time
from ipaddress import ip_network

import pytest

from edge_agent.errors import LinkError
from edge_agent.links.http_push import Push, PushListener, Route
from tests.unit.edge_agent.links.pushing import (
    ELSEWHERE,
    LIMITS,
    PATIENCE,
    ROUTES,
    Gate,
    eventually,
    gate,
    one_answer,
    post,
    status,
    until_closed,
)


@pytest.mark.parametrize("sent", [b"", b"ha"])
def test_a_body_that_is_shorter_than_said_is_not_delivered(sent: bytes) -> None:
    with gate() as this, this.peer() as connection:
        connection.sendall(post(b"half of this")[:-12] + sent)
        connection.shutdown(socket.SHUT_WR)
        answer = until_closed(connection)
        assert status(answer) == 400
        assert f"ended after {len(sent)} of 12 bytes" in answer.decode()
        assert this.pushes == []


def test_a_body_that_stalls_is_cut_off_in_time_and_not_delivered() -> None:
    with gate(body_seconds=0.2) as this:
        answer = this.exchange(post(b"half of this")[:-5])
        assert status(answer) == 400
        assert "within 0.2 s" in this.refusals[0][0]
        assert this.pushes == []


@pytest.mark.parametrize(
    ("at_once", "in_drops", "expected"),
    [
        (b"", post(b"", "/push/camera-1", "X: " + "y" * 1_000), "408"),
        (post(b"x" * 5_000)[:-5_000], b"x" * 5_000, "400"),
        (b"", b"\r\n" * 1_000, ""),
    ],
)
def test_a_peer_that_drips_is_cut_off_by_the_total_time(at_once: bytes, in_drops: bytes, expected: str) -> None:
    """Each byte comes in time; all of them would take ten seconds and more."""
    with gate(body_seconds=0.2, head_seconds=0.2) as this, this.peer() as connection:
        connection.sendall(at_once)
        connection.settimeout(0.01)
        began = time.monotonic()
        answer = _drip(connection, in_drops)
        assert time.monotonic() - began < 9.0
        assert answer[9:12].decode() == expected
        assert [reason[:3] for reason, _ in this.refusals] == ([expected] if expected else [])
        assert this.pushes == []


def _drip(connection: socket.socket, drops: bytes) -> bytes:
    """Send byte by byte until the gate answers or closes; its answer."""
    for drop in drops:
        try:
            connection.send(bytes([drop]))
            return connection.recv(1000)
        except TimeoutError:
            continue
        except ConnectionError:
            return b""
    return b"the gate waited for everything"


def test_a_peer_that_says_nothing_is_closed_without_a_word() -> None:
    with gate(head_seconds=0.1) as this:
        assert this.exchange(b"") == b""
        assert this.refusals == []


def test_a_connection_that_idles_after_a_push_is_closed() -> None:
    with gate(idle_seconds=0.1) as this, this.peer() as connection:
        connection.sendall(post(close=False))
        assert status(one_answer(connection)) == 200
        assert connection.recv(1) == b""
        assert this.refusals == []


def test_too_many_connections_get_503_and_a_place_that_is_free_again_is_given() -> None:
    with gate(max_connections=2) as this, this.peer() as first, this.peer() as second:
        for connection in (first, second):
            connection.sendall(post(close=False))
            assert status(one_answer(connection)) == 200
        with this.peer() as third:
            answer = until_closed(third)
        assert status(answer) == 503
        assert b"\r\nRetry-After: " in answer
        assert eventually(lambda: this.refusals == [("503: too many connections at once", "127.0.0.1")])
        first.close()
        assert eventually(lambda: status(this.exchange(post())) == 200)


def test_strangers_cannot_take_the_cameras_places() -> None:
    routes = {"/push/far": Route("far", ELSEWHERE)}
    refused = threading.Event()
    listener = PushListener("127.0.0.1", 0, routes, lambda _: None, lambda *_: refused.set(), LIMITS)
    with listener:
        held = [socket.create_connection(("127.0.0.1", listener.port), timeout=PATIENCE) for _ in range(3)]
        try:
            assert refused.wait(PATIENCE)  # two of eight places are for strangers
            assert status(until_closed(held[2])) == 503
        finally:
            for connection in held:
                connection.close()


def test_one_address_leaves_a_quarter_of_the_places_to_the_others() -> None:
    here, there = (ip_network("127.0.0.1/32"),), (ip_network("127.0.0.2/32"),)
    routes = {"/push/flood": Route("flood", here), "/push/camera-1": Route("camera-1", there)}
    refused = threading.Event()
    with PushListener("127.0.0.1", 0, routes, lambda _: None, lambda *_: refused.set(), LIMITS) as listener:
        address = ("127.0.0.1", listener.port)
        held = [socket.create_connection(address, timeout=PATIENCE) for _ in range(7)]
        try:
            assert refused.wait(PATIENCE)  # six of eight places are for one address
            assert status(until_closed(held[6])) == 503
            with socket.create_connection(address, timeout=PATIENCE, source_address=("127.0.0.2", 0)) as camera:
                camera.sendall(post())
                assert status(until_closed(camera)) == 200
        finally:
            for connection in held:
                connection.close()


def test_the_bytes_of_all_bodies_together_are_bounded() -> None:
    keeping, may_return = threading.Event(), threading.Event()

    def keep(_: Push) -> None:
        keeping.set()
        assert may_return.wait(PATIENCE)

    with gate(keep, max_bytes_in_flight=90_000) as this, this.peer() as slow:
        slow.sendall(post(b"x" * 80_000))
        assert keeping.wait(PATIENCE)
        answer = this.exchange(post(b"x" * 20_000))
        assert status(answer) == 503
        assert b"Too much is being pushed at once" in answer
        may_return.set()
        assert status(until_closed(slow)) == 200
        assert status(this.exchange(post(b"x" * 20_000))) == 200


def test_a_content_length_reserves_no_memory() -> None:
    with gate(max_body_bytes=2**40, body_seconds=0.1) as this:
        assert status(this.exchange(b"POST /push/camera-1 HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\nx")) == 400


def test_stop_lets_a_push_that_is_being_kept_be_answered() -> None:
    keeping, may_return = threading.Event(), threading.Event()

    def keep(_: Push) -> None:
        keeping.set()
        assert may_return.wait(PATIENCE)

    with gate(keep) as this, this.peer() as busy, this.peer() as idle:
        busy.sendall(post(close=False))
        assert keeping.wait(PATIENCE)
        stopping = threading.Thread(target=this.listener.stop)
        stopping.start()
        assert idle.recv(1) == b""
        may_return.set()
        answer = until_closed(busy)
        assert status(answer) == 200
        assert b"Connection: close" in answer
        stopping.join(PATIENCE)
        assert not stopping.is_alive()


def test_stop_does_not_deliver_a_push_that_is_being_received() -> None:
    with gate() as this, this.peer() as connection:
        connection.sendall(post(b"body", "/push/camera-1", "Expect: 100-continue")[:-4])
        assert one_answer(connection).startswith(b"HTTP/1.1 100")
        this.listener.stop()
        assert status(until_closed(connection)) == 503
        assert this.pushes == []


def test_nothing_listens_after_stop_and_the_port_can_be_used_again() -> None:
    with gate() as this:
        port = this.listener.port
        assert status(this.exchange(post())) == 200
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    with PushListener("127.0.0.1", port, ROUTES, lambda _: None, lambda *_: None) as again:
        assert again.port == port


def test_stop_before_start_is_nothing() -> None:
    Gate().listener.stop()


def test_a_port_in_use_is_an_error_with_the_next_step() -> None:
    with gate() as this:
        second = PushListener("127.0.0.1", this.listener.port, ROUTES, lambda _: None, lambda *_: None)
        with pytest.raises(LinkError, match=r"Cannot listen for pushes on 127.0.0.1 port \d+. Address already in use"):
            second.start()


def test_threads_end_with_their_connections() -> None:
    with gate() as this:
        for _ in range(20):
            assert status(this.exchange(post())) == 200
        assert eventually(lambda: not any("push from" in thread.name for thread in threading.enumerate()))


def test_pushes_of_several_cameras_at_once_are_all_kept() -> None:
    with gate() as this:
        answers: list[int] = []

        def push(number: int) -> None:
            answers.append(status(this.exchange(post(str(number).encode() * 1000))))

        threads = [threading.Thread(target=push, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE)
        assert answers == [200] * 8
        assert {push.body[:1] for push in this.pushes} == {str(number).encode() for number in range(8)}


def test_ipv6_peers_are_matched_against_ipv6_networks() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    routes = {"/push/camera-1": Route("camera-1", (ip_network("::1/128"),))}
    pushes: list[Push] = []
    try:
        listener = PushListener("::1", 0, routes, pushes.append, lambda *_: None)
        listener.start()
    except LinkError:
        pytest.skip("this machine has no IPv6 loopback")
    with socket.create_connection(("::1", listener.port), timeout=PATIENCE) as connection:
        connection.sendall(post())
        assert status(until_closed(connection)) == 200
    assert pushes[0].peer == "::1"


def test_a_machine_without_file_descriptors_is_reported_and_listens_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real, ours = socket.socket.accept, list[int]()

    def accept(listening: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        if listening.getsockname()[1] in ours:  # and no other listener of this process
            ours.clear()
            raise OSError(24, "Too many open files")
        return real(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)
    monkeypatch.setattr("edge_agent.links.http_push.ACCEPT_PAUSE_SECONDS", 0.01)
    with gate() as this:
        ours.append(this.listener.port)
        assert status(this.exchange(post())) == 200  # by an accept that was begun before, or after the one that fails
        assert eventually(lambda: len(this.refusals) == 1)
        assert this.refusals == [("Cannot accept a connection: [Errno 24] Too many open files", "")]
        assert status(this.exchange(post())) == 200


def test_a_machine_without_threads_turns_peers_away_and_serves_them_later(monkeypatch: pytest.MonkeyPatch) -> None:
    real = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        if thread.name.startswith("push from"):
            raise RuntimeError("can't start new thread")
        real(thread)

    with gate(max_connections=1) as this:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", start)
            with this.peer() as connection:
                assert status(until_closed(connection)) == 503
            assert eventually(lambda: len(this.refusals) == 1)
        assert "can't start new thread" in this.refusals[0][0]
        assert status(this.exchange(post())) == 200
