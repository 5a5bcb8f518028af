"""What a failed request to a camera means for whoever has to mend it. Pure."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from edge_agent.errors import LinkError
from edge_agent.model.readings import DeviceState

_SERVER_ERRORS = 500
_REDIRECTS = 300


class PullError(LinkError):
    """A camera could not be asked.

    Attributes:
        state: what that makes of the device.
        pause_s: how long to wait at least before it is asked again.
    """

    def __init__(
        self,
        what: str,
        *,
        cause: str = "",
        fix: str = "",
        state: DeviceState = DeviceState.UNPLUGGED,
        pause_s: float = 0.0,
    ) -> None:
        """As EdgeAgentError."""
        super().__init__(what, cause=cause, fix=fix)
        self.state, self.pause_s = state, pause_s


def refused(where: str, status: int, headers: Mapping[str, str], *, locked_s: float) -> PullError:
    """An answer that is not 200."""
    if status == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(where, headers.get("www-authenticate", ""), locked_s)
    if status == HTTPStatus.FORBIDDEN:
        fix = "Give the user the right to receive events, or unlock it"
        return PullError(f"{where} refuses this user (403)", fix=fix, pause_s=locked_s)
    if status == HTTPStatus.NOT_FOUND:
        fix = "Compare profile, path and channel with the camera's model and firmware"
        return PullError(f"{where} has no such address (404)", fix=fix)
    if _REDIRECTS <= status < HTTPStatus.BAD_REQUEST:
        to = headers.get("location", "elsewhere")[:200]
        fix = "Write that address as url, if it is the camera's: redirects are not followed"
        return PullError(f"{where} sends us to {to}", fix=fix)
    if status >= _SERVER_ERRORS:
        cause = "it is overloaded, still starting, or serves as many streams as it can"
        return PullError(f"{where} answers {status}", cause=cause, fix="Close other clients of it, or restart it")
    return PullError(f"{where} answers {status}", fix="Compare profile, path and channel with the camera's model")


def _unauthorized(where: str, offered: str, locked_s: float) -> PullError:
    if offered and "digest" not in offered.lower():
        cause = f"it offers only {offered.split(' ', maxsplit=1)[0]}, which would send the password as it is"
        fix = "Switch on digest authentication in the camera, and write user and password_file in the site file"
        return PullError(f"{where} asks for a user and password", cause=cause, fix=fix, pause_s=locked_s)
    fix = f"Correct user and password_file. It is asked again in {locked_s:g} s, so that it does not lock the user"
    return PullError(f"{where} refuses the user or the password", fix=fix, pause_s=locked_s)


def unreachable(where: str, error: Exception, silent_s: float) -> PullError:
    """No answer, or one that broke off."""
    text = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout():
            fix = "Check its power, its network cable and the address in url"
            return PullError(f"{where} does not answer", cause="nothing came back from its address", fix=fix)
        case httpx.ConnectError():
            return _not_connected(where, error, text)
        case httpx.ReadTimeout():
            fix = "Check its network cable; if it is there, restart the camera"
            what, cause = f"{where} has said nothing for {silent_s:g} s", "it hangs, or the network in between is cut"
            return PullError(what, cause=cause, fix=fix, state=DeviceState.SILENT)
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
            fix = "It is asked again; if it happens often, look at its power and network cable"
            return PullError(f"{where} broke off its answer", cause=text, fix=fix)
        case KeyError() | NotImplementedError():
            cause = f"its digest challenge asks for something that is not known here: {text}"
            return PullError(f"{where} asks for a user and password", cause=cause, fix="Update the camera's firmware")
        case _:
            return PullError(f"{where} cannot be asked", cause=text, fix="Check the url")


def _not_connected(where: str, error: httpx.ConnectError, text: str) -> PullError:
    below = _below(error)
    if isinstance(below, ssl.SSLError):
        cause = getattr(below, "verify_message", "") or text
        fix = "Name the camera's certificate in the site file: ca_file, or fingerprint"
        return PullError(f"{where} does not prove who it is", cause=cause, fix=fix)
    if isinstance(below, OSError) and below.errno == errno.ECONNREFUSED:
        fix = "Check the port in url; a camera that has just been switched on needs a minute"
        return PullError(f"{where} refuses the connection", cause="nothing listens on that port", fix=fix)
    if isinstance(below, OSError) and below.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        fix = "Check this machine's own network cable and address"
        return PullError(f"{where} cannot be reached", cause="there is no way to its network", fix=fix)
    return PullError(f"{where} cannot be reached", cause=text, fix="Check the name or address in url")


def _below(error: BaseException) -> BaseException:
    """The first of the errors underneath: httpx and httpcore wrap it."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error
