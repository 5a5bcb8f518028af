"""The stations of a site file's [[video]] tables: camera, eyes and keeper of each, with the models they share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge_agent.app.devices import DeviceOutputs
from edge_agent.app.vision_eyes import CONTAINER_TASKS, PLATE_TASKS, ContainerEye, Eye, PlateEye
from edge_agent.app.vision_faces import FaceEye, FacePolicy
from edge_agent.app.vision_keep import VideoKeeper, VideoStores
from edge_agent.app.vision_source import camera_of, source_of
from edge_agent.app.vision_station import STILLS, VideoStation
from edge_agent.clock import SystemClock
from edge_agent.config import SiteFile
from edge_agent.config_video import GALLERIES, ReadKind, VideoTable
from edge_agent.errors import EdgeAgentError
from edge_agent.links.camera.capture import opencv
from edge_agent.links.camera.pi_source import pi_library
from edge_agent.model.moment import Moment
from edge_agent.vision.faces.calibration import load_calibration
from edge_agent.vision.models.directory import ModelDirectory, default_directory, read_model
from edge_agent.vision.models.tasks import Task

__all__ = ["GALLERIES", "VideoParts", "VideoStation", "VideoStores", "make_videos", "models_of", "video_problems"]

TASKS: dict[ReadKind, tuple[Task, ...]] = {
    "plate": PLATE_TASKS,
    "container": CONTAINER_TASKS,
    "face": (Task.FACE_DETECTOR, Task.FACE_RECOGNISER),
}


@dataclass(frozen=True, slots=True)
class VideoParts:
    """What stations share. `galleries`: where the sailings' galleries of faces lie."""

    stores: VideoStores
    clock: Callable[[], Moment]
    outputs: DeviceOutputs
    galleries: Path


def make_videos(site: SiteFile, parts: VideoParts) -> list[VideoStation]:
    """A station a table, not started. ConfigError when a password, CA file or library cannot be used."""
    directory = models_of(site)
    return [_station(table, directory, site.vision.threads, parts) for table in site.video]


def models_of(site: SiteFile) -> ModelDirectory:
    """The model directory that the site file names, or the default one."""
    return ModelDirectory(site.vision.models or default_directory())


def video_problems(site: SiteFile) -> Iterator[str]:
    """What keeps a table from being a station, with its key; no camera is opened, no model loaded."""
    for table in site.video:
        key = f'video "{table.id}"'
        try:
            source_of(table, SystemClock())
            pi_library() if table.video_kind == "picamera2" else opencv()
        except EdgeAgentError as error:
            yield f"{key}: {error}"
        directory = models_of(site)
        for task in dict.fromkeys(task for kind in table.reads for task in TASKS[kind]):
            try:
                directory.model(task)
            except EdgeAgentError as error:
                yield f"{key}, reads: {error}"
        yield from _calibration_problems(table, directory, key)


def _calibration_problems(table: VideoTable, directory: ModelDirectory, key: str) -> Iterator[str]:
    if table.calibration is None or not directory.has(Task.FACE_RECOGNISER):
        return
    try:
        load_calibration(table.calibration, read_model(directory.path / Task.FACE_RECOGNISER).sha256)
    except EdgeAgentError as error:
        yield f"{key}, calibration: {error}"


def _station(table: VideoTable, directory: ModelDirectory, threads: int, parts: VideoParts) -> VideoStation:
    stop = threading.Event()
    keeper = VideoKeeper(table, parts.stores, stop)
    still = table.video_kind in STILLS
    makers: dict[ReadKind, Callable[[Callable[[str, Moment], None]], Eye]] = {
        "plate": partial(PlateEye, directory, threads, keeper, thorough=still),
        "face": partial(
            FaceEye,
            directory,
            threads,
            keeper,
            galleries=parts.galleries,
            policy=FacePolicy(table.calibration, table.portraits, table.keep_face_picture),
        ),
        "container": partial(ContainerEye, directory, threads, keeper, thorough=still),
    }
    told: list[VideoStation] = []

    def shown(text: str, at: Moment) -> None:
        for station in told:
            station.shown(text, at)

    eyes = [makers[kind](shown) for kind in table.reads]
    station = VideoStation(
        table, partial(camera_of, table, parts.clock), eyes, keeper, parts.clock, parts.outputs, stop
    )
    told.append(station)
    return station
