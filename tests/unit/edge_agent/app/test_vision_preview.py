"""The preview: what is drawn, who is answered, and that it ends."""

from __future__ import annotations

import contextlib
import http.client
import socket
from collections.abc import Iterator

import numpy as np
import pytest

from edge_agent.app.vision_preview import Annotator, Box, drawn, region_of
from edge_agent.app.vision_preview_server import MOST_PEERS, PreviewServer, is_loopback
from edge_agent.config_video import VideoTable
from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.frames import Frame
from tests.unit.edge_agent.links.camera.parts import at, picture

TABLE = VideoTable(id="cam", source="snap.jpg", reads=("plate",), lane="in-1", region=(0.5, 0.0, 0.5, 1.0))


@pytest.fixture
def server() -> Iterator[PreviewServer]:
    serving = PreviewServer("127.0.0.1", 0, "cam")
    serving.start()
    yield serving
    serving.stop()


def port_of(server: PreviewServer) -> int:
    return int(server.url.rpartition(":")[2].strip("/"))


def get(server: PreviewServer, path: str, host: str = "127.0.0.1") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port_of(server), timeout=30)
    try:
        connection.request("GET", path, headers={"Host": host})
        answer = connection.getresponse()
        return answer.status, answer.read1(200)
    finally:
        connection.close()


def test_a_picture_is_drawn_into_a_copy_and_told_in_words() -> None:
    image = picture(1, rows=360, columns=640)
    before = image.copy()
    preview = Annotator(TABLE, None, 1).annotate(Frame(image, at(1), 7))

    assert np.array_equal(image, before)
    assert preview.image.shape == image.shape
    assert not np.array_equal(preview.image, image)
    assert "640 x 360  picture 7" in preview.lines[0]
    assert "sharpness" in preview.lines[1]


def test_a_box_is_drawn_where_it_was_found_in_a_chinese_plate_too() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    out = drawn(image, [Box((100, 100, 80, 40), "琼A12345", 0.9, good=True)], (0, 0, 300, 200), [])

    assert out[100:140, 100].any()
    assert out[80:100, 100:180].any()  # its text
    assert not out[150:].any()


def test_the_region_is_in_the_pictures_pixels() -> None:
    assert region_of(TABLE, picture(rows=100, columns=200)) == (100, 0, 100, 100)


def test_the_preview_is_a_page_and_a_stream(server: PreviewServer) -> None:
    server.show(b"\xff\xd8 one")

    status, page = get(server, "/")
    assert status == 200
    assert b"/stream" in page
    status, stream = get(server, "/stream")
    assert status == 200
    assert b"\xff\xd8 one" in stream
    assert get(server, "/etc/passwd")[0] == 404


def test_a_page_of_the_web_that_has_itself_resolved_to_this_machine_sees_nothing(server: PreviewServer) -> None:
    server.show(b"\xff\xd8 one")

    assert get(server, "/stream", host="evil.example:8088")[0] == 403
    assert get(server, "/", host="localhost:8088")[0] == 200


def test_more_lookers_than_a_few_are_turned_away(server: PreviewServer) -> None:
    server.show(b"\xff\xd8 one")
    with contextlib.ExitStack() as stack:
        for _ in range(MOST_PEERS):
            looker = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(server)), timeout=30))
            looker.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert looker.recv(12) == b"HTTP/1.0 200"
        one_more = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(server)), timeout=30))
        with contextlib.suppress(ConnectionError):
            assert one_more.recv(12) == b""


def test_an_address_that_is_taken_is_told(server: PreviewServer) -> None:
    with pytest.raises(EdgeAgentError, match="--listen"):
        PreviewServer("127.0.0.1", port_of(server), "cam")


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.2", False), ("x", False)],
)
def test_what_only_this_machine_reaches(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here
