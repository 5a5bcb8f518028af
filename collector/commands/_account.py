"""All about one passage, as JSON."""

from __future__ import annotations

from collections.abc import Callable

from collector.commands._show import (
    declaration_json,
    direction_word,
    finding_json,
    references_json,
    utc,
    word,
)
from collector.commands._standing import standing_json
from collector.reconcile.accounts import Account, Revision, evidence_of
from collector.reconcile.core import Comparison, difference_from_gate
from gate_contract.rules.text import plain
from gate_contract.rules.weights import Balance, NoBalance
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.ledger_pb2 import Verdict
from gate_contract.v1.passage_pb2 import (
    STABILITY_DEVICE,
    STABILITY_INFERRED,
    WEIGHT_KIND_GROSS,
    WEIGHT_KIND_NET,
    Passage,
    PassageClosing,
    PassageOpening,
    PlateRead,
    Weighing,
)
from gate_contract.v1.reading_pb2 import RadiationOccupancy, Reading
from gate_contract.v1.stamp_pb2 import CLOCK_STATE_SYNCHRONISED, CLOCK_STATE_UNSYNCHRONISED, Stamp

KINDS: dict[int, str] = {WEIGHT_KIND_GROSS: "gross", WEIGHT_KIND_NET: "net"}
STABILITIES: dict[int, str] = {STABILITY_DEVICE: "device", STABILITY_INFERRED: "inferred"}
CLOCKS: dict[int, str] = {CLOCK_STATE_SYNCHRONISED: "synchronised", CLOCK_STATE_UNSYNCHRONISED: "unsynchronised"}


def account_json(account: Account, comparison: Comparison | None) -> dict[str, object]:
    """Everything `gate-collector explain` tells; `comparison` belongs to the standing verdict, if there is one."""
    last = account.revisions[-1]
    verdict, ledger_index = account.verdicts[-1] if account.verdicts else (None, None)
    gate = last.passage.local_decision if last.passage.HasField("local_decision") else None
    return {
        "passage": _passage_json(last),
        "revisions": [_revision_json(each) for each in account.revisions],
        "verdict": {**_verdict_json(verdict, ledger_index), **_judged_json(verdict.decision)} if verdict else None,
        "standing": standing_json(account),
        "comparison": _comparison_json(comparison) if comparison else None,
        "waiting": account.waiting,
        "declarations": [
            {**declaration_json(each), "latest_version": account.latest_versions[each.declaration_id]}
            for each in account.declarations
        ],
        "gate": _gate_json(gate, verdict) if gate else None,
        "history": [_verdict_json(each, at) for each, at in account.verdicts],
        "evidence": [
            {
                "sha256": each.sha256.hex(),
                "size": each.size,
                "media_type": each.media_type,
                "role": each.role,
                "stored": each.sha256 in account.stored_evidence,
            }
            for each in evidence_of(last.passage)
        ],
    }


def record_of(revision: Revision) -> str:
    """Name of the record that holds it, as `gate-collector prove` takes it."""
    return f"{revision.source.origin}#{revision.source.record_index}"


def enum_word(name: str, prefix: str) -> str:
    """GRACE_EXPIRED as people write it: "grace expired"."""
    return name.removeprefix(prefix).replace("_", " ").lower()


def other_word(reading: Reading) -> str:
    """A reading besides plates and weights in a few words; nobody is named."""
    kind = reading.WhichOneof("body")
    if kind is None:
        return "a reading of a kind that this release does not know"
    return _WORDS[kind](reading) if kind in _WORDS else kind


def _alarms(radiation: RadiationOccupancy) -> str:
    names = [name for name, told in (("gamma", radiation.gamma_alarm), ("neutron", radiation.neutron_alarm)) if told]
    return f"{' and '.join(names)} alarm" if names else "no alarm"


_WORDS: dict[str, Callable[[Reading], str]] = {
    "container": lambda each: f"container {each.container.number or 'not read'} {each.container.size_type}".strip(),
    # The start of its pseudonym tells two documents of one passage apart.
    "document": lambda each: f"document {each.document.pseudonym.hex()[:8] or 'without a pseudonym'}",
    "face": lambda each: f"face: {each.face.outcome}",
    "scan": lambda each: f"scan: {each.scan.verdict or each.scan.device_verdict or 'no verdict'}",
    "seal": lambda each: f"seal {each.seal.number or 'not read'}: {each.seal.state}",
    "axles": lambda each: f"axles {' + '.join(each.axles.axle_kilograms)} kg",
    "radiation": lambda each: f"radiation: {_alarms(each.radiation)}",
}


def opening_word(passage: Passage) -> str:
    """What opened it; a number that this release does not know is shown as it is."""
    known = passage.opened_by in PassageOpening.values()
    return enum_word(PassageOpening.Name(passage.opened_by), "PASSAGE_OPENING_") if known else str(passage.opened_by)


def closing_word(passage: Passage) -> str:
    """Why its readings were taken as final; a number that this release does not know is shown as it is."""
    known = passage.closed_by in PassageClosing.values()
    return enum_word(PassageClosing.Name(passage.closed_by), "PASSAGE_CLOSING_") if known else str(passage.closed_by)


