"""The site file: one TOML file into one frozen object. An unread key is an error: it is taken for a typing error."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from edge_agent.config_actuators import ActuatorTable, actuator_misfits
from edge_agent.config_camera import CameraTable
from edge_agent.config_devices import DeviceTable, device_misfits
from edge_agent.config_errors import not_toml, told
from edge_agent.config_lanes import LaneTable, lane_misfits
from edge_agent.config_scale import ScaleTable
from edge_agent.config_values import (
    Name,
    listen_address,
)
from edge_agent.config_video import VideoTable, VisionTable, plate_videos, video_misfits
from edge_agent.errors import ConfigError

__all__ = [
    "AgentTable",
    "CameraTable",
    "CollectorTable",
    "LaneTable",
    "MetricsTable",
    "ScaleTable",
    "SiteError",
    "SiteFile",
    "VideoTable",
    "VisionTable",
    "load_site",
]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentTable(_Table):
    """[agent]: where things are kept.

    Attributes:
        state_dir: keys, journal, evidence; survives reboots.
        runtime_dir: the status snapshot; may be memory.
        keep_acknowledged: bytes of records kept at the gate after the collector has them, while there is room: a
            collector that was restored from an old backup can get them again.
        policy: tolerances of the rules; None takes the defaults of the rule book.
    """

    state_dir: Path = Path("/var/lib/tidegate-edge")
    runtime_dir: Path = Path("/run/tidegate-edge")
    keep_acknowledged: Annotated[int, Field(strict=True, ge=0)] = 1_073_741_824
    policy: Path | None = None


class MetricsTable(_Table):
    """[metrics]: for a Prometheus server that scrapes this agent.

    Attributes:
        listen: address of this machine to answer on, e.g. "127.0.0.1:9464"; None answers nowhere.
    """

    listen: Annotated[str, AfterValidator(listen_address)] | None = None


class CollectorTable(_Table):
    """[collector]: how records reach it; where it is was told at enrolment.

    Attributes:
        max_records_per_s: bound on the rate of a backlog, so that a line that others use has room for them; None is no
            bound. New passages go ahead of the backlog in any case.
    """

    max_records_per_s: Annotated[int, Field(strict=True, ge=1, le=1_000_000)] | None = None


class SiteFile(_Table):
    """All an agent is told."""

    site: Name
    agent: AgentTable = AgentTable()
    collector: CollectorTable = CollectorTable()
    metrics: MetricsTable = MetricsTable()
    vision: VisionTable = VisionTable()
    scale: tuple[ScaleTable, ...] = ()
    camera: tuple[CameraTable, ...] = ()
    device: tuple[DeviceTable, ...] = ()
    video: tuple[VideoTable, ...] = ()
    actuator: tuple[ActuatorTable, ...] = ()
    lane: Annotated[tuple[LaneTable, ...], Field(min_length=1)]
    _sha256: bytes = PrivateAttr(default=b"")

    @property
    def sha256(self) -> bytes:
        """Of the file's bytes; it is in every start record."""
        return self._sha256

    @model_validator(mode="after")
    def _fits(self) -> SiteFile:
        if problems := list(_misfits(self)):
            raise ValueError("\n".join(problems))
        return self


