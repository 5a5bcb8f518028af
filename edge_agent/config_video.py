"""[[video]] and [vision] of a site file: cameras whose pictures this gate reads itself, and what it reads with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from edge_agent.config_camera import fingerprint_hex
from edge_agent.config_values import Name, Seconds, SomeSeconds

VideoKind = Literal["picamera2", "v4l2", "rtsp", "http", "file", "image", "folder"]
ReadKind = Literal["plate", "container", "face"]

GALLERIES = "galleries"
"""Of the state directory: where the sailings' galleries of faces lie."""

IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
VIDEOS = (".mp4", ".m4v", ".mkv", ".avi", ".mov", ".ts", ".webm", ".mjpeg")
HIGHEST_SIDE = 8192
_SCHEMES: dict[str, VideoKind] = {"rtsp": "rtsp", "rtsps": "rtsp", "http": "http", "https": "http"}
_EXAMPLES = (
    '"rtsp://192.168.1.64/Streaming/Channels/101", "http://192.168.1.64/video.mjpeg", "/dev/v4l/by-id/…", '
    '"picamera2:0", a video or picture file, or a folder that pictures are uploaded into'
)


def kind_of(source: str) -> VideoKind:
    """What kind of source this is; ValueError shows how to write one."""
    scheme = source.partition("://")[0].lower() if "://" in source else ""
    if scheme:
        if scheme not in _SCHEMES:
            raise ValueError(f"{source!r} is no camera that can be read; write e.g. {_EXAMPLES}")
        return _SCHEMES[scheme]
    if re.fullmatch(r"picamera2(:[0-9])?", source):
        return "picamera2"
    if source.startswith("/dev/"):
        return "v4l2"
    suffix = PurePosixPath(source).suffix.lower()
    if suffix in IMAGES:
        return "image"
    return "file" if suffix in VIDEOS else "folder"


def video_source(source: str) -> str:
    """A `source` as it is; ValueError says what is wrong with it."""
    if not source.strip():
        raise ValueError(f"source is empty; write e.g. {_EXAMPLES}")
    if kind_of(source) not in ("rtsp", "http"):
        return source
    try:
        parts = urlsplit(source)
        whole = bool(parts.hostname) and (parts.port is None or parts.port > 0) and not parts.fragment
    except ValueError:  # its port is no number
        whole, parts = False, urlsplit("")
    if "@" in parts.netloc:
        raise ValueError("source holds no user and password here; write user and password_file beside it")
    if not whole:
        raise ValueError(f"{source!r} is no address of a camera; write e.g. {_EXAMPLES}")
    return source


class VisionTable(BaseModel):
    """[vision]: what pictures are read with.

    Attributes:
        models: the model directory; None takes $TIDEGATE_MODELS, then the machine's, then the user's.
        threads: that one reading may use.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Path | None = None
    threads: Annotated[int, Field(strict=True, ge=1, le=16)] = 1

    def beside(self, base: Path) -> VisionTable:
        """With its directory, which is relative to the site file's, `base`."""
        return self if self.models is None else self.model_copy(update={"models": base / self.models})


