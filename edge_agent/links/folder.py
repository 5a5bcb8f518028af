"""A folder that a device drops files into: one named file once it is whole, or every new file. Bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Literal

from edge_agent.errors import LinkError
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

LOOK_EVERY_S = 0.25
TAKEN = "taken"
"""Folder inside the folder, where files go that were taken."""

MOST_LISTED = 10_000
"""Files looked at in one round; a folder with more is told, and worked off round by round."""


@dataclass(frozen=True, slots=True)
class FolderRules:
    """How a folder is read.

    Attributes:
        path: of the folder.
        complete: "renamed": a file has its final name only once it is whole; "stable": its size must stand still.
        stable_s: for how long.
        most_bytes: of a file; a larger one is refused.
    """

    path: Path
    complete: Literal["renamed", "stable"]
    stable_s: float
    most_bytes: int


@dataclass(frozen=True, slots=True)
class FolderFile:
    """A whole file."""

    name: str
    data: bytes


class FileMissingError(LinkError):
    """The file is not there, or not whole yet."""


class Folder:
    """Reads files of one folder; never follows a link, never leaves the folder."""

    def __init__(self, rules: FolderRules, clock: Callable[[], Moment]) -> None:
        self._rules, self._clock = rules, clock

    def fetch(self, name: str, within_s: float, stop: Event) -> bytes:
        """The named file, once it is whole. LinkError: a bad name, too large, or it did not come; it says which."""
        plain_name(name)
        began = self._clock()
        watched = _Watched(self._rules.stable_s if self._rules.complete == "stable" else 0)
        while True:
            now = self._clock()
            try:
                if watched.is_whole(self._size(name), now):
                    return self._read(name)
            except FileMissingError as error:
                watched.forget()
                if now.seconds_since(began) >= within_s:
                    what = f"{name} did not come into {self._rules.path} within {within_s:g} s"
                    raise LinkError(
                        what, fix="Compare the scanner's export folder with the one in the site file"
                    ) from error
            if now.seconds_since(began) >= within_s + self._rules.stable_s:
                raise LinkError(f"{name} in {self._rules.path} was not whole within {within_s:g} s")
            if stop.wait(LOOK_EVERY_S):
                raise LinkError(f"{name} was not there when the agent was stopped")

    def _size(self, name: str) -> tuple[int, int]:
        """Size and time of change of a plain file."""
        try:
            found = (self._rules.path / name).stat(follow_symlinks=False)
        except FileNotFoundError as error:
            raise FileMissingError(f"{name} is not there") from error
        except OSError as error:
            raise _unreadable(self._rules.path / name, error) from error
        if not stat.S_ISREG(found.st_mode):
            raise LinkError(f"{name} in {self._rules.path} is no plain file", fix="Links and folders are not followed")
        if found.st_size > self._rules.most_bytes:
            what = f"{name} has {found.st_size} bytes; at most {self._rules.most_bytes} are taken"
            raise LinkError(what, fix="Raise most_bytes in the profile if the scanner's pictures are that large")
        return found.st_size, found.st_mtime_ns

    def _read(self, name: str) -> bytes:
        """Opened without following a link; what grew after it was measured is still bounded."""
        path = self._rules.path / name
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise LinkError(f"{name} in {self._rules.path} is no plain file")
                data = file.read(self._rules.most_bytes + 1)
        except FileNotFoundError as error:
            raise FileMissingError(f"{name} is not there") from error
        except OSError as error:
            raise _unreadable(path, error) from error
        if len(data) > self._rules.most_bytes:
            raise LinkError(f"{name} has more than {self._rules.most_bytes} bytes")
        return data


def plain_name(name: str) -> str:
    """The name, if it can only mean a file of the folder itself; LinkError for anything with a path in it."""
    if not name or name.startswith(".") or any(part in name for part in ("/", "\\", "\0")) or len(name.encode()) > 255:  # noqa: PLR2004 - NAME_MAX
        raise LinkError(
            f"The file name {name[:80]!r} is refused",
            cause="It is empty, hidden, too long or leads out of the folder",
            fix="The scanner must name a plain file; look at the line with edge-agent decode",
        )
    return name


class _Watched:
    """Whether a file's size stood still."""

    def __init__(self, stable_s: float) -> None:
        self._stable_s = stable_s
        self._last: tuple[tuple[int, int], Moment] | None = None

    def is_whole(self, size: tuple[int, int], now: Moment) -> bool:
        if not self._stable_s:
            return True
        if self._last is None or self._last[0] != size:
            self._last = (size, now)
        return size[0] > 0 and now.seconds_since(self._last[1]) >= self._stable_s

    def forget(self) -> None:
        self._last = None


