"""Device profiles: finds `firmware_configs/<kind>/<model>.toml` and loads it into frozen objects.

In a checkout the directory lies beside `edge_agent/`, in an installed package inside it. docs/profiles.md explains
what a profile may say; the class that `KINDS` names for its kind checks it.
"""

from __future__ import annotations

import importlib
import importlib.resources
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar, overload

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_agent.drivers.layer import Layer, closest
from edge_agent.drivers.schema import Profile
from edge_agent.errors import ConfigError

DIRECTORY = "firmware_configs"

KINDS: dict[str, str] = {
    "plate": "edge_agent.drivers.plate.schema:PlateProfile",
    "ais": "edge_agent.drivers.ais.schema:AisProfile",
    "document": "edge_agent.drivers.document.schema:DocumentProfile",
    "gnss": "edge_agent.drivers.gnss.schema:GnssProfile",
    "io": "edge_agent.drivers.io.schema:IoProfile",
    "radiation": "edge_agent.drivers.radiation.schema:RadiationProfile",
    "rfid": "edge_agent.drivers.rfid.schema:RfidProfile",
    "ultrasonic": "edge_agent.drivers.ultrasonic.schema:UltrasonicProfile",
    "xray": "edge_agent.drivers.xray.schema:XrayProfile",
    "scale": "edge_agent.drivers.schema:Profile",
}
"""Kind of profile: module and class that its files are checked by, imported when the first one is loaded.

The class is a Layer with the field `name` beside the tables of the file; `name` is what site files call the profile.
"""

AnyProfile = TypeVar("AnyProfile", bound=Layer)


@overload
def load_profile(name: str, extra_dir: Path | None = None) -> Profile: ...


@overload
def load_profile(name: str, extra_dir: Path | None = None, *, of: type[AnyProfile]) -> AnyProfile: ...


def load_profile(name: str, extra_dir: Path | None = None, *, of: type[Layer] = Profile) -> Layer:
    """The profile of this name, such as `scale/yaohua-xk3190-a9-tf0`.

    Args:
        name: kind and model; the file's path without `.toml`.
        extra_dir: a directory of the same layout whose profiles go before the shipped ones.
        of: the class of profile that is needed; a scale's unless said otherwise. `Layer` takes any kind.

    Raises:
        ConfigError: unknown name, a wrong profile, or one of another kind; names the file, the key and the likely fix.
    """
    files = _profile_files(extra_dir)
    if name not in files:
        raise ConfigError(f"There is no device profile '{name}'", fix=closest(name, list(files)))
    profile = _parse(name, files[name])
    if not isinstance(profile, of):
        needed = next((kind for kind, place in KINDS.items() if place.endswith(f":{of.__name__}")), of.__name__)
        fix = f"Choose one of {', '.join(each for each in files if each.startswith(f'{needed}/'))}"
        raise ConfigError(f"'{name}' is not the profile of a {needed}", fix=fix)
    return profile


def profile_names(extra_dir: Path | None = None) -> list[str]:
    """The names of all profiles, shipped and in `extra_dir`, sorted."""
    return sorted(_profile_files(extra_dir))


def _profile_files(extra_dir: Path | None) -> dict[str, Traversable]:
    files: dict[str, Traversable] = {}
    for directory in (_shipped_dir(), extra_dir):
        if directory is None:
            continue
        if not directory.is_dir():
            raise ConfigError(f"The profile directory {directory} does not exist", fix="Give the path of a directory")
        for kind in (entry for entry in directory.iterdir() if entry.is_dir()):
            for file in kind.iterdir():
                if file.name.endswith(".toml"):
                    files[f"{kind.name}/{file.name.removesuffix('.toml')}"] = file
    return files


def _shipped_dir() -> Traversable:
    package = importlib.resources.files("edge_agent")
    installed = package / DIRECTORY
    return installed if installed.is_dir() else Path(str(package)).parent / DIRECTORY


def _parse(name: str, file: Traversable) -> Layer:
    what = f"The device profile '{name}' cannot be used ({file})"
    kind = name.partition("/")[0]
    if kind not in KINDS:
        raise ConfigError(what, cause="its kind is not known", fix=f"Known kinds: {', '.join(sorted(KINDS))}")
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            what, cause=str(error), fix="Make the file readable for the agent's user, in UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(what, cause=f"it is not TOML: {error}", fix="Correct that line") from error
    if "name" in tables:
        raise ConfigError(what, cause="name: unknown key", fix="Remove it: a profile is named after its file")
    try:
        return _profile_class(kind).model_validate({**tables, "name": name})
    except ValidationError as error:
        problems = "; ".join(map(_problem, _telling(error.errors())))
        raise ConfigError(what, cause=problems, fix="docs/profiles.md explains every key") from error


def _profile_class(kind: str) -> type[Layer]:
    module, _, name = KINDS[kind].partition(":")
    found: type[Layer] = getattr(importlib.import_module(module), name)
    return found


def _telling(details: list[ErrorDetails]) -> list[ErrorDetails]:
    """Without the complaint that a list is too short because its elements are wrong, which is told for each."""
    places = [detail["loc"] for detail in details]

    def follows(detail: ErrorDetails) -> bool:
        own = detail["loc"]
        return detail["type"] == "too_short" and any(place[: len(own)] == own != place for place in places)

    return [detail for detail in details if not follows(detail)]


def _problem(detail: ErrorDetails) -> str:
    """`key: what is wrong with it`. Parts of the location that start with ~ are the schema's own, not keys."""
    parts = [str(part) for part in detail["loc"] if not str(part).startswith("~")]
    if detail["type"] == "unknown_key":
        parts.append(detail["ctx"]["key"])
    message = "is missing" if detail["type"] == "missing" else detail["msg"]
    given = detail["input"]
    shown = f" (it is {given!r})" if isinstance(given, (str, int, float)) else ""
    return f"{'.'.join(parts)}: {message}{shown}".removeprefix(": ")
