"""Prints docs/devices/others.md: `python -m edge_agent.drivers.others > docs/devices/others.md`."""

from __future__ import annotations

import sys

from edge_agent.drivers.ais.schema import AisProfile
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.gnss.schema import GnssProfile
from edge_agent.drivers.io.schema import IoProfile
from edge_agent.drivers.others.page import AnyProfile, page
from edge_agent.drivers.radiation.schema import RadiationProfile
from edge_agent.drivers.rfid.schema import RfidProfile
from edge_agent.drivers.ultrasonic.schema import UltrasonicProfile
from edge_agent.drivers.xray.schema import XrayProfile
from edge_agent.profiles import load_profile, profile_names

KINDS: dict[str, type[AnyProfile]] = {
    "radiation": RadiationProfile,
    "xray": XrayProfile,
    "ais": AisProfile,
    "gnss": GnssProfile,
    "rfid": RfidProfile,
    "document": DocumentProfile,
    "io": IoProfile,
    "ultrasonic": UltrasonicProfile,
}
"""In the order of the page."""


def shipped() -> list[AnyProfile]:
    """The shipped profiles of these kinds."""
    names = profile_names()
    return [load_profile(name, of=of) for kind, of in KINDS.items() for name in names if name.startswith(f"{kind}/")]


if __name__ == "__main__":
    sys.stdout.write(page(shipped()))
