"""Looking at one camera, for whoever aims it: one annotated picture into a file, or a preview until it is ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.app.vision import models_of
from edge_agent.app.vision_keep import as_file, as_jpeg
from edge_agent.app.vision_preview import Annotator
from edge_agent.app.vision_preview_server import PreviewServer
from edge_agent.app.vision_source import camera_of
from edge_agent.clock import SystemClock
from edge_agent.config import SiteFile, VideoTable
from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.camera import Camera
from edge_agent.model.readings import DeviceEvent, DeviceState

FIRST_PICTURE_S = 30.0
TAKE_S = 0.5
QUALITY = 85

Say = Callable[[str], None]


class CameraWatch:
    """One camera of a site file, its models loaded unless nothing is to be read."""

    def __init__(self, site: SiteFile, table: VideoTable, say: Say, complain: Say, *, read: bool) -> None:
        """`say` gets lines for a person, `complain` what is wrong with the camera. ModelError as of the models."""
        self._table, self._say, self._complain = table, say, complain
        self._annotator = Annotator(table, models_of(site) if read else None, site.vision.threads)

    def write(self, output: Path) -> None:
        """The first picture into a file, whose kind is by its suffix; EdgeAgentError when none comes."""
        as_file_of = output.suffix or ".jpg"
        with self._opened() as camera:
            give_up = time.monotonic() + FIRST_PICTURE_S
            while (frame := camera.take(TAKE_S)) is None:
                if time.monotonic() > give_up or camera.ended:
                    raise EdgeAgentError(f"No picture came from {camera.name}", cause=camera.text)
            preview = self._annotator.annotate(frame)
        data = as_file(preview.image, as_file_of, QUALITY)
        try:
            output.write_bytes(data)
        except OSError as error:
            raise EdgeAgentError(f"{output} cannot be written", cause=error.strerror or str(error)) from error
        for line in preview.lines:
            self._say(line)
        self._say(f"written: {output}")

    def serve(self, host: str, port: int) -> None:
        """A preview in a browser, until KeyboardInterrupt or the end of a file."""
        with self._opened() as camera:
            server = PreviewServer(host, port, self._table.id)
            server.start()
            self._say(f"{self._table.id}: {server.url}  (Ctrl-C ends it / 按 Ctrl-C 结束)")
            try:
                while not camera.ended:
                    if (frame := camera.take(TAKE_S)) is not None:
                        server.show(as_jpeg(self._annotator.annotate(frame).image, QUALITY))
            finally:
                server.stop()

    @contextmanager
    def _opened(self) -> Iterator[Camera]:
        camera = camera_of(self._table, SystemClock(), self._told)
        camera.start()
        try:
            yield camera
        finally:
            camera.stop()

    def _told(self, event: DeviceEvent) -> None:
        if event.state is not DeviceState.OK:
            self._complain(f"{self._table.id} {event.state.value}: {event.text}")
