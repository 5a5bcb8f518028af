"""The push listener over real sockets: kept before acknowledged, and bounded whatever the peer does."""

from __future__ import annotations

import base64
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import md5
from ipaddress import ip_network

import pytest

from edge_agent.errors import JournalError, LinkError
from edge_agent.links.http_push import Credentials, Limits, Push, PushListener, Route

HERE = (ip_network("127.0.0.1/32"),)
ELSEWHERE = (ip_network("192.0.2.0/24"),)
ROUTES = {
    "/push/camera-1": Route("camera-1", HERE),
    "/push/far": Route("far", ELSEWHERE),
    "/push/secret": Route("secret", HERE, Credentials("gate", "s3cret", "basic")),
    "/push/digest": Route("digest", HERE, Credentials("gate", "s3cret")),
}
LIMITS = Limits(
    max_body_bytes=100_000,
    max_bytes_in_flight=400_000,
    max_head_bytes=4_000,
    max_connections=8,
    head_seconds=5.0,
    body_seconds=5.0,
    idle_seconds=5.0,
)
PATIENCE = 5.0


class Gate:
    """A listener, and what it was told."""

    def __init__(self, on_push: Callable[[Push], None] | None = None, limits: Limits = LIMITS) -> None:
        self.pushes: list[Push] = []
        self.refusals: list[tuple[str, str]] = []
        self.listener = PushListener(
            "127.0.0.1",
            0,
            ROUTES,
            on_push or self.pushes.append,
            lambda reason, peer: self.refusals.append((reason, peer)),
            limits,
        )

    @contextmanager
    def peer(self) -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.listener.port), timeout=PATIENCE) as connection:
            yield connection

    def exchange(self, wire: bytes) -> bytes:
        """Send, and receive until the gate closes."""
        with self.peer() as connection:
            connection.sendall(wire)
            return until_closed(connection)


@contextmanager
def gate(on_push: Callable[[Push], None] | None = None, **limits: float) -> Iterator[Gate]:
    made = Gate(on_push, replace(LIMITS, **limits))  # type: ignore[arg-type]  # the counts are given as whole numbers
    with made.listener:
        yield made


