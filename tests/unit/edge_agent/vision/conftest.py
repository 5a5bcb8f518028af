"""`models`: the default models, built once for all tests from the installed packages; skipped where they are not."""

import fcntl
import hashlib
from importlib import metadata, util
from pathlib import Path

import pytest

from edge_agent.vision.models import ModelDirectory
from edge_agent.vision.models.build import recipes as recipes_module
from edge_agent.vision.models.build.recipes import RECIPES
from edge_agent.vision.models.build.run import build_models

LIBRARIES = ("onnx", "onnxruntime", "cv2", "numpy")


def missing_of_the_extra() -> list[str]:
    """What of the extra `vision` is not installed."""
    found = {distribution.name.lower().replace("_", "-") for distribution in metadata.distributions()}
    packages = [recipe.package for recipe in RECIPES if recipe.package not in found]
    return sorted({*packages, *(name for name in LIBRARIES if util.find_spec(name) is None)})


def build_key() -> str:
    """Changes with the packages' versions and with the code that builds."""
    digest = hashlib.sha256()
    for name in sorted({recipe.package for recipe in RECIPES} | {"onnx", "numpy"}):
        digest.update(f"{name} {metadata.version(name)}\n".encode())
    for file in sorted(Path(recipes_module.__file__).parent.rglob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


@pytest.fixture(scope="session")
def models(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelDirectory:
    """The default models; workers of one run share them, and the next run too while nothing that makes them changed."""
    if missing := missing_of_the_extra():
        pytest.skip(f"the extra `vision` is not installed here: {', '.join(missing)}")
    cache = getattr(request.config, "cache", None)
    place = Path(cache.mkdir("tidegate-models")) if cache else tmp_path_factory.mktemp("models")
    directory = place / build_key()
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # another worker builds: wait for it
        if not (directory / "whole").exists():
            build_models(directory, tell=print)
            (directory / "whole").touch()
    return ModelDirectory(directory)
