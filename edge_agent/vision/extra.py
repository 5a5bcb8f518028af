"""The libraries of the extra `vision`: what to say on a gate where one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from edge_agent.errors import ConfigError

INSTALL = "Install it with: pip install 'tidegate[edge,vision]'"
SYSTEM_LIBRARIES = "Install it with: apt-get install libgl1 libglib2.0-0"


@contextmanager
def importing_vision(what: str, library: str) -> Iterator[None]:
    """Around the import of a library of the extra `vision`; ConfigError names what to install when it is missing.

    OpenCV's usual package needs libGL.so.1 and libgthread of the system, which Debian's base does not have: then the
    error names those packages.
    """
    try:
        yield
    except ImportError as error:
        system = ".so" in str(error) and not isinstance(error, ModuleNotFoundError)
        raise ConfigError(
            f"{what} cannot be done here",
            cause=f"the library {library} is not {'complete' if system else 'installed'} ({error})",
            fix=SYSTEM_LIBRARIES if system else INSTALL,
        ) from error
