"""Why a serial port cannot be opened or read, in words a technician can act on.

pyserial reports most failures as SerialException with the operating system's error somewhere in its context, and a few
only in its text (pyserial 3.5: serialposix.py, urlhandler/protocol_socket.py, rfc2217.py). Both are read here, once.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import socket
import stat
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from edge_agent.errors import LinkError
from edge_agent.links.port_inventory import holder_of, serial_ports_here

PORT_ERRORS = (OSError, ValueError, termios.error)
"""What opening and reading raise: SerialException is an OSError, termios.error is not, a bad speed is a ValueError."""

PORTS_NAMED = 8
"""A message lists so many ports at most: it must fit on a screen."""

Cause = Callable[[str, str, str], LinkError]
"""(port, settings, the error's own words) -> what to tell."""


def explain(port: str, settings: str, error: BaseException) -> str:
    """What is wrong with `port` (a path or URL; `settings` like "9600 8N1"), why, and what to do next."""
    words = str(error)
    lowered = words.lower()
    causes = _REMOTE if "://" in port else _LOCAL
    for said, by_words in _BY_WORDS:
        if said in lowered:
            return str(by_words(port, settings, words))
    for number in _numbers(error):
        if number in causes:
            return str(causes[number](port, settings, words))
    return str(
        LinkError(f"{port} cannot be read at {settings}", cause=words, fix="Look this message up in docs/serial.md")
    )


def explain_path_gone(port: str) -> str:
    """The device's path no longer exists."""
    return str(_path_missing(port, "", ""))


def explain_renumbered(port: str) -> str:
    """The path now leads to another device node than the one that is open."""
    cause = "Its adapter was plugged in again and renumbered"
    fix = "It is opened again by itself; if it comes often, check plug and cable"
    return str(LinkError(f"{port} is now {os.path.realpath(port)}", cause=cause, fix=fix))


def explain_no_answer(port: str) -> str:
    """A peer across the network has not answered yet; the same text as when it never does."""
    return str(_no_answer(port, "", ""))


def _numbers(error: BaseException | None) -> Iterator[int]:
    """The operating system's error numbers, from the error through what it was raised from."""
    while error is not None:
        if isinstance(error, TimeoutError):
            yield errno.ETIMEDOUT
        elif isinstance(error, socket.gaierror):
            yield _UNKNOWN_HOST
        elif isinstance(error, OSError) and error.errno is not None:
            yield error.errno
        elif isinstance(error, termios.error):
            yield error.args[0]
        elif isinstance(error, ValueError):
            yield errno.EINVAL
        error = error.__cause__ or error.__context__


def _path_missing(port: str, _settings: str, _words: str) -> LinkError:
    here = serial_ports_here()
    listed = ", ".join(here[:PORTS_NAMED]) + (f" and {len(here) - PORTS_NAMED} more" if len(here) > PORTS_NAMED else "")
    return LinkError(
        f"{port} does not exist",
        cause=f"The adapter is unplugged, without power, or has another name; serial ports here: {listed or 'none'}",
        fix="Plug the adapter in, or give `port` in the site file one of these names",
    )


def _not_allowed(port: str, _settings: str, _words: str) -> LinkError:
    user = _name_of(lambda: pwd.getpwuid(os.geteuid()).pw_name, os.geteuid())
    try:
        node = Path(port).stat()
    except OSError:
        return LinkError(
            f"Permission denied for {port}",
            cause=f"User {user} may not look into its directory",
            fix=f"Let user {user} search the directories above it",
        )
    group = _name_of(lambda: grp.getgrgid(node.st_gid).gr_name, node.st_gid)
    group_may = stat.S_IRGRP | stat.S_IWGRP
    if node.st_gid != 0 and node.st_mode & group_may == group_may:
        fix = f"Add the user to the group: usermod -a -G {group} {user}, then restart the agent"
    else:
        fix = (
            "Give the port to group dialout, mode 0660, by a udev rule (docs/serial.md), and add the user to that group"
        )
    return LinkError(
        f"Permission denied for {port}",
        cause=f"The agent runs as {user}; the port belongs to group {group}, mode {node.st_mode & 0o777:04o}",
        fix=fix,
    )


def _sandboxed(port: str, settings: str, words: str) -> LinkError:
    denied = _not_allowed(port, settings, words)
    denied_by_unit = "If user and group are right, the service's DeviceAllow= lacks this kind of port"
    return LinkError(denied.what, cause=denied.cause, fix=f"{denied.fix}. {denied_by_unit}")


def _busy(port: str, _settings: str, _words: str) -> LinkError:
    holder = holder_of(port)
    return LinkError(
        f"{port} is busy",
        cause=f"{holder or 'Another program that this user may not see'} holds it",
        fix=f"Stop {holder or f'it (find it with: sudo fuser -v {port})'}; the agent then opens the port by itself",
    )


def _vanished(port: str, settings: str, words: str) -> LinkError:
    if not _exists(port):
        return _path_missing(port, settings, words)
    return LinkError(
        f"{port} hung up",
        cause="Its adapter was unplugged, lost power or has no hardware behind it",
        fix="Check the adapter's plug and the USB hub's power; if it comes and goes, replace cable or hub",
    )


def _read_by_two(port: str, settings: str, words: str) -> LinkError:
    """Linux: ready to read and nothing there means hung up, or that another reader was quicker."""
    if not _exists(port):
        return _path_missing(port, settings, words)
    return LinkError(
        f"{port} hung up",
        cause="Its adapter was unplugged or lost power, or another program reads the same port",
        fix=f"Check the adapter's plug and power; then see who reads it: sudo fuser -v {port}",
    )


def _no_serial_port(port: str, _settings: str, _words: str) -> LinkError:
    return LinkError(
        f"{port} is no serial port",
        cause="The path names a file or a device of another kind",
        fix="Give `port` in the site file a path under /dev/serial/by-id",
    )


def _settings_refused(port: str, settings: str, words: str) -> LinkError:
    return LinkError(
        f"{port} does not take {settings}",
        cause=f"The adapter does not support this baud rate or data format ({words})",
        fix="Compare `baud` and `data_format` with the device's menu; if they are right, the adapter cannot do them",
    )


def _refused(port: str, _settings: str, _words: str) -> LinkError:
    host, number = _host_and_port(port)
    return LinkError(
        f"{host} refuses connections on TCP port {number}",
        cause="The device or converter is there but nothing listens on this port, or it already serves its one client",
        fix="Check the port number and that device or converter is set to TCP server mode, then who else is connected",
    )


def _no_answer(port: str, _settings: str, _words: str) -> LinkError:
    host, number = _host_and_port(port)
    return LinkError(
        f"{host} does not answer on TCP port {number}",
        cause="The device or converter is off, its network cable is out, or a firewall drops the connection",
        fix=f"Check its power and link lamp, then: ping {host}",
    )


def _no_route(port: str, _settings: str, words: str) -> LinkError:
    host, _ = _host_and_port(port)
    return LinkError(
        f"{host} cannot be reached",
        cause=f"No such machine in this network, or this machine's own network is down ({words})",
        fix=f"Check the address, this machine's cable and address (ip addr), then: ping {host}",
    )


def _unknown_host(port: str, _settings: str, words: str) -> LinkError:
    host, _ = _host_and_port(port)
    return LinkError(
        f"The host name {host} is unknown",
        cause=f"It is misspelt or the name server does not answer ({words})",
        fix="Write the address as numbers in `port`, or correct the name",
    )


def _peer_closed(port: str, _settings: str, _words: str) -> LinkError:
    host, number = _host_and_port(port)
    return LinkError(
        f"{host} closed the connection on TCP port {number}",
        cause="The device or converter restarted, or gave its one connection to another client",
        fix="If it comes again, see which other machine connects to it",
    )


def _no_rfc2217(port: str, _settings: str, _words: str) -> LinkError:
    return LinkError(
        f"{port} does not speak RFC 2217",
        cause="The server answers but does not negotiate",
        fix="Switch RFC 2217 on in the converter, or use socket:// and set speed and format in the converter itself",
    )


def _control_refused(port: str, settings: str, words: str) -> LinkError:
    return LinkError(
        f"{port} does not take {settings} over RFC 2217",
        cause=words,
        fix="Add ?ign_set_control to the URL if the server does not confirm RTS and DTR, else set its speed itself",
    )


def _exists(path: str) -> bool:
    try:
        Path(path).stat()
    except OSError:
        return False
    return True


def _host_and_port(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or url, parts.port or 0


def _name_of(look_up: Callable[[], str], number: int) -> str:
    try:
        return look_up()
    except KeyError:
        return str(number)  # an id without a name, as in a container


_UNKNOWN_HOST = -1
"""Stands for socket.gaierror, whose numbers are no errno."""

_LOCAL: dict[int, Cause] = {
    errno.ENOENT: _path_missing,
    errno.EACCES: _not_allowed,
    errno.EPERM: _sandboxed,
    errno.EBUSY: _busy,
    errno.EAGAIN: _busy,
    errno.EIO: _vanished,
    errno.ENODEV: _vanished,
    errno.ENXIO: _vanished,
    errno.ENOTTY: _no_serial_port,
    errno.EISDIR: _no_serial_port,
    errno.EINVAL: _settings_refused,
}

_REMOTE: dict[int, Cause] = {
    errno.ECONNREFUSED: _refused,
    errno.ETIMEDOUT: _no_answer,
    errno.EHOSTUNREACH: _no_route,
    errno.ENETUNREACH: _no_route,
    errno.ECONNRESET: _peer_closed,
    errno.EPIPE: _peer_closed,
    _UNKNOWN_HOST: _unknown_host,
}

_BY_WORDS: tuple[tuple[str, Cause], ...] = (
    ("returned no data", _read_by_two),
    ("socket disconnected", _peer_closed),
    ("reader thread died", _peer_closed),
    ("does not seem to support rfc2217", _no_rfc2217),
    ("does not accept parameter change", _control_refused),
    ("remote rejected value for option", _control_refused),
    ("timeout while waiting for option", _control_refused),
)
