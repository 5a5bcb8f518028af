"""One lane at work: readings in, passages assembled, decided, recorded. A thread with a bounded queue."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from hashlib import sha256
from operator import attrgetter
from typing import Protocol
from uuid import uuid4

import structlog

from edge_agent.app.inbox import body_of, reading_of
from edge_agent.app.memory import recall, remember
from edge_agent.app.records import RecordMaker
from edge_agent.assemble.state import Advance, LaneState
from edge_agent.config import LaneTable
from edge_agent.errors import JournalError
from edge_agent.journal.journal import Journal
from edge_agent.journal.spool import InboxEntry
from edge_agent.model.moment import Moment
from edge_agent.model.observation import LaneReading
from edge_agent.model.observation_wire import observation_of
from edge_agent.model.passage import Passage
from edge_agent.model.passage_wire import passage_message
from edge_agent.model.readings import DeviceEvent, PlateSeen
from gate_contract.v1 import passage_pb2, reading_pb2
from gate_contract.v1.decision_pb2 import Action, Decision

LOG = structlog.get_logger()

QUEUE_LENGTH = 1000
"""Readings waiting for the lane: 20 s of a fast scale. When it is full the links wait, and devices' bytes wait in
the kernel; nothing that was acknowledged is concerned."""

STATES = ("input", "distance")
"""Kinds of readings whose devices are asked over and over."""

TICK_S = 0.1
RETRY_S = 0.5
TELL_AGAIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Input:
    """A reading for the lane, with the inbox entry that keeps it until it is taken."""

    reading: LaneReading
    inbox_id: int | None = None


@dataclass(frozen=True, slots=True)
class LastDecision:
    """What the lane's lamp shows."""

    passage: Passage
    decision: Decision


class Lane(Protocol):
    """What a lane does with each reading: GateLane or ObservationPoint."""

    def advance(self, state: LaneState, reading: LaneReading | None, now: Moment) -> Advance:
        """One reading, or (None) the passing of time up to `now`."""
        ...


