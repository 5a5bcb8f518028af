"""`edge-agent` with small journal segments and quick housekeeping: what is rare in a year happens every second.

The program is the real one; only these numbers differ.
"""

from __future__ import annotations

from edge_agent import cli
from edge_agent.app import house
from edge_agent.journal import sizes

KEEP_HOUSE_EVERY_S = 0.5
SEGMENT_BYTES = 24 << 10
"""About twenty passages."""


def main() -> None:
    """Run the command line with the smaller numbers."""
    house.KEEP_HOUSE_EVERY_S = KEEP_HOUSE_EVERY_S
    sizes.SEGMENT_BYTES = sizes.LEAST_SEGMENT_BYTES = SEGMENT_BYTES
    cli.main()


if __name__ == "__main__":
    main()
