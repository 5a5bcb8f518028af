"""The recording of a trace: what strace says, as what happens to a disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.recording import (
    ROOT,
    MakeDirectory,
    Promised,
    Recorder,
    RecordingError,
    Relink,
    Resize,
    Sync,
    Write,
)

TOP = Path("/seen/as")


def text(value: str) -> str:
    """As strace -xx writes it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in value.encode()) + '"'


def path(name: str) -> str:
    return text(f"{TOP}/{name}")


def played(directory: Path, *lines: str) -> list[object]:
    trace = "".join(f"4711 {line}\n" for line in lines)
    return list(Recorder(directory, TOP).play(trace).events)


def test_a_new_file_gets_a_name_content_and_a_sync(tmp_path: Path) -> None:
    assert played(
        tmp_path,
        f"openat(AT_FDCWD, {path('new')}, O_RDWR|O_CREAT, 0600) = 5",
        f"write(5, {text('hello')}, 5) = 5",
        f"write(5, {text('world')}, 5) = 3",
        f"pwrite64(5, {text('X')}, 1, 100) = 1",
        "fsync(5) = 0",
        "close(5) = 0",
    ) == [Relink(((ROOT, "new", 1),)), Write(1, 0, b"hello"), Write(1, 5, b"wor"), Write(1, 100, b"X"), Sync(1)]


def test_a_file_that_was_there_is_written_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    opened = f"openat(AT_FDCWD, {path('file')}, O_WRONLY"
    assert played(tmp_path, f"{opened}|O_APPEND) = 5", f"write(5, {text('x')}, 1) = 1") == [Write(1, 10, b"x")]
    assert played(tmp_path, f"{opened}|O_TRUNC) = 5") == [Resize(1, 0)]
    assert played(
        tmp_path, f"{opened}) = 5", "lseek(5, 4, SEEK_SET) = 4", f"write(5, {text('x')}, 1) = 1", "ftruncate(5, 5) = 0"
    ) == [Write(1, 4, b"x"), Resize(1, 5)]


def test_names_change(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"x")
    assert played(
        tmp_path,
        f"rename({path('old')}, {path('new')}) = 0",
        f"link({path('new')}, {path('second')}) = 0",
        f"unlink({path('new')}) = 0",
        f"mkdir({path('made')}, 0700) = 0",
        f"openat(AT_FDCWD, {path('made')}, O_RDONLY) = 6",
        "fsync(6) = 0",
        f"unlinkat(6, {text('nothing')}, 0) = -1 ENOENT (No such file or directory)",
    ) == [
        Relink(((ROOT, "old", None), (ROOT, "new", 1))),
        Relink(((ROOT, "second", 1),)),
        Relink(((ROOT, "new", None),)),
        MakeDirectory(2),
        Relink(((ROOT, "made", 2),)),
        Sync(2),
    ]


def test_promises_stand_where_they_were_made(tmp_path: Path) -> None:
    said = text('["promised", ["record", 1]]\n["error", "x"]\n')
    assert played(tmp_path, f"sendto(3, {said}, 43, 0, NULL, 0) = 43") == [Promised(["record", 1])]


def test_other_peoples_files_are_nobodys_business(tmp_path: Path) -> None:
    assert not played(
        tmp_path,
        f"openat(AT_FDCWD, {text('/etc/passwd')}, O_RDONLY) = 5",
        f"write(5, {text('x')}, 1) = 1",
        "fsync(5) = 0",
    )


def test_a_call_that_it_does_not_know_is_an_error_where_it_matters(tmp_path: Path) -> None:
    opened = f"openat(AT_FDCWD, {path('new')}, O_RDWR|O_CREAT, 0600) = 5"
    with pytest.raises(RecordingError, match="sync_file_range"):
        played(tmp_path, opened, "sync_file_range(5, 0, 10, 0) = 0")
    with pytest.raises(RecordingError, match="threads"):
        played(tmp_path, "fsync(5 <unfinished ...>")


def test_the_files_in_the_end_are_known(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "directory" / "file").write_bytes(b"old")
    recorder = Recorder(tmp_path, TOP)
    recorder.play(
        f"1 openat(AT_FDCWD, {path('directory/file')}, O_WRONLY) = 5\n1 pwrite64(5, {text('new!')}, 4, 1) = 4\n"
    )
    assert recorder.now() == {"directory/file": b"onew!"}
