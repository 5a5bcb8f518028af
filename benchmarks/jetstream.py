"""The same load through NATS JetStream with file storage: what a user would pick instead of journal and uplink.

One stream on disk; one process publishes with many acknowledgements outstanding, another pulls and acknowledges a whole
fetch at a time (AckPolicy.ALL): the fastest way the Python client has. Once with one message a record, once with 512
records in a message. Read the figures with what they leave out: JetStream acknowledges before it syncs (every two
minutes; the server of Debian 12 cannot be told to sync each message), nothing is signed or encrypted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

import nats
from nats.js.api import AckPolicy, ConsumerConfig, StorageType, StreamConfig

from benchmarks.report import cpu_seconds
from edge_agent.simulate.ports import free_ports
from edge_agent.simulate.programs import wait_until

COUNT = 100_352
COMMIT = 512
SIZE = 300
OUTSTANDING = 4096
FETCH = 512
SERVER = "nats-server"


def available() -> str:
    """The server's path; "" when it is not installed (Debian: apt-get install nats-server)."""
    return shutil.which(SERVER) or ""


async def _publish(url: str, messages: int, size: int) -> None:
    connection = await nats.connect(url)
    stream = connection.jetstream(publish_async_max_pending=max(8, OUTSTANDING * SIZE // size))
    payloads = [os.urandom(size) for _ in range(64)]
    for number in range(messages):
        _ = await stream.publish_async("records.bench", payloads[number % 64], wait_stall=30.0)  # completed below
    await stream.publish_async_completed()
    await connection.drain()


async def _consume(url: str, messages: int, size: int) -> None:
    connection = await nats.connect(url)
    stream = connection.jetstream()
    wanted = ConsumerConfig(ack_policy=AckPolicy.ALL, max_ack_pending=OUTSTANDING)
    subscription = await stream.pull_subscribe("records.bench", "collector", config=wanted)
    got = 0
    while got < messages:
        fetched = await subscription.fetch(max(1, min(FETCH * SIZE // size, messages - got)), timeout=30)
        got += len(fetched)
        await fetched[-1].ack()
    await connection.drain()


async def _make_stream(url: str) -> None:
    connection = await nats.connect(url)
    config = StreamConfig(name="records", subjects=["records.*"], storage=StorageType.FILE)
    await connection.jetstream().add_stream(config)
    await connection.drain()


def _client(work: Callable[[str, int, int], Coroutine[Any, Any, None]], url: str, messages: int, size: int) -> None:
    asyncio.run(work(url, messages, size))


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _run(directory: Path, count: int, in_a_message: int) -> dict[str, Any]:
    (port,) = free_ports(1)
    url = f"nats://127.0.0.1:{port}"
    arguments = ("-js", "-sd", str(directory), "-a", "127.0.0.1", "-p", str(port), "-l", str(directory / "log"))
    server = subprocess.Popen([available(), *arguments])
    try:
        wait_until("the NATS server answers", lambda: _answers(port))
        asyncio.run(_make_stream(url))
        size = (url, count // in_a_message, SIZE * in_a_message)
        clients = [multiprocessing.Process(target=_client, args=(work, *size)) for work in (_publish, _consume)]
        server_cpu, clients_cpu = cpu_seconds(server.pid), _ended_cpu_seconds()
        began = time.perf_counter()
        for client in clients:
            client.start()
        for client in clients:
            client.join()
        seconds = time.perf_counter() - began
        if any(client.exitcode for client in clients):
            raise SystemExit("a NATS client failed")
        return {
            "records": count,
            "records_in_a_message": in_a_message,
            "seconds": seconds,
            "records_per_second": count / seconds,
            "server_us_a_record": (cpu_seconds(server.pid) - server_cpu) / count * 1e6,
            "clients_us_a_record": (_ended_cpu_seconds() - clients_cpu) / count * 1e6,
        }
    finally:
        server.terminate()
        server.wait()


def measure(count: int = COUNT, in_a_message: int = 1) -> dict[str, Any]:
    """One run; rates in records a second. `count` is a multiple of `in_a_message`."""
    with tempfile.TemporaryDirectory(prefix="tidegate-bench-nats-") as temporary:
        return _run(Path(temporary), count, in_a_message)


def _ended_cpu_seconds() -> float:
    """Of child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
