"""`edge-agent vision gallery`: made from portraits or received sealed, listed without names, destroyed."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import pytest
from click.testing import CliRunner, Result

from edge_agent.commands import vision_gallery
from edge_agent.commands.vision import vision
from edge_agent.errors import EdgeAgentError
from edge_agent.vision.faces import lane, reader
from edge_agent.vision.faces.matching import TemplateError
from edge_agent.vision.image import Image
from tests.unit.edge_agent.links.camera.parts import picture
from tests.unit.edge_agent.vision.faces.conftest import unit_vector

SITE = """\
site = "xiuying"

[agent]
state_dir = "state"
runtime_dir = "run"

[[video]]
id = "lane-cam"
source = "rtsp://10.0.0.2/1"
reads = ["plate"]
lane = "in-1"

[[lane]]
id = "in-1"
kind = "vehicle"
"""
NET = "ab" * 32


def template_of(_reader: object, image: Image, whose: str) -> Any:
    if not image.any():
        raise TemplateError(f"{whose} gives no template", cause="no face was found in it")
    return unit_vector(int(image[0, 0, 0]))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(reader, "FaceReader", lambda *_: SimpleNamespace(model_name="net", model_sha256=NET))
    monkeypatch.setattr(lane, "portrait_template", template_of)
    model = SimpleNamespace(name="net", sha256=NET)
    monkeypatch.setattr(vision_gallery, "_models", lambda _: SimpleNamespace(model=lambda _: model))
    (tmp_path / "state").mkdir()
    (tmp_path / "portraits").mkdir()
    for seed in (1, 2):
        cv2.imwrite(str(tmp_path / "portraits" / f"CHN E8812{seed}.png"), picture(seed))
    (tmp_path / "site.toml").write_text(SITE, encoding="utf-8")
    return tmp_path / "site.toml"


def run(file: Path, *arguments: str | Path) -> Result:
    return CliRunner().invoke(vision, ["gallery", *map(str, arguments), "--config", str(file)])


def refusal(file: Path, *arguments: str | Path) -> str:
    result = run(file, *arguments)
    assert isinstance(result.exception, EdgeAgentError)
    return str(result.exception)


def departure(hours: float = 2) -> str:
    return (datetime.now(UTC) + timedelta(hours=hours)).isoformat()


def make(file: Path, *more: str | Path) -> Result:
    return run(file, "make", file.parent / "portraits", "--sailing", "HK-1", "--departure", departure(), *more)


def listed(file: Path) -> list[dict[str, Any]]:
    galleries: list[dict[str, Any]] = json.loads(run(file, "list", "--json").stdout)["galleries"]
    return galleries


def test_portraits_become_a_gallery_that_is_listed_without_names_until_it_is_destroyed(file: Path) -> None:
    made = make(file)
    assert (made.exit_code, made.stdout) == (0, "HK-1: 2 travellers\n")
    (row,) = listed(file)
    assert (row["sailing"], row["travellers"], row["recogniser"]) == ("HK-1", 2, "net")
    for path in (file.parent / "state" / "galleries").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
        assert b"E8812" not in path.read_bytes()
    assert "HK-1: 2 travellers, departs " in run(file, "list").stdout

    assert run(file, "destroy", "HK-1").exit_code == 0
    assert listed(file) == []
    assert run(file, "list").stdout == "no sailing's gallery is open\n"


def test_a_portrait_without_a_face_is_left_out_and_told_without_its_number_on_the_document(file: Path) -> None:
    cv2.imwrite(str(file.parent / "portraits" / "CHN E88120.png"), 0 * picture(1))
    (file.parent / "portraits" / "CHN E88129.jpg").write_bytes(b"no picture")
    made = make(file)

    assert (made.exit_code, made.stdout) == (1, "HK-1: 2 travellers\n")
    assert made.stderr.count("left out: portrait") == 2
    assert "E8812" not in made.output
    assert [each["number"] for each in json.loads(make(file, "--json").stdout)["left_out"]] == [1, 4]


def test_a_gallery_made_elsewhere_is_received_with_its_key(file: Path) -> None:
    sealed, key = file.parent / "hk-1.gallery", file.parent / "hk-1.key"
    assert make(file, "--out", sealed, "--key", key).exit_code == 0
    assert listed(file) == []
    assert (sealed.stat().st_mode & 0o777, key.stat().st_mode & 0o777) == (0o600, 0o600)

    assert run(file, "receive", sealed, "--key", key).stdout == "HK-1: 2 travellers\n"
    assert listed(file)[0]["travellers"] == 2
    assert isinstance(make(file, "--out", sealed, "--key", key).exception, EdgeAgentError)  # nothing is written over


def test_what_is_no_gallery_or_not_its_key_is_refused(file: Path) -> None:
    sealed, key = file.parent / "hk-1.gallery", file.parent / "hk-1.key"
    make(file, "--out", sealed, "--key", key)
    key.write_bytes(bytes(32))
    assert "another sailing's key" in refusal(file, "receive", sealed, "--key", key)
    key.write_bytes(bytes(33))
    assert "at most 32 bytes" in refusal(file, "receive", sealed, "--key", key)
    assert "cannot be used" in refusal(file, "receive", "/dev/zero", "--key", key)
    assert listed(file) == []


def test_a_departure_is_a_moment_with_its_offset_and_not_over(file: Path) -> None:
    portraits = file.parent / "portraits"
    arguments = ("make", portraits, "--sailing", "HK-1", "--departure")
    assert "no offset" in run(file, *arguments, "2026-11-22T09:30").stderr
    assert "no moment" in run(file, *arguments, "tomorrow").stderr
    assert "departed an hour or more ago" in refusal(file, *arguments, departure(-2))
    assert "more than 72 hours" in refusal(file, *arguments, departure(80))


def test_another_user_than_the_agents_is_told_whom_to_be(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = (file.parent / "state").stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    assert f"sudo -u '#{owner}'" in refusal(file, "list")
