"""The serial link of a device that sends lines or messages, with the questions it is asked."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from edge_agent.config_devices import DeviceTable
from edge_agent.drivers.asking import command_bytes
from edge_agent.drivers.stream import StreamLink
from edge_agent.errors import ConfigError
from edge_agent.links.asking import Question, Rounds
from edge_agent.links.serial_link import SerialLink
from edge_agent.links.watch import DeviceWatch
from edge_agent.model.moment import Moment

ASKING_READ_S = 0.02
"""How long a read waits on a line with questions: the next one goes out so soon after its time."""


def link_of(
    table: DeviceTable, layer: StreamLink, clock: Callable[[], Moment]
) -> tuple[SerialLink, Callable[[], None] | None]:
    """The link, and what to call when the device has answered; None when it is asked nothing.

    ConfigError: no port, one that can never work, or an address that the device cannot have.
    """
    questions = [
        Question(
            table.id, command_bytes(layer, command, table.address), float(command.interval or 1), float(layer.timeout)
        )
        for command in layer.poll
    ]
    if table.address is not None and not questions:
        raise ConfigError(f'device "{table.id}" is not asked, so it has no address', fix="Remove the key address")
    rounds = Rounds(questions) if questions else None
    link = SerialLink(
        table.id,
        port_of(table),
        table.baud or layer.baud,
        table.data_format or layer.format,
        clock,
        read_timeout=0.2 if rounds is None else ASKING_READ_S,
        ask=None if rounds is None else rounds.due,
    )
    return link, None if rounds is None else partial(rounds.answered, table.id)


def watch_of(table: DeviceTable, layer: StreamLink) -> DeviceWatch:
    """Its watch; a device that is silent by nature is never silent."""
    silent_after = table.silent_after or layer.silent_after
    return DeviceWatch(table.id, continuous=bool(silent_after), silent_after_s=silent_after)


def port_of(table: DeviceTable) -> str:
    """Its port; ConfigError when the site file has none."""
    if table.port is None:
        raise ConfigError(f'device "{table.id}": its port is missing', fix="Add the key port")
    return table.port
