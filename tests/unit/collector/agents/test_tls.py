"""The server's certificate is exchanged while the server runs."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest
from structlog.testing import capture_logs

from collector.agents.tls import CHECK_EVERY_S, server_credentials
from collector.errors import CollectorError
from collector.keys import CollectorKeys


class Clock:
    """Monotonic time for the credentials, wall time for the keys."""

    def __init__(self) -> None:
        self.seconds, self.wall = 0.0, datetime.now(UTC)

    def monotonic(self) -> float:
        return self.seconds

    def pass_by(self, time: timedelta) -> None:
        self.seconds += time.total_seconds()
        self.wall += time


@contextmanager
def port(credentials: grpc.ServerCredentials) -> Iterator[int]:
    with ThreadPoolExecutor(1) as pool:
        server = grpc.server(pool)
        number = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        yield number
        server.stop(None).wait()


def shown_certificate(number: int) -> str:
    return ssl.get_server_certificate(("127.0.0.1", number), timeout=5)


def leaf(keys: CollectorKeys) -> str:
    chain = keys.server_chain_pem.decode()
    return chain[: chain.index("-----END CERTIFICATE-----")] + "-----END CERTIFICATE-----\n"


def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    clock = Clock()

    def load() -> CollectorKeys:
        return CollectorKeys.load_or_create(tmp_path, "hainan.example", ["127.0.0.1"], clock.wall)

    with port(server_credentials(load, mutual=False, monotonic=clock.monotonic)) as number:
        first = shown_certificate(number)
        assert first == leaf(load())
        clock.pass_by(timedelta(days=200))
        assert shown_certificate(number) == first
        clock.pass_by(timedelta(days=100))
        second = shown_certificate(number)
    assert second != first
    assert second == leaf(load())


def test_keys_that_cannot_be_read_now_leave_the_certificate_as_it_is_and_are_logged(tmp_path: Path) -> None:
    clock = Clock()
    broken = False

    def load() -> CollectorKeys:
        if broken:
            raise CollectorError("the keys cannot be used", cause="No space left on device")
        return CollectorKeys.load_or_create(tmp_path, "hainan.example", ["127.0.0.1"], clock.wall)

    with capture_logs() as logs, port(server_credentials(load, mutual=False, monotonic=clock.monotonic)) as number:
        first = shown_certificate(number)
        broken = True
        clock.pass_by(timedelta(seconds=CHECK_EVERY_S))
        assert shown_certificate(number) == first
        assert shown_certificate(number) == first
    assert [entry["reason"] for entry in logs] == ["the keys cannot be used. No space left on device"]


def test_a_mutual_port_asks_for_a_certificate_and_refuses_none(tmp_path: Path) -> None:
    def load() -> CollectorKeys:
        return CollectorKeys.load_or_create(tmp_path, "hainan.example", ["127.0.0.1"], datetime.now(UTC))

    keys = load()
    with port(server_credentials(load, mutual=True)) as number:
        context = ssl.create_default_context(cadata=keys.ca_pem.decode())
        context.maximum_version = ssl.TLSVersion.TLSv1_2  # there the refusal comes before the handshake ends
        with (
            socket.create_connection(("127.0.0.1", number), timeout=5) as plain,
            pytest.raises((ssl.SSLError, ConnectionResetError)),
        ):
            context.wrap_socket(plain, server_hostname="127.0.0.1")
