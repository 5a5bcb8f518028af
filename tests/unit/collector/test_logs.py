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
