"""The `[link]` layer of a profile: how the device talks, and what it is asked. Pure: nothing is sent here."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError

from edge_agent.drivers.framing import COMPUTE, Checksum
from edge_agent.drivers.layer import Layer, Position, Word, like
from edge_agent.errors import ConfigError

MAX_COMMAND = 64


class AddressLayer(Layer):
    """Where a command carries the address of one of several devices on a shared line.

    Attributes:
        at: position of its first byte in every command.
        first: the first address as text, which is also the default; `last`: the last one. Of one width.
    """

    at: Position
    first: Annotated[str, Field(min_length=1, max_length=4)]
    last: Annotated[str, Field(min_length=1, max_length=4)]

    def all(self) -> tuple[str, ...]:
        """Every address, in order; only those of one character can be counted through."""
        if len(self.first) > 1:
            return (self.first,)
        return tuple(map(chr, range(ord(self.first), ord(self.last) + 1)))

    @model_validator(mode="after")
    def _of_one_width(self) -> Self:
        if len(self.first) != len(self.last) or not self.first.isascii() or self.first > self.last:
            raise PydanticCustomError("address", "first and last are ASCII texts of one width, in this order")
        return self


HexBytes = Annotated[
    str, like(r"[0-9a-fA-F]{2}( [0-9a-fA-F]{2})*", "write bytes as hexadecimal pairs, such as '57 0d'")
]


class Command(Layer):
    """One thing that the device can be asked.

    Attributes:
        name: how people call it.
        bytes: as sent, in hexadecimal; the places of an address and a checksum hold anything.
        checksum: computed over the command with the address in place.
        interval: seconds from one sending to the next; None for a command that is sent once when asked for.
        reads: it changes nothing in the device. Only such a command may ever be sent unasked.
        changes: what it changes, for a command that does not only read.
    """

    name: Word
    bytes: HexBytes
    checksum: Checksum | None = None
    interval: Annotated[Decimal, Field(ge=Decimal("0.02"), le=3600)] | None = None
    reads: StrictBool
    changes: Literal["tare", "zero", "output", "mode", "print"] | None = None

    @model_validator(mode="after")
    def _harmless_or_told(self) -> Self:
        if self.reads == (self.changes is not None):
            raise PydanticCustomError("changes", "a command either reads, or changes something: say what")
        if self.interval is not None and not self.reads:
            raise PydanticCustomError("interval", "only a command that reads may be repeated by itself")
        size = len(bytes.fromhex(self.bytes))
        if size > MAX_COMMAND:
            raise PydanticCustomError("bytes", "a command has at most {n} bytes", {"n": MAX_COMMAND})
        if self.checksum and max(self.checksum.over[1], self.checksum.at + self.checksum.width) > size:
            raise PydanticCustomError("inside", "checksum reaches beyond the {n} bytes", {"n": size})
        return self


class LinkLayer(Layer):
    """How the device talks as delivered; the site file may override baud and format.

    Attributes:
        mode: "listen": the device sends by itself. "poll": it answers, so that the first command with an interval is
            sent again and again, each time after the answer or `timeout`.
        on_demand: it sends only when somebody prints, and is silent by nature.
        timeout: seconds within which a polled device begins its answer.
        hello: bytes that a converter in front of the device sends first on each connection, in hexadecimal.
        address: where commands carry the device's address; None when it has none.
        command: what it can be asked, in either mode.
    """

    baud: Annotated[StrictInt, Field(ge=110, le=921_600)]
    format: Annotated[str, like(r"[78][NEO][12]", "write data bits, parity and stop bits, such as '8N1' or '7E1'")]
    mode: Literal["listen", "poll"]
    on_demand: StrictBool = False
    hello: HexBytes | None = None
    timeout: Annotated[Decimal, Field(gt=0, le=60)] = Decimal("0.5")
    address: AddressLayer | None = None
    command: tuple[Command, ...] = ()

    @property
    def poll(self) -> tuple[Command, ...]:
        """The commands that are sent again and again."""
        return tuple(command for command in self.command if command.interval is not None)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        names = [command.name for command in self.command]
        if len(set(names)) < len(names):
            raise PydanticCustomError("command", "two commands have one name")
        if self.mode == "poll" and not self.poll:
            raise PydanticCustomError("command", 'mode = "poll" needs a [[link.command]] with an interval')
        if self.mode == "listen" and self.poll:
            raise PydanticCustomError("command", 'with mode = "listen" no command has an interval')
        for command in self.command:
            if self.address and len(bytes.fromhex(command.bytes)) < self.address.at + len(self.address.first):
                raise PydanticCustomError("address", "{name} is too short for an address", {"name": command.name})
        return self


def command_bytes(link: LinkLayer, command: Command, address: str | None = None) -> bytes:
    """What is sent to the device: the command with its address (None: the first) and its checksum.

    Raises:
        ConfigError: an address that this device cannot have.
    """
    sent = bytearray.fromhex(command.bytes)
    place = link.address
    if place is None:
        if address is not None:
            raise ConfigError(f"The address '{address}' cannot be used", cause="this device has none", fix="Remove it")
    else:
        chosen = address or place.first
        if len(chosen) != len(place.first) or not place.first <= chosen <= place.last:
            fix = f"Choose one from {place.first} to {place.last}"
            raise ConfigError(f"The address '{address}' cannot be used", cause="the device cannot have it", fix=fix)
        sent[place.at : place.at + len(chosen)] = chosen.encode("ascii")
    if (check := command.checksum) is not None:
        computed = COMPUTE[check.algorithm, check.encode](bytes(sent[check.over[0] : check.over[1]]))
        sent[check.at : check.at + check.width] = computed
    return bytes(sent)