def _passage_json(revision: Revision) -> dict[str, object]:
    passage, source = revision.passage, revision.source
    return {
        "passage_id": source.passage_id,
        "revision": source.revision,
        "site_id": source.site_id,
        "lane_id": passage.lane_id,
        "direction": direction_word(passage.direction),
        "opened": _stamp_json(passage.opened),
        "decided": _stamp_json(passage.decided),
        "opened_by": opening_word(passage),
        "closed_by": closing_word(passage),
        "record": record_of(revision),
        "plates": [_plate_json(each) for each in passage.plates],
        "weighings": [_weighing_json(each) for each in passage.weighings],
        "readings": [
            {
                "device_id": each.device_id,
                "kind": each.WhichOneof("body"),
                "read": other_word(each),
                "at": utc(each.at.wall_unix_ns),
            }
            for each in passage.readings
        ],
        "missing": [
            {"device_id": each.device_id, "kind": each.kind, "reason": each.reason} for each in passage.missing
        ],
    }


def _stamp_json(stamp: Stamp) -> dict[str, object]:
    return {
        "at": utc(stamp.wall_unix_ns),
        "unix_ns": stamp.wall_unix_ns,
        "clock": CLOCKS.get(stamp.clock),
        "error_bound_ns": stamp.error_bound_ns if stamp.HasField("error_bound_ns") else None,
    }


def _plate_json(read: PlateRead) -> dict[str, object]:
    return {
        "device_id": read.device_id,
        "text": read.text,
        "confidence": read.confidence if read.HasField("confidence") else None,
        "at": utc(read.at.wall_unix_ns),
        "at_unix_ns": read.at.wall_unix_ns,
        "device_time": read.device_time,
        "late": read.late,
        "pictures": [each.sha256.hex() for each in read.pictures],
    }


def _weighing_json(weighing: Weighing) -> dict[str, object]:
    return {
        "device_id": weighing.device_id,
        "kilograms": weighing.kilograms,
        "uncertainty_kilograms": weighing.uncertainty_kilograms or None,
        "division_kilograms": weighing.division_kilograms or None,
        "device_weight": weighing.device_weight,
        "device_unit": weighing.device_unit,
        "kind": KINDS.get(weighing.kind),
        "stability": STABILITIES.get(weighing.stability),
        "sample_count": weighing.sample_count,
        "span_ms": weighing.span_ms,
        "at": utc(weighing.at.wall_unix_ns),
        "at_unix_ns": weighing.at.wall_unix_ns,
        "raw_frame": weighing.raw_frame.hex(),
        "late": weighing.late,
        "curve": weighing.curve.sha256.hex() if weighing.HasField("curve") else None,
    }


def _revision_json(revision: Revision) -> dict[str, object]:
    return {
        "revision": revision.source.revision,
        "reason": revision.passage.revision_reason,
        "record": record_of(revision),
        "received": utc(revision.source.received_ns),
        "received_unix_ns": revision.source.received_ns,
    }


def _verdict_json(verdict: Verdict, ledger_index: int | None) -> dict[str, object]:
    return {
        "sequence": verdict.sequence,
        "action": word(verdict.decision.action),
        "reason": verdict.reason,
        "codes": [finding.code for finding in verdict.decision.findings],
        "revision": verdict.revision,
        "declarations": references_json(verdict.decision),
        "decided": utc(verdict.decision.decided_unix_ns),
        "decided_unix_ns": verdict.decision.decided_unix_ns,
        "ledger_index": ledger_index,
    }


def _judged_json(decision: Decision) -> dict[str, object]:
    return {
        "findings": [finding_json(finding) for finding in decision.findings],
        "rule_book": decision.rule_book,
        "policy": decision.policy,
    }


def _comparison_json(comparison: Comparison) -> dict[str, object]:
    match = comparison.match
    return {
        "policy_is_the_verdicts": comparison.same_policy,
        "match": match.kind.value,
        "plate_read": match.read.text if match.read else None,
        "plates_booked": [trip.plate for trip in match.trips],
        "edits": match.nearness.edits if match.nearness else None,
        "weight": _balance_json(comparison.balance),
    }


def _balance_json(balance: Balance | NoBalance | None) -> dict[str, object] | None:
    if balance is None:
        return None
    inputs = [{"name": each.name, "value": each.value, "source": each.source} for each in balance.inputs]
    if isinstance(balance, NoBalance):
        return {"cannot_be_judged": list(balance.reasons), "inputs": inputs}
    return {
        "measured_kilograms": plain(balance.measured),
        "expected_kilograms": plain(balance.expected),
        "difference_kilograms": plain(balance.difference),
        "tolerance": balance.tolerance_text,
        "tolerance_kilograms": plain(balance.tolerance),
        "two_u_kilograms": plain(balance.uncertainty),
        "inputs": inputs,
    }


def _gate_json(gate: Decision, verdict: Verdict | None) -> dict[str, object]:
    return {
        "action": word(gate.action),
        "declarations": references_json(gate),
        "decided": utc(gate.decided_unix_ns),
        "decided_unix_ns": gate.decided_unix_ns,
        "reference_age_s": gate.reference_age_s if gate.HasField("reference_age_s") else None,
        **_judged_json(gate),
        "difference": difference_from_gate(gate, verdict.decision) if verdict else None,
    }
