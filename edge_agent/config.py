"""The site file: one TOML file into one frozen object. An unread key is an error: it is taken for a typing error."""

from __future__ import annotations

import ipaddress
import tomllib
from collections.abc import Iterable, Iterator
from decimal import Decimal
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)

from edge_agent.errors import ConfigError
from edge_agent.quantities import mass_kilograms, time_seconds

Kilograms = Annotated[Decimal, BeforeValidator(mass_kilograms)]
Seconds = Annotated[float, BeforeValidator(time_seconds)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
LaneName = Annotated[str, Field(pattern=r"^[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?$")]

HIGHEST_PORT = 65_535


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as error:
        raise ValueError(f'{error}; write an address or network, e.g. "192.168.1.64" or "192.168.1.0/24"') from None
    return value


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not (colon and host and port.isascii() and port.isdigit() and int(port) <= HIGHEST_PORT):
        raise ValueError(f'{value!r} is no address to listen on; write "host:port", e.g. "192.168.1.10:8080"')
    return value


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentTable(_Table):
    """[agent]: where things are kept.

    Attributes:
        state_dir: keys, journal, evidence; survives reboots.
        runtime_dir: the status snapshot; may be memory.
        keep_acknowledged: records kept at the gate after the collector has them.
        policy: tolerances of the rules; None takes the defaults of the rule book.
    """

    state_dir: Path = Path("/var/lib/tidegate-edge")
    runtime_dir: Path = Path("/run/tidegate-edge")
    keep_acknowledged: Annotated[int, Field(strict=True, ge=0)] = 100_000
    policy: Path | None = None


class ScaleTable(_Table):
    """[[scale]]: one weighing indicator.

    Attributes:
        id: its name here.
        profile: its model, e.g. "scale/yaohua-xk3190-a9-tf0".
        port: device path, or socket://host:port, or rfc2217://host:port.
        baud: bits per second; None takes the profile's.
        data_format: "8N1", "7E1" …; None takes the profile's.
        unit: unit of the display where the protocol does not say; None takes the profile's.
        variant: pins one variant of the profile's frame; None accepts those the profile allows.
        division: verification division e.
        accuracy_class: OIML R 76 class of the scale.
        stable_window: how long a weight must stand still.
        stable_samples: how many frames at least.
        silent_after: no bytes for so long is a fault.
    """

    id: Name
    profile: Annotated[str, Field(pattern=r"^scale/")]
    port: str
    baud: Annotated[int, Field(strict=True, ge=110, le=921_600)] | None = None
    data_format: Annotated[str, Field(pattern=r"^[78][NEO][12]$")] | None = None
    unit: Literal["kg", "g", "t", "lb"] | None = None
    variant: str | None = None
    division: Kilograms
    accuracy_class: Literal["I", "II", "III", "IIII"] = "III"
    stable_window: Seconds = 1.0
    stable_samples: Annotated[int, Field(strict=True, ge=2, le=1000)] = 5
    silent_after: Seconds = 3.0


class CameraTable(_Table):
    """[[camera]]: one plate camera that reads by itself and pushes.

    Attributes:
        id: its name here.
        profile: its protocol: "plate/hikvision-isapi-push".
        listen: address this gate listens on for its pushes; cameras may share one.
        path: path it pushes to; None is /push/<id>.
        allow: addresses and networks it may push from; "0.0.0.0/0" is any that reaches `listen`.
    """

    id: Name
    profile: Literal["plate/hikvision-isapi-push"]
    listen: Annotated[str, AfterValidator(_listen)]
    path: Annotated[str, Field(pattern=r"^/[A-Za-z0-9._/-]*$")] | None = None
    allow: Annotated[tuple[Annotated[str, AfterValidator(_network)], ...], Field(min_length=1)]

    @property
    def networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks it may push from."""
        return tuple(ipaddress.ip_network(network) for network in self.allow)

    @property
    def push_path(self) -> str:
        """The path it pushes to."""
        return self.path or f"/push/{self.id}"

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to listen on."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class LaneTable(_Table):
    """[[lane]]: one physical way through the gate.

    Attributes:
        id: its name.
        kind: "vehicle".
        direction: which way, seen from the island.
        goods: "regulated" where goods need a declaration to pass (second line), else "free".
        scales: device ids.
        cameras: device ids.
        open_weight: a load from here on is a vehicle.
        clear_weight: a load down to here is none.
        grace: how long a plate may come after the weight stood still.
        settle: how long a weight may take to stand still.
        approach: how long a vehicle may take from the camera onto the scale.
        late: how long after a vehicle has left a plate can still find its passage.
    """

    id: LaneName
    kind: Literal["vehicle"]
    direction: Literal["inbound", "outbound"] | None = None
    goods: Literal["regulated", "free"] = "regulated"
    scales: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    open_weight: Kilograms = Decimal(500)
    clear_weight: Kilograms = Decimal(200)
    grace: Seconds = 3.0
    settle: Seconds = 20.0
    approach: Seconds = 30.0
    late: Seconds = 60.0

    @model_validator(mode="after")
    def _fits(self) -> LaneTable:
        if not self.scales and not self.cameras:
            raise ValueError(f"lane {self.id} has neither scales nor cameras; name at least one device")
        if self.clear_weight >= self.open_weight:
            raise ValueError(
                f"clear_weight ({self.clear_weight} kg) is not below open_weight ({self.open_weight} kg); a lane would "
                "never be empty again"
            )
        return self


class SiteFile(_Table):
    """All an agent is told."""

    site: Name
    agent: AgentTable = AgentTable()
    scale: tuple[ScaleTable, ...] = ()
    camera: tuple[CameraTable, ...] = ()
    lane: Annotated[tuple[LaneTable, ...], Field(min_length=1)]
    _sha256: bytes = PrivateAttr(default=b"")

    @property
    def sha256(self) -> bytes:
        """Of the file's bytes; it is in every start record."""
        return self._sha256

    @model_validator(mode="after")
    def _fits(self) -> SiteFile:
        ids = [scale.id for scale in self.scale] + [camera.id for camera in self.camera]
        _once("device id", ids, "give every device its own name")
        _once("lane id", [lane.id for lane in self.lane], "give every lane its own name")
        _once("port", [scale.port for scale in self.scale], "two programs cannot read one port: correct one of them")
        _once(
            "camera address",
            [f"{camera.listen}{camera.push_path}" for camera in self.camera],
            "give one of the cameras another path or port",
        )
        _once("port to listen on", _rival_ports(self.camera), "let both cameras use the same host, or another port")
        known = {"scale": {s.id for s in self.scale}, "camera": {c.id for c in self.camera}}
        used: list[str] = []
        for lane in self.lane:
            for kind, names in (("scale", lane.scales), ("camera", lane.cameras)):
                _refer(f"lane {lane.id}", kind, names, known[kind])
                used += names
        _once("device in lanes", used, "a device belongs to one lane")
        if idle := (known["scale"] | known["camera"]) - set(used):
            raise ValueError(f"no lane uses {', '.join(sorted(idle))}; name it in a lane's scales or cameras")
        return self


def load_site(path: Path) -> SiteFile:
    """Read a site file; ConfigError names the file, the key and the likely fix of everything that is wrong."""
    try:
        raw = path.read_bytes()
        table = tomllib.loads(raw.decode())
    except OSError as error:
        raise ConfigError(
            f"the site file {path} cannot be read", cause=error.strerror or str(error), fix="name it with --config"
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8", fix="save the file as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}", fix="correct that line") from error
    try:
        site = SiteFile.model_validate(table)
    except ValidationError as error:
        raise ConfigError("\n".join([f"{path}:", *(f"  {line}" for line in _told(error, table))])) from error
    base = path.resolve().parent
    agent = site.agent.model_copy(
        update={
            name: base / value
            for name in ("state_dir", "runtime_dir", "policy")
            if (value := getattr(site.agent, name)) is not None
        }
    )
    resolved = site.model_copy(update={"agent": agent})
    resolved._sha256 = sha256(raw).digest()  # noqa: SLF001 - set once, here where the bytes are
    return resolved


def _once(what: str, values: Iterable[str], fix: str) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ValueError(f"{what} {value!r} is used twice; {fix}")
        seen.add(value)


def _rival_ports(cameras: Iterable[CameraTable]) -> list[str]:
    """Port numbers, once for each different host that wants them."""
    return [listen.rpartition(":")[2] for listen in {camera.listen for camera in cameras}]


def _refer(where: str, kind: str, ids: Iterable[str], known: set[str]) -> None:
    for device_id in ids:
        if device_id not in known:
            near = get_close_matches(device_id, sorted(known), n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; add a [[{kind}]] with that id"
            raise ValueError(f"{where} names the {kind} {device_id!r}, which is not there{hint}")


def _told(error: ValidationError, table: dict[str, Any]) -> Iterator[str]:
    """One line for each thing that is wrong: key, what, likely fix."""
    for detail in error.errors():
        location = detail["loc"]
        key = _shown(location, table)
        if detail["type"] == "extra_forbidden":
            near = get_close_matches(str(location[-1]), _known_keys(location), n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(_known_keys(location))}"
            yield f"{key}: there is no such key; {hint}"
        elif detail["type"] == "missing":
            yield f"{key}: is missing; add it"
        elif detail["type"] == "value_error":
            yield f"{key}: {detail['ctx']['error']}" if key else str(detail["ctx"]["error"])
        else:
            yield f"{key}: {detail['msg']}, not {detail['input']!r}"


def _shown(location: tuple[int | str, ...], table: Any) -> str:
    """The key as an installer finds it: scale[1] "scale-east" → division."""
    parts: list[str] = []
    for step in location:
        try:
            table = table[step]
        except (KeyError, IndexError, TypeError):
            table = None
        if isinstance(step, int):
            name = table.get("id") if isinstance(table, dict) else None
            parts[-1] += f' "{name}"' if name else f" number {step + 1}"
        else:
            parts.append(step)
    return ", ".join(parts)


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = SiteFile
    for step in location[:-1]:
        if isinstance(step, str):
            annotation = model.model_fields[step].annotation
            model = next((m for m in (annotation, *get_args(annotation)) if _is_table(m)), model)
    return list(model.model_fields)


def _is_table(candidate: object) -> bool:
    return isinstance(candidate, type) and issubclass(candidate, BaseModel)
