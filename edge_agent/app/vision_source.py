"""A [[video]] table's camera: the source of its kind, with what it needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from edge_agent.app.camera_keep import password_of
from edge_agent.config_video import VideoTable
from edge_agent.links.camera.camera import Camera, CameraRules
from edge_agent.links.camera.capture_source import RtspSource, V4l2Source, VideoFileSource
from edge_agent.links.camera.file_source import FolderSource, ImageFileSource
from edge_agent.links.camera.http_source import MjpegSource, SnapshotSource, split_url
from edge_agent.links.camera.pi_source import PiSource
from edge_agent.links.camera.source import Source
from edge_agent.links.http_pull import PullTarget
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.vision.image import load_image

SEEN_PER_S = 25.0
"""Pictures a second asked of a camera of this machine: motion between two of them is small."""

Clock = Callable[[], Moment]


def camera_of(table: VideoTable, clock: Clock, on_event: Callable[[DeviceEvent], None]) -> Camera:
    """The camera, not started; ConfigError when its password or CA file cannot be used."""
    stale_after_s = table.stale_after if table.every is None else max(table.stale_after, 3 * table.every)
    rules = CameraRules(stale_after_s, table.frozen_after, table.most_per_s)
    return Camera(table.id, source_of(table, clock), rules, clock, on_event)


def source_of(table: VideoTable, clock: Clock) -> Source:
    """Its source; ConfigError as `camera_of`."""
    return _MAKERS[table.video_kind](table, clock)


def _picamera2(table: VideoTable, clock: Clock) -> Source:
    number = int(table.source.partition(":")[2] or 0)
    return PiSource(number, _size(table), SEEN_PER_S, clock)


def _v4l2(table: VideoTable, clock: Clock) -> Source:
    return V4l2Source(Path(table.source), _size(table), SEEN_PER_S, clock)


def _rtsp(table: VideoTable, clock: Clock) -> Source:
    return RtspSource(table.source, table.user, password_of(table), table.stale_after, clock)


def _http(table: VideoTable, clock: Clock) -> Source:
    url, path = split_url(table.source)
    target = PullTarget(
        url=url,
        user=table.user,
        password=password_of(table),
        allow_basic=url.startswith("https://"),
        ca_file=table.ca_file,
        fingerprint=table.fingerprint,
    )
    decode = partial(load_image, name=f"a picture of {table.id}")
    if table.every is not None:
        return SnapshotSource(target, path, table.every, decode, clock)
    return MjpegSource(target, path, table.stale_after, decode, clock)


def _file(table: VideoTable, clock: Clock) -> Source:
    return VideoFileSource(Path(table.source), clock, paced=table.paced)


def _image(table: VideoTable, clock: Clock) -> Source:
    return ImageFileSource(Path(table.source), partial(load_image, name=table.source), clock)


def _folder(table: VideoTable, clock: Clock) -> Source:
    return FolderSource(Path(table.source), partial(load_image, name=f"a picture in {table.source}"), clock)


_MAKERS: dict[str, Callable[[VideoTable, Clock], Source]] = {
    "picamera2": _picamera2,
    "v4l2": _v4l2,
    "rtsp": _rtsp,
    "http": _http,
    "file": _file,
    "image": _image,
    "folder": _folder,
}


def _size(table: VideoTable) -> tuple[int, int] | None:
    return None if table.size is None else (table.size[0], table.size[1])
