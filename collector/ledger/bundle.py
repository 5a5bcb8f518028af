"""A bundle: all that proves one record, in one file (collector.ledger.verification checks it). Pure.

The file is JSON in exactly one form (sorted keys, two spaces, UTF-8, a newline at its end), and every field takes part
in the verification, so that one changed byte anywhere is found.
"""

from __future__ import annotations

import json
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT: Final = "tidegate-bundle/1"

MAX_BUNDLE_BYTES = 16 * 1024 * 1024
"""A record has at most 256 KiB; its verdicts, each with findings, some more."""

Index = Annotated[int, Field(ge=0, lt=2**63)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class ProvedRecord(_Part):
    """The record: base64 of its bytes, its place, and its audit path to the agent's checkpoint."""

    data: str
    index: Index
    origin: str
    proof: list[str]


class ProvedEntry(_Part):
    """An entry of the ledger: base64 of its bytes, its index, and its audit path to the ledger's checkpoint."""

    data: str
    index: Index
    proof: list[str]


class LedgerPart(_Part):
    """What the ledger says: its signed checkpoint, and the entries that matter here."""

    admission: ProvedEntry
    checkpoint: str
    growth: ProvedEntry
    verdicts: list[ProvedEntry]


class Bundle(_Part):
    """The whole file. `receipt` is the agent's checkpoint with the collector's cosignature."""

    format: Literal["tidegate-bundle/1"]
    ledger: LedgerPart
    receipt: str
    record: ProvedRecord

    def to_bytes(self) -> bytes:
        """The file, in its one form."""
        return (json.dumps(self.model_dump(), sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
