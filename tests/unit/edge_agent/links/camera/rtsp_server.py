"""A small RTSP camera: motion JPEG in RTP (RFC 2435), interleaved on the TCP connection (RFC 2326 section 10.12)."""

from __future__ import annotations

import base64
import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

CLOCK_HZ = 90_000  # RTP's for video, RFC 3551 section 5
JPEG_TYPE_420 = 1  # RFC 2435 section 4.1: sampling 2x2, 1x1, 1x1
TABLES_IN_BAND = 255
PACKET_BYTES = 1400


@dataclass(frozen=True)
class JpegScan:
    """What RFC 2435 sends of a JPEG: size, both quantiser tables, the entropy-coded bytes."""

    width: int
    height: int
    tables: bytes
    scan: bytes


def scan_of(jpeg: bytes) -> JpegScan:
    """Take a baseline JPEG with the usual Huffman tables apart (ITU-T T.81 annex B)."""
    at, tables, size = 2, b"", (0, 0)
    while True:
        marker, length = struct.unpack_from(">HH", jpeg, at)
        body = jpeg[at + 4 : at + 2 + length]
        at += 2 + length
        if marker == 0xFFDB:
            while body:
                tables, body = tables + body[1:65], body[65:]
        elif marker == 0xFFC0:
            height, width = struct.unpack_from(">HH", body, 1)
            size = width, height
        elif marker == 0xFFDA:
            return JpegScan(*size, tables, jpeg[at:-2])


@dataclass
class RtspServer:
    """One camera. A context manager.

    Attributes:
        jpeg: gives the picture with that number; None: the stream falls silent; an EOFError ends it.
        user: "user:password" it asks for (Basic); "" for none.
        status: of the answer to DESCRIBE.
        per_s: pictures a second.
        describes: how often it was asked for its stream.
    """

    jpeg: Callable[[int], bytes | None]
    user: str = ""
    status: int = 200
    per_s: float = 20.0
    port: int = 0
    describes: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _open: list[socket.socket] = field(default_factory=list)
    _threads: list[threading.Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/live"

    def __enter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.port = listening.getsockname()[1]
        self._open.append(listening)
        self._begin(self._accept, listening)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(10)

    def _begin(self, target: Callable[[socket.socket], None], connection: socket.socket) -> None:
        thread = threading.Thread(target=target, args=(connection,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self._open.append(connection)
                self._begin(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as wire:
            while (first := wire.readline()) and not self._stop.is_set():
                fields = {}
                while (line := wire.readline().strip()) != b"":
                    name, _, value = line.decode().partition(":")
                    fields[name.lower()] = value.strip()
                method = first.split(b" ")[0].decode()
                status, extra, body = self._answer(method, fields)
                head = [f"RTSP/1.0 {status} X", f"CSeq: {fields.get('cseq', '0')}", *extra]
                if body:
                    head.append(f"Content-Length: {len(body)}")
                connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
                if method == "PLAY":
                    self._play(connection)
                    return

    def _answer(self, method: str, fields: dict[str, str]) -> tuple[int, list[str], bytes]:
        if method == "OPTIONS":
            return 200, ["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"], b""
        wanted = "Basic " + base64.b64encode(self.user.encode()).decode()
        if self.user and fields.get("authorization") != wanted:
            return 401, ['WWW-Authenticate: Basic realm="camera"'], b""
        if method == "DESCRIBE":
            self.describes += 1
            sdp = (
                "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
                "m=video 0 RTP/AVP 26\r\na=control:trackID=0\r\n"
            )
            body = sdp.encode() if self.status == 200 else b""
            return self.status, [f"Content-Base: {self.url}/", "Content-Type: application/sdp"], body
        if method == "SETUP":
            return 200, ["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1"], b""
        return 200, ["Session: 1", f"RTP-Info: url={self.url}/trackID=0;seq=0;rtptime=0"], b""

    def _play(self, connection: socket.socket) -> None:
        sequence = number = 0
        while not self._stop.wait(1 / self.per_s):
            try:
                jpeg = self.jpeg(number)
            except EOFError:
                return
            if jpeg is not None:
                for packet in _packets(scan_of(jpeg), sequence, round(number * CLOCK_HZ / self.per_s)):
                    connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
                    sequence += 1
            number += 1


def _packets(picture: JpegScan, sequence: int, time: int) -> list[bytes]:
    packets: list[bytes] = []
    at = 0
    while at < len(picture.scan):
        tables = b"" if at else struct.pack(">BBH", 0, 0, len(picture.tables)) + picture.tables
        piece = picture.scan[at : at + PACKET_BYTES]
        last = at + len(piece) == len(picture.scan)
        rtp = struct.pack(">BBHII", 0x80, 26 | (0x80 if last else 0), (sequence + len(packets)) & 0xFFFF, time, 7)
        size = picture.width // 8, picture.height // 8
        jpeg = struct.pack(">IBBBB", at, JPEG_TYPE_420, TABLES_IN_BAND, *size)
        packets.append(rtp + jpeg + tables + piece)
        at += len(piece)
    return packets
