"""`edge-agent` with small journal segments and quick housekeeping: what is rare in a year happens every second.

The program is the real one; only these numbers differ.
"""

from __future__ import annotations

from edge_agent import cli
from edge_agent.app import agent
from edge_agent.journal import journal

KEEP_HOUSE_EVERY_S = 0.5
SEGMENT_BYTES = 24 << 10
"""About twenty passages."""


def main() -> None:
    """Run the command line with the smaller numbers."""
    agent.KEEP_HOUSE_EVERY_S = KEEP_HOUSE_EVERY_S
    journal.SEGMENT_BYTES = journal.LEAST_SEGMENT_BYTES = SEGMENT_BYTES
    cli.main()


if __name__ == "__main__":
    main()
