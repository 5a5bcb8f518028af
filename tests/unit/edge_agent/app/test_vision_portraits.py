"""The tray for documents' portraits: each is read once and destroyed, and names no traveller in an error."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest

from edge_agent.app.vision_portraits import PortraitTray
from edge_agent.errors import ConfigError
from tests.unit.edge_agent.links.camera.parts import picture


def png(value: int) -> bytes:
    return bytes(cv2.imencode(".png", picture(value))[1].tobytes())


def tray(directory: Path) -> PortraitTray:
    made = PortraitTray(directory)
    made.open()
    return made


def test_what_lay_there_before_the_start_is_destroyed_unread(tmp_path: Path) -> None:
    (tmp_path / "E0.png").write_bytes(png(1))
    made = tray(tmp_path)

    assert not list(tmp_path.iterdir())
    assert made.take() is None


def test_only_the_newest_counts_and_all_are_destroyed(tmp_path: Path) -> None:
    made = tray(tmp_path / "new")
    for second, name in enumerate(("E2", "E1")):
        path = tmp_path / "new" / f"{name}.png"
        path.write_bytes(png(second + 1))
        os.utime(path, (second, second))
    taken = made.take()

    assert taken is not None
    assert taken.subject == "E1"
    assert taken.image is not None
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert not list((tmp_path / "new").iterdir())


def test_what_is_still_being_written_waits(tmp_path: Path) -> None:
    made = tray(tmp_path)
    (tmp_path / ".E1.png").write_bytes(png(1)[:40])
    (tmp_path / "E1.part").write_bytes(png(1)[:40])

    assert made.take() is None
    assert len(list(tmp_path.iterdir())) == 2


def test_the_bytes_on_the_disk_are_overwritten(tmp_path: Path) -> None:
    made = tray(tmp_path)
    (tmp_path / "E1.png").write_bytes(png(1))
    (tmp_path / "kept").hardlink_to(tmp_path / "E1.png")
    made.take()

    assert set((tmp_path / "kept").read_bytes()) == {0}


def test_what_is_no_picture_is_told_without_the_documents_number(tmp_path: Path) -> None:
    made = tray(tmp_path)
    (tmp_path / "E12345678.jpg").write_bytes(b"nothing")
    taken = made.take()

    assert taken is not None
    assert taken.image is None
    assert "the document's portrait" in taken.problem
    assert "E12345678" not in taken.problem


def test_a_link_is_unlinked_and_what_it_names_stays(tmp_path: Path) -> None:
    made = tray(tmp_path / "desk")
    (tmp_path / "elsewhere").write_bytes(b"untouched")
    (tmp_path / "desk" / "E1.jpg").symlink_to(tmp_path / "elsewhere")
    made.take()

    assert (tmp_path / "elsewhere").read_bytes() == b"untouched"
    assert not list((tmp_path / "desk").iterdir())


def test_a_directory_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(ConfigError, match="directory for portraits"):
        tray(tmp_path / "file" / "in")
