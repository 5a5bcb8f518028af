"""Points of an input/output device: which register or line, as a site file or profile writes it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

PointTable = Literal["coil", "discrete", "holding", "input", "line"]
"""The four tables of Modbus (Modbus Application Protocol V1.1b3, 4.3), and a GPIO line."""

Pull = Literal["pull-up", "pull-down"]

HIGHEST_ADDRESS = 65_535
EXAMPLE = '"discrete:0", "coil:3 inverted", "input:4.2" (bit 2 of register 4), or for GPIO "line:17 inverted pull-up"'

_FORM = re.compile(
    rf"({'|'.join(get_args(PointTable))}):(\d{{1,5}})(?:\.(\d{{1,2}}))?( inverted)?(?: (pull-up|pull-down))?"
)
_REGISTERS = ("holding", "input")


@dataclass(frozen=True, slots=True)
class Point:
    """One bit or register.

    Attributes:
        address: counted from 0, as on the wire; manuals that count from 1 or 40001 must be converted.
        bit: of a register, 0 the lowest; None for a coil, a discrete input, a line or a whole register.
        inverted: active when 0.
        pull: the bias of a GPIO line; None leaves it as it is.
    """

    table: PointTable
    address: int
    bit: int | None = None
    inverted: bool = False
    pull: Pull | None = None

    @property
    def is_register(self) -> bool:
        """Whether it is a whole 16-bit register."""
        return self.table in _REGISTERS and self.bit is None

    @property
    def writable(self) -> bool:
        """Whether Modbus or GPIO can set it."""
        return self.table in {"coil", "line"} or (self.table == "holding" and self.bit is None)


def point(text: str) -> Point:
    """What this text names; ValueError shows how to write one."""
    found = _FORM.fullmatch(text)
    if found is None or int(found[2]) > HIGHEST_ADDRESS:
        raise ValueError(f"{text!r} is no input or output; write e.g. {EXAMPLE}")
    table: PointTable = next(each for each in get_args(PointTable) if each == found[1])
    bit = None if found[3] is None else int(found[3])
    if bit is not None and (table not in _REGISTERS or bit > 15):  # noqa: PLR2004 - a register has 16 bits
        raise ValueError(f"{text!r}: only a holding or input register has bits, 0 to 15")
    pull: Pull | None = next((each for each in get_args(Pull) if each == found[5]), None)
    if pull is not None and table != "line":
        raise ValueError(f"{text!r}: only a GPIO line has a pull-up or pull-down")
    return Point(table, int(found[2]), bit, found[4] is not None, pull)
