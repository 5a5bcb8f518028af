"""Why an RTSP stream does not open. OpenCV says only that it does not: so the camera itself is asked, once.

One DESCRIBE (RFC 2326 section 10.2) without credentials, with a deadline, of which only the status line is read.
"""

from __future__ import annotations

import errno
import re
import socket
from urllib.parse import urlsplit

from edge_agent.links.camera.source import CameraError, unreadable
from edge_agent.links.http_pull import LOCKED_S

ANSWER_S = 5.0
MOST_BYTES = 4096
DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322}  # RFC 7826 section 28.1
_TOO_MANY = (453, 503)  # Not Enough Bandwidth (RFC 2326 section 11.3.7), Service Unavailable


def rtsp_cause(url: str, *, has_user: bool) -> CameraError:
    """What keeps the stream at `url`, which has no password in it, from being opened."""
    parts = urlsplit(url)
    try:
        status = _status(url, parts.hostname or "", parts.port or DEFAULT_PORTS.get(parts.scheme, 554), parts.scheme)
    except OSError as error:
        return _unreachable(url, error)
    return _refused(url, status, has_user=has_user)


def _status(url: str, host: str, port: int, scheme: str) -> int | None:
    """The status of its answer; None when it is no RTSP answer, or is encrypted."""
    with socket.create_connection((host, port), timeout=ANSWER_S) as connection:
        if scheme == "rtsps":
            return None
        request = f"DESCRIBE {url} RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\nUser-Agent: tidegate\r\n\r\n"
        connection.sendall(request.encode())
        answer = connection.recv(MOST_BYTES)
    found = re.match(rb"RTSP/\d\.\d (\d{3})", answer)
    return int(found[1]) if found else None


def _unreachable(url: str, error: OSError) -> CameraError:
    if isinstance(error, TimeoutError):
        fix = "Check its power, its network cable and the address in `source`"
        return CameraError(f"{url} does not answer", cause="nothing came back from its address", fix=fix)
    if isinstance(error, socket.gaierror):
        return CameraError(f"{url} cannot be reached", cause="its name is not known", fix="Write its address instead")
    if error.errno == errno.ECONNREFUSED:
        fix = "Check the port in `source`; a camera that has just been switched on needs a minute"
        return CameraError(f"{url} refuses the connection", cause="nothing listens on that port", fix=fix)
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        fix = "Check this machine's own network cable and address"
        return CameraError(f"{url} cannot be reached", cause="there is no way to its network", fix=fix)
    return CameraError(f"{url} cannot be reached", cause=error.strerror or str(error), fix="Check `source`")


def _refused(url: str, status: int | None, *, has_user: bool) -> CameraError:
    known = {
        None: unreadable(
            f"{url} gives no RTSP stream",
            cause="what answers there does not speak RTSP",
            fix="Compare port and path in `source` with the camera's manual",
        ),
        200: unreadable(
            f"{url} gives no pictures",
            cause="it describes a stream, and no picture of it came or could be decoded",
            fix="Choose H.264, H.265 or MJPEG for this stream in the camera's menu",
        ),
        401: _unauthorized(url, has_user=has_user),
        404: CameraError(
            f"{url} has no such stream (404)",
            fix="Compare the path in `source` with the camera's manual; it also names the channel",
        ),
    }
    if status in _TOO_MANY:
        cause = "too many clients watch it"
        return CameraError(f"{url} serves no further stream ({status})", cause=cause, fix="Close other clients")
    unknown = CameraError(f"{url} answers {status}", fix="Compare `source` with the camera's manual")
    return known.get(status, unknown)


def _unauthorized(url: str, *, has_user: bool) -> CameraError:
    if not has_user:
        return CameraError(f"{url} asks for a user and password", fix="Write user and password_file")
    fix = f"Correct user and password_file. It is asked again in {LOCKED_S:g} s, so that it does not lock the user"
    return CameraError(f"{url} refuses the user or the password", fix=fix, pause_s=LOCKED_S)
