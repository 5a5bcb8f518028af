"""Device profiles: finds `firmware_configs/<kind>/<model>.toml` and loads it into frozen objects.

In a checkout the directory lies beside `edge_agent/`, in an installed package inside it. docs/profiles.md explains
what a profile may say; `edge_agent.drivers.schema` checks it.
"""

from __future__ import annotations

import importlib.resources
import tomllib
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_agent.drivers.layer import closest
from edge_agent.drivers.schema import Profile, ScaleLayers
from edge_agent.errors import ConfigError

DIRECTORY = "firmware_configs"


def load_profile(name: str, extra_dir: Path | None = None) -> Profile:
    """The profile of this name, such as `scale/yaohua-xk3190-a9-tf0`.

    Args:
        name: kind and model; the file's path without `.toml`.
        extra_dir: a directory of the same layout whose profiles go before the shipped ones.

    Raises:
        ConfigError: unknown name, or a wrong profile; names the file, the key and the likely fix.
    """
    files = _profile_files(extra_dir)
    if name not in files:
        raise ConfigError(f"There is no device profile '{name}'", fix=closest(name, list(files)))
    return _parse(name, files[name])


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


def _parse(name: str, file: Traversable) -> Profile:
    what = f"The device profile '{name}' cannot be used ({file})"
    if not name.startswith("scale/"):
        raise ConfigError(what, cause="its kind is not known", fix="Known kinds: scale")
    try:
        layers = ScaleLayers.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            what, cause=str(error), fix="Make the file readable for the agent's user, in UTF-8"
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(what, cause=f"it is not TOML: {error}", fix="Correct that line") from error
    except ValidationError as error:
        problems = "; ".join(_problem(detail) for detail in error.errors())
        raise ConfigError(what, cause=problems, fix="docs/profiles.md explains every key") from error
    return Profile(name=name, **dict(layers))


def _problem(detail: ErrorDetails) -> str:
    """`key: what is wrong with it`. Parts of the location that start with ~ are the schema's own, not keys."""
    parts = [str(part) for part in detail["loc"] if not str(part).startswith("~")]
    if detail["type"] == "unknown_key":
        parts.append(detail["ctx"]["key"])
    message = "is missing" if detail["type"] == "missing" else detail["msg"]
    given = detail["input"]
    shown = f" (it is {given!r})" if isinstance(given, (str, int, float)) else ""
    return f"{'.'.join(parts)}: {message}{shown}".removeprefix(": ")
