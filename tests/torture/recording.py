"""What a scenario does to its files, recorded call by call with strace: the input of a power cut."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.torture.scenario import Promise

CALLS = (
    "open", "openat", "creat", "close", "read", "write", "pwrite64", "writev", "pwritev", "lseek", "ftruncate",
    "truncate", "fallocate", "rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat", "symlink",
    "symlinkat", "mkdir", "mkdirat", "rmdir", "fsync", "fdatasync", "sync", "syncfs", "sync_file_range", "dup", "dup2",
    "dup3", "fcntl", "copy_file_range", "sendfile", "sendto",
)  # fmt: skip
OPTIONS = ["-xx", "-s", str(16 << 20), "-e", "trace=" + ",".join(f"?{call}" for call in CALLS)]

_LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+|\?)(.*)$", re.DOTALL)
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_CURRENT_DIRECTORY = "AT_FDCWD"


class RecordingError(Exception):
    """A call that the recording does not understand: the power cut would be another disk's."""


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes at an offset of a file (an inode's number)."""

    inode: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file gets another size."""

    inode: int
    size: int


@dataclass(frozen=True, slots=True)
class Relink:
    """Names change, all at once: (directory's inode, name, inode or None for no such name any more)."""

    entries: tuple[tuple[int, str, int | None], ...]


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """An inode is an empty directory; the Relink that follows gives it its name."""

    inode: int


@dataclass(frozen=True, slots=True)
class Sync:
    """A file or directory is made durable."""

    inode: int


@dataclass(frozen=True, slots=True)
class Promised:
    """A promise left the process."""

    promise: Promise


Event = Write | Resize | MakeDirectory | Relink | Sync | Promised


@dataclass(slots=True)
class Recording:
    """A directory as it was, and all that happened to it.

    Attributes:
        files: content by inode number, as it was.
        directories: entries (name -> inode number) by inode number, as they were; the top is ROOT.
        events: what happened, in order.
    """

    files: dict[int, bytes] = field(default_factory=dict)
    directories: dict[int, dict[str, int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)


ROOT = 0


@dataclass(slots=True)
class _Open:
    """An open file: its inode, where the next write goes, and whether it always goes to the end."""

    inode: int
    offset: int
    appends: bool


class Recorder:
    """Plays a trace on a copy of the directory, to know inodes, offsets and sizes."""

    def __init__(self, top: Path, seen_as: Path) -> None:
        """`top` is the directory as it was, `seen_as` its name in the trace."""
        self._top = PurePosixPath(seen_as)
        self.recording = Recording()
        self._content: dict[int, bytearray] = {}
        self._entries: dict[int, dict[str, int]] = {}
        self._open: dict[int, _Open] = {}
        self._load(top)
        for inode, content in self._content.items():
            self.recording.files[inode] = bytes(content)
        for inode, entries in self._entries.items():
            self.recording.directories[inode] = dict(entries)
        self._calls: dict[str, Callable[[list[str], int], None]] = {
            "open": self._on_open, "openat": self._on_openat, "close": self._on_close, "write": self._on_write,
            "pwrite64": self._on_pwrite, "lseek": self._on_lseek, "read": self._on_read,
            "ftruncate": self._on_ftruncate, "fallocate": self._on_fallocate, "rename": self._on_rename,
            "unlink": self._on_unlink, "unlinkat": self._on_unlinkat, "rmdir": self._on_unlink, "link": self._on_link,
            "linkat": self._on_linkat, "mkdir": self._on_mkdir, "fsync": self._on_sync, "fdatasync": self._on_sync,
            "sendfile": self._on_sendfile, "sendto": self._on_sendto,
        }  # fmt: skip

    def play(self, trace: str) -> Recording:
        """Everything that a trace with OPTIONS tells."""
        for line in trace.splitlines():
            if "<unfinished" in line or "resumed>" in line:
                raise RecordingError(f"a scenario with threads has no order: {line[:200]}")
            found = _LINE.match(line)
            if found is None or found[3] == "?" or int(found[3]) < 0:
                continue  # the end, a signal, or a call that failed
            self._call(found[1], _arguments(found[2]), int(found[3]))
        return self.recording

    def now(self) -> dict[str, bytes]:
        """The files as they are in the end, by path: what is on the disk must be the same."""
        return dict(self._walk(ROOT, ""))

    def _walk(self, directory: int, prefix: str) -> Iterator[tuple[str, bytes]]:
        for name, inode in self._entries[directory].items():
            if inode in self._entries:
                yield from self._walk(inode, f"{prefix}{name}/")
            else:
                yield f"{prefix}{name}", bytes(self._content[inode])

    def _load(self, top: Path) -> None:
        numbers: dict[int, int] = {top.stat().st_ino: ROOT}
        self._entries[ROOT] = {}
        for path in sorted(top.rglob("*")):
            known = numbers.setdefault(path.stat().st_ino, len(numbers))
            self._entries[numbers[path.parent.stat().st_ino]][path.name] = known
            if path.is_dir():
                self._entries[known] = {}
            else:
                self._content[known] = bytearray(path.read_bytes())

    # --- names ---------------------------------------------------------------------------------------------------

    def _place(self, path: bytes, at: str = _CURRENT_DIRECTORY) -> tuple[int, str] | None:
        """(directory's inode, name) of a path below the top; None for other people's files. The top is (ROOT, "").

        A path that is not absolute is meant from the directory that is open as `at`.
        """
        named = PurePosixPath(os.fsdecode(path))
        directory = ROOT
        if named.is_absolute() and named.is_relative_to(self._top):
            parts = named.relative_to(self._top).parts
        elif not named.is_absolute() and at != _CURRENT_DIRECTORY and int(at) in self._open:
            directory, parts = self._open[int(at)].inode, named.parts
        else:
            return None
        for part in parts[:-1]:
            directory = self._entries[directory][part]
        return directory, parts[-1] if parts else ""

    def _inode(self, path: bytes) -> int | None:
        place = self._place(path)
        if place is None:
            return None
        return self._entries[place[0]].get(place[1]) if place[1] else ROOT

    def _relink(self, *entries: tuple[int, str, int | None]) -> None:
        for directory, name, inode in entries:
            if inode is None:
                self._entries[directory].pop(name, None)
            else:
                self._entries[directory][name] = inode
        self.recording.events.append(Relink(entries))

    def _new(self) -> int:
        return max((*self._content, *self._entries)) + 1

    # --- calls ---------------------------------------------------------------------------------------------------

    def _call(self, name: str, arguments: list[str], result: int) -> None:
        if name in self._calls:
            self._calls[name](arguments, result)
        elif any(map(self._is_ours, arguments[:2])) and not _harmless(name, arguments):
            raise RecordingError(f"{name}({', '.join(arguments)[:300]})")

    def _is_ours(self, argument: str) -> bool:
        if argument.startswith('"'):
            return self._place(_text(argument)) is not None
        return argument.isdigit() and int(argument) in self._open

    def _on_open(self, arguments: list[str], result: int) -> None:
        self._on_openat([_CURRENT_DIRECTORY, *arguments], result)

    def _on_openat(self, arguments: list[str], result: int) -> None:
        at, path, flags = arguments[:3]
        place = self._place(_text(path), at)
        self._open.pop(result, None)
        if place is None:
            return
        directory, name = place
        inode = self._entries[directory].get(name) if name else ROOT
        if inode is None:
            inode = self._new()
            self._content[inode] = bytearray()
            self._relink((directory, name, inode))
        elif "O_TRUNC" in flags:
            self._resize(inode, 0)
        self._open[result] = _Open(inode, 0, "O_APPEND" in flags)

    def _on_close(self, arguments: list[str], _result: int) -> None:
        self._open.pop(int(arguments[0]), None)

    def _on_write(self, arguments: list[str], result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            self._append(opened, _text(arguments[1])[:result])

    def _append(self, opened: _Open, data: bytes) -> None:
        """Write where the file stands."""
        if opened.appends:
            opened.offset = len(self._content[opened.inode])
        self._write(opened.inode, opened.offset, data)
        opened.offset += len(data)

    def _on_pwrite(self, arguments: list[str], result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            self._write(opened.inode, int(arguments[3]), _text(arguments[1])[:result])

    def _write(self, inode: int, offset: int, data: bytes) -> None:
        content = self._content[inode]
        if offset > len(content):
            content += bytes(offset - len(content))
        content[offset : offset + len(data)] = data
        self.recording.events.append(Write(inode, offset, data))

    def _on_lseek(self, arguments: list[str], result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            opened.offset = result

    def _on_read(self, arguments: list[str], result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            opened.offset += result

    def _on_ftruncate(self, arguments: list[str], _result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            self._resize(opened.inode, int(arguments[1]))

    def _on_fallocate(self, arguments: list[str], _result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            if arguments[1] != "0":
                raise RecordingError(f"fallocate({', '.join(arguments)})")
            end = int(arguments[2]) + int(arguments[3])
            self._resize(opened.inode, max(end, len(self._content[opened.inode])))

    def _resize(self, inode: int, size: int) -> None:
        content = self._content[inode]
        del content[size:]
        content += bytes(size - len(content))
        self.recording.events.append(Resize(inode, size))

    def _on_rename(self, arguments: list[str], _result: int) -> None:
        source, target = self._place(_text(arguments[0])), self._place(_text(arguments[1]))
        if source is not None and target is not None:
            self._relink((*source, None), (*target, self._entries[source[0]][source[1]]))
        elif source is not None or target is not None:
            raise RecordingError(f"a rename across the state's border: {arguments}")

    def _on_unlink(self, arguments: list[str], result: int) -> None:
        self._on_unlinkat([_CURRENT_DIRECTORY, *arguments], result)

    def _on_unlinkat(self, arguments: list[str], _result: int) -> None:
        if (place := self._place(_text(arguments[1]), arguments[0])) is not None:
            self._relink((*place, None))

    def _on_link(self, arguments: list[str], _result: int) -> None:
        inode, target = self._inode(_text(arguments[0])), self._place(_text(arguments[1]))
        if inode is not None and target is not None:
            self._relink((*target, inode))

    def _on_linkat(self, arguments: list[str], _result: int) -> None:
        self._on_link([arguments[1], arguments[3]], 0)

    def _on_mkdir(self, arguments: list[str], _result: int) -> None:
        if (place := self._place(_text(arguments[0]))) is not None:
            inode = self._new()
            self._entries[inode] = {}
            self.recording.events.append(MakeDirectory(inode))
            self._relink((*place, inode))

    def _on_sync(self, arguments: list[str], _result: int) -> None:
        if (opened := self._open.get(int(arguments[0]))) is not None:
            self.recording.events.append(Sync(opened.inode))

    def _on_sendfile(self, arguments: list[str], result: int) -> None:
        target, source = self._open.get(int(arguments[0])), self._open.get(int(arguments[1]))
        if target is not None and source is not None and result:
            begin = source.offset if arguments[2] == "NULL" else int(arguments[2].strip("[]").split()[0])
            self._append(target, bytes(self._content[source.inode][begin : begin + result]))
            source.offset += result if arguments[2] == "NULL" else 0

    def _on_sendto(self, arguments: list[str], result: int) -> None:
        for line in _text(arguments[1])[:result].splitlines():
            what, value = json.loads(line)
            if what == "promised":
                self.recording.events.append(Promised(value))


def _harmless(name: str, arguments: list[str]) -> bool:
    return name == "fcntl" and not arguments[1].startswith("F_DUPFD")


def _arguments(text: str) -> list[str]:
    """The arguments of a call; hexadecimal strings hold no comma, and what is structured is not looked at."""
    return [argument.strip() for argument in text.split(",")]


def _text(argument: str) -> bytes:
    found = _TEXT.match(argument)
    if found is None or found[2]:
        raise RecordingError(f"no whole text: {argument[:100]}")
    return bytes.fromhex(found[1].replace("\\x", ""))
