"""The agent's log is JSON where nobody looks at a terminal, and covers what no log may say."""

from __future__ import annotations

import errno
import io
import json
from collections.abc import Iterator

import pytest
import structlog

from edge_agent.commands.run import _set_up_logging


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def _read(zone: bytes) -> None:
    raise ValueError(repr(zone))


@pytest.mark.usefixtures("restored")
def test_plates_and_documents_are_covered_in_fields_and_in_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    _set_up_logging(verbose=False)
    try:
        _read(b"L898902C36UTO7408122F1204159ZE184226B<<<<<10")
    except ValueError:
        structlog.get_logger().exception("device", text="琼A12345 went in")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["text"] == "琼A•••45 went in"
    assert "ValueError: b'(a machine-readable zone)'" in event["exception"]
    assert "L898902C3" not in line


class Full(io.StringIO):
    """A file on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("restored")
def test_a_log_on_a_full_disk_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr", Full())
    _set_up_logging(verbose=False)
    structlog.get_logger().info("device", text="said")
