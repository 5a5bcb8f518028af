"""Cameras over HTTP: a motion JPEG stream that stays open, or one picture asked for again and again."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.frames import Picture
from edge_agent.links.camera.mjpeg import MOST_PART_BYTES, MjpegParser
from edge_agent.links.camera.source import Feed, silent
from edge_agent.links.http_pull import HttpPull, PullLimits, PullTarget
from edge_agent.model.moment import Moment

Decode = Callable[[bytes], Picture]
"""A picture file's bytes into a picture; EdgeAgentError when they are none, or too large. Bounded in memory."""


def split_url(url: str) -> tuple[str, str]:
    """(scheme and host, path with query) of a camera's address."""
    parts = urlsplit(url)
    path = parts.path or "/"
    return f"{parts.scheme}://{parts.netloc}", f"{path}?{parts.query}" if parts.query else path


class _HttpSource:
    """What both have: a connection that `abort` ends."""

    live = True
    changes = True

    def __init__(
        self, target: PullTarget, path: str, limits: PullLimits, decode: Decode, clock: Callable[[], Moment]
    ) -> None:
        """Raises ConfigError when the CA file cannot be used."""
        self.name = f"{target.url}{path}"
        self._target, self._path, self._limits, self._decode, self._clock = target, path, limits, decode, clock
        self._pull = HttpPull(target, limits)

    def abort(self) -> None:
        """See Source."""
        self._pull.close()

    def _open(self, feed: Feed) -> HttpPull:
        self._pull = HttpPull(self._target, self._limits)
        if feed.stopping.is_set():
            self._pull.close()
        return self._pull

    def _hand_over(self, data: bytes, at: Moment, feed: Feed) -> None:
        if not feed.wants(at):
            feed.skipped(at)
            return
        try:
            image = self._decode(data)
        except EdgeAgentError as error:
            feed.spoiled(str(error), at)
        else:
            feed.picture(image, at)


class MjpegSource(_HttpSource):
    """A motion JPEG stream."""

    def __init__(
        self, target: PullTarget, path: str, silent_s: float, decode: Decode, clock: Callable[[], Moment]
    ) -> None:
        """`silent_s`: no whole picture for so long, and the connection is given up, however many bytes trickle in."""
        super().__init__(target, path, PullLimits(silent_s=silent_s), decode, clock)
        self._silent_s = silent_s

    def run(self, feed: Feed) -> None:
        """See Source."""
        parser, last = MjpegParser(), self._clock()

        def on_bytes(chunk: bytes) -> None:
            nonlocal last
            now = self._clock()
            for part in parser.feed(chunk, now):
                last = now
                self._hand_over(part.data, part.at, feed)
            if now.seconds_since(last) >= self._silent_s:
                raise silent(
                    f"{self.name} has sent no whole picture for {self._silent_s:g} s",
                    cause="its pictures come too slowly",
                    fix="Choose a smaller picture or fewer a second in the camera's menu; look at its network cable",
                )

        pull = self._open(feed)
        try:
            pull.stream(self._path, feed.opened, on_bytes)
        finally:
            pull.close()


class SnapshotSource(_HttpSource):
    """A camera that gives one picture an answer."""

    def __init__(
        self, target: PullTarget, path: str, every_s: float, decode: Decode, clock: Callable[[], Moment]
    ) -> None:
        """`every_s`: from one question to the next, at least."""
        super().__init__(target, path, PullLimits(answer_bytes=MOST_PART_BYTES), decode, clock)
        self._every_s = every_s

    def run(self, feed: Feed) -> None:
        """See Source."""
        pull = self._open(feed)
        try:
            opened = False
            while not feed.stopping.is_set():
                asked = self._clock()
                data = pull.ask(self._path)
                if not opened:
                    feed.opened()
                    opened = True
                # The camera takes the picture when it is asked: that is nearer than when the last byte has come.
                self._hand_over(data, asked, feed)
                feed.stopping.wait(max(0.0, self._every_s - self._clock().seconds_since(asked)))
        finally:
            pull.close()
