"""What a weighing indicator puts on the wire, built from the makers' frame tables. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal, Protocol

from edge_agent.errors import EdgeAgentError

STX, ETX, CR = b"\x02", b"\x03", b"\r"
DIGITS = 6


class IndicatorFrames(Protocol):
    """One kind of indicator: how it writes a weight."""

    @property
    def division_kilograms(self) -> Decimal:
        """The indicator's division: the step in which it shows weights."""
        ...

    def encode(self, kilograms: Decimal, *, in_motion: bool = False) -> bytes:
        """One frame that shows `kilograms`, rounded to the division."""
        ...


def rounded(kilograms: Decimal, division_kilograms: Decimal) -> Decimal:
    """`kilograms` as an indicator shows it: the nearest multiple of its division, halves away from zero."""
    steps = (kilograms / division_kilograms).to_integral_value(ROUND_HALF_UP)
    return (steps * division_kilograms) + 0  # + 0 turns a negative zero into zero


@dataclass(frozen=True, slots=True)
class YaohuaA9Frames:
    """Yaohua XK3190-A9 with tF=0: `02 sign d*6 dp X1 X2 03`, 12 bytes.

    X1 X2 is the XOR of bytes 2 to 9 (sign to dp) as two nibbles, 30h added up to 9 and 37h above. There is no unit,
    stability or gross/net on the wire, so that `in_motion` changes nothing. Source: maker's manual, continuous mode,
    tF=0; agrees with the captured frames.
    """

    division_kilograms: Decimal

    def __post_init__(self) -> None:
        division_step(self.division_kilograms)

    def encode(self, kilograms: Decimal, *, in_motion: bool = False) -> bytes:  # noqa: ARG002 - this wire has no motion bit
        """One frame that shows `kilograms`, rounded to the division."""
        shown = rounded(kilograms, self.division_kilograms)
        _, decimals = division_step(self.division_kilograms)
        decimals = max(0, -decimals)
        sign = b"-" if shown < 0 else b"+"
        body = sign + _six_digits(abs(shown).scaleb(decimals), pad="0") + b"%d" % decimals
        check = 0
        for byte in body:
            check ^= byte
        return STX + body + b"%02X" % check + ETX


@dataclass(frozen=True, slots=True)
class ToledoContinuousFrames:
    """Mettler Toledo continuous output, `STX SWA SWB SWC weight*6 tare*6 CR [CHK]`: gross, in kilograms, no tare taken.

    SWA b0-2 is the place of the decimal point (0: x100, 1: x10, 2: none, 3: one place ... 7: five), b3-4 the increment
    (1, 2, 5), b5 always set. SWB b1 negative, b3 motion, b4 kilograms, b5 always set. CHK is the two's complement of
    the low-7-bit sum of all bytes before it. With a division of 10 kg and more the last zeros are not sent, as SWA
    says. Source: the makers' status tables.

    Attributes:
        with_checksum: 18 bytes with CHK, or 17 without.
        pad: how leading zeros are written; both are met in the field.
        even_parity: put the parity of a 7E1 line into bit 7, as it arrives at a port that was opened as 8N1.
    """

    division_kilograms: Decimal
    with_checksum: bool = True
    pad: Literal["0", " "] = " "
    even_parity: bool = False

    def __post_init__(self) -> None:
        division_step(self.division_kilograms)

    def encode(self, kilograms: Decimal, *, in_motion: bool = False, tare_kilograms: Decimal = Decimal(0)) -> bytes:
        """One frame that shows `kilograms`, rounded to the division; `tare_kilograms` fills the tare field."""
        shown = rounded(kilograms, self.division_kilograms)
        tare = rounded(tare_kilograms, self.division_kilograms)
        step, exponent = division_step(self.division_kilograms)
        swa = 0b10_0000 | {1: 0b01, 2: 0b10, 5: 0b11}[step] << 3 | (2 - exponent)
        swb = 0b11_0000 | in_motion << 3 | (shown < 0) << 1
        swc = 0b10_0000
        frame = STX + bytes((swa, swb, swc))
        frame += _six_digits(abs(shown).scaleb(-exponent), self.pad)
        frame += _six_digits(tare.scaleb(-exponent), self.pad) + CR
        if self.with_checksum:
            frame += bytes((-sum(frame) & 0x7F,))
        return bytes(byte | (byte.bit_count() & 1) << 7 for byte in frame) if self.even_parity else frame


def division_step(division: Decimal) -> tuple[int, int]:
    """The leading digit of a division and its power of ten: (2, 1) for 20 kg, (5, -1) for 0.5 kg.

    Raises:
        EdgeAgentError: no scale has it; they have 1, 2 or 5 times a power of ten (OIML R 76-1, 3.2).
    """
    sign, digits, exponent = division.normalize().as_tuple()
    if sign or digits not in {(1,), (2,), (5,)} or not isinstance(exponent, int) or not -4 <= exponent <= 2:  # noqa: PLR2004 - what the format can say
        raise EdgeAgentError(
            f"An indicator cannot have the division {division} kg",
            cause="divisions are 1, 2 or 5 times a power of ten, from 0.0001 to 500 kg",
            fix="Set division_kilograms to such a value, e.g. 10 or 20",
        )
    return digits[0], exponent


def _six_digits(count: Decimal, pad: Literal["0", " "]) -> bytes:
    """A whole number in six characters, leading zeros written as `pad`."""
    text = f"{int(count):d}"
    if len(text) > DIGITS:
        raise EdgeAgentError(
            f"The weight {count} does not fit into the indicator's six digits",
            cause="it is beyond what this kind of indicator can show",
            fix="Use a coarser division or a lighter vehicle",
        )
    return text.rjust(DIGITS, pad).encode("ascii")
