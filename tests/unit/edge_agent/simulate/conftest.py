"""A gate's HTTP listener as the emulated camera meets it: answers as told, and keeps what was posted."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Post:
    path: str
    media_type: str
    body: bytes


@dataclass
class Gate:
    """Gives the answers in `answers` to posted events, one after another, then 200; heartbeats always get 200."""

    url: str
    answers: list[int] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def answer(self, post: Post) -> int:
        with self.arrived:
            self.posts.append(post)
            self.arrived.notify_all()
            return self.answers.pop(0) if self.answers and post.media_type.startswith("multipart/") else 200

    @property
    def events(self) -> list[Post]:
        return [post for post in self.posts if post.media_type.startswith("multipart/")]

    @property
    def heartbeats(self) -> list[Post]:
        return [post for post in self.posts if not post.media_type.startswith("multipart/")]

    def wait_for_events(self, count: int) -> bool:
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.events) >= count, timeout=5)

    def wait_for_heartbeats(self, count: int) -> bool:
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.heartbeats) >= count, timeout=5)


@pytest.fixture
def gate() -> Iterator[Gate]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(listener.answer(Post(self.path, self.headers["Content-Type"], body)))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener = Gate(f"http://127.0.0.1:{server.server_port}/plate-1")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield listener
    server.shutdown()
    thread.join()
    server.server_close()
