"""The serial link of a device that sends lines or messages, with the questions it is asked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.asking import command_bytes
from edge_agent.drivers.stream import StreamLink
from edge_agent.errors import ConfigError
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.hello import ByteLink, without_hello
from edge_agent.links.serial_link import SerialLink
from edge_agent.links.shared_port import SharedPort
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment

SOCKET = "socket://"
ASKING_READ_S = 0.02
"""How long a read waits on a line with questions: the next one goes out so soon after its time."""


@dataclass(frozen=True, slots=True)
class StreamLinks:
    """Makes the links of devices that send lines or messages; those on one line share it and are asked in turn."""

    clock: Callable[[], Moment]
    _lines: dict[str, _Line] = field(default_factory=dict)

    def of(self, table: DeviceTable, layer: StreamLink) -> tuple[ByteLink, Callable[[], None] | None]:
        """The link, and what to call when the device has answered; None when it is asked nothing.

        ConfigError: no port, one that can never work, an address that the device cannot have, or neighbours on its
        line that do not fit.
        """
        questions, port = stream_questions_of(table, layer), port_of(table)
        setting = (table.baud or layer.baud, table.data_format or layer.format, _hello(table, layer))
        if table.address is None:
            rounds = Rounds(questions) if questions else None
            link = _opened(table.id, port, setting, self.clock, None if rounds is None else rounds.due)
            return link, None if rounds is None else partial(rounds.answered, table.id)
        line = self._lines.get(port)
        if line is None:
            _opened(table.id, port, setting, self.clock, None)  # what can never work is told now
            make = partial(_opened, table.id, port, setting, self.clock)
            line = self._lines[port] = _Line(setting, SharedPort(make))
        if line.setting != setting:
            raise ConfigError(
                f'device "{table.id}" is not set as its neighbours on {port}',
                cause=f"{setting[0]} {setting[1]} beside {line.setting[0]} {line.setting[1]}",
                fix="Set all devices of one line to the same baud, data_format and hello",
            )
        on_line = line.port.device(table.id, questions)
        return on_line, on_line.answered


Setting = tuple[int, str, bytes]
"""Baud, format, and the converter's hello."""


@dataclass(frozen=True, slots=True)
class _Line:
    setting: Setting
    port: SharedPort


def _hello(table: DeviceTable, layer: StreamLink) -> bytes:
    return bytes.fromhex(table.hello or layer.hello or "")


def _opened(
    device_id: str,
    port: str,
    setting: Setting,
    clock: Callable[[], Moment],
    ask: Callable[[Moment], bytes | None] | None,
) -> ByteLink:
    baud, data_format, hello = setting
    read_s = 0.2 if ask is None else ASKING_READ_S
    link = SerialLink(device_id, port, baud, data_format, clock, read_timeout=read_s, ask=ask)
    return without_hello(link, hello)


def stream_questions_of(table: DeviceTable, layer: StreamLink) -> list[Question]:
    """What it is asked, again and again; nothing when it sends by itself. ConfigError: an address it cannot have."""
    questions = [
        Question(
            table.id, command_bytes(layer, command, table.address), float(command.interval or 1), float(layer.timeout)
        )
        for command in layer.poll
    ]
    if table.address is not None and not questions:
        raise ConfigError(f'device "{table.id}" is not asked, so it has no address', fix="Remove the key address")
    return questions


def watch_of(table: DeviceTable, layer: StreamLink) -> DeviceWatch:
    """Its watch; a device that is silent by nature is never silent."""
    silent_after = table.silent_after or layer.silent_after
    return DeviceWatch(
        table.id,
        continuous=bool(silent_after),
        polled=bool(layer.poll),
        by_network=port_of(table).startswith(SOCKET),
        silent_after_s=silent_after,
    )


def port_of(table: DeviceTable) -> str:
    """Its port; ConfigError when the site file has none."""
    if table.port is None:
        raise ConfigError(f'device "{table.id}": its port is missing', fix="Add the key port")
    return table.port
