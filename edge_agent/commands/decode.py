"""`edge-agent decode`: captured bytes in, one JSON line a frame out, and what an installer should do next."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import click

from edge_agent.drivers.engine import WRONG_CHECKSUM, Garbled
from edge_agent.drivers.scale.driver import Read, ScaleDriver
from edge_agent.drivers.schema import Profile
from edge_agent.errors import EdgeAgentError
from edge_agent.model.readings import NoWeight, Weight
from edge_agent.profiles import load_profile, profile_names

CHUNK = 65_536
SAMPLE = 65_536
"""Bytes kept for trying the other profiles on."""

Item = Read | Garbled


@click.command()
@click.option("--profile", "profile_name", required=True, metavar="KIND/MODEL", help="Device profile, scale/NAME.")
@click.option("--variant", metavar="NAME", help="Read only this variant of the frame, as the site file would pin it.")
@click.option(
    "--profile-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with profiles of your own; they go before the shipped ones.",
)
@click.argument("file", type=click.File("rb"))
@click.pass_context
def decode(
    ctx: click.Context, profile_name: str, variant: str | None, profile_dir: Path | None, file: BinaryIO
) -> None:
    """Print what the bytes in FILE (- for standard input) mean, one JSON line a frame.

    \b
    A weight:       {"offset", "hex", "reading": {"weight", "unit", "kind", "stable", "tare"}}
    No weight:      {"offset", "hex", "state"}     overload, underload or invalid
    Not a frame:    {"offset", "hex", "garbled"}   why

    Weights are decimal strings as the device resolved them; null is what the device does not say. A summary for
    the installer follows on standard error. Exit code: 0 at least one weight, 1 none, 2 wrong usage.
    """  # noqa: D301 - \b is click's mark for lines that must not be joined
    try:
        profile = load_profile(profile_name, profile_dir)
        driver = ScaleDriver(profile, variant=variant)
    except EdgeAgentError as error:
        raise click.UsageError(str(error), ctx) from error
    tally = Tally(profile, pinned=variant is not None, profile_dir=profile_dir)
    for chunk in _chunks(file):
        tally.count_bytes(chunk)
        _print(driver.feed(chunk), tally)
    _print(driver.flush(), tally)
    for line in tally.summary():
        click.echo(line, err=True)
    ctx.exit(0 if tally.weights else 1)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    """The input as it arrives; Ctrl-C ends it like an end of file, so that the summary still comes."""
    source = cast("io.BufferedReader", file)  # what click.File opens; read1 does not wait for a full chunk
    try:
        while chunk := source.read1(CHUNK):
            yield chunk
    except KeyboardInterrupt:
        return


def _print(items: list[Item], tally: Tally) -> None:
    for item in items:
        tally.count(item)
        click.echo(json.dumps(as_json(item)))


def as_json(item: Item) -> dict[str, object]:
    """One line of output. Only a frame with a weight has the key `reading`."""
    if isinstance(item, Garbled):
        return {"offset": item.offset, "hex": item.raw.hex(" "), "garbled": item.reason}
    line: dict[str, object] = {"offset": item.frame.offset, "hex": item.frame.raw.hex(" ")}
    if isinstance(item.reading, NoWeight):
        return line | {"state": item.reading.state}
    weight = item.reading
    return line | {
        "reading": {
            "weight": format(weight.value, "f"),
            "unit": weight.unit,
            "kind": weight.kind,
            "stable": weight.stable,
            "tare": None if weight.tare is None else format(weight.tare, "f"),
        }
    }


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
            yield (
                "No bytes: nothing arrived. Check the indicator's power, the cable (is the indicator's TX on this "
                "machine's RX? is ground connected?), the port's name, and that the indicator sends continuously"
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
        others = [other for other in profile_names(self._profile_dir) if other != name]
        readable = [other for other in others if self._variants_with(other, self._sample)]
        if self._pinned and (variants := self._variants_with(name, self._sample)):
            yield f"The bytes are of the variant {' and '.join(variants)}: change or remove the variant that is pinned"
        elif readable:
            yield f"The profile {' and '.join(readable)} reads these bytes: try it"
        elif self._high_bits and self._variants_with(name, bytes(byte & 0x7F for byte in self._sample)):
            yield 'Bit 7 carries parity: the port is open as 8N1, the device sends 7E1 or 7O1. Set data_format = "7E1"'
        elif not self._wrong_checksums:
            yield (
                f"Check the baud rate and format first (the profile says {link.baud} {link.format}), then which "
                "output format the indicator is set to"
                + (". Some bytes are not text, which points to the baud rate or format" if self._high_bits else "")
            )

    def _variants_with(self, name: str, data: bytes) -> list[str]:
        """The variants of frames that a profile finds in `data`."""
        try:
            driver = ScaleDriver(load_profile(name, self._profile_dir))
        except EdgeAgentError:
            return []  # a wrong profile of the installer's own is no answer to this question
        items = (*driver.feed(data), *driver.flush())
        return sorted({item.frame.variant for item in items if isinstance(item, Read)})

    def _advice(self) -> Iterator[str]:
        mask = self._profile.frame.mask
        if mask and self._high_bits:
            yield f'Bit 7 was set and is ignored. To have parity checked: data_format = "{self._profile.link.format}"'
        if self._wrong_checksums:
            yield f"{_many(self._wrong_checksums, 'frame')} with a wrong checksum: the line is disturbed"
        if len(self._profile.frame.variant) > 1 and not self._pinned and len(self._variants) == 1:
            (variant,) = self._variants
            yield f'Every frame was of the variant {variant}. Pin it in the site file: variant = "{variant}"'


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
