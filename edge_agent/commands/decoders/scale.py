"""What `edge-agent decode` prints for a scale: one line a frame, and a diagnosis when there is no weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from edge_agent.drivers.engine import WRONG_CHECKSUM, Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.drivers.schema import Profile
from edge_agent.errors import EdgeAgentError
from edge_agent.model.readings import NoWeight, Weight
from edge_agent.profiles import load_profile, profile_names

SAMPLE = 65_536
"""Bytes kept for trying the other profiles on."""

Item = Read | Garbled


def open_decoder(profile_name: str, *, variant: str | None, profile_dir: Path | None) -> ScaleDecoder:
    """The decoder for a scale's profile; ConfigError when there is no such profile or variant."""
    profile = load_profile(profile_name, profile_dir)
    tally = Tally(profile, pinned=variant is not None, profile_dir=profile_dir)
    return ScaleDecoder(ScaleDriver(profile, variant=variant), tally)


class ScaleDecoder:
    """One scale's bytes in, its JSON lines out."""

    def __init__(self, driver: ScaleDriver, tally: Tally) -> None:
        self._driver = driver
        self._tally = tally

    @property
    def readings(self) -> int:
        """Weights so far."""
        return self._tally.weights

    @property
    def depth(self) -> float:
        """How far down in the profile's list the forms of the frames stand: 0 is its own form, more a relative's."""
        return self._tally.depth

    def feed(self, data: bytes) -> Iterator[dict[str, object]]:
        """The lines that these bytes complete."""
        self._tally.count_bytes(data)
        return self._lines(self._driver.feed(data))

    def pause(self) -> Iterator[dict[str, object]]:
        """What was held back for a next byte, as the agent takes it after so long a silence."""
        return self._lines(self._driver.flush())

    def finish(self) -> Iterator[dict[str, object]]:
        """The lines of what was held back."""
        return self.pause()

    def summary(self) -> Iterator[str]:
        """The counts, then the cause and the next step."""
        return self._tally.summary()

    def _lines(self, items: Iterable[Item]) -> Iterator[dict[str, object]]:
        for item in items:
            self._tally.count(item)
            yield as_json(item)


def as_json(item: Item) -> dict[str, object]:
    """One line of output. Only a frame with a weight has the key `reading`.

    A frame with several weights is several lines of one offset; the first has its bytes.
    """
    if isinstance(item, Garbled):
        return {"offset": item.offset, "hex": item.raw.hex(" "), "garbled": item.reason}
    line: dict[str, object] = {"offset": item.frame.offset, "hex": "" if item.index else item.frame.raw.hex(" ")}
    if item.flags:
        line["flags"] = list(item.flags)
    if isinstance(item.reading, NoWeight):
        line["state"] = item.reading.state
        if item.reading.state == "request":
            return line | {"request": dict(item.notes)}
        return {**line, **item.notes}
    weight = item.reading
    reading: dict[str, object] = {
        "weight": format(weight.value, "f"),
        "unit": weight.unit,
        "kind": weight.kind,
        "stable": weight.stable,
        "tare": None if weight.tare is None else format(weight.tare, "f"),
    }
    reading.update(item.notes)
    reading.update({name: [format(part, "f") for part in parts] for name, parts in item.parts.items()})
    return line | {"reading": reading}


