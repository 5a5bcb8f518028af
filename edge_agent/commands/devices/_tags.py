"""Radio tag readers: they report only to whoever holds the conversation with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Event
from urllib.parse import urlsplit

from edge_agent.app.stream_link import port_of
from edge_agent.clock import SystemClock
from edge_agent.commands.decoders import KindDecoder, open_decoder
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.engine import Garbled
from edge_agent.drivers.rfid.parser import LlrpParser
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.rfid.session import LlrpSession
from edge_agent.links.llrp_link import TalkLink
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent, DeviceState


@dataclass(frozen=True, slots=True)
class TagSource:
    """See Source. What the profile makes the reader do (report tags) is all that it is asked for."""

    table: DeviceTable
    reader: RfidProfile

    @property
    def name(self) -> str:
        """As in the site file."""
        return self.table.id

    @property
    def profile(self) -> str:
        """As in the site file."""
        return self.table.profile

    @property
    def where(self) -> str:
        """As in the site file."""
        return port_of(self.table)

    @property
    def settings(self) -> dict[str, object]:
        """None beside its address."""
        return {}

    def decoder(self) -> KindDecoder:
        """Of messages."""
        return open_decoder(self.profile, variant=None, profile_dir=self.table.profile_dir)

    def watched(self) -> None:
        """The link tells what is wrong."""

    def listen(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: Event
    ) -> None:
        """Hold the conversation; each connection begins a new one."""
        address = urlsplit(self.where)
        link = TalkLink(self.name, address.hostname or "", address.port or self.reader.link.tcp_port, SystemClock())
        parser, session = LlrpParser(), LlrpSession(self.reader)

        def told(event: DeviceEvent) -> None:
            nonlocal parser, session
            if event.state is DeviceState.STARTING:
                parser, session = LlrpParser(), LlrpSession(self.reader)
            on_event(event)

        def take(data: bytes, now: Moment) -> bytes:
            on_bytes(data, now)
            messages = [item.said for item in parser.feed(data) if not isinstance(item, Garbled)]
            return b"".join(session.take(message) for message in messages)

        def goodbye() -> bytes:
            return session.close()

        link.run(take, told, stop, goodbye)
