"""Pictures that are files: one that is written anew now and then, or a folder that a camera uploads into."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from edge_agent.errors import EdgeAgentError, LinkError
from edge_agent.links.camera.http_source import Decode
from edge_agent.links.camera.source import CameraError, Feed
from edge_agent.links.folder import FileMissingError, Folder, FolderFile, FolderLink, FolderRules
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

LOOK_EVERY_S = 0.5
PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
STABLE_S = 0.5
MOST_FILE_BYTES = 64 * 1024 * 1024


class ImageFileSource:
    """One picture file; handed on at first and whenever it was written again. Never ends."""

    live = False
    changes = False

    def __init__(self, path: Path, decode: Decode, clock: Callable[[], Moment]) -> None:
        self.name, self._path, self._decode, self._clock = str(path), path, decode, clock
        self._folder = Folder(FolderRules(path.parent, "renamed", 0.0, MOST_FILE_BYTES), clock)
        self._seen: tuple[int, int] | None = None
        self._stop = False

    def run(self, feed: Feed) -> None:
        """See Source."""
        self._stop = False
        told_open = False
        while not (self._stop or feed.stopping.is_set()):
            stamp = self._stamp()
            if not told_open:
                feed.opened()
                told_open = True
            if stamp != self._seen:
                self._hand_over(feed)
                self._seen = stamp
            feed.stopping.wait(LOOK_EVERY_S)

    def abort(self) -> None:
        """See Source."""
        self._stop = True

    def _stamp(self) -> tuple[int, int]:
        try:
            found = self._path.stat()
        except OSError as error:
            raise CameraError(
                f"{self._path} cannot be read", cause=error.strerror or str(error), fix="Correct `source`"
            ) from error
        return found.st_mtime_ns, found.st_size

    def _hand_over(self, feed: Feed) -> None:
        now = self._clock()
        try:
            image = self._decode(self._folder.fetch(self._path.name, 0.0, feed.stopping))
        except FileMissingError as error:
            raise CameraError(f"{self._path} is gone", fix="Correct `source`") from error
        except EdgeAgentError as error:
            feed.spoiled(str(error), now)
        else:
            feed.picture(image, now)


class FolderSource:
    """A folder that pictures are dropped into; each is handed on once and then moved to `taken/` inside it."""

    live = False
    changes = False

    def __init__(self, path: Path, decode: Decode, clock: Callable[[], Moment]) -> None:
        self.name, self._decode, self._clock = str(path), decode, clock
        rules = FolderRules(path, "stable", STABLE_S, MOST_FILE_BYTES)
        self._link = FolderLink(self.name, rules, PICTURES, clock)

    def run(self, feed: Feed) -> None:
        """See Source."""

        def on_file(file: FolderFile, now: Moment) -> None:
            try:
                image = self._decode(file.data)
            except EdgeAgentError as error:
                feed.spoiled(f"{file.name}: {error}", now)
            else:
                feed.picture(image, now)

        def on_event(event: DeviceEvent) -> None:
            if event.state is DeviceState.UNPLUGGED:
                raise _FolderGoneError(event.text)
            if event.state is DeviceState.UNREADABLE:
                feed.spoiled(event.text, event.at)
            else:
                feed.opened()

        self._link.run(on_file, on_event, feed.stopping)

    def abort(self) -> None:
        """See Source: it looks at `feed.stopping` four times a second, and is never stale."""


class _FolderGoneError(LinkError):
    """The folder cannot be used now; told by the supervisor, which tries again."""
