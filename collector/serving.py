"""What the service stands on: its gRPC servers, their ports, and the state directory, which it has alone."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
from grpc_health.v1 import health_pb2_grpc  # type: ignore[import-untyped]  # ships no types
from grpc_health.v1.health import aio as health_aio  # type: ignore[import-untyped]  # ships no types

from collector.config import split_address
from collector.errors import CollectorError
from collector.metering import CallMeter


def make_server(health: health_aio.HealthServicer, meter: CallMeter, rpcs: int, message_bytes: int) -> grpc.aio.Server:
    """A server with gRPC's health service: at most `rpcs` calls at once, messages of at most `message_bytes`."""
    server = grpc.aio.server(
        interceptors=[meter],
        maximum_concurrent_rpcs=rpcs,
        options=[
            ("grpc.max_receive_message_length", message_bytes),
            ("grpc.max_send_message_length", 4 * 1024 * 1024),  # reference pages; receipts and refusals are small
            ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a second listener
            ("grpc.keepalive_time_ms", 20_000),
            ("grpc.keepalive_timeout_ms", 10_000),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
        ],
    )
    health_pb2_grpc.add_HealthServicer_to_server(health, server)
    return server


def bind(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials) -> str:
    """Listen; returns host:port with the port that was chosen. CollectorError when it is taken."""
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise CollectorError(
            f"cannot listen on {address}",
            cause=str(error).splitlines()[0],
            fix="the port is in use by another program, or the address is not this machine's: "
            f"`ss -ltnp sport = :{split_address(address)[1]}` shows who has it",
        ) from error
    return f"{address.rpartition(':')[0]}:{port}"


@contextmanager
def alone_in(state_dir: Path) -> Iterator[None]:
    """Hold the state directory; CollectorError when another collector serves from it."""
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (state_dir / "serve.lock").open("w")
    except OSError as error:
        raise CollectorError(
            f"the state directory {state_dir} cannot be used", cause=str(error), fix="check that this user may write it"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CollectorError(
                f"another collector serves from {state_dir}",
                cause=f"it holds {lock.name}",
                fix="stop it first, or give this one another state directory",
            ) from None
        yield
