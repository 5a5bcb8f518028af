"""What the desk keeps, as the snapshot and the answers show it: in English and 简体中文."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge_agent.desk.state import Kept
from edge_agent.status.words_rules import explained, explained_of
from gate_contract.hold_words import named
from gate_contract.holds import Hold, Need
from gate_contract.v1.act_pb2 import OfficerAct
from gate_contract.v1.decision_pb2 import ACTION_INSPECT, Action, Finding


def kept_shown(lane_id: str, kept: Kept) -> dict[str, Any]:
    """One passage; docs/status.md describes the keys. Of a released one only what names it."""
    named: dict[str, Any] = {
        "lane": lane_id,
        "passage": kept.passage_id,
        "revision": kept.revision,
        "since_unix_ns": kept.since_unix_ns,
        "plates": list(kept.looks.plates),
        "containers": list(kept.looks.containers),
        "documents": list(kept.looks.documents),
        "released": kept.released,
        "opening": kept.opening.value,
        "went_back": kept.gone,
    }
    if kept.released:
        return named
    standing = kept.standing
    return {
        **named,
        "action": _action(standing.action),
        "holds": [_hold(each, _finding(kept, each)) for each in standing.holds],
        "needs": [
            {"authority": each.authority, "act": _act_for(each, standing.holds), "en": each.en, "zh": each.zh}
            for each in standing.needs
        ],
        "acts": [_act(opened.act) for _, opened in kept.acts],
        "acts_waiting": len(kept.waiting),
    }


def _act_for(need: Need, holds: Sequence[Hold]) -> str:
    """Which of gatectl's acts settles it: inspecting where that is asked for, else lifting; "" at the staffed lane."""
    if not need.authority:
        return ""
    mine = [each for each in holds if each.authority == need.authority and each.code in need.codes]
    return "inspect" if any(each.action == ACTION_INSPECT and not each.lifted_by for each in mine) else "lift"


def _hold(hold: Hold, finding: Finding | None) -> dict[str, Any]:
    english, chinese = named(hold.authority)
    return {
        "authority": hold.authority,
        "authority_en": english,
        "authority_zh": chinese,
        "code": hold.code,
        "action": _action(hold.action),
        "severity": hold.severity,
        "en": hold.explanation,
        "zh": (explained(hold.code, {}) if finding is None else explained_of(finding)) or hold.explanation,
        "lifted_by": hold.lifted_by,
        "lift_reason": hold.lift_reason,
    }


def _finding(kept: Kept, hold: Hold) -> Finding | None:
    """The finding that a hold is of; None for what an officer asked for."""
    same = (each for each in kept.decision.findings if (each.code, each.explanation) == (hold.code, hold.explanation))
    return next(same, None)


def _act(act: OfficerAct) -> dict[str, Any]:
    return {
        "act": act.act_id,
        "officer": act.officer_id,
        "authority": act.authority,
        "at_unix_ns": act.at_unix_ns,
        "what": act.WhichOneof("what"),
        "reason": act.reason,
    }


def _action(action: Action.ValueType) -> str:
    return Action.Name(action).removeprefix("ACTION_").lower()
