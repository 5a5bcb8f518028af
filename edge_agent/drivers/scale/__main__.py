"""Prints docs/devices/scales.md: `python -m edge_agent.drivers.scale > docs/devices/scales.md`."""

import sys

from edge_agent.drivers.scale.page import page
from edge_agent.profiles import load_profile, profile_names

sys.stdout.write(page(load_profile(name) for name in profile_names() if name.startswith("scale/")))
