"""What a failed request to a camera means, in words a technician can act on."""

from __future__ import annotations

import socket
import ssl

import httpx
import pytest

from edge_agent.links.http_causes import refused, unreachable
from edge_agent.links.http_tls import OTHER_FINGERPRINT

DIGEST = {"www-authenticate": 'Digest realm="cam", nonce="1", qop="auth"'}
BASIC = {"www-authenticate": 'Basic realm="cam"'}


def caused_by(below: BaseException) -> httpx.ConnectError:
    error = httpx.ConnectError(str(below))
    error.__cause__ = below
    return error


def unbelieved(code: int, message: str) -> httpx.ConnectError:
    error = ssl.SSLCertVerificationError(message)
    error.verify_code, error.verify_message = code, message
    return caused_by(error)


@pytest.mark.parametrize("offered", [DIGEST, BASIC])
def test_a_camera_that_wants_a_password_where_none_is_written_is_not_waited_for(offered: dict[str, str]) -> None:
    told = refused("The camera", 401, offered, locked_s=300, user="")
    assert "asks for a user and password" in str(told)
    assert "password_file" in told.fix
    assert told.pause_s == 0, "nobody was tried, so nobody can be locked"


def test_a_password_that_was_refused_is_not_tried_again_soon() -> None:
    told = refused("The camera", 401, DIGEST, locked_s=300, user="gate")
    assert "refuses the user or the password" in str(told)
    assert told.pause_s == 300


@pytest.mark.parametrize(
    ("error", "what", "fix"),
    [
        (unbelieved(10, "certificate has expired"), "certificate has expired", "Renew the camera's certificate"),
        (unbelieved(9, "certificate is not yet valid"), "not yet valid", "this machine's clock and the camera's"),
        (unbelieved(64, "IP address mismatch"), "IP address mismatch", "that its certificate has in url"),
        (unbelieved(62, "Hostname mismatch"), "Hostname mismatch", "that its certificate has in url"),
        (unbelieved(18, "self-signed certificate"), "self-signed", "ca_file, or fingerprint"),
        (unbelieved(OTHER_FINGERPRINT, "its fingerprint is ab"), "fingerprint is ab", "replaced or reset"),
        (caused_by(ssl.SSLError("WRONG_VERSION_NUMBER")), "does not speak TLS", "write http://"),
        (caused_by(socket.gaierror(-2, "Name or service not known")), "name is unknown", "as numbers"),
        (httpx.ConnectTimeout("x"), "or no TLS from its port", "whether that port is its https port"),
        (httpx.RemoteProtocolError("illegal request line"), "answers, but not in HTTP", "Check host, port"),
        (httpx.RemoteProtocolError("peer closed connection"), "broke off its answer", "network cable"),
        (httpx.ReadTimeout("x"), "has said nothing for 10 s", "restart the camera"),
    ],
)  # fmt: skip
def test_each_cause_has_its_own_next_step(error: Exception, what: str, fix: str) -> None:
    told = unreachable("The camera at https://192.0.2.7", error, 10)
    assert what in str(told)
    assert fix in told.fix
