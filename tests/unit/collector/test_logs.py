from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from collector.logs import UnfailingStream, configure_log


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, f"No space left on device for {len(text)} characters")

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    stream = UnfailingStream(FullDisk())
    assert stream.write("an alarm") == 8
    stream.flush()


@pytest.mark.usefixtures("restored")
def test_a_log_that_is_not_read_on_a_terminal_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log()
    structlog.get_logger().error("alarm: batch quarantined", origin="d/agent/口岸/0")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["origin"]) == ("alarm: batch quarantined", "error", "d/agent/口岸/0")
    assert "口岸" in line
    assert event["timestamp"].endswith("Z")


def _look_up(plate: str, document: str) -> None:
    raise ValueError(f"no booking of {plate} for {document}")


@pytest.mark.usefixtures("restored")
def test_what_no_log_may_say_is_covered_in_fields_and_in_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_log()
    try:
        _look_up("琼A12345", "E12345678")
    except ValueError:
        structlog.get_logger().exception("a fault", plate="琼A12345")
    (line,) = capsys.readouterr().err.splitlines()
    event = json.loads(line)
    assert event["plate"] == "琼A•••45"
    assert "ValueError: no booking of 琼A•••45 for E1•••••78" in event["exception"]
    assert "琼A12345" not in line
