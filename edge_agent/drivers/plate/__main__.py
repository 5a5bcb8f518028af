"""Prints docs/devices/plate-cameras.md: `python -m edge_agent.drivers.plate > docs/devices/plate-cameras.md`."""

import sys

from edge_agent.drivers.plate.page import page
from edge_agent.drivers.plate.schema import PlateProfile
from edge_agent.profiles import load_profile, profile_names

names = [name for name in profile_names() if name.startswith("plate/")]
sys.stdout.write(page(load_profile(name, of=PlateProfile) for name in names))
