"""Messages a second on one core for every profile that is neither scale nor camera: `python -m benchmarks.devices`.

The stream is the profile's own captures without garbage, again and again, in chunks as a port gives them.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge_agent.drivers.ais.driver import AisDriver
from edge_agent.drivers.gnss.driver import GnssDriver
from edge_agent.drivers.radiation.driver import RadiationDriver
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.rfid.parser import LlrpParser
from edge_agent.drivers.stream import StreamDriver
from edge_agent.drivers.xray.driver import XrayDriver
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.profiles import load_profile

CAPTURES = Path(__file__).resolve().parents[1] / "tests" / "captures"
CHUNK = 512
MESSAGES = 1_500
REPEATS = 20
PROMISED = 20_000
"""Messages a second that every profile must reach."""

DRIVERS: dict[str, Callable[[], StreamDriver[Any]]] = {
    "radiation/tsa-rapiscan-rpm": lambda: RadiationDriver(
        load_profile("radiation/tsa-rapiscan-rpm", of=RadiationProfile)
    ),
    "xray/line-delimited": lambda: XrayDriver(load_profile("xray/line-delimited", of=XrayProfile)),
    "xray/line-fixed": lambda: XrayDriver(load_profile("xray/line-fixed", of=XrayProfile)),
    "ais/nmea0183": AisDriver,
    "gnss/nmea0183": GnssDriver,
    "rfid/llrp": LlrpParser,
}


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast the captures of a profile are read."""

    profile: str
    message_bytes: float
    messages_a_second: float

    @property
    def is_promised(self) -> bool:
        """Whether it is as fast as it must be."""
        return self.messages_a_second >= PROMISED


def speed(name: str) -> Speed:
    """Of one profile: the best of some runs, as others use the machine, too."""
    once = b"".join(
        (CAPTURES / name / sample["file"]).read_bytes()
        for sample in map(json.loads, (CAPTURES / name / "expected.jsonl").read_text().splitlines())
        if not any("garbled" in line for line in sample["expected"]["lines"])
    )
    messages = _read(name, once)
    times = max(1, MESSAGES // messages)
    best = 0.0
    for _ in range(REPEATS):
        begun = time.process_time()
        _read(name, once * times)
        best = max(best, messages * times / (time.process_time() - begun))
    return Speed(name, len(once) / messages, best)


def _read(name: str, stream: bytes) -> int:
    driver = DRIVERS[name]()
    messages = sum(len(driver.feed(stream[start : start + CHUNK])) for start in range(0, len(stream), CHUNK))
    return messages + len(driver.flush())


def main() -> None:
    """Prints a table; exit code 1 if a profile is too slow."""
    found = [speed(name) for name in DRIVERS]
    print("| profile | bytes a message | messages a second, one core |")
    print("|---|---:|---:|")
    for each in found:
        print(f"| {each.profile} | {each.message_bytes:.0f} | {each.messages_a_second:,.0f} |")
    sys.exit(0 if all(each.is_promised for each in found) else 1)


if __name__ == "__main__":
    main()
