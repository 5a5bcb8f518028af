"""The desk at work: decisions and acts in, releases out. A thread with a bounded queue.

What a lane's desk keeps is durable before anybody is told of a release. So a crash in between leaves a release that was
not carried out, which an officer sees and gives again, and never one that is carried out twice.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from typing import Any

import structlog

from edge_agent.app.desk_acts import LATER, Answer, Photos, told_of
from edge_agent.app.desk_ports import DeskOutputs, DeskStores, Officers
from edge_agent.app.desk_recovery import passages_since
from edge_agent.app.desk_shown import kept_shown
from edge_agent.app.lane import LastDecision
from edge_agent.desk.core import acted, decided, officers_came, put_by, told_to_open
from edge_agent.desk.judging import Judged, Outcome, judge
from edge_agent.desk.memory import recall, remember
from edge_agent.desk.state import Kept, LaneDesk, Turn
from edge_agent.errors import JournalError
from edge_agent.model.handed_act import Handed
from edge_agent.model.moment import Moment
from edge_agent.model.passage_wire import passage_message
from edge_agent.model.wire import moment_of
from gate_contract.v1.act_pb2 import SignedAct
from gate_contract.v1.decision_pb2 import Decision
from gate_contract.v1.passage_pb2 import LANE_KIND_OBSERVATION, Passage
from gate_contract.words import quoted

LOG = structlog.get_logger()

DESK = "/desk/"
"""How the names begin under which desks are remembered, among the lanes' passages; no lane can have such a name."""

QUEUE_LENGTH = 256
"""Decisions and acts that wait. Decisions beyond that are read from the journal afterwards; acts go to the spool."""

TICK_S = 1.0
RETRY_S = 0.5
ANSWER_S = 20.0
"""How long an officer waits; then `gatectl` puts the act into the spool, under the same id."""

FRESH_S = 30.0
"""A decision that is older when it is taken in opens nothing: whom it is about may not stand there any more."""


@dataclass(frozen=True, slots=True)
class _Decided:
    last: LastDecision
    at: Moment


@dataclass(frozen=True, slots=True)
class _Handed:
    handed: Handed
    uid: int
    answer: Future[Answer]


