"""The push listener over real sockets: kept before acknowledged, and bounded whatever the peer does."""

from __future__ import annotations

import base64
import re
import threading
from hashlib import md5

import pytest

from edge_agent.errors import JournalError
from edge_agent.links.http_push import Push
from tests.unit.edge_agent.links.pushing import (
    PATIENCE,
    ROUTES,
    gate,
    one_answer,
    post,
    status,
    until_closed,
)


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
        (b"\x16\x03\x01\x00\xf4\x01\x00\xfc", 400, "what came is TLS"),
        (b"\x17\x03\x01\x00\xf4\x01\x00\r\n\r\n", 400, "This is no HTTP request"),
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
