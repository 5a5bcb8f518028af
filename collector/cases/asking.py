"""What findings do to a case: they open it, change it, open it again, or settle it; and deadlines that go by. Pure.

A person decides, with one exception: where every finding is gone and nobody has had to do with the case yet, the
collector closes it as unfounded, because nobody has anything to look at any more. Findings that a person has decided
on do not open a case again; others do. The mere word that it was judged again (K02) is a note beside other findings: it
opens no case by itself, and keeps none open.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from collector.cases.core import COLLECTOR, Case, apply, case_id_of, matter_of
from collector.cases.policy import CasePolicy
from gate_contract.again import JUDGED_AGAIN
from gate_contract.rules.findings import REVIEW, gravest_first
from gate_contract.v1 import case_pb2 as pb
from gate_contract.v1.decision_pb2 import Finding


@dataclass(frozen=True, slots=True)
class Asked:
    """What stands about one subject now.

    Attributes:
        subject: what it is about.
        subject_kind: see `core.SUBJECT_KINDS`.
        authority: in charge, if a case is opened.
        findings: all that stand, in any order, also those that ask for nobody.
        evidence: hashes of what belongs to it, in order.
        acted: whether an officer did something about it at the gate.
    """

    subject: str
    subject_kind: str
    authority: str
    findings: Sequence[Finding]
    evidence: Sequence[bytes] = ()
    acted: bool = False


def for_a_person(findings: Iterable[Finding]) -> list[Finding]:
    """Those that ask for a person, gravest first; none when all that is said is that it was judged again."""
    asking = gravest_first([each for each in findings if each.action >= REVIEW])
    return asking if any(each.code != JUDGED_AGAIN for each in asking) else []


def follow(case: Case | None, asked: Asked, policy: CasePolicy, now_unix_ns: int) -> list[pb.CaseEvent]:
    """The events that make the case agree with what stands now; none when it does.

    Args:
        case: of the subject; None when there is none.
        asked: what stands.
        policy: for deadlines.
        now_unix_ns: nanoseconds since 1970-01-01T00:00:00Z.
    """
    asking = for_a_person(asked.findings)
    events: list[pb.CaseEvent] = []
    if case is None:
        if not asking:
            return []
        events.append(_opening(asked, asking, policy, now_unix_ns))
        case = apply(None, events[0])
    elif _substance(case.findings) != _substance(asking):
        case = _add(events, case, next_event(case, pb.CASE_EVENT_KIND_FINDINGS_CHANGED, now_unix_ns, findings=asking))
        if not case.is_open and not case.matters - {JUDGED_AGAIN} <= case.settled:
            deadline = new_deadline(case, policy, now_unix_ns)
            case = _add(
                events, case, next_event(case, pb.CASE_EVENT_KIND_REOPENED, now_unix_ns, deadline_unix_ns=deadline)
            )
    for sha256 in asked.evidence:
        if sha256 not in case.evidence and (case.is_open or events):
            added = next_event(case, pb.CASE_EVENT_KIND_EVIDENCE_ADDED, now_unix_ns, evidence_sha256=sha256)
            case = _add(events, case, added)
    if case.is_open and not asking and not case.touched and not asked.acted:
        superseded = next_event(case, pb.CASE_EVENT_KIND_DECIDED, now_unix_ns, outcome=pb.CASE_OUTCOME_UNFOUNDED)
        _add(events, case, superseded)
    return events


def escalate(case: Case, policy: CasePolicy, now_unix_ns: int) -> pb.CaseEvent | None:
    """The event by which a case goes up a level; None while its deadline has not gone by, or at the last level."""
    if not case.is_open or now_unix_ns < case.deadline_ns or case.level >= policy.levels:
        return None
    deadline = new_deadline(case, policy, now_unix_ns)
    return next_event(case, pb.CASE_EVENT_KIND_ESCALATED, now_unix_ns, level=case.level + 1, deadline_unix_ns=deadline)


def new_deadline(case: Case, policy: CasePolicy, now_unix_ns: int) -> int:
    """Until when it must be decided from now on, nanoseconds since 1970; later than before, always."""
    return max(max(now_unix_ns, case.last_ns) + policy.span_ns(case.severity), case.deadline_ns + 1)


def next_event(
    case: Case, kind: pb.CaseEventKind.ValueType, now_unix_ns: int, actor: str = COLLECTOR, **fields: object
) -> pb.CaseEvent:
    """The next event of a case; a clock that was set back does not make it earlier than the one before."""
    return pb.CaseEvent(
        case_id=case.case_id,
        sequence=case.last_sequence + 1,
        at_unix_ns=max(now_unix_ns, case.last_ns),
        actor=actor,
        kind=kind,
        **fields,  # type: ignore[arg-type]  # protobuf checks them when it is run
    )


def _opening(asked: Asked, asking: Sequence[Finding], policy: CasePolicy, now_unix_ns: int) -> pb.CaseEvent:
    return pb.CaseEvent(
        case_id=case_id_of(asked.subject_kind, asked.subject),
        sequence=1,
        at_unix_ns=now_unix_ns,
        actor=COLLECTOR,
        kind=pb.CASE_EVENT_KIND_OPENED,
        subject=asked.subject,
        subject_kind=asked.subject_kind,
        findings=asking,
        authority=asked.authority,
        deadline_unix_ns=now_unix_ns + policy.span_ns(asking[0].severity),
    )


def _add(events: list[pb.CaseEvent], case: Case, event: pb.CaseEvent) -> Case:
    events.append(event)
    return apply(case, event)


def _substance(findings: Iterable[Finding]) -> list[tuple[str, int, int]]:
    """What makes findings others to a person: not a number in their words."""
    return [(matter_of(each), each.action, each.severity) for each in findings]
