"""What no log may say in full: plates, document numbers, machine-readable zones, private keys. Pure.

Who writes a log line leaves these out by itself. This is what stands behind: the words of a library, of a device or of
a traceback, which nobody chose. Names of people have no form that could be found; nothing that is logged has them.
"""

from __future__ import annotations

import re
from typing import Final

COVER: Final = "•"

_KEPT: Final = 2
"""Characters at each end that stay: enough to find a vehicle among those of one hour, not to know it."""

_KEY: Final = re.compile(
    r"PRIVATE\+KEY\+\S+|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*-----|\Z)", re.DOTALL
)
_ZONE: Final = re.compile(r"(?<![A-Z0-9<])(?=[A-Z0-9]*<)[A-Z0-9<]{12,}")
_NUMBERS: Final = re.compile(
    r"""
    [一-鿿][A-Z][ ·.\-]?[A-Z0-9]{3,5}[A-Z0-9挂学警港澳使领试超](?![A-Z0-9])   # plates of the mainland, GA 36
    | WJ[一-鿿]?[0-9]{4}[0-9A-Z](?![A-Z0-9]) | 使[0-9]{6} | [0-9]{6}使   # armed police and embassies
    | (?<![0-9])[1-9][0-9]{5}(?:18|19|20)[0-9]{2}[01][0-9][0-3][0-9]{4}[0-9Xx](?![0-9])   # citizens' numbers, GB 11643
    | (?<![A-Za-z0-9])[A-Z]{1,2}[0-9]{7,8}(?![A-Za-z0-9])   # passports and permits of this region
    """,
    re.VERBOSE,
)


def masked(text: str) -> str:
    """The text with what must not stand in a log covered."""
    text = _KEY.sub("(a private key)", text)
    text = _ZONE.sub("(a machine-readable zone)", text)
    return _NUMBERS.sub(lambda found: covered(found[0]), text)


def covered(number: str) -> str:
    """A plate or a number with its middle covered; one that is too short for that is covered whole."""
    middle = len(number) - 2 * _KEPT
    if middle < 1:
        return COVER * len(number)
    return f"{number[:_KEPT]}{COVER * middle}{number[-_KEPT:]}"
