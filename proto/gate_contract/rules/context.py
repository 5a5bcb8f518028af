"""What a decision depends on besides the passage, the declarations and the policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gate_contract.rules.findings import Action
from gate_contract.rules.records import (
    Manifest,
    QuantityLeft,
    Sailing,
    Settlement,
    Sighting,
    StayRecord,
    UsedRelease,
)
from gate_contract.rules.standing_orders import OrderIndex
from gate_contract.v1 import declaration_pb2
from gate_contract.v1.register_pb2 import Selection


@dataclass(frozen=True, slots=True)
class EarlierDecision:
    """The decision that this one supersedes (K02).

    Attributes:
        reason: what was late and caused this evaluation, e.g. "declaration D-17 version 2 received".
        action: what had been decided.
        decided_unix_ns: when, nanoseconds since 1970-01-01T00:00:00Z.
    """

    reason: str
    action: Action
    decided_unix_ns: int


@dataclass(frozen=True, slots=True)
class JournalDefect:
    """A gap or fork in the journal that the passage is in (K03).

    Attributes:
        kind: records missing, or two histories under one key.
        origin: origin of the journal's checkpoints.
        index: first record index that is missing or differs.
        detail: what is known of it, e.g. sizes and hashes; may be "".
    """

    kind: Literal["gap", "fork"]
    origin: str
    index: int
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that is neither passage, declaration nor policy. Same context, same decision.

    What a site does not have it leaves at its default: a rule whose input is missing says nothing.

    Attributes:
        now_unix_ns: the decider's clock, nanoseconds since 1970-01-01T00:00:00Z; time is an argument.
        reference_age_s: age of the declarations at hand, seconds; None at the collector, which holds the originals,
            and at a gate that never got any.
        goods: whether the lane carries goods that need a declaration to pass (D02).
        earlier: the decision this one supersedes; None for the first.
        journal_defects: what is wrong with the journal that the passage is in.
        site_id: site of the lane; "" when not known, and then bookings of every site are considered.
        sightings: other passages by normalised plate, at any site (V04, V05).
        superseded: declaration versions that stood when the passage was read and that were amended since, those that
            may concern it (D05).
        selected_unix_ns: when the vehicle was selected for inspection; None when it was not (D05).
        used_releases: passages that were let go, by the declaration they went on (D06).
        quantities: what is left, by declaration (D06).
        counted: packages that an officer counted, by declaration (D03).
        carriers: carrier that runs a vehicle, by normalised plate (V06).
        manifest: of the sailing that boards through this lane; None when it is not known (P01, S01).
        document_sightings: other passages by the document's pseudonym (P05).
        stays: crossings by the document's pseudonym (P08).
        payments: by declaration (M01, M02, M03).
        sailings: the schedule by sailing; None when it is not known (S01).
        orders: control orders (O01, O02).
        scan_ordered: why a scan was ordered; "" when none was, or when a selection says so (X03).
        selections: how goods are let go and what was drawn for inspection, by declaration (R01, D05, X03).
        reference_awaited: this is a gate, and the collector never told it all there is (K05).
    """

    now_unix_ns: int
    reference_age_s: int | None
    goods: Literal["regulated", "free"]
    earlier: EarlierDecision | None = None
    journal_defects: tuple[JournalDefect, ...] = ()
    site_id: str = ""
    sightings: Mapping[str, Sequence[Sighting]] = field(default_factory=dict)
    superseded: Sequence[declaration_pb2.Declaration] = ()
    selected_unix_ns: int | None = None
    used_releases: Mapping[str, Sequence[UsedRelease]] = field(default_factory=dict)
    quantities: Mapping[str, Sequence[QuantityLeft]] = field(default_factory=dict)
    counted: Mapping[str, int] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    manifest: Manifest | None = None
    document_sightings: Mapping[bytes, Sequence[Sighting]] = field(default_factory=dict)
    stays: Mapping[bytes, StayRecord] = field(default_factory=dict)
    payments: Mapping[str, Settlement] = field(default_factory=dict)
    sailings: Mapping[str, Sailing] | None = None
    orders: OrderIndex | None = None
    scan_ordered: str = ""
    selections: Mapping[str, Selection] = field(default_factory=dict)
    reference_awaited: bool = False
