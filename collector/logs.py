"""The collector's log: one line an event on stderr, for people on a terminal, as JSON everywhere else."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any, TextIO

import structlog

from gate_contract.masking import masked


class UnfailingStream:
    """A text stream that drops what it cannot write: a full disk under the log must not stop the service."""

    def __init__(self, stream: TextIO) -> None:
        """`stream` is where it writes."""
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or drop."""
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or drop."""
        with suppress(OSError):
            self._stream.flush()


def configure_log() -> None:
    """Set up structlog for this process. Times are UTC; plates, document numbers and keys are covered."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        # Tracebacks without the values of variables.
        processors.append(structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback))
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    processors.append(lambda _logger, _method, line: masked(line))
    stream: Any = UnfailingStream(sys.stderr)
    structlog.configure(processors=processors, logger_factory=structlog.WriteLoggerFactory(stream))
