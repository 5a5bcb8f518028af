"""Failed TLS handshakes, told in the log.

A client whose certificate is foreign or expired fails inside gRPC's C core: no servicer, interceptor or callback of
grpc-python hears of it. The core writes about it on standard error only, and names the peer only when its "handshaker"
trace is on. So that trace is turned on, descriptor 2 becomes a pipe, and a thread reads it: failed handshakes become
log lines in words, the trace's noise is dropped, everything else goes to the real standard error unchanged.
"""

from __future__ import annotations

import faulthandler
import os
import re
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from collector.agents.guesses import Guesses

TRACE = "handshaker"

MAX_LINE = 65_536
"""The trace's lines have under 2 KiB; what goes on for longer without an end is passed on in pieces."""

_CORE_LINE = re.compile(rb"[IWEF]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ([\w./-]+):\d+\] ")
_FAILURE = re.compile(rb"error=[A-Z_]+:\s*(.*)")
_LAST_LINE_OF_FAILURE = re.compile(rb"endpoint_local_address=([^,}\s]+).*?endpoint_peer_address=([^,}\s]+)")
_UNTRACED = re.compile(rb"Handshake failed with error (.*)")
_SOURCE_TRACE = re.compile(rb"=== Source Location Trace|src/core/|\s*$")

_WORDS = (
    ("certificate has expired", "its certificate has expired; the agent renews it at the enrolment port"),
    ("certificate is not yet valid", "its certificate is not valid yet: the clock of this machine is wrong"),
    ("unsupported certificate purpose", "its certificate is not for clients"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is foreign: not issued by this collector's authority"),
    ("PEER_DID_NOT_RETURN_A_CERTIFICATE", "it showed no certificate"),
    ("UNKNOWN_CA", "it does not trust this collector's certificate: it was enrolled with another collector"),
    ("CERTIFICATE_EXPIRED", "it holds this collector's certificate for expired: compare the clocks"),
    ("WRONG_VERSION_NUMBER", "it does not speak TLS"),
    ("HTTP_REQUEST", "it does not speak TLS"),
    (
        "Socket closed",
        "it hung up during TLS: a port scan, or it does not trust this collector (enrolled elsewhere, clock wrong)",
    ),
    ("timed out", "it connected and then said nothing"),
)


@dataclass(frozen=True, slots=True)
class FailedHandshake:
    """A connection that did not get through TLS.

    Attributes:
        peer: its address as gRPC writes it, "unknown" when the trace is off.
        port: our address it came to.
        reason: in words.
        detail: the C core's own text.
    """

    peer: str
    port: str
    reason: str
    detail: str


class CoreLog:
    """Reads what the C core writes. Bytes in; failed handshakes, and the lines that are to be passed on, out.

    Keeps at most MAX_LINE bytes of an unfinished line and the first line of an unfinished failure.
    """

    def __init__(self, *, traced: bool) -> None:
        """`traced`: whether the "handshaker" trace is on; without it failures have no peer."""
        self._traced = traced
        self._line = b""
        self._failure = b""  # its text, until the line with the peer comes
        self._after_noise = False

    def feed(self, chunk: bytes) -> list[FailedHandshake | bytes]:
        """What the bytes so far say."""
        *lines, self._line = (self._line + chunk).split(b"\n")
        items = [item for line in lines for item in self._read(line + b"\n")]
        if len(self._line) > MAX_LINE:
            items.append(self._line)
            self._line = b""
        return items

    def _read(self, line: bytes) -> Iterator[FailedHandshake | bytes]:
        start = _CORE_LINE.match(line)
        if start is None:
            yield from self._continued(line)
            return
        self._after_noise = False
        source, text = start[1], line[start.end() :]
        failure = _UNTRACED.search(text)
        if source == b"ssl_transport_security.cc" and failure is not None:
            # With the trace on the same comes again, with the peer.
            if not self._traced:
                yield _told("unknown", "unknown", failure[1])
        elif source in (b"handshaker.cc", b"trace.cc") or (
            source == b"channel_trace.h" and text.startswith(b"handshake manager")
        ):
            self._after_noise = True
            if text.startswith(b"CallNextHandshakerLocked:"):
                yield from self._called(text)
        else:
            yield line

    def _called(self, text: bytes) -> Iterator[FailedHandshake]:
        failure = _FAILURE.search(text)
        self._failure = b"" if failure is None else failure[1].strip()
        yield from self._named(text)

    def _continued(self, line: bytes) -> Iterator[FailedHandshake | bytes]:
        """A line without the core's prefix: the rest of a failure, the noise after it, or somebody else's."""
        if self._failure and b"args={" in line:
            yield from self._named(line)
        elif not (self._after_noise and _SOURCE_TRACE.match(line)):
            yield line

    def _named(self, line: bytes) -> Iterator[FailedHandshake]:
        names = _LAST_LINE_OF_FAILURE.search(line)
        if self._failure and names is not None:
            yield _told(names[2].decode(errors="replace"), names[1].decode(errors="replace"), self._failure)
            self._failure = b""


def _told(peer: str, port: str, failure: bytes) -> FailedHandshake:
    detail = failure.decode(errors="replace").strip()
    reason = next((words for mark, words in _WORDS if mark.lower() in detail.lower()), "TLS could not be set up")
    return FailedHandshake(peer, port, reason, detail)


def log_failed_handshakes() -> None:
    """Turn descriptor 2 into a pipe and log what the C core says about handshakes, for the life of the process.

    Call it once, before grpc is imported: the core reads its trace flags then. Called later, the peer is not known.
    Python's own sys.stderr goes to the real standard error directly, so that tracebacks never depend on the thread.
    Should the thread ever lag behind by a whole pipe, the core's lines are lost rather than its work held up; so may be
    the core's last line before it aborts the process, which is why faulthandler then writes where that was.
    """
    traced = "grpc" not in sys.modules
    if traced:
        os.environ["GRPC_TRACE"] = ",".join(filter(None, (os.environ.get("GRPC_TRACE"), TRACE)))
    sys.stderr.flush()
    real = os.dup(2)
    sys.stderr = os.fdopen(os.dup(real), "w", buffering=1, errors="backslashreplace")
    faulthandler.enable(real)
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.dup2(writer, 2)
    os.close(writer)
    threading.Thread(
        target=_read_pipe, args=(reader, real, CoreLog(traced=traced)), name="tls-log", daemon=True
    ).start()


def _read_pipe(reader: int, real: int, core_log: CoreLog) -> None:
    log = structlog.get_logger()
    told = Guesses()
    while chunk := os.read(reader, MAX_LINE):
        for item in core_log.feed(chunk):
            if isinstance(item, bytes):
                os.write(real, item)
                continue
            now = datetime.now(UTC)
            # One line a failure, but no flood of them: after ten in a minute a host is not told of for a while.
            if not told.wait(item.peer, now):
                told.refused(item.peer, now)
                log.warning(
                    "TLS handshake failed", peer=item.peer, port=item.port, reason=item.reason, detail=item.detail
                )
