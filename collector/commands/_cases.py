"""What the commands of cases, draws and credit share: database, keys and ledger; how a case is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from collector.cases.service import OUTCOMES, CaseDesk, CaseLine, Story, Told
from collector.commands._show import finding_json, utc
from collector.commands._state import existing_ledger, existing_store
from collector.config import CollectorConfig
from collector.ledger.log import Ledger
from collector.privacy.keystore import FILE, KeyStore
from collector.store.engine import Store
from gate_contract.v1 import case_pb2 as pb

KIND_WORDS: dict[int, str] = {
    number: name.removeprefix("CASE_EVENT_KIND_").lower().replace("_", " ") for name, number in pb.CaseEventKind.items()
}
OUTCOME_WORDS: dict[int, str] = {number: name for name, number in OUTCOMES.items()}
DESTROYED = "(its key was destroyed)"


@dataclass(frozen=True, slots=True)
class Office:
    """What a command works with."""

    store: Store
    ledger: Ledger
    keys: KeyStore
    desk: CaseDesk


@contextmanager
def office(config: CollectorConfig) -> Iterator[Office]:
    """The collector's database and keys; CollectorError when there are none yet. The server may be running."""
    ledger = existing_ledger(config)
    with existing_store(config) as store, KeyStore(config.state_dir / FILE) as keys:
        yield Office(store, ledger, keys, CaseDesk(store, ledger, keys, config.cases))


def case_json(line: CaseLine) -> dict[str, object]:
    """A case in a list."""
    return {
        "case_id": line.case_id,
        "subject_kind": line.subject_kind,
        "subject": line.subject,
        "authority": line.authority,
        "severity": line.severity,
        "state": line.state,
        "outcome": OUTCOME_WORDS.get(line.outcome),
        "assignee": line.assignee or None,
        "level": line.level,
        "overdue": line.overdue,
        "opened": utc(line.opened_ns),
        "deadline": utc(line.deadline_ns),
        "decided": utc(line.decided_ns or 0),
    }


def story_json(story: Story) -> dict[str, object]:
    """A case with everything that happened to it."""
    case = story.case
    line = CaseLine(*(getattr(case, name) for name in CaseLine.__dataclass_fields__))
    return {
        **case_json(line),
        "findings": [finding_json(each) for each in case.findings],
        "evidence": [{"sha256": each.hex(), "stored": each in story.stored} for each in sorted(case.evidence)],
        "events": [_event_json(each) for each in story.events],
        "acts": [
            {
                "kind": each.kind,
                "officer": each.officer_id,
                "authority": each.authority,
                "at": utc(each.at_ns),
                "reason": each.reason,
                "refused": each.refused or None,
                "photos": [photo.hex() for photo in each.photos],
            }
            for each in story.acts
        ],
    }


def _event_json(told: Told) -> dict[str, object]:
    event = told.event
    return {
        "sequence": event.sequence,
        "at": utc(event.at_unix_ns),
        "ledger_index": told.ledger_index,
        "actor": event.actor,
        "kind": KIND_WORDS.get(event.kind, str(event.kind)),
        "what": what_of(event),
        "text": told.text,
    }


def what_of(event: pb.CaseEvent) -> str:
    """What an event says besides what a person wrote."""
    kind = event.kind
    if kind in {pb.CASE_EVENT_KIND_OPENED, pb.CASE_EVENT_KIND_FINDINGS_CHANGED}:
        codes = ", ".join(f"{each.code} {each.explanation}" for each in event.findings) or "no findings any more"
        until = f"; until {utc(event.deadline_unix_ns)}" if event.deadline_unix_ns else ""
        return codes + until
    if kind == pb.CASE_EVENT_KIND_ASSIGNED:
        return f"{'drawn' if event.actor == 'collector' else 'given'}: {event.assignee}"
    if kind == pb.CASE_EVENT_KIND_DECIDED:
        why = " (a later verdict has no findings, and nobody had to do with it)" if event.actor == "collector" else ""
        return OUTCOME_WORDS.get(event.outcome, str(event.outcome)) + why
    if kind == pb.CASE_EVENT_KIND_ESCALATED:
        return f"level {event.level}; until {utc(event.deadline_unix_ns)}"
    if kind == pb.CASE_EVENT_KIND_REOPENED:
        return f"until {utc(event.deadline_unix_ns)}"
    return event.evidence_sha256.hex()
