"""Which profiles read these bytes, and how well. Pure but for loading the profiles."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from edge_agent.commands.decoders import KindDecoder, open_decoder
from edge_agent.commands.decoders.scale import ScaleDecoder
from edge_agent.errors import EdgeAgentError

LEAST_FRAMES = 2
SHOWN = 100
GOOD_SHARE = 0.9
"""Of the bytes, so many must belong to frames: the first and last frame of a sample may be cut."""

NOT_UNDERSTOOD = "sentence"
"""The kind of a line whose form alone is known: every NMEA 0183 device sends such, so it speaks for no profile."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a profile reads a sample.

    Attributes:
        readings: frames that mean something.
        garbled: bytes that belong to no frame.
        size: bytes of the sample.
        sample: the last reading, as `edge-agent decode` prints it; empty where there is none.
        states: frames without a reading, by what they say ("overload").
        weights: of a scale, each weight in turn, as its display shows it, with its unit.
        depth: see ScaleDecoder; 0 for other kinds.
        notes: what `edge-agent decode` would say to the installer.
    """

    profile: str
    readings: int
    garbled: int
    size: int
    sample: Mapping[str, object]
    states: Mapping[str, int]
    weights: Sequence[tuple[str, str]] = ()
    depth: float = 0.0
    notes: Sequence[str] = ()

    @property
    def share(self) -> float:
        """Of the bytes that belong to frames, 0 to 1."""
        return 1 - self.garbled / self.size if self.size else 0.0

    @property
    def is_good(self) -> bool:
        """Whether this is the device's language, as far as the sample tells."""
        return self.readings >= LEAST_FRAMES and self.share >= GOOD_SHARE

    @property
    def says_nothing(self) -> bool:
        """Whether it is the device's language, and the device has no reading to tell: overloaded, blank, moving."""
        return not self.readings and sum(self.states.values()) >= LEAST_FRAMES and self.share >= GOOD_SHARE

    @property
    def is_zero(self) -> bool:
        """Whether it is an empty scale, whose digits read alike forwards and backwards."""
        return bool(self.weights) and not any(set(value) & set("123456789") for value, _ in self.weights)

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "profile": self.profile,
            "readings": self.readings,
            "states": dict(self.states),
            "garbled_bytes": self.garbled,
            "bytes": self.size,
            "fits": self.is_good,
            "sample": dict(self.sample),
        }

    def told(self) -> str:
        """For a person."""
        evidence = f"e.g. {_short(self.sample)}" if self.sample else f"they say {', '.join(self.states)}"
        return f"{self.profile}: {self.readings} readings, {self.share:.0%} of the bytes, {evidence}"

    @property
    def shown(self) -> str:
        """The last reading as the device's display shows it: "12.340 kg"; "" for what is no weight."""
        reading = self.sample.get("reading")
        return f"{reading['weight']} {reading['unit']}" if isinstance(reading, dict) and "weight" in reading else ""


def fits(data: bytes, profiles: Iterable[str], profile_dir: Path | None = None) -> list[Fit]:
    """The profiles that find their frames in `data`, the best first; of equals the one whose own form it is."""
    found = [fit for name in profiles if (fit := _try(name, data, profile_dir)) is not None]
    return sorted(found, key=lambda fit: (fit.is_good, fit.share, fit.readings, -fit.depth), reverse=True)


def rivals(found: Sequence[Fit]) -> list[Fit]:
    """Of good fits, those that make other weights of the bytes than the first: the device's display must decide."""
    good = [fit for fit in found if fit.is_good]
    return [fit for fit in good[1:] if fit.weights != good[0].weights]


def _try(profile: str, data: bytes, profile_dir: Path | None) -> Fit | None:
    try:
        decoder = open_decoder(profile, variant=None, profile_dir=profile_dir)
    except EdgeAgentError:
        return None  # a library that is not installed, or a wrong profile of the installer's own
    garbled = readings = 0
    sample: dict[str, object] = {}
    states: Counter[str] = Counter()
    weights: list[tuple[str, str]] = []
    for line, is_reading in _lines(decoder, data):
        if "garbled" in line:
            garbled += len(bytes.fromhex(str(line.get("hex", ""))))
        elif is_reading:
            readings, sample = readings + 1, line
            if isinstance(reading := line.get("reading"), dict) and "weight" in reading:
                weights.append((str(reading["weight"]), str(reading["unit"])))
        elif "state" in line:
            states[str(line["state"])] += 1
    depth = decoder.depth if isinstance(decoder, ScaleDecoder) else 0.0
    notes = tuple(decoder.summary())[1:] if readings else ()  # the first has the counts
    fit = Fit(profile, readings, garbled, len(data), sample, states, weights, depth, notes)
    return fit if readings or fit.says_nothing else None


def _lines(decoder: KindDecoder, data: bytes) -> Iterable[tuple[dict[str, object], bool]]:
    """What the decoder prints, and whether it is a reading."""
    before = 0
    for lines in (decoder.feed(data), decoder.finish()):
        for line in lines:
            yield line, decoder.readings > before and line.get("kind") != NOT_UNDERSTOOD
            before = decoder.readings


def _short(sample: Mapping[str, object]) -> str:
    meaning = sample.get("reading", {key: value for key, value in sample.items() if key not in ("offset", "hex")})
    text = json.dumps(meaning, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
