"""Pictures that are files: one that is written anew, and a folder that a camera uploads into."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.links.camera import file_source
from edge_agent.links.camera.file_source import FolderSource, ImageFileSource
from edge_agent.links.camera.source import CameraError
from tests.unit.edge_agent.links.camera.parts import FakeFeed, decode, jpeg, real_clock, until


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_source, "LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(file_source, "STABLE_S", 0.0)


def test_a_picture_file_is_handed_on_once_and_again_when_it_is_written_anew(tmp_path: Path) -> None:
    path, feed = tmp_path / "snap.jpg", FakeFeed(stop_after=2)
    path.write_bytes(jpeg(1))
    thread = threading.Thread(target=ImageFileSource(path, decode, real_clock).run, args=(feed,))
    thread.start()
    until(lambda: feed.pictures)
    os.utime(path, ns=(1, 1))
    until(lambda: not thread.is_alive())

    assert (feed.opens, len(feed.pictures)) == (1, 2)


def test_a_picture_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(CameraError, match="No such file"):
        ImageFileSource(tmp_path / "none.jpg", decode, real_clock).run(FakeFeed())


def test_a_picture_file_that_is_none_is_spoiled(tmp_path: Path) -> None:
    path, feed = tmp_path / "snap.jpg", FakeFeed(stop_after=1)
    path.write_bytes(b"text")
    ImageFileSource(path, decode, real_clock).run(feed)

    assert feed.spoils == ["it is no picture"]


def test_a_folder_is_handed_on_in_order_and_each_file_once(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number, columns=96 + 16 * number))
    (tmp_path / "notes.txt").write_text("left alone")
    feed = FakeFeed(stop_after=3)
    FolderSource(tmp_path, decode, real_clock).run(feed)

    assert [image.shape[1] for image, _ in feed.pictures] == [96, 112, 128]
    assert (tmp_path / "taken" / "0.jpg").exists()
    assert (tmp_path / "notes.txt").exists()


def test_a_broken_file_in_a_folder_is_told_by_name_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"broken")
    (tmp_path / "b.jpg").write_bytes(jpeg())
    feed = FakeFeed(stop_after=2)
    FolderSource(tmp_path, decode, real_clock).run(feed)

    assert feed.spoils == ["a.jpg: it is no picture"]
    assert len(feed.pictures) == 1


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkError, match="cannot be read"):
        FolderSource(tmp_path / "none", decode, real_clock).run(FakeFeed())
