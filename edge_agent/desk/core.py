"""One lane's desk: (lane, what happened) -> (lane, what is to be told). Pure.

A passage is released when nothing of its decision stands any more (gate_contract.holds). How that is told:

* **Once.** A release is told for the decision, or for the act of an officer, that made it, and never again for the same
  one. Whoever carries this out remembers the lane first and tells then: see `Opening`.
* **Only for who stands there.** A passage that is behind a newer one of its lane is not at the barrier any more. When
  it is released, nothing opens by itself: an officer who sees it there opens with an override to release.
* **An override to release opens anew**, also for a passage that had been released and did not drive in time.
* A revision that brings a new hold **stops** a released passage again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from edge_agent.desk.state import (
    MOST_ACTS,
    MOST_EARLIER,
    MOST_RELEASED,
    MOST_STOPPED,
    MOST_WAITING,
    Kept,
    LaneDesk,
    Opening,
    Release,
    Stop,
    Told,
    Turn,
)
from gate_contract.acts import ActError, OpenedAct, open_act
from gate_contract.v1.decision_pb2 import ACTION_RELEASE, Decision, Finding
from gate_contract.v1.order_pb2 import Officer

DECISION = "decision"


def decided(lane: LaneDesk, told: Told, *, may_open: bool = True) -> Turn:
    """Take a decision in. One that was taken in before changes nothing.

    `may_open`: whether whom it is about can still be standing there; a decision that is found after the agent was down
    for long opens nothing.
    """
    known = lane.find(told.passage_id)
    if known is not None and told.revision <= known.revision:
        return Turn(lane)
    lane = replace(lane, last=(told.passage_id, told.revision))
    now = _new(told) if known is None else _revised(known, told)
    return _settle(lane, now, DECISION, may_open=may_open)


def acted(lane: LaneDesk, passage_id: str, signed: bytes, opened: OpenedAct) -> Turn:
    """Take an officer's act in, which holds. Without effect where its passage is not kept, or it counts already."""
    known = lane.find(passage_id)
    if known is None or counts(known, opened.act.act_id) or len(known.acts) == MOST_ACTS:
        return Turn(lane)
    waiting = tuple(each for each in known.waiting if each != signed)
    now = replace(known, acts=(*known.acts, (signed, opened)), waiting=waiting)
    again = opened.act.WhichOneof("what") == "override" and opened.act.override.action == ACTION_RELEASE
    return _settle(lane, now, f"act {opened.act.act_id}", again=again)


def put_by(lane: LaneDesk, passage_id: str, signed: bytes) -> LaneDesk:
    """Remember an act whose officer is not known yet; MOST_WAITING for a passage, the rest wait at the collector."""
    known = lane.find(passage_id)
    if known is None or signed in known.waiting or len(known.waiting) == MOST_WAITING:
        return lane
    return _with(lane, replace(known, waiting=(*known.waiting, signed)))


def officers_came(lane: LaneDesk, officers: Mapping[str, Officer]) -> Iterator[tuple[str, bytes, OpenedAct]]:
    """Acts that waited and hold now: (passage, SignedAct, opened), to be `acted` one by one."""
    for kept in lane.kept:
        for signed in kept.waiting:
            try:
                yield kept.passage_id, signed, open_act(signed, officers)
            except ActError:
                continue


def told_to_open(lane: LaneDesk, releases: Iterable[Release]) -> LaneDesk:
    """Those who open have been told of these."""
    for release in releases:
        if (known := lane.find(release.passage_id)) is not None and known.opening is Opening.TOLD:
            lane = _with(lane, replace(known, opening=Opening.DONE))
    return lane


def resumed(lane: LaneDesk) -> LaneDesk:
    """As after a start: what was about to be told when the agent ended may have been told or not."""
    kept = (replace(each, opening=Opening.UNSURE) if each.opening is Opening.TOLD else each for each in lane.kept)
    return replace(lane, kept=tuple(kept))


def counts(kept: Kept, act_id: str) -> bool:
    """Whether an act of this id counts already."""
    return any(opened.act.act_id == act_id for _, opened in kept.acts)


def _new(told: Told) -> Kept:
    # A later revision of a passage that is not kept: it was decided, and let through or given up, long ago. The release
    # of its decision has been told.
    causes = (DECISION,) if told.revision > 1 else ()
    return Kept(
        told.passage_id, told.revision, told.since_unix_ns, told.looks, told.decision, gone=told.gone, causes=causes
    )


def _revised(known: Kept, told: Told) -> Kept:
    earlier = (*known.earlier, _told_apart(known.decision))[-MOST_EARLIER:]
    return replace(
        known, revision=told.revision, looks=told.looks, decision=told.decision, earlier=earlier, gone=told.gone
    )


def _told_apart(decision: Decision) -> Decision:
    """Of a decision what an officer's act is compared with: codes, whose they are, which order."""
    findings = [
        Finding(code=each.code, action=each.action, inputs=[i for i in each.inputs if i.name == "order"])
        for each in decision.findings
    ]
    return Decision(action=decision.action, findings=findings, decided_unix_ns=decision.decided_unix_ns)


def _settle(lane: LaneDesk, now: Kept, cause: str, *, may_open: bool = True, again: bool = False) -> Turn:
    """Put a passage in its place, with what follows from how it stands now."""
    released = now.standing.released and not now.gone
    newest = not lane.kept or lane.kept[-1].passage_id == now.passage_id or lane.find(now.passage_id) is None
    stops = (Stop(lane.lane_id, now.passage_id, now.revision),) if not released and (newest or now.released) else ()
    opens = released and cause not in now.causes and (again or (not now.released and newest and may_open))
    releases = (Release(lane.lane_id, now.passage_id, now.revision, cause),) if opens else ()
    if opens:
        now = replace(now, released=True, causes=(*now.causes, cause), opening=Opening.TOLD)
    elif released != now.released:
        now = replace(now, released=released, opening=Opening.NOT)
    lane, forgotten = _bounded(_with(lane, now))
    return Turn(lane, releases, stops, forgotten)


def _with(lane: LaneDesk, kept: Kept) -> LaneDesk:
    """The lane with a passage in its place, or behind all others."""
    if lane.find(kept.passage_id) is None:
        return replace(lane, kept=(*lane.kept, kept))
    return replace(lane, kept=tuple(kept if each.passage_id == kept.passage_id else each for each in lane.kept))


def _bounded(lane: LaneDesk) -> tuple[LaneDesk, tuple[str, ...]]:
    """The lane within its bounds, and who was dropped though stopped."""
    stopped = [each.passage_id for each in lane.stopped]
    over = [each.passage_id for each in lane.kept if each.passage_id not in set(stopped)]
    forgotten = stopped[: max(0, len(stopped) - MOST_STOPPED)]
    gone = {*forgotten, *over[: max(0, len(over) - MOST_RELEASED)]}
    return replace(lane, kept=tuple(each for each in lane.kept if each.passage_id not in gone)), tuple(forgotten)
