from __future__ import annotations

import socket
from contextlib import closing, suppress

from edge_agent.simulate.ports import PORTS, free_port, free_ports


def test_ports_are_below_what_the_kernel_gives_to_connections_and_none_comes_twice() -> None:
    given = free_ports(50)
    assert len(set(given)) == 50
    assert all(port in PORTS for port in given)


def test_a_port_that_somebody_listens_on_is_left_out() -> None:
    before = free_port()
    with closing(socket.socket()) as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody else has it already: as good
            taken.bind(("127.0.0.1", before + 1))
        taken.listen()
        assert before + 1 not in free_ports(5)
