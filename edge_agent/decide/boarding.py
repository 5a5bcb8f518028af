"""Which sailing boards through a passenger lane. Pure."""

from __future__ import annotations

from typing import Final

from edge_agent.decide.registers import Registers
from gate_contract.rules.records import Manifest
from gate_contract.v1.passage_pb2 import DIRECTION_INBOUND, LANE_KIND_EMPTY_CONTAINER, LANE_KIND_VEHICLE, Passage

MINUTE: Final = 60 * 1_000_000_000
"""Nanoseconds."""

BOARDS_AFTER: Final = 30 * MINUTE
"""A sailing that is late boards for so long after its departure."""

BOARDS_BEFORE: Final = 12 * 60 * MINUTE
"""Nobody boards earlier."""


def boarding(registers: Registers, passage: Passage, now_unix_ns: int, site_id: str) -> Manifest | None:
    """The manifest that a passage's documents are looked up in; None when no sailing boards, or it is not known.

    When two sailings board at once a document says by itself which one it is for: its pseudonym is on that manifest.
    A document that is on none is judged by the sailing that leaves next. Who arrives is on no manifest of this site,
    and vehicles are matched with declarations.
    """
    if passage.lane_kind in {LANE_KIND_VEHICLE, LANE_KIND_EMPTY_CONTAINER}:
        return None
    open_now = _boarding(registers, now_unix_ns, site_id)
    shown = {each.document.pseudonym for each in passage.readings if each.WhichOneof("body") == "document"}
    for manifest in open_now:
        if not shown.isdisjoint(manifest.tickets):
            return manifest
    return open_now[0] if open_now and passage.direction != DIRECTION_INBOUND else None


def boarding_keys(registers: Registers, now_unix_ns: int, site_id: str) -> list[str]:
    """Ids of the keys of sailings that board, the next to leave first: a document is looked up under each."""
    return [registers.keys[each.sailing_id] for each in _boarding(registers, now_unix_ns, site_id)]


def _boarding(registers: Registers, now_unix_ns: int, site_id: str) -> list[Manifest]:
    """Manifests of sailings that board at this site, the next to leave first."""
    found = []
    for sailing_id, manifest in registers.manifests.items():
        sailing = registers.sailings.get(sailing_id)
        if sailing is None or sailing.cancelled or sailing.site_id not in ("", site_id):
            continue
        departure = sailing.departure_unix_ns
        if now_unix_ns - BOARDS_AFTER <= departure <= now_unix_ns + BOARDS_BEFORE:
            found.append((departure, sailing_id, manifest))
    return [manifest for _departure, _sailing_id, manifest in sorted(found, key=lambda each: each[:2])]
