from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from edge_agent.status.snapshot import FORMAT, NAME, SnapshotError, read_snapshot, write_snapshot


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_snapshot(tmp_path, {"format": FORMAT, "site": "海口"})
    write_snapshot(tmp_path, {"format": FORMAT, "site": "秀英"})
    assert read_snapshot(tmp_path) == {"format": FORMAT, "site": "秀英"}
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


def test_without_a_file_or_its_directory_there_is_no_snapshot(tmp_path: Path) -> None:
    assert read_snapshot(tmp_path) is None
    assert read_snapshot(tmp_path / "not-there") is None


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        ("", "it is not JSON"),
        ('{"format": 1', "it is not JSON"),
        ("[]", "another release"),
        ("{}", "another release"),
        (json.dumps({"format": FORMAT + 1}), "another release"),
    ],
)
def test_a_file_that_is_no_snapshot_of_this_release_is_an_error_with_its_cause(
    tmp_path: Path, content: str, cause: str
) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(SnapshotError, match=cause):
        read_snapshot(tmp_path)


def test_a_file_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SnapshotError, match="it is not JSON"):
        read_snapshot(tmp_path)


def test_a_file_that_this_user_may_not_read_is_an_error_with_its_cause(
    tmp_path: Path, somebody_else: Callable[[Path], AbstractContextManager[None]]
) -> None:
    write_snapshot(tmp_path, {"format": FORMAT})
    with somebody_else(tmp_path), pytest.raises(SnapshotError, match="Permission denied"):
        read_snapshot(tmp_path)
