"""Ports for the programs of a story, that nothing else takes before they are listened on, nor while a program is down.

The kernel picks the local port of outgoing connections from its ephemeral range (Linux: 32768 and up, ip(7),
`ip_local_port_range`). A port of that range that is free now may be a connection's a moment later; one below it is not.
"""

from __future__ import annotations

import secrets
import socket
from collections.abc import Iterator
from itertools import count

PORTS = range(10_240, 32_768)


def free_ports(number: int) -> list[int]:
    """Ports of the loopback address nobody listens on; none is given twice until all were."""
    return [next(_FREE) for _ in range(number)]


def free_port() -> int:
    """One of them."""
    return next(_FREE)


def _ports() -> Iterator[int]:
    # Each process begins somewhere else: test processes beside each other do not meet.
    begin = secrets.randbelow(len(PORTS))
    for number in count(begin):
        port = PORTS[number % len(PORTS)]
        if _free(port):
            yield port


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


_FREE = _ports()
