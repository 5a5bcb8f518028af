import fcntl
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the extra `vision` is not installed here")

import numpy as np
import numpy.typing as npt

from edge_agent.vision.models import ModelDirectory, ModelError
from edge_agent.vision.models.build import check, packages, run
from edge_agent.vision.models.build.probes import noise, shapes
from edge_agent.vision.models.build.recipes import RECIPES
from edge_agent.vision.models.directory import make_session
from edge_agent.vision.models.tasks import Task
from tests.unit.edge_agent.vision.models import making

SMALL = Task.PLATE_DETECTOR  # copied, so quick
BY_TASK = {recipe.task: recipe for recipe in RECIPES}


def quiet(line: str) -> None:
    """Progress that nobody watches."""
    assert line


def contents(directory: Path) -> dict[str, bytes]:
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


@pytest.fixture
def only_small(monkeypatch: pytest.MonkeyPatch, models: ModelDirectory) -> ModelDirectory:
    monkeypatch.setattr(run, "RECIPES", (BY_TASK[SMALL],))
    return models


def test_the_same_packages_give_the_same_bytes(
    models: ModelDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    converted = (Task.FACE_DETECTOR, Task.PLATE_READER)  # dlib's, by the same steps, takes seconds
    monkeypatch.setattr(run, "RECIPES", tuple(BY_TASK[task] for task in converted))
    told: list[str] = []
    built = run.build_models(tmp_path, tell=told.append)
    assert [result.outcome for result in built] == ["made"] * 2
    assert [result.sha256 for result in built] == [models.model(task).sha256 for task in converted]
    assert [line.split()[0] for line in told] == ["1/2", "2/2"]
    for task in (*converted, Task.FACE_RECOGNISER):
        told_of = models.model(task).manifest.conversion
        assert told_of is not None
        assert told_of.largest_difference < 1e-5


def test_a_second_build_changes_only_what_is_not_whole(only_small: ModelDirectory, tmp_path: Path) -> None:
    shutil.copytree(only_small.path / SMALL, tmp_path / SMALL)
    assert [result.outcome for result in run.build_models(tmp_path, tell=quiet)] == ["unchanged"]
    (tmp_path / SMALL / "model.onnx").write_bytes(b"tampered")
    assert [result.outcome for result in run.build_models(tmp_path, tell=quiet)] == ["made"]
    assert contents(tmp_path / SMALL) == contents(only_small.path / SMALL)


def test_an_operators_model_is_kept_unless_replacing_is_asked_for(only_small: ModelDirectory, tmp_path: Path) -> None:
    boxes = making.constant("made", np.zeros((0, 6)), ["n", 6])
    making.slot(tmp_path / SMALL, SMALL, "boxes", boxes)
    before = contents(tmp_path / SMALL)
    assert [result.outcome for result in run.build_models(tmp_path, tell=quiet)] == ["kept"]
    assert contents(tmp_path / SMALL) == before
    assert [result.outcome for result in run.build_models(tmp_path, replace=True, tell=quiet)] == ["made"]
    assert contents(tmp_path / SMALL) == contents(only_small.path / SMALL)


def test_what_an_interrupted_build_left_is_swept_and_the_old_model_comes_back(
    only_small: ModelDirectory, tmp_path: Path
) -> None:
    shutil.copytree(only_small.path / SMALL, tmp_path / f".replaced-{SMALL}")
    (tmp_path / ".making-1" / SMALL).mkdir(parents=True)
    (tmp_path / ".making-1" / SMALL / "model.onnx").write_bytes(b"half")
    assert [result.outcome for result in run.build_models(tmp_path, tell=quiet)] == ["unchanged"]
    assert {path.name for path in tmp_path.iterdir()} == {".lock", SMALL}


def test_a_package_that_is_not_the_known_one_stops_the_build_and_changes_nothing(
    only_small: ModelDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(only_small.path / SMALL, tmp_path / SMALL)
    before = contents(tmp_path / SMALL)
    wrong = replace(BY_TASK[Task.PLATE_READER], files={"hyperlpr2/table_chs.py": "0" * 64})
    monkeypatch.setattr(run, "RECIPES", (BY_TASK[SMALL], wrong))
    with pytest.raises(ModelError, match=r"hyperlpr2 2\.0\.0.*table_chs\.py is not the one of 2\.0\.0.*hyperlpr2==2"):
        run.build_models(tmp_path, tell=quiet, replace=True)
    assert contents(tmp_path / SMALL) == before
    assert {path.name for path in tmp_path.iterdir()} == {".lock", SMALL}


def test_a_package_that_is_not_installed_is_named_with_what_installs_it() -> None:
    with pytest.raises(ModelError, match=r"no-such-package is not installed.*tidegate\[edge,vision\]"):
        packages.package_version("no-such-package")


def test_two_builds_at_once_are_refused(only_small: ModelDirectory, tmp_path: Path) -> None:
    assert only_small.has(SMALL)
    with (tmp_path / ".lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ModelError, match="another process does"):
            run.build_models(tmp_path, tell=quiet)


def test_a_directory_that_cannot_be_written_is_named(only_small: ModelDirectory, tmp_path: Path) -> None:
    assert only_small.has(SMALL)
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match=f"cannot be written to {tmp_path}/file/models"):
        run.build_models(tmp_path / "file" / "models", tell=quiet)


def test_a_conversion_that_is_not_the_original_stops_the_build() -> None:
    session = make_session(making.embedder(numbers=16), "trial")

    def prepare(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
        return np.asarray(picture.transpose(2, 0, 1)[None] / 255.0, np.float64)

    def network(given: npt.NDArray[np.float64], by: float = 0.0) -> npt.NDArray[np.float64]:
        return np.asarray(session.run(None, {"input": given.astype(np.float32)})[0], np.float64) + by

    assert check.compare("trial", session, network, prepare, (112, 112)) == 0.0
    with pytest.raises(ModelError, match=r"trial was not made.*differs by 1\.0e-03"):
        check.compare("trial", session, lambda given: network(given, 1e-3), prepare, (112, 112))
    with pytest.raises(ModelError, match="differs by inf"):
        check.compare("trial", session, lambda given: network(given, np.nan), prepare, (112, 112))
    with pytest.raises(ModelError, match="differs by inf"):  # outputs of another number than dlib's 128
        check.compare("trial", session, network, prepare, (112, 112), original="dlib")


def test_the_stored_outputs_are_of_the_original_engines() -> None:
    stored = json.loads((Path(check.__file__).parent / "original_outputs.json").read_text(encoding="utf-8"))
    assert "dlib 20" in check.engine("dlib")
    assert {len(values) for values in stored["dlib"]["outputs"].values()} == {128}
    assert {len(values) for values in stored["hyperlpr2"]["outputs"].values()} == {84 * 20}


def test_trial_pictures_are_the_same_on_every_machine() -> None:
    assert int(noise(112, 112).astype(np.int64).sum()) == 4_801_988
    assert int(shapes(112, 112).astype(np.int64).sum()) == 3_535_509
