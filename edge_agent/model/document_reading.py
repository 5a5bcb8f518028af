"""What a gate says of a traveller's document: nothing that names anybody without a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edge_agent.model.moment import Moment


@dataclass(frozen=True, slots=True)
class DocumentSeen:
    """One reading of a document.

    Attributes:
        kind: "TD1", "TD2", "TD3", "MRV-A", "MRV-B", or "citizen" for a bare number after GB 11643.
        issuer: issuing state or organisation, one to three letters.
        pseudonym: of issuer and number under the sailing's key, 32 bytes; b"" when the gate has no key.
        expires: last day on which it is valid, "YYYY-MM-DD"; "" when it does not say.
        faults: elements whose check digit does not hold.
        sealed: name, number and birth (gate_contract.personal.Person) under the sailing's sealing key; b"" without one.
        key_id: names the sailing's key; "" without one.
    """

    kind: str
    issuer: str
    pseudonym: bytes
    expires: str
    faults: tuple[str, ...]
    sealed: bytes
    key_id: str


@dataclass(frozen=True, slots=True)
class SailingKey:
    """The key of one sailing, as this gate has it; see gate_contract.v1.SailingKey."""

    key_id: str
    sailing_id: str
    key: bytes = field(repr=False)


SailingOf = Callable[[str, str, Moment], SailingKey | None]
"""The sailing that a document is for: issuer, number, now. None when the gate has no sailing's key."""
