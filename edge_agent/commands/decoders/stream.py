"""What the decoders of lines and messages share: one JSON line for each, and a diagnosis when there is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Generic, TypeVar

from edge_agent.drivers.engine import WRONG_CHECKSUM, Garbled
from edge_agent.drivers.stream import Heard, StreamDriver
from edge_agent.errors import ConfigError

Said = TypeVar("Said")


class StreamDecoder(Generic[Said]):
    """A `KindDecoder` over a stream driver.

    Args:
        name: of the profile.
        noun: what one message of the device is called: "line", "sentence", "message".
        driver: bytes in, messages out.
        describe: the keys of one message's line, after `offset` and `hex`.
        further: what else a message shows, each a line of its own after it, with its offset and no bytes.
        counts: whether a message is a reading.
        closing: the lines for what the driver knows when the input ends inside something longer than a message.
        gives_up: what was held back is taken as it is after a silence, as the agent does with lines.
        serial: the device may stand on a serial line, whose baud rate and format may be wrong.
        no_reading: what to say when messages came and none was a reading.
    """

    def __init__(
        self,
        name: str,
        noun: str,
        driver: StreamDriver[Said],
        describe: Callable[[Said], dict[str, object]],
        *,
        further: Callable[[Said], Iterable[dict[str, object]]] = lambda _said: (),
        counts: Callable[[Said], bool] = lambda _said: True,
        closing: Callable[[], Iterable[dict[str, object]]] = tuple,
        gives_up: bool = True,
        serial: bool = True,
        no_reading: str = "",
    ) -> None:
        self._name, self._noun, self._driver, self._describe = name, noun, driver, describe
        self._further, self._counts, self._closing = further, counts, closing
        self._gives_up, self._serial, self._no_reading = gives_up, serial, no_reading
        self._bytes = 0
        self._bytes_garbled = 0
        self._reasons: Counter[str] = Counter()
        self._high_bits = False
        self._others = 0
        self.readings = 0

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """The lines that these bytes complete."""
        self._bytes += len(data)
        self._high_bits = self._high_bits or not data.isascii()
        return self._lines(self._driver.feed(data))

    def pause(self) -> Iterator[dict[str, object]]:
        """The rest of a line, if lines are what comes."""
        return self._lines(self._driver.flush()) if self._gives_up else iter(())

    def finish(self) -> Iterator[dict[str, object]]:
        """The lines of what was held back."""
        yield from self._lines(self._driver.flush())
        for line in self._closing():
            yield {"offset": self._bytes, "hex": "", **line}

    def summary(self) -> Iterator[str]:
        """The counts, then the cause and the next step."""
        yield (
            f"{self._name}: {many(self._bytes, 'byte')}, {many(self.readings, self._noun)}, "
            f"{many(self._bytes_garbled, 'byte')} garbled"
        )
        wrong = sum(count for reason, count in self._reasons.items() if reason.startswith(WRONG_CHECKSUM))
        if not self._bytes:
            yield "No bytes: nothing arrived. Check power, cable and address, and that the device is set to send"
        elif wrong:
            cause = "the line is disturbed" if self.readings else "the line is disturbed, or the profile is another's"
            yield f"{many(wrong, self._noun)} with a wrong checksum: {cause}. They were not used"
        elif not self.readings and self._others and self._no_reading:
            yield self._no_reading
        elif not self.readings and self._reasons:
            reason, _ = self._reasons.most_common(1)[0]
            what = (
                "compare baud rate, format and profile with the device"
                if self._serial
                else "is the profile the device's?"
            )
            hint = ". Some bytes are not text, which points to the baud rate or format" if self._high_bits else ""
            yield f"Bytes but no {self._noun} ({reason}): {what}{hint if self._serial else ''}"

    def _lines(self, items: Iterable[Heard[Said] | Garbled]) -> Iterator[dict[str, object]]:
        for item in items:
            head: dict[str, object] = {"offset": item.offset, "hex": item.raw.hex(" ")}
            if isinstance(item, Garbled):
                self._bytes_garbled += len(item.raw)
                self._reasons[item.reason] += 1
                yield head | {"garbled": item.reason}
            else:
                is_reading = self._counts(item.said)
                self.readings += is_reading
                self._others += not is_reading
                yield head | self._describe(item.said)
                yield from ({"offset": item.offset, "hex": "", **line} for line in self._further(item.said))


def number(value: Decimal | None) -> float | None:
    """A measured decimal as JSON knows numbers; weights and money never go this way."""
    return None if value is None else float(value)


def no_variant(profile_name: str, variant: str | None) -> None:
    """ConfigError when a variant is asked of a kind that has none."""
    if variant is not None:
        raise ConfigError(f"{profile_name} has no variant '{variant}'", fix="Leave out --variant")


def many(count: int, noun: str) -> str:
    """A count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
