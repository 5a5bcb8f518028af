"""Which gate machine is asked, and in which language: what all commands of `gatectl` share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import click

from edge_agent.status.reading import Places, places
from edge_agent.status.words import Language

lang_option = click.option("--lang", type=click.Choice(["en", "zh"]), help="Language; else gatectl's.")
"""Of every command: whoever types it at its end means the same."""


@dataclass(frozen=True)
class Asked:
    """The site file is read when it is first needed: `--help` of a command answers without one."""

    config: Path
    language: Language

    @cached_property
    def where(self) -> Places:
        """The agent's directories. ConfigError when the site file does not say them."""
        return places(self.config)
