"""When the collector says no, or the two do not fit: what to raise, and whether trying again soon helps. Pure."""

from __future__ import annotations

from edge_agent.errors import UplinkError
from gate_contract.v1 import uplink_pb2 as pb

FOR_A_PERSON = (
    pb.REFUSAL_CODE_FORK,
    pb.REFUSAL_CODE_BAD_SEAL,
    pb.REFUSAL_CODE_TOO_LARGE,
    pb.REFUSAL_CODE_MALFORMED,
    pb.REFUSAL_CODE_BAD_PROOF,
)
"""Refusals that the same records will meet again."""


class StandstillError(UplinkError):
    """Nothing goes up until a person has acted: trying again soon does not help. Capture goes on."""


def refused(refusal: pb.Refusal) -> UplinkError:
    """What to raise for a refusal."""
    kind = StandstillError if refusal.code in FOR_A_PERSON else UplinkError
    return kind(f"the collector refused a batch ({pb.RefusalCode.Name(refusal.code)})", cause=refusal.text)


def check_held(held: int, size: int) -> None:
    """StandstillError when the collector welcomes a journal of `size` records with more than that."""
    if held > size:
        raise StandstillError(
            f"the collector holds {held} records of this journal, which has {size}",
            cause="the journal was replaced by an older copy",
            fix="enrol this machine again: a new key begins a new journal",
        )
