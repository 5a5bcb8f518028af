"""Libraries that only some gates install: what to say where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge_agent.errors import ConfigError


@contextmanager
def importing(what: str, library: str) -> Iterator[None]:
    """Around the import of a library of the extra `devices`; ConfigError names what to install when it is missing."""
    try:
        yield
    except ImportError as error:
        raise ConfigError(
            f"{what} cannot be read here",
            cause=f"the library {library} is not installed ({error})",
            fix="Install it with: pip install 'tidegate[edge,devices]'",
        ) from error
