"""A folder that a scanner drops files into: only whole files, only plain ones, only there."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from edge_agent.errors import LinkError
from edge_agent.links.folder import TAKEN, Folder, FolderFile, FolderLink, FolderRules
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

WITHIN_S = 30.0


def real_clock() -> Moment:
    return Moment(WallNs(time.time_ns()), MonoNs(time.monotonic_ns()), bytes(16), synchronised=True)


def rules(path: Path, complete: str = "renamed", stable_s: float = 0.3, most_bytes: int = 1000) -> FolderRules:
    return FolderRules(path, "stable" if complete == "stable" else "renamed", stable_s, most_bytes)


@pytest.mark.parametrize("name", ["../secret", "a/b.jpg", "..", "", ".hidden", "a\\b.jpg", "a\0b", "x" * 256])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    inside = tmp_path / "in"
    inside.mkdir()
    with pytest.raises(LinkError, match="is refused"):
        Folder(rules(inside), real_clock).fetch(name, 5, threading.Event())


def test_links_and_folders_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    inside = tmp_path / "in"
    (inside / "folder.jpg").mkdir(parents=True)
    (inside / "link.jpg").symlink_to(tmp_path / "secret")
    os.mkfifo(inside / "pipe.jpg")
    for name in ("folder.jpg", "link.jpg", "pipe.jpg"):
        with pytest.raises(LinkError, match="no plain file"):
            Folder(rules(inside), real_clock).fetch(name, 5, threading.Event())


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(b"x" * 1001)
    with pytest.raises(LinkError, match="has 1001 bytes; at most 1000 are taken"):
        Folder(rules(tmp_path), real_clock).fetch("large.jpg", 5, threading.Event())


def test_a_file_that_is_renamed_when_whole_is_taken_as_soon_as_it_has_its_name(tmp_path: Path) -> None:
    def write() -> None:
        (tmp_path / "a.jpg.part").write_bytes(b"whole")
        (tmp_path / "a.jpg.part").rename(tmp_path / "a.jpg")

    threading.Timer(0.1, write).start()
    assert Folder(rules(tmp_path), real_clock).fetch("a.jpg", WITHIN_S, threading.Event()) == b"whole"


def test_a_file_that_still_grows_is_waited_for(tmp_path: Path) -> None:
    path, stop = tmp_path / "a.jpg", threading.Event()
    found: list[bytes] = []
    folder = Folder(rules(tmp_path, "stable", stable_s=0.8), real_clock)
    path.write_bytes(b"half ")
    fetching = threading.Thread(target=lambda: found.append(folder.fetch("a.jpg", WITHIN_S, stop)))
    fetching.start()
    for _ in range(4):
        time.sleep(0.2)  # a writer that pauses: that is what is tested
        with path.open("ab") as file:
            file.write(b"more ")
    assert not found
    fetching.join(WITHIN_S)
    assert found == [b"half " + b"more " * 4]


def test_a_file_that_does_not_come_and_a_stop_are_told(tmp_path: Path) -> None:
    folder = Folder(rules(tmp_path), real_clock)
    with pytest.raises(LinkError, match=r"a.jpg did not come into .* within 0.3 s"):
        folder.fetch("a.jpg", 0.3, threading.Event())
    stop = threading.Event()
    stop.set()
    with pytest.raises(LinkError, match="when the agent was stopped"):
        folder.fetch("a.jpg", WITHIN_S, stop)


class Watched:
    """A folder link that runs, and all it said."""

    def __init__(self, path: Path) -> None:
        self.files: list[FolderFile] = []
        self.events: list[DeviceEvent] = []
        self.stop = threading.Event()
        link = FolderLink("xray-1", rules(path), (".dcs",), real_clock)
        self.thread = threading.Thread(
            target=link.run, args=(lambda file, _now: self.files.append(file), self.events.append, self.stop)
        )
        self.thread.start()

    def until(self, state: DeviceState | None = None, files: int = 0) -> None:
        deadline = time.monotonic() + WITHIN_S
        while len(self.files) < files or (state and not any(event.state is state for event in self.events)):
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def end(self) -> None:
        self.stop.set()
        self.thread.join(WITHIN_S)


def test_every_new_file_is_handed_over_once_and_put_away(tmp_path: Path) -> None:
    (tmp_path / "b.dcs").write_bytes(b"b")
    (tmp_path / "other.txt").write_bytes(b"other")
    watched = Watched(tmp_path)
    watched.until(files=1)
    (tmp_path / "A.DCS").write_bytes(b"a")
    watched.until(files=2)
    watched.end()

    assert watched.files == [FolderFile("b.dcs", b"b"), FolderFile("A.DCS", b"a")]
    assert sorted(path.name for path in (tmp_path / TAKEN).iterdir()) == ["A.DCS", "b.dcs"]
    assert (tmp_path / "other.txt").exists()


def test_a_folder_that_is_not_there_is_told_and_comes_back(tmp_path: Path) -> None:
    watched = Watched(tmp_path / "scans")
    watched.until(DeviceState.UNPLUGGED)
    (tmp_path / "scans").mkdir()
    watched.until(DeviceState.OK)
    watched.end()

    assert "cannot be read" in watched.events[0].text


def test_a_file_that_is_refused_is_told_and_the_next_one_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.dcs").symlink_to("/etc/hostname")
    (tmp_path / "b.dcs").write_bytes(b"b")
    watched = Watched(tmp_path)
    watched.until(DeviceState.UNREADABLE, files=1)
    watched.end()

    assert watched.files == [FolderFile("b.dcs", b"b")]
