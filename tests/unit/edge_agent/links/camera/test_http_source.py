"""Cameras over HTTP, on real sockets: a stream, single pictures, and servers that lie, drip and hang."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from edge_agent.links.camera.http_source import MjpegSource, SnapshotSource, split_url
from edge_agent.links.camera.source import CameraError, Source
from edge_agent.links.http_causes import PullError
from edge_agent.links.http_pull import PullTarget
from edge_agent.model.readings import DeviceState
from edge_agent.simulate.camera_server import CameraServer
from tests.unit.edge_agent.links.camera.parts import FakeFeed, decode, jpeg, real_clock, until

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=--frame\r\n\r\n"


def part(data: bytes) -> bytes:
    return f"--frame\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data + b"\r\n"


@contextmanager
def serving(answer: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server that reads a request and then does as `answer` says."""
    over, listening = threading.Event(), socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection:
            connection.recv(65_536)
            answer(connection, over)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        for thread in (accepting, *threads):
            thread.join(30)


def stream_of(url: str, silent_s: float = 30.0) -> MjpegSource:
    return MjpegSource(PullTarget(url=url), "/video", silent_s, decode, real_clock)


def fault_of(source: Source, feed: FakeFeed | None = None) -> PullError:
    with pytest.raises(PullError) as caught:
        source.run(feed or FakeFeed())
    return caught.value


def test_a_stream_gives_its_pictures() -> None:
    def answer(wire: socket.socket, _over: threading.Event) -> None:
        wire.sendall(HEAD + b"".join(part(jpeg(number)) for number in range(3)))

    feed = FakeFeed()
    with serving(answer) as url:
        fault = fault_of(stream_of(url), feed)

    assert "ended the stream" in str(fault)
    assert feed.opens == 1
    assert [image.shape for image, _ in feed.pictures] == [(64, 96, 3)] * 3


def test_a_picture_that_is_not_wanted_is_not_decoded() -> None:
    def answer(wire: socket.socket, _over: threading.Event) -> None:
        wire.sendall(HEAD + part(b"\xff\xd8 no picture \xff\xd9"))

    feed = FakeFeed(wanted=False)
    with serving(answer) as url:
        fault_of(stream_of(url), feed)

    assert (feed.skips, feed.spoils) == (1, [])


def test_a_part_that_is_no_picture_is_told_and_the_next_one_read() -> None:
    def answer(wire: socket.socket, _over: threading.Event) -> None:
        wire.sendall(HEAD + part(b"\xff\xd8 no picture \xff\xd9") + part(jpeg()))

    feed = FakeFeed()
    with serving(answer) as url:
        fault_of(stream_of(url), feed)

    assert (len(feed.spoils), len(feed.pictures)) == (1, 1)


def test_a_stream_that_drips_without_ever_completing_a_picture_is_silent() -> None:
    def answer(wire: socket.socket, over: threading.Event) -> None:
        wire.sendall(HEAD + b"--frame\r\nContent-Length: 100000\r\n\r\n\xff\xd8")
        while not over.wait(0.02):
            wire.sendall(b"x")

    with serving(answer) as url:
        fault = fault_of(stream_of(url, silent_s=1.5))

    assert fault.state is DeviceState.SILENT
    assert "no whole picture for 1.5 s" in str(fault)


def test_a_stream_that_says_nothing_at_all_is_silent() -> None:
    def answer(wire: socket.socket, over: threading.Event) -> None:
        wire.sendall(HEAD)
        over.wait()

    with serving(answer) as url:
        assert fault_of(stream_of(url, silent_s=0.5)).state is DeviceState.SILENT


def test_an_endless_picture_is_refused_in_bounded_memory() -> None:
    def answer(wire: socket.socket, over: threading.Event) -> None:
        wire.sendall(HEAD + b"--frame\r\n\r\n\xff\xd8")
        while not over.is_set():
            wire.sendall(bytes(1 << 20))

    with serving(answer) as url:
        fault = fault_of(stream_of(url))

    assert isinstance(fault, CameraError)
    assert "more than 16 MiB" in str(fault)


def test_a_stream_is_ended_from_outside_at_once() -> None:
    def answer(wire: socket.socket, over: threading.Event) -> None:
        wire.sendall(HEAD + part(jpeg()))
        over.wait()

    feed = FakeFeed()
    with serving(answer) as url:
        source = stream_of(url)
        thread = threading.Thread(target=_run, args=(source, feed))
        thread.start()
        until(lambda: feed.pictures)
        source.abort()
        until(lambda: not thread.is_alive())


def _run(source: Source, feed: FakeFeed) -> None:
    with contextlib.suppress(PullError):
        source.run(feed)


def test_single_pictures_are_asked_for_with_the_password_again_and_again() -> None:
    with CameraServer(lambda path, _body: jpeg(len(path))) as camera:
        target = PullTarget(url=camera.url, user="gate", password="s3cret")
        feed = FakeFeed(stop_after=3)
        SnapshotSource(target, "/snap.jpg?ch=1", 0.01, decode, real_clock).run(feed)

        assert len(feed.pictures) == 3
        assert feed.opens == 1
        assert camera.requests[0] == ("/snap.jpg?ch=1", b"")


def test_an_answer_that_is_no_picture_is_spoiled() -> None:
    with CameraServer(lambda _path, _body: b"<html>", scheme="none") as camera:
        feed = FakeFeed(stop_after=1)
        SnapshotSource(PullTarget(url=camera.url), "/", 0.01, decode, real_clock).run(feed)

    assert feed.spoils == ["it is no picture"]


def test_a_wrong_password_is_told_with_a_pause() -> None:
    with CameraServer(lambda _path, _body: b"") as camera:
        target = PullTarget(url=camera.url, user="gate", password="guess")
        fault = fault_of(SnapshotSource(target, "/", 0.01, decode, real_clock))

    assert "refuses the user or the password" in str(fault)
    assert fault.pause_s >= 60


def test_an_address_is_split_into_camera_and_path() -> None:
    assert split_url("http://10.0.0.2:81/v?x=1&y=2") == ("http://10.0.0.2:81", "/v?x=1&y=2")
    assert split_url("https://cam") == ("https://cam", "/")