def until_closed(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received


def one_answer(connection: socket.socket) -> bytes:
    """One answer of a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]) if b"Content-Length" in head else 0
    while len(body) < length:
        body += connection.recv(length - len(body))
    return head + b"\r\n\r\n" + body


def post(body: bytes = b"<a/>", path: str = "/push/camera-1", *fields: str, close: bool = True) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: gate", "Content-Type: application/xml", f"Content-Length: {len(body)}"]
    lines += [*fields, *(["Connection: close"] if close else [])]
    return "\r\n".join([*lines, "", ""]).encode() + body


def status(answer: bytes) -> int:
    return int(answer.split(b" ")[1])


def eventually(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.005)
    return True


def test_a_push_is_delivered_as_sent_with_its_device_and_peer() -> None:
    with gate() as this:
        assert status(this.exchange(post(b"\xff\xd8\r\n\r\n{}"))) == 200
        assert this.pushes == [Push("camera-1", "application/xml", b"\xff\xd8\r\n\r\n{}", "127.0.0.1")]
        assert this.refusals == []


def test_200_is_sent_only_after_the_push_is_kept() -> None:
    kept, may_return = threading.Event(), threading.Event()

    def keep(_: Push) -> None:
        kept.set()
        assert may_return.wait(PATIENCE)

    with gate(keep) as this, this.peer() as connection:
        connection.sendall(post())
        assert kept.wait(PATIENCE)
        connection.settimeout(0.1)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        may_return.set()
        connection.settimeout(PATIENCE)
        assert status(until_closed(connection)) == 200


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), JournalError("full"), ValueError()])
def test_a_push_that_could_not_be_kept_gets_503_and_is_asked_for_again(error: Exception) -> None:
    def keep(_: Push) -> None:
        raise error

    with gate(keep) as this:
        answer = this.exchange(post())
        assert status(answer) == 503
        assert b"\r\nRetry-After: " in answer
        assert b"No space" not in answer  # the peer need not know why
        [(reason, peer)] = this.refusals
        assert reason.startswith("503: The push for camera-1 could not be kept")
        assert (str(error) or "ValueError") in reason
        assert peer == "127.0.0.1"


def test_a_gate_that_failed_once_takes_the_next_push() -> None:
    pushes: list[Push] = []

    def keep(push: Push) -> None:
        pushes.append(push)
        if len(pushes) == 1:
            raise OSError

    with gate(keep) as this:
        assert [status(this.exchange(post())) for _ in range(2)] == [503, 200]


def test_two_pushes_go_over_one_connection() -> None:
    with gate() as this, this.peer() as connection:
        connection.sendall(post(b"one", close=False))
        first = one_answer(connection)
        connection.sendall(b"\r\n" + post(b"two"))  # some peers send an empty line after a body
        assert [status(first), status(until_closed(connection))] == [200, 200]
        assert b"Connection: keep-alive" in first
        assert [push.body for push in this.pushes] == [b"one", b"two"]


def test_two_pushes_sent_at_once_are_both_answered_in_order() -> None:
    with gate() as this:
        answers = this.exchange(post(b"one", close=False) + post(b"two"))
        assert answers.count(b"HTTP/1.1 200 OK") == 2
        assert [push.body for push in this.pushes] == [b"one", b"two"]


def test_http_1_0_is_answered_and_closed_unless_it_asks_otherwise() -> None:
    wire = b"POST /push/camera-1 HTTP/1.0\r\nContent-Length: 1\r\n%s\r\nx"
    with gate() as this:
        assert status(this.exchange(wire % b"")) == 200
        with this.peer() as connection:
            connection.sendall(wire % b"Connection: Keep-Alive\r\n")
            assert b"Connection: keep-alive" in one_answer(connection)
            connection.sendall(wire % b"")
            assert status(until_closed(connection)) == 200


def test_a_body_in_chunks_is_delivered_whole() -> None:
    head = b"POST /push/camera-1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    with gate() as this:
        assert status(this.exchange(head + b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) == 200
        assert this.pushes[0].body == b"abcde"


def test_who_waits_for_100_continue_gets_it_before_the_body() -> None:
    with gate() as this, this.peer() as connection:
        wire = post(b"body", "/push/camera-1", "Expect: 100-continue")
        connection.sendall(wire[:-4])
        assert one_answer(connection).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(b"body")
        assert status(until_closed(connection)) == 200
        assert this.pushes[0].body == b"body"


def test_who_waits_for_100_continue_and_is_refused_need_not_send_the_body() -> None:
    with gate() as this:
        assert status(this.exchange(post(b"x" * 100_001, "/push/camera-1", "Expect: 100-continue")[:-100_001])) == 413


@pytest.mark.parametrize(
    ("wire", "expected", "says"),
    [
        (post(path="/push/camera-9"), 404, "There is no /push/camera-9 here, only /push/camera-1, /push/far"),
        (post(path="/push/camera-1/"), 404, "There is no /push/camera-1/ here"),
        (b"GET /push/camera-1 HTTP/1.1\r\n\r\n", 405, "/push/camera-1 takes POST, not GET"),
        (post(path="/push/far"), 403, "127.0.0.1 may not push to /push/far"),
        (post(b"", "/push/secret", "Authorization: Basic Z2F0ZTp3cm9uZw=="), 401, "asks for a user name"),
        (post(b"x" * 100_001), 413, "more than 100000 bytes"),
        (b"POST /push/camera-1 HTTP/1.1\r\n\r\n", 411, "does not say how long"),
        (b"\x16\x03\x01\x00\xf4\x01\x00\r\n\r\n", 400, "This is no HTTP request"),
        (post(b"", "/push/camera-1", "X: " + "y" * 5_000), 431, "head has more than 4000 bytes"),
        (b"POST /" + b"y" * 5_000, 431, "head has more than 4000 bytes"),
    ],
)
def test_refusals_say_why_to_the_peer_and_to_the_gate(wire: bytes, expected: int, says: str) -> None:
    with gate() as this:
        answer = this.exchange(wire)
        assert status(answer) == expected
        assert says in answer.decode()
        assert b"\r\nConnection: close\r\n" in answer
        assert this.pushes == []
        [(reason, peer)] = this.refusals
        assert reason.startswith(f"{expected}: ")
        assert says in reason
        assert peer == "127.0.0.1"


@pytest.mark.parametrize(
    ("given", "expected"),
    [("gate:s3cret", 200), ("gate:wrong", 401), ("gate", 401), ("other:s3cret", 401), ("gäte:s3cret", 401)],
)
def test_credentials_are_asked_for_where_the_route_has_them(given: str, expected: int) -> None:
    field = f"Authorization: Basic {base64.b64encode(given.encode()).decode()}"
    with gate() as this:
        assert status(this.exchange(post(b"x", "/push/secret", field))) == expected
        assert len(this.pushes) == (expected == 200)


@pytest.mark.parametrize("field", ["Authorization: Basic ???", "Authorization: Digest a=b", "Authorization:"])
def test_credentials_that_are_none_are_refused(field: str) -> None:
    with gate() as this:
        answer = this.exchange(post(b"x", "/push/secret", field))
        assert status(answer) == 401
        assert b'WWW-Authenticate: Basic realm="gate"' in answer


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _digest_answer(challenge: bytes, user: str = "gate", known: str = "s3cret", *, qop: bool = True) -> str:
    """What a camera answers, computed as RFC 7616 section 3.4 has it."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.decode().partition("WWW-Authenticate: Digest ")[2]))
    secret, request = _md5(f"{user}:{fields['realm']}:{known}"), _md5("POST:/push/digest")
    middle = f"{fields['nonce']}:00000001:abc:auth" if qop else fields["nonce"]
    response = _md5(f"{secret}:{middle}:{request}")
    more = ', qop=auth, nc=00000001, cnonce="abc"' if qop else ""
    return (
        f'Authorization: Digest username="{user}", realm="{fields["realm"]}", nonce="{fields["nonce"]}", '
        f'uri="/push/digest", response="{response}"{more}'
    )


@pytest.mark.parametrize("qop", [True, False])
def test_digest_is_answered_with_a_proof_and_the_first_question_is_no_fault(qop: bool) -> None:
    with gate() as this:
        asked = this.exchange(post(b"x", "/push/digest"))
        assert status(asked) == 401
        assert status(this.exchange(post(b"x", "/push/digest", _digest_answer(asked, qop=qop)))) == 200
        assert this.refusals == []
        assert len(this.pushes) == 1


@pytest.mark.parametrize("wrong", [("gate", "guess"), ("other", "s3cret")])
def test_a_wrong_digest_is_refused_and_told(wrong: tuple[str, str]) -> None:
    with gate() as this:
        asked = this.exchange(post(b"x", "/push/digest"))
        assert status(this.exchange(post(b"x", "/push/digest", _digest_answer(asked, *wrong)))) == 401
        assert len(this.refusals) == 1
        assert this.pushes == []


def test_a_nonce_of_another_gate_is_stale_and_asked_for_anew() -> None:
    with gate() as other:
        asked = other.exchange(post(b"x", "/push/digest"))
    with gate() as this:
        answer = this.exchange(post(b"x", "/push/digest", _digest_answer(asked)))
        assert status(answer) == 401
        assert b"stale=true" in answer
        assert this.pushes == []


def test_a_camera_that_never_gives_credentials_is_told_of() -> None:
    with gate() as this:
        for _ in range(3):
            this.exchange(post(b"x", "/push/digest"))
        assert len(this.refusals) == 1


def test_an_installer_with_a_browser_is_told_what_to_enter() -> None:
    with gate() as this:
        page = this.exchange(b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n").decode()
        assert page.startswith("HTTP/1.1 200 OK")
        assert "POST /push/camera-1  (camera-1)" in page
        assert "You are 127.0.0.1." in page
        assert this.refusals == []


def test_the_passwords_are_in_no_text() -> None:
    assert "s3cret" not in repr(ROUTES)


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
    real, failed = socket.socket.accept, threading.Event()

    def accept(listening: socket.socket) -> tuple[socket.socket, tuple[str, int]]:
        if not failed.is_set():
            failed.set()
            raise OSError(24, "Too many open files")
        return real(listening)

    monkeypatch.setattr(socket.socket, "accept", accept)
    monkeypatch.setattr("edge_agent.links.http_push.ACCEPT_PAUSE_SECONDS", 0.01)
    with gate() as this:
        assert status(this.exchange(post())) == 200
        assert this.refusals == [("Cannot accept a connection: [Errno 24] Too many open files", "")]


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
