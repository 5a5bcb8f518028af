"""`edge-agent camera`: the list, an annotated picture, and a preview that is never on the network by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edge_agent.commands.camera import camera
from edge_agent.errors import EdgeAgentError
from edge_agent.simulate.ports import free_port
from tests.unit.edge_agent.links.camera.parts import jpeg

SITE = """\
site = "xiuying"

[[video]]
id = "lane-cam"
source = "snap.jpg"
reads = ["plate"]
lane = "in-1"

[[video]]
id = "door"
source = "rtsp://10.0.0.2/1"
reads = ["face"]

[[lane]]
id = "in-1"
kind = "vehicle"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    (tmp_path / "snap.jpg").write_bytes(jpeg(rows=200, columns=320))
    return tmp_path / "site.toml"


def run(file: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(camera, [*map(str, arguments), "--config", str(file)])


def refusal(file: Path, *arguments: str | Path) -> str:
    result = run(file, *arguments)
    assert isinstance(result.exception, EdgeAgentError)
    return str(result.exception)


def test_the_cameras_of_a_site_file_are_listed(file: Path) -> None:
    shown = json.loads(run(file, "list", "--json").stdout)["cameras"]

    assert [(each["id"], each["kind"], each["reads"]) for each in shown] == [
        ("lane-cam", "image", ["plate"]),
        ("door", "rtsp", ["face"]),
    ]
    assert "lane-cam" in run(file, "list").stdout


def test_an_annotated_picture_is_written(file: Path, tmp_path: Path) -> None:
    result = run(file, "watch", "lane-cam", "--no-read", "-o", tmp_path / "out.png")

    assert result.exit_code == 0, result.output
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "320 x 200" in result.stdout
    assert "written:" in result.stdout


def test_a_name_that_is_not_there_is_told_with_those_that_are(file: Path) -> None:
    assert "Known here: lane-cam, door" in refusal(file, "watch", "lane-can", "-o", "x.png")


def test_a_kind_of_file_that_is_not_written_is_told(file: Path, tmp_path: Path) -> None:
    assert "'.gif'" in refusal(file, "watch", "lane-cam", "--no-read", "-o", tmp_path / "out.gif")


def test_other_machines_see_nothing_unless_that_is_asked_for(file: Path) -> None:
    assert "--allow-network" in refusal(file, "watch", "lane-cam", "--no-read", "--listen", "0.0.0.0:8088")


def test_faces_are_never_shown_over_the_network(file: Path) -> None:
    listen = f"0.0.0.0:{free_port()}"
    assert "looks at faces" in refusal(file, "watch", "door", "--listen", listen, "--allow-network")


def test_an_address_that_is_none_is_told(file: Path) -> None:
    assert "no address to listen on" in refusal(file, "watch", "lane-cam", "--listen", "here")


def test_models_that_are_not_there_are_told_with_the_command_that_makes_them(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIDEGATE_MODELS", str(tmp_path / "none"))
    assert "edge-agent models build" in refusal(file, "watch", "lane-cam", "-o", tmp_path / "out.png")
