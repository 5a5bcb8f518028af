"""An id that a converter sends first: taken off once a connection, however it is cut, and nothing else with it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Event

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.links.hello import Hello, without_hello
from edge_agent.model.moment import Moment, MonoNs, WallNs
from edge_agent.model.readings import DeviceEvent, DeviceState

NOW = Moment(WallNs(0), MonoNs(0), bytes(16), synchronised=False)
HELLO = b"DTU01"


@given(st.sampled_from([b"", b"D", b"DTU", HELLO, b"DTU02"]), st.binary(max_size=12), st.lists(st.integers(0, 20)))
def test_only_a_whole_id_is_taken_off_however_the_bytes_are_cut(first: bytes, data: bytes, cuts: list[int]) -> None:
    stream = first + data + b"\r\n"  # no id ends so: nothing is held back in the end
    edges = sorted({0, *(min(cut, len(stream)) for cut in cuts), len(stream)})
    hello = Hello(HELLO)

    passed = b"".join(hello.rest_of(stream[start:end]) for start, end in pairwise(edges))

    assert passed == (stream.removeprefix(HELLO))


class Played:
    """A link that plays connections."""

    def __init__(self, *connections: bytes) -> None:
        self._connections = connections

    def run(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: Event
    ) -> None:
        del stop
        for connection in self._connections:
            on_event(DeviceEvent("a", NOW, DeviceState.STARTING, "open"))
            on_bytes(connection[:3], NOW)
            on_bytes(connection[3:], NOW)


def test_each_connection_begins_with_the_id_again() -> None:
    heard: list[bytes] = []
    link = without_hello(Played(HELLO + b"12 kg", HELLO + b"13 kg"), HELLO)

    link.run(lambda chunk, _now: heard.append(chunk), lambda _event: None, Event())

    assert heard == [b"12 kg", b"13 kg"]


def test_where_no_id_comes_first_the_link_is_as_it_was() -> None:
    link = Played(b"")

    assert without_hello(link, b"") is link
