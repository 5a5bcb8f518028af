"""What a failed request to a camera means for whoever has to mend it. Pure."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Mapping
from http import HTTPStatus

import httpx

from edge_agent.errors import LinkError
from edge_agent.links.http_tls import OTHER_FINGERPRINT
from edge_agent.model.readings import DeviceState

_PIN = "pin it in the site file: fingerprint"
_ADDRESS = f"Write the name or address that its certificate has in url, or {_PIN}"
_TRUST = {
    9: "Compare this machine's clock and the camera's: one of them is wrong",
    10: f"Renew the camera's certificate, or {_PIN}; if its date is right, this machine's clock is wrong",
    62: _ADDRESS,
    64: _ADDRESS,
    OTHER_FINGERPRINT: "If the camera was replaced or reset, take its new fingerprint at the camera and correct "
    "fingerprint; if not, somebody else answers at its address: find out who",
}
"""What to do, by OpenSSL's verify_code (x509_vfy.h): not yet valid, expired, another name, another address."""

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


def refused(where: str, status: int, headers: Mapping[str, str], *, locked_s: float, user: str) -> PullError:
    """An answer that is not 200; `user` is whom the site file names, "" for nobody."""
    if status == HTTPStatus.UNAUTHORIZED:
        return _unauthorized(where, headers.get("www-authenticate", ""), locked_s, user)
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


def _unauthorized(where: str, offered: str, locked_s: float, user: str) -> PullError:
    what = f"{where} asks for a user and password"
    if not user:
        locked_s = 0.0  # nobody was tried
    if offered and "digest" not in offered.lower():
        cause = f"it offers only {offered.split(' ', maxsplit=1)[0]}, which would send the password as it is"
        fix = "Switch on digest authentication in the camera, and write user and password_file in the site file"
        return PullError(what, cause=cause, fix=fix, pause_s=locked_s)
    if not user:
        return PullError(what, cause="the site file names none", fix="Write user and password_file for this camera")
    fix = f"Correct user and password_file. It is asked again in {locked_s:g} s, so that it does not lock the user"
    return PullError(f"{where} refuses the user or the password", fix=fix, pause_s=locked_s)


def unreachable(where: str, error: Exception, silent_s: float) -> PullError:
    """No answer, or one that broke off."""
    text = str(error) or type(error).__name__
    match error:
        case httpx.ConnectTimeout():
            cause, fix = (
                "nothing came back from its address",
                "Check its power, its network cable and the address in url",
            )
            if "https://" in where:
                cause += ", or no TLS from its port"
                fix += "; if it answers ping, whether that port is its https port"
            return PullError(f"{where} does not answer", cause=cause, fix=fix)
        case httpx.ConnectError():
            return _not_connected(where, error, text)
        case httpx.ReadTimeout():
            fix = "Check its network cable; if it is there, restart the camera"
            what, cause = f"{where} has said nothing for {silent_s:g} s", "it hangs, or the network in between is cut"
            return PullError(what, cause=cause, fix=fix, state=DeviceState.SILENT)
        case httpx.RemoteProtocolError() | httpx.ReadError() | httpx.WriteError():
            return _broken(where, error, text)
        case KeyError() | NotImplementedError():
            cause = f"its digest challenge asks for something that is not known here: {text}"
            return PullError(f"{where} asks for a user and password", cause=cause, fix="Update the camera's firmware")
        case _:
            return PullError(f"{where} cannot be asked", cause=text, fix="Check the url")


def _broken(where: str, error: Exception, text: str) -> PullError:
    closed = "disconnected" in text or "peer closed" in text  # as httpcore and h11 say it
    if isinstance(error, httpx.RemoteProtocolError) and not closed:
        fix = "Check host, port and http or https in url: something else seems to listen there"
        return PullError(f"{where} answers, but not in HTTP", cause=text, fix=fix)
    fix = "It is asked again; if it happens often, look at its power and network cable"
    return PullError(f"{where} broke off its answer", cause=text.rstrip("."), fix=fix)


def _not_connected(where: str, error: httpx.ConnectError, text: str) -> PullError:
    below = _below(error)
    if isinstance(below, ssl.SSLCertVerificationError):
        cause = below.verify_message.rstrip(".") or text
        return PullError(f"{where} does not prove who it is", cause=cause, fix=_trust(below))
    if isinstance(below, ssl.SSLError):
        fix = "Check that the port in url is the camera's https port; for its http port write http://"
        return PullError(f"{where} does not speak TLS that this gate knows", cause=text, fix=fix)
    if isinstance(below, socket.gaierror):
        cause = f"its name is unknown: misspelt, or the name server does not answer ({text})"
        return PullError(f"{where} cannot be reached", cause=cause, fix="Write its address as numbers in url")
    if isinstance(below, OSError) and below.errno == errno.ECONNREFUSED:
        fix = "Check the port in url; a camera that has just been switched on needs a minute"
        return PullError(f"{where} refuses the connection", cause="nothing listens on that port", fix=fix)
    if isinstance(below, OSError) and below.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        fix = "Check this machine's own network cable and address"
        return PullError(f"{where} cannot be reached", cause="there is no way to its network", fix=fix)
    return PullError(f"{where} cannot be reached", cause=text, fix="Check the name or address in url")


def _trust(error: ssl.SSLCertVerificationError) -> str:
    """What to do about a certificate that is not believed."""
    return _TRUST.get(error.verify_code, "Name the camera's certificate in the site file: ca_file, or fingerprint")


def _below(error: BaseException) -> BaseException:
    """The first of the errors underneath: httpx and httpcore wrap it."""
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return error