class DeskWorker:
    """All lanes' desks. `start`, then what happens; `stop` last."""

    def __init__(
        self,
        site_id: str,
        stores: DeskStores,
        officers: Officers,
        clock: Callable[[], Moment],
        outputs: DeskOutputs,
        beside: Callable[[], None] = lambda: None,
    ) -> None:
        """`officers` gives those who are known now, by id. `beside` is called now and then on the desk's thread."""
        self._site_id, self._stores, self._officers = site_id, stores, officers
        self._clock, self._outputs, self._beside = clock, outputs, beside
        self._photos = Photos(stores.evidence, stores.records)
        self._lanes: dict[str, LaneDesk] = {}
        self._begun_at = 0
        self._dirty: set[str] = set()
        self._queue: queue.Queue[_Decided | _Handed] = queue.Queue(QUEUE_LENGTH)
        self._behind = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
        self.shown: list[dict[str, Any]] = []
        """What is kept, for the snapshot; replaced whole."""

    def start(self, in_flight: Mapping[str, bytes]) -> None:
        """Go on with what was remembered, and with what the journal has and the desk had not taken in."""
        begun_at = in_flight.get(DESK, b"")
        for name in in_flight.keys() - {DESK}:
            if name.startswith(DESK):
                lane_id = name.removeprefix(DESK)
                lane = recall(lane_id, in_flight[name])
                if lane is None:
                    LOG.warning("desk.memory_unreadable", lane=lane_id)
                else:
                    self._lanes[lane_id] = lane
        self._begun_at = int(begun_at) if begun_at.isdigit() else self._stores.journal.size
        if not begun_at:
            self._remember({DESK: str(self._begun_at).encode()})
        self._show()
        self._thread.start()

    def decided(self, last: LastDecision) -> None:
        """A passage's record is durable. Callable from any thread; never waits."""
        try:
            self._queue.put_nowait(_Decided(last, self._clock()))
        except queue.Full:
            self._behind.set()

    def hand(self, handed: Handed, uid: int) -> Answer:
        """An officer's act, by a peer with this user id; answered when it is durable, or refused."""
        answer: Future[Answer] = Future()
        try:
            self._queue.put_nowait(_Handed(handed, uid, answer))
            return answer.result(timeout=ANSWER_S)
        except (queue.Full, FutureTimeoutError):
            return LATER

    def spooled(self, handed: Handed) -> Answer:
        """An act that waited in the spool; only on the desk's thread (`beside`)."""
        return self._act(handed, None)

    def stop(self) -> None:
        """Take nothing more in; what is kept is remembered."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5)

    # --- the desk's thread ----------------------------------------------------------------------------------------

    def _run(self) -> None:
        self._catch_up()
        self._tick()
        ticked = self._clock()
        while not self._stop.is_set():
            if self._behind.is_set():
                self._catch_up()
            with contextlib.suppress(queue.Empty):
                self._take(self._queue.get(timeout=TICK_S / 4))
            now = self._clock()
            if now.seconds_since(ticked) >= TICK_S:
                ticked = now
                self._tick()
        self._keep_dirty()

    def _take(self, item: _Decided | _Handed) -> None:
        if isinstance(item, _Decided):
            self._decide(passage_message(item.last.passage), item.last.decision, item.at)
        else:
            item.answer.set_result(self._act(item.handed, item.uid))

    def _tick(self) -> None:
        for lane in list(self._lanes.values()):
            for passage_id, signed, opened in officers_came(lane, self._officers()):
                self._carry_out(acted(self._lanes[lane.lane_id], passage_id, signed, opened))
        self._beside()
        self._keep_dirty()

    def _catch_up(self) -> None:
        """Decisions that did not come through the queue: after a start, or when it was full.

        What the queue has is in the journal, too, and is read there; acts wait for that.
        """
        self._behind.clear()
        acts: list[_Handed] = []
        with contextlib.suppress(queue.Empty):
            while True:
                item = self._queue.get_nowait()
                if isinstance(item, _Handed):
                    acts.append(item)
        last = {lane.lane_id: lane.last for lane in self._lanes.values()}
        for record in passages_since(self._stores.journal, self._begun_at, last):
            self._decide(record.passage, record.passage.local_decision, moment_of(record.captured))
        for each in acts:
            self._take(each)

    def _decide(self, passage: Passage, decision: Decision, at: Moment) -> None:
        if passage.lane_kind == LANE_KIND_OBSERVATION:
            return  # seen, not stopped
        lane = self._lanes.get(passage.lane_id, LaneDesk(passage.lane_id))
        may_open = self._clock().seconds_since(at) <= FRESH_S
        self._carry_out(decided(lane, told_of(passage, decision), may_open=may_open))

    def _act(self, handed: Handed, uid: int | None) -> Answer:
        """Judge an act, make it durable, and answer. `uid` is None for one from the spool."""
        now_ns, spooled = self._clock().wall, uid is None
        judged = judge(handed, self._site_id, self._officers(), self._find, now_unix_ns=now_ns, spooled=spooled)
        names = {"act": quoted(judged.act.act_id), "passage": quoted(judged.act.passage_id)}
        LOG.info("desk.act", **names, outcome=judged.outcome.value, uid=uid)
        if judged.is_forged:
            text = f"An act was refused whose signature is not that of officer {judged.act.officer_id} (user id {uid})"
            self._outputs.alarm("act-refused", text)
        if judged.outcome in (Outcome.REFUSED, Outcome.KNOWN):
            return self._answer(judged)
        photos = self._photos.keep(judged.act, handed)
        bodies = [self._stores.records.act(SignedAct.FromString(judged.signed)), *photos.losses]
        turn = self._turn(judged)
        try:
            first = self._append(bodies, None if turn is None else turn.lane)
        except JournalError as error:
            LOG.error("desk.act_not_recorded", act=judged.act.act_id, problem=str(error))  # noqa: TRY400 - told in words
            return LATER
        self._outputs.appended(first, 1)
        if turn is not None:
            self._tell(turn)
        return self._answer(judged, photos.words)

    def _turn(self, judged: Judged) -> Turn | None:
        """What an act does here; None when its passage is not kept."""
        lane = self._lane_of(judged.act.passage_id)
        if lane is None:
            return None
        if judged.opened is None:
            return Turn(put_by(lane, judged.act.passage_id, judged.signed))
        return acted(lane, judged.act.passage_id, judged.signed, judged.opened)

    def _carry_out(self, turn: Turn) -> None:
        """Durable first, then told. While the disk takes nothing it waits; nothing is opened meanwhile."""
        while not self._stop.is_set():
            if self._remember({DESK + turn.lane.lane_id: remember(turn.lane)}):
                self._tell(turn)
                return
            self._stop.wait(RETRY_S)

    def _tell(self, turn: Turn) -> None:
        lane = turn.lane
        self._lanes[lane.lane_id] = lane
        for release in turn.releases:
            self._outputs.released(release.lane_id, release.passage_id, release.revision, release.cause)
        if turn.releases:
            self._lanes[lane.lane_id] = told_to_open(lane, turn.releases)
            self._dirty.add(lane.lane_id)
        for stop in turn.stops:
            self._outputs.stopped(stop.lane_id, stop.passage_id, stop.revision)
        for passage_id in turn.forgotten:
            text = (
                f"Lane {lane.lane_id} has too many passages that wait for an officer: {passage_id} is not kept at the "
                "gate any more. Its hold stands; it is decided at the collector"
            )
            self._outputs.alarm("desk-full", text)
        self._show()

    def _append(self, bodies: list[bytes], lane: LaneDesk | None) -> int:
        in_flight = {} if lane is None else {DESK + lane.lane_id: remember(lane)}
        return self._stores.journal.append(bodies, in_flight=in_flight)

    def _remember(self, in_flight: Mapping[str, bytes]) -> bool:
        try:
            self._stores.journal.append([], in_flight=in_flight)
        except JournalError as error:
            LOG.error("desk.not_remembered", problem=str(error))  # noqa: TRY400 - told in words
            return False
        return True

    def _keep_dirty(self) -> None:
        """That those who open were told: it need not be durable at once."""
        if self._dirty and self._remember({DESK + each: remember(self._lanes[each]) for each in self._dirty}):
            self._dirty.clear()

    def _show(self) -> None:
        self.shown = [kept_shown(lane.lane_id, kept) for lane in self._sorted_lanes() for kept in reversed(lane.kept)]

    def _sorted_lanes(self) -> Iterable[LaneDesk]:
        return (self._lanes[lane_id] for lane_id in sorted(self._lanes))

    def _lane_of(self, passage_id: str) -> LaneDesk | None:
        return next((lane for lane in self._lanes.values() if lane.find(passage_id) is not None), None)

    def _find(self, passage_id: str) -> Kept | None:
        lane = self._lane_of(passage_id)
        return None if lane is None else lane.find(passage_id)

    def _answer(self, judged: Judged, photos: tuple[str, str] = ("", "")) -> Answer:
        lane = self._lane_of(judged.act.passage_id)
        kept = self._find(judged.act.passage_id)
        return Answer(
            judged.outcome.value,
            f"{judged.words.en} {photos[0]}".strip(),
            f"{judged.words.zh}{photos[1]}",
            None if lane is None or kept is None else kept_shown(lane.lane_id, kept),
        )