class SiteError(ConfigError):
    """A site file is wrong. `problems`: one line for each thing, with its key and the likely fix."""

    def __init__(self, path: Path, problems: list[str]) -> None:
        """`str()` is the file's name, and then the problems."""
        super().__init__("\n".join([f"{path}:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


def load_site(path: Path) -> SiteFile:
    """Read a site file; SiteError names the file, the key and the likely fix of everything that is wrong."""
    try:
        raw = path.read_bytes()
        text = raw.decode()
        table = tomllib.loads(text)
    except OSError as error:
        cause = f"the file cannot be read: {error.strerror or error}; name it with --config"
        raise SiteError(path, [cause]) from error
    except UnicodeDecodeError as error:
        raise SiteError(path, [f"byte {error.start} is not UTF-8; save the file as UTF-8"]) from error
    except tomllib.TOMLDecodeError as error:
        raise SiteError(path, [f"is not TOML: {not_toml(text, str(error))}"]) from error
    try:
        site = SiteFile.model_validate(table)
    except ValidationError as error:
        raise SiteError(path, list(told(error, table, SiteFile))) from error
    base = path.resolve().parent
    agent = site.agent.model_copy(
        update={
            name: base / value
            for name in ("state_dir", "runtime_dir", "policy")
            if (value := getattr(site.agent, name)) is not None
        }
    )
    scales = tuple(scale.beside(base) for scale in site.scale)
    cameras = tuple(_beside(base, camera) for camera in site.camera)
    devices = tuple(device.beside(base) for device in site.device)
    videos = tuple(video.beside(base) for video in site.video)
    lanes = tuple(
        lane.model_copy(update={"cameras": (*lane.cameras, *plate_videos(site.video, lane.id))}) for lane in site.lane
    )
    changed = {"agent": agent, "scale": scales, "camera": cameras, "device": devices, "video": videos, "lane": lanes}
    resolved = site.model_copy(update={**changed, "vision": site.vision.beside(base)})
    resolved._sha256 = sha256(raw).digest()  # noqa: SLF001 - set once, here where the bytes are
    return resolved


def _beside(base: Path, camera: CameraTable) -> CameraTable:
    """The camera with the files and the directory it names, which are relative to the site file."""
    named = {name: getattr(camera, name) for name in ("profile_dir", "password_file", "ca_file")}
    return camera.model_copy(update={name: base / file for name, file in named.items() if file is not None})


def _misfits(site: SiteFile) -> Iterator[str]:
    """What is right by itself and does not fit together."""
    devices = [("scale", scale.id) for scale in site.scale] + [("camera", camera.id) for camera in site.camera]
    named = devices + [("device", device.id) for device in site.device] + [("video", video.id) for video in site.video]
    yield from _twice([(f'{kind} "{name}", id', name) for kind, name in named], "give every device its own name")
    yield from _twice([(f'lane "{lane.id}", id', lane.id) for lane in site.lane], "give every lane its own name")
    yield from _twice(
        [(f'scale "{scale.id}", port', scale.place) for scale in site.scale],
        "two scales share a port only if each has an `address` of its own: correct one of them",
    )
    yield from _twice(
        [(f'camera "{camera.id}", path', f"{camera.listen}{camera.push_path}") for camera in site.camera],
        "give one of the cameras another path or port",
    )
    yield from _twice(_rival_ports(site.camera), "let both cameras use the same host, or another port")
    ports = {scale.port: f'scale "{scale.id}"' for scale in site.scale}
    yield from device_misfits(site.device, ports, {lane.id for lane in site.lane})
    yield from video_misfits(site.video, {lane.id for lane in site.lane})
    yield from actuator_misfits(site.actuator, site.device, site.lane)
    yield from lane_misfits(site.lane, site)
    known = {"scale": {s.id for s in site.scale}, "camera": {c.id for c in site.camera}}
    videos = {video.id for video in site.video}
    used: list[tuple[str, str]] = []
    for lane in site.lane:
        for kind, names in (("scale", lane.scales), ("camera", lane.cameras)):
            yield from _unknown(f'lane "{lane.id}", {kind}s', kind, names, known[kind] | videos)
            yield from (
                f'lane "{lane.id}", {kind}s: {name!r} is a [[video]], which names its lane itself; remove it here'
                for name in videos & set(names)
            )
            used += [(f'lane "{lane.id}", {kind}s', name) for name in names]
    yield from _twice(used, "a device belongs to one lane")
    for kind, name in devices:
        if name not in {each for _, each in used}:
            yield f'{kind} "{name}": no lane uses it; name it in the {kind}s of a lane'


def _twice(keys: Iterable[tuple[str, str]], fix: str) -> Iterator[str]:
    """(key, value) of what must be there once."""
    first: dict[str, str] = {}
    for key, value in keys:
        if value in first:
            where = "" if first[value] == key else f", first as {first[value]}"
            yield f"{key}: {value!r} is used twice{where}; {fix}"
        first.setdefault(value, key)


def _rival_ports(cameras: Iterable[CameraTable]) -> list[tuple[str, str]]:
    """Port numbers, once for each different host that wants them."""
    by_address = {camera.listen: camera.id for camera in reversed(tuple(cameras)) if camera.listen}
    return [
        (f'camera "{name}", listen', f"port {listen.rpartition(':')[2]}")
        for listen, name in reversed(by_address.items())
    ]


def _unknown(key: str, kind: str, ids: Iterable[str], known: set[str]) -> Iterator[str]:
    for device_id in ids:
        if device_id not in known:
            near = get_close_matches(device_id, sorted(known), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"add a [[{kind}]] with that id"
            yield f"{key}: there is no {kind} {device_id!r}; {hint}"