def _unreadable(path: Path, error: OSError) -> LinkError:
    cause = error.strerror or str(error)
    return LinkError(f"{path} cannot be read", cause=cause, fix="Let the agent's user read the folder and its files")


class FolderLink:
    """Hands over every new file of a folder, and then moves it to `taken/` inside: after a restart none comes twice."""

    def __init__(
        self, device_id: str, rules: FolderRules, suffixes: tuple[str, ...], clock: Callable[[], Moment]
    ) -> None:
        """`suffixes` of names, lower case; other files are left alone."""
        self._device_id, self._rules, self._suffixes, self._clock = device_id, rules, suffixes, clock
        self._folder = Folder(rules, clock)
        self._watched: dict[str, _Watched] = {}
        self._refused: dict[str, None] = {}
        self._told = ""

    def run(
        self,
        on_file: Callable[[FolderFile, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
    ) -> None:
        """Look until `stop`. `on_file` must make the file durable before it returns: only then is it moved away.

        `on_event` gets UNPLUGGED when the folder cannot be used, UNREADABLE for a file that is refused, OK otherwise.
        """
        while not stop.is_set():
            try:
                self._look(on_file, on_event, stop)
            except OSError as error:
                self._tell(on_event, DeviceState.UNPLUGGED, str(_unreadable(self._rules.path, error)))
            stop.wait(LOOK_EVERY_S)

    def _look(
        self,
        on_file: Callable[[FolderFile, Moment], None],
        on_event: Callable[[DeviceEvent], None],
        stop: Event,
    ) -> None:
        names = self._names()
        self._watched = {name: self._watched.get(name) or self._watch() for name in names}
        for name in names:
            if stop.is_set():
                return
            try:
                if self._watched[name].is_whole(self._folder._size(name), self._clock()):  # noqa: SLF001 - one module
                    on_file(FolderFile(name, self._folder._read(name)), self._clock())  # noqa: SLF001 - one module
                    if stop.is_set():
                        return  # it may not be durable: better twice than never
                    self._put_away(name)
            except FileMissingError:
                continue
            except LinkError as error:
                if len(self._refused) < MOST_LISTED:
                    self._refused[name] = None
                self._tell(on_event, DeviceState.UNREADABLE, str(error))
                return
        self._tell(on_event, DeviceState.OK, "the folder is read")

    def _names(self) -> list[str]:
        names: list[str] = []
        with os.scandir(self._rules.path) as entries:
            for entry in entries:
                hidden = entry.name.startswith(".") or entry.name in self._refused
                if entry.name.lower().endswith(self._suffixes) and not hidden:
                    names.append(entry.name)
                    if len(names) == MOST_LISTED:
                        break
        return sorted(names)

    def _watch(self) -> _Watched:
        return _Watched(self._rules.stable_s if self._rules.complete == "stable" else 0)

    def _put_away(self, name: str) -> None:
        taken = self._rules.path / TAKEN
        taken.mkdir(exist_ok=True)
        (self._rules.path / name).replace(taken / name)

    def _tell(self, on_event: Callable[[DeviceEvent], None], state: DeviceState, text: str) -> None:
        if text != self._told:
            self._told = text
            on_event(DeviceEvent(self._device_id, self._clock(), state, text))