class LaneWorker:
    """Runs one lane until stopped.

    Attributes:
        on_decided: called, on the lane's thread, after a passage's record is durable; may neither raise nor wait.
        on_input: called with DEVICE/INPUT, its state and when, on the device's thread, for each input of the lane's
            devices before anything else is done with it; may neither raise nor wait.
    """

    def __init__(
        self,
        table: LaneTable,
        devices: Iterable[str],
        lane: Lane,
        judge: Callable[[passage_pb2.Passage, Moment], Decision],
        journal: Journal,
        records: RecordMaker,
        clock: Callable[[], Moment],
        on_append: Callable[[int, int], None],
    ) -> None:
        """`devices` give the lane its readings. `on_append`: (index of the first passage, how many) were appended."""
        self.lane_id = table.id
        self.devices = frozenset(devices)
        self.on_decided: list[Callable[[LastDecision], None]] = []
        self.on_input: list[Callable[[str, bool, Moment], None]] = []
        self._lane, self._judge, self._journal, self._records = lane, judge, journal, records
        self._clock, self._on_append = clock, on_append
        self._queue: queue.Queue[Input] = queue.Queue(QUEUE_LENGTH)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"lane {table.id}", daemon=True)
        self._state = LaneState()
        self._waiting: list[InboxEntry] = []
        self.last: LastDecision | None = None
        self.decided = 0
        self.turned = clock()
        """When the thread last went round: a lane that hangs is found by it."""

    @property
    def state(self) -> LaneState:
        """The lane as it is now."""
        return self._state

    def start(self, remembered: bytes) -> None:
        """Go on where the agent was stopped or killed: passages under way, then what waits in the inbox."""
        state = recall(remembered)
        if state is None:
            LOG.warning("lane.memory_unreadable", lane=self.lane_id)
        state = state or LaneState()
        self._state = state.again_at(self._clock())
        # Taken by the thread: while the disk is full that waits, and whoever starts the agent must not.
        self._waiting = [entry for entry in self._journal.spool.inbox() if entry.device_id in self.devices]
        self._thread.start()

    def put(self, item: Input) -> None:
        """Hand a reading over; waits while the queue is full, until the lane stops."""
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=RETRY_S)
            except queue.Full:
                continue
            return

    def tell(self, event: DeviceEvent) -> None:
        """A device changed its state. Never waits: a lane with no time for it lacks only a word on what is missing."""
        with contextlib.suppress(queue.Full):
            self._queue.put_nowait(Input(event))

    def offer(self, message: reading_pb2.Reading) -> bool:
        """A reading of the lane's other devices; whether the lane takes it. JournalError while the disk takes nothing.

        It is durable when this returns. Loops and distances are so only once a passage holds them: their devices are
        asked, and told nothing.
        """
        message.lane_id = message.lane_id or self.lane_id
        observation = observation_of(message)
        if observation is None:
            return False
        if observation.kind in STATES:
            self.put(Input(observation))
            return True
        event = sha256(observation.message).hexdigest()
        inbox_id = self._journal.spool.keep(observation.device_id, event, body_of(observation))
        if inbox_id is not None:
            self.put(Input(observation, inbox_id))
        return True

    def halt(self) -> None:
        """Take no more readings, nor make devices wait."""
        self._stop.set()

    def stop(self) -> None:
        """Halt, and wait for it. A passage under way is remembered, not recorded."""
        self.halt()
        self._thread.join(timeout=3)

    def _run(self) -> None:
        ticked = self._clock()
        for entry in self._waiting:
            self._take(Input(reading_of(entry.body), entry.inbox_id))
            if self._stop.is_set():
                return
        while not self._stop.is_set():
            self.turned = self._clock()
            with contextlib.suppress(queue.Empty):
                self._take(self._queue.get(timeout=TICK_S))
            now = self._clock()
            if now.seconds_since(ticked) >= TICK_S:
                ticked = now
                self._keep(self._lane.advance(self._state, None, now), now, ())

    def _take(self, item: Input) -> None:
        now = self._clock()
        consumed = () if item.inbox_id is None else (item.inbox_id,)
        self._keep(self._lane.advance(self._state, item.reading, now), now, consumed)

    def _keep(self, step: Advance, now: Moment, consumed: Sequence[int]) -> None:
        """Make a step durable: its records, the passage under way and the consumed entries, all at once."""
        decided = [LastDecision(passage, self._judge(passage_message(passage), now)) for passage in step.passages]
        bodies = [self._body(each) for each in decided]
        bodies += [self._records.orphan(orphan.reading, orphan.reason) for orphan in step.orphans]
        first: int | None = 0
        if bodies or consumed or _worth_keeping(self._state, step.state):
            first = self._append(bodies, consumed, remember(step.state))
        if first is None:
            return
        self._state = step.state
        for each in decided:
            self.last, self.decided = each, self.decided + 1
            _log(each)
            for hook in self.on_decided:
                hook(each)
        if bodies:
            self._on_append(first, len(decided))

    def _append(self, bodies: list[bytes], consumed: Sequence[int], memory: bytes) -> int | None:
        """Index of the first body; None only when the lane was halted while the disk took nothing."""
        told: Moment | None = None
        while True:
            self.turned = self._clock()
            try:
                return self._journal.append(bodies, consumed=consumed, in_flight={self.lane_id: memory})
            except JournalError as error:
                # The vehicle is still there and so is what we know of it: try again until the disk takes it.
                if told is None or self.turned.seconds_since(told) >= TELL_AGAIN_S:
                    told = self.turned
                    LOG.error("journal.append_failed", lane=self.lane_id, problem=str(error))  # noqa: TRY400 - told in words
                if self._stop.wait(RETRY_S):
                    return None

    def _body(self, each: LastDecision) -> bytes:
        message = passage_message(each.passage)
        message.local_decision.CopyFrom(each.decision)
        return self._records.passage(message)


def new_passage_id(lane_id: str) -> Callable[[Moment], str]:
    """Names for a lane's passages: 64 random bits, so that no two are ever equal, whatever the clock says."""

    def name(_now: Moment) -> str:
        return f"{lane_id}-{uuid4().hex[:16]}"

    return name


def _worth_keeping(old: LaneState, new: LaneState) -> bool:
    """Whether a crash now would lose more than the time of the last weight."""
    return old is not new and _kept(old) != _kept(new)


_kept = attrgetter(
    *(
        each.name
        for each in fields(LaneState)
        if each.name not in ("seen", "resumed", "unwatched", "faults", "before_left")
    )
)


def _log(each: LastDecision) -> None:
    LOG.info(
        "passage.decided",
        passage=each.passage.passage_id,
        revision=each.passage.revision,
        action=Action.Name(each.decision.action),
        findings=[finding.code for finding in each.decision.findings],
    )


def best_plate(passage: Passage) -> PlateSeen | None:
    """The plate read with the most confidence; None when none was read."""
    read = [plate for plate in passage.plates if plate.text]
    return max(read, key=lambda plate: plate.confidence or 0.0, default=None)
