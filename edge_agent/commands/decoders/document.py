"""What `edge-agent decode` prints for a document reader: a line a document, its holder covered unless asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from edge_agent.commands.decoders.stream import StreamDecoder, no_variant
from edge_agent.drivers.document.schema import DocumentProfile
from edge_agent.drivers.document.zone import Zone, ZoneParser
from edge_agent.profiles import load_profile

COVER = "•"
LEAST_SHOWN = 6
"""Characters that a number must have for its ends to be shown."""


def open_decoder(
    profile_name: str, *, variant: str | None, profile_dir: Path | None, reveal: bool = False
) -> StreamDecoder[Zone]:
    """The decoder for a document reader's profile; ConfigError when there is none of that name.

    `reveal`: names, numbers, births and bytes as they are.
    """
    profile = load_profile(profile_name, profile_dir, of=DocumentProfile)
    no_variant(profile_name, variant)
    driver = ZoneParser(profile.zone, reveal=reveal)
    return StreamDecoder(profile_name, "document", driver, _describer(datetime.now(UTC).date(), reveal=reveal))


def masked(number: str) -> str:
    """A number by its first character and its last two; all covered when it is short."""
    if len(number) < LEAST_SHOWN:
        return COVER * len(number)
    return f"{number[0]}{COVER * (len(number) - 3)}{number[-2:]}"


def _describer(today: date, *, reveal: bool) -> Callable[[Zone], dict[str, object]]:
    def describe(zone: Zone) -> dict[str, object]:
        document = zone.document(today)
        line: dict[str, object] = {
            "kind": document.kind,
            "code": document.code,
            "issuer": document.issuer,
            "number": document.number if reveal else masked(document.number),
            "expires": None if document.expires is None else document.expires.isoformat(),
            "faults": list(document.faults),
        }
        if reveal:
            line |= {
                "surname": document.surname,
                "given_names": document.given_names,
                "birth": document.birth,
                "nationality": document.nationality,
                "sex": document.sex or None,
            }
        return line

    return describe
