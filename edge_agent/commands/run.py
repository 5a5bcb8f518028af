"""`edge-agent run`: the agent as a service."""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO, cast

import click
import structlog

from edge_agent.app.agent import Agent
from edge_agent.app.status import StatusWriter
from edge_agent.clock import SystemClock
from edge_agent.commands._common import config_option
from edge_agent.commands._site import load_usable_site
from edge_agent.errors import ConfigError, EdgeAgentError
from edge_agent.keys import AgentKeys
from edge_agent.notify import notify
from gate_contract.masking import masked

LOG = structlog.get_logger()

WATCHDOG_EVERY_S = 5.0
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
EXIT_SOFTWARE = 70

PYSERIAL_READER = "pySerial RFC 2217 reader thread"
"""How pyserial 3.5 names the thread of an rfc2217:// port; it dies of a telnet option that ends and never began."""


@click.command()
@config_option
@click.option("--verbose", is_flag=True, help="Log every receipt, too.")
def run(config: Path, verbose: bool) -> None:
    """Run the agent until it is told to stop (SIGTERM, SIGINT)."""
    _set_up_logging(verbose=verbose)
    site = load_usable_site(config)
    keys = AgentKeys.load(site.agent.state_dir)
    if keys.identity.site_id != site.site:
        raise ConfigError(
            f"{config}: site is {site.site!r}, but this machine was enrolled for {keys.identity.site_id!r}",
            fix="correct the site file, or enrol the machine again with an invitation for this site",
        )
    threading.excepthook = _give_up
    with _stop_signals_held(), _alone(site.agent.state_dir):
        agent = Agent(site, keys, SystemClock())
        status = StatusWriter(agent)
        agent.start()
        status.start()
        notify("READY=1")
        LOG.info("agent.started", site=site.site, origin=keys.signer.name, records=agent.journal.size)
        while signal.sigtimedwait(STOP_SIGNALS, WATCHDOG_EVERY_S) is None:
            if not agent.hangs:
                notify("WATCHDOG=1")
        notify("STOPPING=1")
        LOG.info("agent.stopping")
        agent.stop_capture()
        status.stop()
        agent.close()
    LOG.info("agent.stopped")


@contextmanager
def _stop_signals_held() -> Iterator[None]:
    """Keep the stop signals for the main thread's `sigtimedwait`; threads started inside inherit that.

    A handler would not do: the kernel may deliver to any thread, and Python's main thread then sleeps on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    """Two agents on one journal would fork it: the second one is refused."""
    try:
        descriptor = os.open(state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EdgeAgentError(f"the state directory {state_dir} cannot be used", cause=error.strerror or "") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise EdgeAgentError(
            f"another agent uses {state_dir}", fix="stop it first: systemctl stop edge-agent"
        ) from error
    try:
        yield
    finally:
        os.close(descriptor)


def _give_up(failure: threading.ExceptHookArgs) -> None:
    """A thread died of a defect: end the process, so that systemd starts a whole one. The journal loses nothing."""
    name = failure.thread.name if failure.thread else ""
    if name.startswith(PYSERIAL_READER):
        # Its defect, on bytes that only a broken or hostile converter sends. The link notices and connects anew.
        LOG.warning("serial.reader_died", thread=name, problem=repr(failure.exc_value))
        return
    LOG.critical("agent.defect", thread=name, exc_info=(failure.exc_type, failure.exc_value, failure.exc_traceback))
    os._exit(EXIT_SOFTWARE)


class _Log:
    """Where the log goes. What cannot be written is lost: a log on a full disk must not end what it tells of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._stream.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


def _set_up_logging(*, verbose: bool) -> None:
    tty = sys.stderr.isatty()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if tty else structlog.processors.JSONRenderer(ensure_ascii=False),
            lambda _logger, _method, line: masked(str(line)),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if verbose else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(file=cast("TextIO", _Log(sys.stderr))),
        cache_logger_on_first_use=True,
    )
