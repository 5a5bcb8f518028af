"""The collector's log: one line an event on stderr, for people on a terminal, as JSON everywhere else."""

from __future__ import annotations

import sys
from typing import Any

import structlog


def configure_log() -> None:
    """Set up structlog for this process. Times are UTC."""
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if sys.stderr.isatty():
        processors.append(structlog.dev.ConsoleRenderer())
    else:
        processors += [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(processors=processors, logger_factory=structlog.PrintLoggerFactory(sys.stderr))