class Tally:
    """Counts what was decoded and says in the end what it means."""

    def __init__(self, profile: Profile, *, pinned: bool, profile_dir: Path | None) -> None:
        self._profile = profile
        self._pinned = pinned
        self._profile_dir = profile_dir
        self._bytes = 0
        self._bytes_garbled = 0
        self._wrong_checksums = 0
        self._sample = b""
        self._high_bits = False
        self._variants: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self.weights = 0

    @property
    def depth(self) -> float:
        """See ScaleDecoder."""
        return _depth(self._profile, self._variants)

    def count_bytes(self, chunk: bytes) -> None:
        """Bytes as they come from the file."""
        self._bytes += len(chunk)
        self._sample += chunk[: SAMPLE - len(self._sample)]
        self._high_bits = self._high_bits or not chunk.isascii()

    def count(self, item: Item) -> None:
        """One line of output."""
        if isinstance(item, Garbled):
            self._bytes_garbled += len(item.raw)
            self._wrong_checksums += item.reason.startswith(WRONG_CHECKSUM)
            return
        if not item.index:
            self._variants[item.frame.variant] += 1
        if isinstance(item.reading, Weight):
            self.weights += 1
        else:
            self._states[item.reading.state] += 1

    def summary(self) -> Iterator[str]:
        """Lines for the installer: the counts, then the cause and the next step."""
        frames = self._variants.total()
        yield (
            f"{self._profile.name}: {_many(self._bytes, 'byte')}, {_many(frames, 'frame')}, "
            f"{_many(self.weights, 'weight')}, {_many(self._bytes_garbled, 'byte')} garbled"
        )
        if not self._bytes:
            sends = "the indicator sends continuously"
            asked = "somebody asks: such a device only answers"
            yield (
                "No bytes: nothing arrived. Check the indicator's power, the cable (is the indicator's TX on this "
                "machine's RX? is ground connected?), the port's name, and that "
                + (asked if self._profile.link.mode == "poll" else sends)
            )
        elif not frames:
            yield from self._no_frames()
        elif not self.weights:
            states = ", ".join(f"{_many(count, 'frame')} {state}" for state, count in self._states.items())
            yield (
                f"Frames but no reading: {states}. Look at the indicator's display: is it overloaded, blank or "
                "not in kg, g, t or lb? If it shows a weight, it speaks a dialect that this profile does not know"
            )
        if frames:
            yield from self._advice()

    def _no_frames(self) -> Iterator[str]:
        link, name = self._profile.link, self._profile.name
        yield f"Bytes but no frames: what arrives is not what {name} describes"
        if self._wrong_checksums:
            yield (
                f"{_many(self._wrong_checksums, 'frame')} had the right form and a wrong checksum: a disturbed line, "
                "or a device that computes it in another way. Never use such weights"
            )
        if self._pinned and (variants := self._frames_with(name, self._sample)):
            which = " and ".join(sorted(variants))
            yield f"The bytes are of the variant {which}: change or remove the variant that is pinned"
        elif readable := self._profiles_that_read():
            others = f", or {' or '.join(readable[1:])}" if readable[1:] else ""
            yield f"The profile {readable[0]} reads these bytes: try it{others}"
        elif self._high_bits and self._frames_with(name, bytes(byte & 0x7F for byte in self._sample)):
            yield 'Bit 7 carries parity: the port is open as 8N1, the device sends 7E1 or 7O1. Set data_format = "7E1"'
        elif not self._wrong_checksums:
            yield (
                f"Check the baud rate and format first (the profile says {link.baud} {link.format}), then which "
                "output format the indicator is set to"
                + (". Some bytes are not text, which points to the baud rate or format" if self._high_bits else "")
            )

    def _profiles_that_read(self) -> list[str]:
        """The other profiles of scales that find the most in what arrived; first whose own form it is."""
        others = (name for name in profile_names(self._profile_dir) if name.startswith("scale/"))
        frames = {name: self._frames_with(name, self._sample) for name in others if name != self._profile.name}
        most = max((found.total() for found in frames.values()), default=0)
        best = [name for name, found in frames.items() if found and found.total() == most]
        return sorted(best, key=lambda name: _depth(load_profile(name, self._profile_dir), frames[name]))

    def _frames_with(self, name: str, data: bytes) -> Counter[str]:
        """How many frames a profile finds in `data` that tell something about the load, by variant."""
        try:
            driver = ScaleDriver(load_profile(name, self._profile_dir))
        except EdgeAgentError:
            return Counter()  # a wrong profile of the installer's own is no answer to this question
        items = (*driver.feed(data), *driver.flush())
        return Counter(item.frame.variant for item in items if isinstance(item, Read) and item.is_about_the_load)

    def _advice(self) -> Iterator[str]:
        mask = self._profile.frame.mask
        if mask and self._high_bits:
            yield f'Bit 7 was set and is ignored. To have parity checked: data_format = "{self._profile.link.format}"'
        if self._wrong_checksums:
            yield f"{_many(self._wrong_checksums, 'frame')} with a wrong checksum: the line is disturbed"
        rivals = [shape.name for shape in self._profile.frame.variant if shape.state is None]
        found = [variant for variant in self._variants if variant in rivals]
        if len(rivals) > 1 and not self._pinned and len(found) == 1:
            (variant,) = found
            yield f'Every frame was of the variant {variant}. Pin it in the site file: variant = "{variant}"'


def _depth(profile: Profile, variants: Counter[str]) -> float:
    order = [shape.name for shape in profile.frame.variant]
    return sum(order.index(name) * count for name, count in variants.items()) / (variants.total() or 1)


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