class VideoTable(BaseModel):
    """[[video]]: one camera whose pictures are read here.

    Attributes:
        id: its name here.
        source: rtsp://…, http://… (a motion JPEG stream, or with `every` one picture an answer), a device under /dev,
            picamera2:0, a video file, a picture file, or a folder; paths relative to the site file.
        reads: what is looked for: "plate", "container", "face"; empty: it is only watched over.
        lane: the lane it looks at; one that reads plates is then a camera of that lane.
        region: left, top, width, height of the part that is read, each 0..1 of the picture; None: all of it.
        every: an HTTP camera is asked for one picture so often; None: it streams.
        user: it is asked with; "" for none.
        password_file: file whose first line is the password; relative to the site file.
        ca_file: PEM of who signed its certificate (https); None takes the system's authorities.
        fingerprint: SHA-256 of its own certificate (https), in place of an authority.
        size: width and height asked of a camera of this machine, pixels; None: its own.
        most_per_s: pictures a second that are looked at, at most.
        stale_after: no picture for so long is a fault.
        frozen_after: the same picture to the last bit for so long is a fault; "0 s": never.
        calibration: of face comparison, made by `edge-agent vision calibrate`; None: the model's own threshold.
        portraits: a directory that a document reader's program puts portraits into: faces are compared with these, one
            to one; None: they are looked for in the open sailing's gallery. Relative to the site file.
        keep_face_picture: the best picture of a face goes with the record; by default none leaves the process.
        paced: a video file is played at its own speed, else as fast as it is read.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Name
    source: Annotated[str, AfterValidator(video_source)]
    reads: tuple[ReadKind, ...] = ()
    lane: str | None = None
    region: tuple[float, float, float, float] | None = None
    every: SomeSeconds | None = None
    user: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None
    fingerprint: Annotated[str, AfterValidator(fingerprint_hex)] = ""
    size: tuple[Annotated[int, Field(strict=True, ge=16, le=HIGHEST_SIDE)], ...] | None = None
    most_per_s: Annotated[float, Field(gt=0, le=60)] = 10.0
    stale_after: SomeSeconds = 5.0
    frozen_after: Seconds = 60.0
    calibration: Path | None = None
    portraits: Path | None = None
    keep_face_picture: bool = False
    paced: bool = True

    @property
    def video_kind(self) -> VideoKind:
        """What kind of source it is."""
        return kind_of(self.source)

    @property
    def kind(self) -> str:
        """As the status shows it."""
        return "video"

    @property
    def profile(self) -> str:
        """As the status shows it."""
        return f"video/{self.video_kind}"

    @property
    def port(self) -> str:
        """As the status shows it; holds no password."""
        return self.source

    def beside(self, base: Path) -> VideoTable:
        """With its files, which are relative to the site file's directory, `base`."""
        named: dict[str, Path | str] = {
            name: base / file
            for name in ("password_file", "ca_file", "calibration", "portraits")
            if (file := getattr(self, name)) is not None
        }
        if self.video_kind in ("file", "image", "folder"):
            named["source"] = str(base / self.source)
        return self.model_copy(update=named)

    @model_validator(mode="after")
    def _fits(self) -> VideoTable:
        if len(set(self.reads)) < len(self.reads):
            raise ValueError("reads names something twice; write each once")
        if self.region is not None:
            _check_region(self.region)
        if self.size is not None and len(self.size) != 2:  # noqa: PLR2004 - width and height
            raise ValueError("size is width and height, e.g. [1920, 1080]")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file belong together; write both or none")
        if self.fingerprint and self.ca_file is not None:
            raise ValueError("ca_file and fingerprint exclude each other; a fingerprint needs no authority")
        self._check_faces()
        self._check_keys()
        return self

    def _check_faces(self) -> None:
        if "face" not in self.reads:
            if self.calibration is not None or self.portraits is not None or self.keep_face_picture:
                raise ValueError('calibration, portraits and keep_face_picture are for reads = ["face"]; remove them')
        elif len(self.reads) > 1 and not self.keep_face_picture:
            raise ValueError(
                "reads has face and more: pictures of plates and containers are kept, and travellers would be in them; "
                'take a camera of its own for reads = ["face"], or set keep_face_picture = true where that is lawful'
            )

    def _check_keys(self) -> None:
        """Keys that mean nothing for this kind of source were meant for another one."""
        kind = self.video_kind
        for keys, kinds in _ONLY_FOR.items():
            if kind not in kinds and (foreign := self.model_fields_set & set(keys)):
                keys_given, meant = ", ".join(sorted(foreign)), " and ".join(kinds)
                raise ValueError(f"{keys_given}: that is for {meant}, and the source is of kind {kind}; remove it")
        if (self.fingerprint or self.ca_file) and not self.source.lower().startswith("https://"):
            raise ValueError("ca_file and fingerprint are for https://; the source is not")


_ONLY_FOR: Mapping[tuple[str, ...], tuple[VideoKind, ...]] = {
    ("every", "ca_file", "fingerprint"): ("http",),
    ("user", "password_file"): ("http", "rtsp"),
    ("size",): ("picamera2", "v4l2"),
    ("paced",): ("file",),
    ("stale_after", "frozen_after"): ("picamera2", "v4l2", "rtsp", "http"),
}


def _check_region(region: tuple[float, float, float, float]) -> None:
    left, top, width, height = region
    whole = 0 <= left < 1 and 0 <= top < 1 and width > 0 and height > 0
    if not whole or left + width > 1 + 1e-9 or top + height > 1 + 1e-9:
        raise ValueError(
            "region is left, top, width, height, each a part of the picture, e.g. [0.1, 0.4, 0.8, 0.6] for all but a "
            "tenth at each side and the upper 40 %"
        )


def video_misfits(videos: Sequence[VideoTable], lanes: Collection[str]) -> Iterator[str]:
    """What is right by itself and does not fit together; `lanes` are the ids of lanes."""
    used: dict[str, str] = {}
    for video in videos:
        key = f'video "{video.id}"'
        if video.lane is not None and video.lane not in lanes:
            yield f"{key}, lane: there is no lane {video.lane!r}; known here: {', '.join(sorted(lanes))}"
        if "plate" in video.reads and video.lane is None:
            yield f"{key}, lane: is missing; a plate that is read belongs to a lane"
        first = used.setdefault(video.source, video.id)
        if first != video.id and video.video_kind in ("picamera2", "v4l2", "folder"):
            yield f'{key}, source: {video.source!r} is used twice, first as video "{first}"; correct one of them'


def plate_videos(videos: Sequence[VideoTable], lane: str) -> tuple[str, ...]:
    """Ids of those that read plates in a lane: they are cameras of it."""
    return tuple(video.id for video in videos if video.lane == lane and "plate" in video.reads)
