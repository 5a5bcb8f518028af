"""One serial port and the scales on it: each listens to all of it; whose turn it is to be asked is decided here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

from edge_agent.config import ScaleTable
from edge_agent.drivers.asking import Command, LinkLayer, command_bytes
from edge_agent.errors import ConfigError
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.hello import without_hello
from edge_agent.links.serial_link import SerialLink
from edge_agent.model.moment import Moment
from edge_agent.model.readings import DeviceEvent
from edge_agent.profiles import load_profile

ASKING_READ_S = 0.02
"""How long a read waits on a line with questions: the next one goes out so soon after its time."""


class Listener(Protocol):
    """A scale on the line."""

    def on_bytes(self, chunk: bytes, now: Moment) -> None:
        """What came on the line."""

    def on_link(self, event: DeviceEvent) -> None:
        """The port was opened or lost."""


class Line:
    """A port with one scale, or with several that are asked by address. Runs from `start` to `stop`."""

    def __init__(self, scales: Iterable[ScaleTable], clock: Callable[[], Moment]) -> None:
        """`scales` name the same port. ConfigError when a profile, the port's settings or what is asked cannot work."""
        self._tables = list(scales)
        first = self._tables[0]
        self._questions = [question for table in self._tables for question in questions_of(table)]
        link = _one_setting(self._tables)
        self._rounds = Rounds(self._questions)
        serial = SerialLink(
            first.id,
            first.port,
            first.baud or link.baud,
            first.data_format or link.format,
            clock,
            read_timeout=ASKING_READ_S if self._questions else 0.2,
            ask=self._rounds.due if self._questions else None,
        )
        self._link = without_hello(serial, bytes.fromhex(first.hello or link.hello or ""))
        self._listeners: list[Listener] = []
        self._begun = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name=f"line {first.port}", daemon=True)

    @property
    def asks(self) -> bool:
        """Whether devices are asked here; otherwise they send by themselves."""
        return bool(self._questions)

    @property
    def is_shared(self) -> bool:
        """Whether several devices answer here."""
        return len(self._tables) > 1

    def is_first(self, device_id: str) -> bool:
        """Whether this device tells what nobody can be blamed for."""
        return self._tables[0].id == device_id

    def attach(self, listener: Listener) -> None:
        """Before `start`."""
        self._listeners.append(listener)

    def answered(self, device_id: str) -> None:
        """A frame of this device came; only from within `on_bytes`."""
        self._rounds.answered(device_id)

    def start(self) -> None:
        """Open the port; again does nothing."""
        if self._begun.acquire(blocking=False):
            self._thread.start()

    def halt(self) -> None:
        """Read no more."""
        self._stop.set()

    def stop(self) -> None:
        """Halt, and wait until the port is closed."""
        self.halt()
        if self._thread.ident is not None:
            self._thread.join(timeout=3)

    def _read(self) -> None:
        self._link.run(self._on_bytes, self._on_link, self._stop)

    def _on_bytes(self, chunk: bytes, now: Moment) -> None:
        for listener in self._listeners:
            listener.on_bytes(chunk, now)

    def _on_link(self, event: DeviceEvent) -> None:
        for listener in self._listeners:
            listener.on_link(event)


def lines_of(scales: Iterable[ScaleTable], clock: Callable[[], Moment]) -> dict[str, Line]:
    """The line of each scale, by its id. ConfigError as Line."""
    by_port: dict[str, list[ScaleTable]] = {}
    for scale in scales:
        by_port.setdefault(scale.port, []).append(scale)
    return {table.id: line for tables in by_port.values() for line in (Line(tables, clock),) for table in tables}


def questions_of(table: ScaleTable) -> list[Question]:
    """What a scale is asked, again and again; nothing when it sends by itself.

    ConfigError: a command that the profile does not have or that would change the device, or an address it cannot have.
    """
    link = load_profile(table.profile, table.profile_dir).link
    return [
        Question(
            table.id,
            command_bytes(link, command, table.address),
            float(table.ask_every or command.interval or 1),
            float(link.timeout),
        )
        for command in _asked(table, link)
    ]


def _asked(table: ScaleTable, link: LinkLayer) -> Iterator[Command]:
    known = {command.name: command for command in link.command}
    if not table.ask:
        if table.ask_every is not None and not link.poll:
            raise ConfigError("ask_every needs `ask`: this device sends by itself", fix=_names(link))
        if table.address is not None and not link.poll:
            raise ConfigError("a device that sends by itself is not addressed", fix="remove `address`")
        yield from link.poll
        return
    for name in table.ask:
        if name not in known:
            raise ConfigError(f"there is no command {name!r}", fix=_names(link))
        if not known[name].reads:
            raise ConfigError(
                f"the command {name!r} changes the device ({known[name].changes}) and is never sent by itself",
                fix=_names(link),
            )
        yield known[name]


def _names(link: LinkLayer) -> str:
    readers = [command.name for command in link.command if command.reads]
    return f"it can be asked: {', '.join(readers)}" if readers else "it can be asked nothing"


def _one_setting(tables: list[ScaleTable]) -> LinkLayer:
    """How the port is opened, the same for all on it."""
    links = [load_profile(table.profile, table.profile_dir).link for table in tables]
    settings = {(t.baud or link.baud, t.data_format or link.format) for t, link in zip(tables, links, strict=True)}
    if len(settings) > 1:
        shown = " and ".join(sorted(f"{baud} {data_format}" for baud, data_format in settings))
        raise ConfigError(
            f"the devices on {tables[0].port} are set to {shown}", fix="set all devices of one line to the same"
        )
    if len(tables) > 1:
        for table, link in zip(tables, links, strict=True):
            if link.address is None or not link.poll:
                raise ConfigError(
                    f"{table.id} cannot share {table.port}: its profile {table.profile} has no address",
                    fix="give it a port of its own",
                )
            if table.address is None:
                raise ConfigError(
                    f"{table.id} shares {table.port} and has no `address`", fix="write the one its menu shows"
                )
    return links[0]
