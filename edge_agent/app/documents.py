"""Which sailing a document is for: the one whose manifest has it, among those that board."""

from __future__ import annotations

from typing import Protocol

from edge_agent.decide.known import Known
from edge_agent.model.document_reading import SailingKey, SailingOf
from edge_agent.model.moment import Moment
from gate_contract.personal import pseudonym


class Reference(Protocol):
    """What a gate knows of sailings."""

    def known(self, now: Moment) -> Known:
        """What is known now."""
        ...

    def boarding_keys(self, now: Moment) -> list[tuple[str, bytes]]:
        """Key ids and keys of the sailings that board, the next to leave first."""
        ...


def sailing_of(reference: Reference) -> SailingOf:
    """Finds the sailing of a document; one that is on no manifest is taken to be for the next to leave."""

    def found(issuer: str, number: str, now: Moment) -> SailingKey | None:
        registers = reference.known(now).registers
        names = {key_id: sailing_id for sailing_id, key_id in registers.keys.items()}
        boarding = [
            SailingKey(key_id, names[key_id], key) for key_id, key in reference.boarding_keys(now) if key_id in names
        ]
        for each in boarding:
            manifest = registers.manifests.get(each.sailing_id)
            if manifest is not None and pseudonym(each.key, issuer, number) in manifest.tickets:
                return each
        return boarding[0] if boarding else None

    return found
