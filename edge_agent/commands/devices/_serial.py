"""Devices whose bytes come over a serial or TCP port."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from edge_agent.app.line import questions_of
from edge_agent.app.stream_link import port_of, stream_questions_of, watch_of
from edge_agent.clock import SystemClock
from edge_agent.commands.decoders import KindDecoder, open_decoder
from edge_agent.config import ScaleTable
from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.stream import StreamLink
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.hello import without_hello
from edge_agent.links.serial_link import SerialLink
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.profiles import load_profile

ASKING_READ_S = 0.02


def _unwatched() -> None:
    """Nothing is said of its silence."""


@dataclass(frozen=True, slots=True)
class SerialSource:
    """See Source.

    Attributes:
        questions: what it is asked; none when it sends by itself.
        hello: what its converter sends first.
        watched: see Source.
    """

    name: str
    profile: str
    where: str
    baud: int
    data_format: str
    variant: str | None = None
    profile_dir: Path | None = None
    questions: Sequence[Question] = ()
    hello: bytes = b""
    watched: Callable[[], DeviceWatch | None] = _unwatched

    @property
    def settings(self) -> dict[str, object]:
        """Speed and format."""
        return {"baud": self.baud, "data_format": self.data_format}

    def decoder(self) -> KindDecoder:
        """As the site file pins it."""
        return open_decoder(self.profile, variant=self.variant, profile_dir=self.profile_dir)

    def listen(
        self, on_bytes: Callable[[bytes, Moment], None], on_event: Callable[[DeviceEvent], None], stop: Event
    ) -> None:
        """See SerialLink."""
        rounds = Rounds(self.questions)

        def take(chunk: bytes, now: Moment) -> None:
            rounds.answered(self.name)  # whatever it was: a person is watching, and asks no two devices
            on_bytes(chunk, now)

        link = SerialLink(
            self.name,
            self.where,
            self.baud,
            self.data_format,
            SystemClock(),
            read_timeout=ASKING_READ_S if self.questions else 0.1,
            ask=rounds.due if self.questions else None,
        )
        without_hello(link, self.hello).run(take, on_event, stop)


def of_scale(table: ScaleTable) -> SerialSource:
    """A scale."""
    link = load_profile(table.profile, table.profile_dir).link
    questions = questions_of(table)

    def watched() -> DeviceWatch:
        return DeviceWatch(
            table.id,
            continuous=not link.on_demand,
            polled=bool(questions),
            by_network=table.port.startswith("socket://"),
            silent_after_s=table.silent_after,
        )

    return SerialSource(
        table.id,
        table.profile,
        table.port,
        table.baud or link.baud,
        table.data_format or link.format,
        table.variant,
        table.profile_dir,
        questions=questions,
        hello=bytes.fromhex(table.hello or link.hello or ""),
        watched=watched,
    )


def of_stream(table: DeviceTable, link: StreamLink) -> SerialSource:
    """A device that sends lines or sentences."""
    return SerialSource(
        table.id,
        table.profile,
        port_of(table),
        table.baud or link.baud,
        table.data_format or link.format,
        profile_dir=table.profile_dir,
        questions=stream_questions_of(table, link),
        watched=lambda: watch_of(table, link),
        hello=bytes.fromhex(table.hello or link.hello or ""),
    )
