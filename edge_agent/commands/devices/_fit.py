"""Which profiles read these bytes, and how well. Pure but for loading the profiles."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from edge_agent.commands.decoders import open_decoder
from edge_agent.commands.decoders.scale import ScaleDecoder
from edge_agent.errors import EdgeAgentError

LEAST_READINGS = 2
SHOWN = 100
GOOD_SHARE = 0.9
"""Of the bytes, so many must belong to frames: the first and last frame of a sample may be cut."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How a profile reads a sample.

    Attributes:
        readings: frames that mean something.
        garbled: bytes that belong to no frame.
        size: bytes of the sample.
        sample: the last reading, as `edge-agent decode` prints it.
        depth: see ScaleDecoder; 0 for other kinds.
    """

    profile: str
    readings: int
    garbled: int
    size: int
    sample: dict[str, object]
    depth: float = 0.0

    @property
    def share(self) -> float:
        """Of the bytes that belong to frames, 0 to 1."""
        return 1 - self.garbled / self.size if self.size else 0.0

    @property
    def is_good(self) -> bool:
        """Whether this is the device's language, as far as the sample tells."""
        return self.readings >= LEAST_READINGS and self.share >= GOOD_SHARE

    def as_json(self) -> dict[str, object]:
        """For scripts."""
        return {
            "profile": self.profile,
            "readings": self.readings,
            "garbled_bytes": self.garbled,
            "bytes": self.size,
            "fits": self.is_good,
            "sample": self.sample,
        }

    def told(self) -> str:
        """For a person."""
        return f"{self.profile}: {self.readings} readings, {self.share:.0%} of the bytes, e.g. {_short(self.sample)}"


def fits(data: bytes, profiles: Iterable[str]) -> list[Fit]:
    """The profiles that find readings in `data`, the best first; of equals the one whose own form it is."""
    found = [fit for name in profiles if (fit := _try(name, data)) is not None]
    return sorted(found, key=lambda fit: (fit.is_good, fit.share, fit.readings, -fit.depth), reverse=True)


def _try(profile: str, data: bytes) -> Fit | None:
    try:
        decoder = open_decoder(profile, variant=None, profile_dir=None)
    except EdgeAgentError:
        return None  # a library that is not installed, or a wrong profile of the installer's own
    garbled = 0
    sample: dict[str, object] = {}
    before = 0
    for lines in (decoder.feed(data), decoder.finish()):
        for line in lines:
            if "garbled" in line:
                garbled += len(bytes.fromhex(str(line.get("hex", ""))))
            elif decoder.readings > before:
                before, sample = decoder.readings, line
    if not decoder.readings:
        return None
    depth = decoder.depth if isinstance(decoder, ScaleDecoder) else 0.0
    return Fit(profile, decoder.readings, garbled, len(data), sample, depth)


def _short(sample: dict[str, object]) -> str:
    meaning = sample.get("reading", {key: value for key, value in sample.items() if key not in ("offset", "hex")})
    text = json.dumps(meaning, ensure_ascii=False)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
