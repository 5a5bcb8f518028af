"""What a case is: its events, one after the other, and which event may follow which. Pure.

Everything about a case follows from its events in the ledger; nothing is kept that does not. An event that cannot
follow is refused with the reason, here and again by the audit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from gate_contract.v1 import case_pb2 as pb
from gate_contract.v1.decision_pb2 import Finding

COLLECTOR: Final = "collector"
"""Actor of what nobody did: the collector itself."""

SUBJECT_KINDS: Final = frozenset({"passage", "declaration", "sailing", "journal"})

_SHA256_BYTES: Final = 32
_TELLING_APART: Final = frozenset({"order", "record_index"})  # names of inputs


class CaseError(ValueError):
    """An event that cannot follow; the message names the case and says why."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case as its events made it. Times are nanoseconds since 1970-01-01T00:00:00Z.

    Attributes:
        case_id: see `case_id_of`.
        subject: what it is about.
        subject_kind: one of SUBJECT_KINDS.
        authority: in charge of it.
        findings: what asks for a person now, gravest first; none when a later verdict has none.
        severity: of the gravest finding; of the last ones when there are none any more.
        state: whether it waits for a decision.
        outcome: what it came to; UNSPECIFIED while it is open.
        assignee: officer who has it; "" when nobody has.
        level: of escalation, 0 while no deadline has gone by.
        opened_ns: first opened.
        deadline_ns: until when it must be decided; never becomes earlier.
        decided_ns: when it was decided; None while it is open.
        last_ns: of its last event.
        last_sequence: of its last event.
        openings: how often it was opened: 1, and one more each time it was opened again.
        drawn: whether an officer was drawn for it in this opening.
        touched: whether a person had to do with it in this opening.
        settled: matters (see `matter_of`) that a person has decided on; they do not open it again.
        evidence: hashes of the blobs that belong to it.
    """

    case_id: str
    subject: str
    subject_kind: str
    authority: str
    findings: tuple[Finding, ...]
    severity: int
    state: Literal["open", "decided"]
    outcome: pb.CaseOutcome.ValueType
    assignee: str
    level: int
    opened_ns: int
    deadline_ns: int
    decided_ns: int | None
    last_ns: int
    last_sequence: int
    openings: int = 1
    drawn: bool = False
    touched: bool = False
    settled: frozenset[str] = frozenset()
    evidence: frozenset[bytes] = frozenset()

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == "open"

    @property
    def overdue(self) -> bool:
        """Whether it is open and a deadline of it has gone by."""
        return self.is_open and self.level > 0

    @property
    def codes(self) -> frozenset[str]:
        """Of the rules that ask for a person now."""
        return frozenset(finding.code for finding in self.findings)

    @property
    def matters(self) -> frozenset[str]:
        """What asks for a person now: see `matter_of`."""
        return frozenset(map(matter_of, self.findings))


def case_id_of(subject_kind: str, subject: str) -> str:
    """The one case of a subject: "C-" and 16 hexadecimal digits, the same at every collector that knows the subject."""
    return f"C-{hashlib.sha256(f'tidegate/case/v1/{subject_kind}/{subject}'.encode()).hexdigest()[:16]}"


def matter_of(finding: Finding) -> str:
    """What a finding is about, as a person decides on it: its rule; of orders and journals also which order, and where.

    Another order, or another gap in a journal that has one already, is another matter. Another weight is not.
    """
    which = next((each.value for each in finding.inputs if each.name in _TELLING_APART), "")
    return f"{finding.code} {which}".strip()


def draw_subject(case_id: str, openings: int) -> str:
    """What its officer is drawn for: once in each opening, so that nobody draws again until they like the result."""
    return f"case/{case_id}/{openings}"


def replay(events: Iterable[pb.CaseEvent]) -> Case | None:
    """The case that the events make, in order; None without any. CaseError when one cannot follow."""
    case: Case | None = None
    for event in events:
        case = apply(case, event)
    return case


def apply(case: Case | None, event: pb.CaseEvent) -> Case:
    """The case after one more event.

    Args:
        case: before it; None when it is not opened yet.
        event: the next one.

    Raises:
        CaseError: the event cannot follow; nothing is changed.
    """
    if case is None:
        return _opened(event)
    if event.case_id != case.case_id:
        raise CaseError(f"case {case.case_id}: an event of {event.case_id} is none of its own")
    if event.sequence != case.last_sequence + 1:
        raise CaseError(f"case {case.case_id}: event {event.sequence} cannot follow {case.last_sequence}")
    if event.at_unix_ns < case.last_ns:
        raise CaseError(f"case {case.case_id}: event {event.sequence} is earlier than the one before it")
    if not event.actor:
        raise CaseError(f"case {case.case_id}: event {event.sequence} names nobody who did it")
    step = _STEPS.get(event.kind)
    if step is None:
        raise CaseError(f"case {case.case_id}: event {event.sequence} of kind {event.kind} cannot follow")
    return replace(step(case, event), last_ns=event.at_unix_ns, last_sequence=event.sequence)


def _opened(event: pb.CaseEvent) -> Case:
    where = f"case {event.case_id or '(unnamed)'}"
    if event.kind != pb.CASE_EVENT_KIND_OPENED or event.sequence != 1:
        raise CaseError(f"{where}: it was not opened")
    if event.subject_kind not in SUBJECT_KINDS or not event.subject:
        raise CaseError(f"{where}: it is about nothing that this release knows")
    if event.case_id != case_id_of(event.subject_kind, event.subject):
        raise CaseError(f"{where}: it is not the case of {event.subject_kind} {event.subject}")
    if not event.findings or not event.authority or event.actor != COLLECTOR:
        raise CaseError(f"{where}: the collector opens a case for findings and an authority")
    if not 0 < event.at_unix_ns < event.deadline_unix_ns:
        raise CaseError(f"{where}: its deadline is not after its opening")
    return Case(
        case_id=event.case_id,
        subject=event.subject,
        subject_kind=event.subject_kind,
        authority=event.authority,
        findings=tuple(event.findings),
        severity=_severity(event),
        state="open",
        outcome=pb.CASE_OUTCOME_UNSPECIFIED,
        assignee="",
        level=0,
        opened_ns=event.at_unix_ns,
        deadline_ns=event.deadline_unix_ns,
        decided_ns=None,
        last_ns=event.at_unix_ns,
        last_sequence=1,
    )


def _assigned(case: Case, event: pb.CaseEvent) -> Case:
    _must_be_open(case, "given to an officer")
    if not event.assignee or event.assignee == COLLECTOR:
        raise CaseError(f"case {case.case_id}: it is given to nobody; name an officer")
    drawn = event.actor == COLLECTOR
    if drawn and case.drawn:
        raise CaseError(f"case {case.case_id}: its officer was drawn already; it can be given to another one by name")
    if event.assignee == case.assignee:
        raise CaseError(f"case {case.case_id}: officer {case.assignee} has it already")
    return replace(case, assignee=event.assignee, drawn=case.drawn or drawn, touched=True)


def _commented(case: Case, event: pb.CaseEvent) -> Case:
    if event.actor == COLLECTOR:
        raise CaseError(f"case {case.case_id}: a comment is written by a person")
    _must_have_words(case, event, "a comment")
    return replace(case, touched=True)


def _decided(case: Case, event: pb.CaseEvent) -> Case:
    _must_be_open(case, "decided")
    if event.outcome == pb.CASE_OUTCOME_UNSPECIFIED:
        raise CaseError(f"case {case.case_id}: a decision has an outcome")
    decided = replace(case, state="decided", outcome=event.outcome, decided_ns=event.at_unix_ns)
    if event.actor == COLLECTOR:
        if case.touched or case.findings or event.outcome != pb.CASE_OUTCOME_UNFOUNDED:
            raise CaseError(f"case {case.case_id}: only a person may decide it so")
        return decided
    if event.actor != case.assignee:
        holder = f"officer {case.assignee} has it" if case.assignee else "nobody has it"
        raise CaseError(f"case {case.case_id}: {holder}; give it to {event.actor} first")
    _must_have_words(case, event, "a decision")
    return replace(decided, settled=case.settled | case.matters, touched=True)


def _reopened(case: Case, event: pb.CaseEvent) -> Case:
    if case.is_open:
        raise CaseError(f"case {case.case_id}: it is open")
    if event.deadline_unix_ns <= max(case.deadline_ns, event.at_unix_ns):
        raise CaseError(f"case {case.case_id}: its new deadline is not after the one before it")
    by_person = event.actor != COLLECTOR
    if by_person:
        _must_have_words(case, event, "opening it again")
    return replace(
        case,
        state="open",
        outcome=pb.CASE_OUTCOME_UNSPECIFIED,
        assignee="",
        level=0,
        deadline_ns=event.deadline_unix_ns,
        decided_ns=None,
        openings=case.openings + 1,
        drawn=False,
        touched=by_person,
    )


def _escalated(case: Case, event: pb.CaseEvent) -> Case:
    _must_be_open(case, "escalated")
    if event.actor != COLLECTOR or event.level != case.level + 1:
        raise CaseError(f"case {case.case_id}: level {event.level} cannot follow {case.level}")
    if event.at_unix_ns < case.deadline_ns or event.deadline_unix_ns <= case.deadline_ns:
        raise CaseError(f"case {case.case_id}: its deadline has not gone by, or the new one is not after it")
    return replace(case, level=event.level, deadline_ns=event.deadline_unix_ns)


def _changed(case: Case, event: pb.CaseEvent) -> Case:
    if event.actor != COLLECTOR:
        raise CaseError(f"case {case.case_id}: findings are changed by verdicts alone")
    return replace(case, findings=tuple(event.findings), severity=_severity(event) or case.severity)


def _evidence_added(case: Case, event: pb.CaseEvent) -> Case:
    if len(event.evidence_sha256) != _SHA256_BYTES:
        raise CaseError(f"case {case.case_id}: evidence is named by its SHA-256, {_SHA256_BYTES} bytes")
    if event.evidence_sha256 in case.evidence:
        raise CaseError(f"case {case.case_id}: evidence {event.evidence_sha256.hex()} belongs to it already")
    touched = case.touched or event.actor != COLLECTOR
    return replace(case, evidence=case.evidence | {event.evidence_sha256}, touched=touched)


_STEPS: Final[Mapping[int, Callable[[Case, pb.CaseEvent], Case]]] = {
    pb.CASE_EVENT_KIND_ASSIGNED: _assigned,
    pb.CASE_EVENT_KIND_COMMENTED: _commented,
    pb.CASE_EVENT_KIND_DECIDED: _decided,
    pb.CASE_EVENT_KIND_REOPENED: _reopened,
    pb.CASE_EVENT_KIND_ESCALATED: _escalated,
    pb.CASE_EVENT_KIND_FINDINGS_CHANGED: _changed,
    pb.CASE_EVENT_KIND_EVIDENCE_ADDED: _evidence_added,
}


def _must_be_open(case: Case, what: str) -> None:
    if not case.is_open:
        raise CaseError(f"case {case.case_id}: it is decided and cannot be {what}; open it again first")


def _must_have_words(case: Case, event: pb.CaseEvent, what: str) -> None:
    if not event.sealed_text or not event.key_id:
        raise CaseError(f"case {case.case_id}: {what} needs words, sealed under the case's key")


def _severity(event: pb.CaseEvent) -> int:
    return max((finding.severity for finding in event.findings), default=0)
