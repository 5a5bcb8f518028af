"""Converters that send an id of their own first on each connection: it is taken off before a driver sees the bytes."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event
from typing import Protocol

from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState

OnBytes = Callable[[bytes, Moment], None]
OnEvent = Callable[[DeviceEvent], None]


class ByteLink(Protocol):
    """A link of a device that sends bytes."""

    def run(self, on_bytes: OnBytes, on_event: OnEvent, stop: Event) -> None:
        """Open, deliver, and open again until `stop`; STARTING is told for each new connection."""
        ...


class Hello:
    """Takes one id off the beginning of a connection. Holds at most its bytes."""

    def __init__(self, hello: bytes) -> None:
        self._hello = hello
        self._held: bytes | None = b""

    def begin(self) -> None:
        """A new connection."""
        self._held = b""

    def rest_of(self, chunk: bytes) -> bytes:
        """What of these bytes, and of those held back, the device itself sent. Another beginning is left as it is."""
        if self._held is None:
            return chunk
        held = self._held + chunk
        if self._hello.startswith(held) and held != self._hello:
            self._held = held  # more of it may follow
            return b""
        self._held = None
        return held.removeprefix(self._hello)


class AfterHello:
    """A link without the id that its converter sends first."""

    def __init__(self, link: ByteLink, hello: bytes) -> None:
        self._link, self._hello = link, Hello(hello)

    def run(self, on_bytes: OnBytes, on_event: OnEvent, stop: Event) -> None:
        """As of the link."""

        def take(chunk: bytes, now: Moment) -> None:
            if rest := self._hello.rest_of(chunk):
                on_bytes(rest, now)

        def told(event: DeviceEvent) -> None:
            if event.state is DeviceState.STARTING:
                self._hello.begin()
            on_event(event)

        self._link.run(take, told, stop)


def without_hello(link: ByteLink, hello: bytes) -> ByteLink:
    """The link as it is where no id comes first."""
    return AfterHello(link, hello) if hello else link
