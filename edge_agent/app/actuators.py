"""Actuators at work: releases and stops of the desk in, outputs set, and a record of each command and what was seen.

What a gateway remembers is durable before an output is set. So a crash between the two leaves a release that was not
carried out, which a person can give again, and never one that is carried out twice.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol
from uuid import uuid4

import structlog
from google.protobuf.message import DecodeError

from edge_agent.actuate.gateway import (
    Command,
    Gateway,
    GatewayState,
    Happening,
    Release,
    Seen,
    Step,
    Stop,
    Trouble,
)
from edge_agent.actuate.settings import LaneActuators
from edge_agent.actuate.words import Word
from edge_agent.app.gateway_wire import command_message, outcome_message, recalled, remembered
from edge_agent.app.records import RecordMaker
from edge_agent.errors import EdgeAgentError, JournalError
from edge_agent.model.moment import Moment
from gate_contract.v1 import act_pb2 as pb

LOG = structlog.get_logger()

TICK_S = 0.2
HAPPENINGS = 256
"""Waiting for one gateway; when there are more the one who brings the next waits."""


class Outputs(Protocol):
    """A device with outputs: DeviceStation."""

    def write(self, output: str, *, active: bool) -> None:
        """Set one; LinkError when it was not confirmed."""


class Appends(Protocol):
    """What is asked of the journal."""

    def append(
        self, records: Sequence[bytes], *, consumed: Sequence[int] = (), in_flight: Mapping[str, bytes] | None = None
    ) -> int:
        """See Journal.append."""


class GatewayWorker:
    """One lane's gateway. `begin`, `start`, then what happens; `stop` last."""

    def __init__(
        self,
        lane: LaneActuators,
        outputs: Mapping[str, Outputs],
        journal: Appends,
        records: RecordMaker,
        clock: Callable[[], Moment],
        unreleased: Callable[[str], None],
    ) -> None:
        """`outputs` by device id; `unreleased` is told the lane where somebody went through without a release."""
        self.lane = lane
        self._outputs, self._journal, self._records, self._clock = outputs, journal, records, clock
        self._unreleased = unreleased
        self._gateway = Gateway(lane, lambda: f"{lane.lane_id}-act-{uuid4().hex[:16]}")
        self._state = GatewayState()
        self._queue: queue.Queue[Happening] = queue.Queue(HAPPENINGS)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"gateway {lane.lane_id}", daemon=True)

    @property
    def memory_name(self) -> str:
        """Where its state is remembered among the passages under way; no lane can have this name."""
        return f"/gateway/{self.lane.lane_id}"

    @property
    def state(self) -> GatewayState:
        """The gateway as it is now."""
        return self._state

    def start(self, remembered: bytes) -> None:
        """Fail-safe first, for nobody knows who stands where; then go on."""
        try:
            self._state = recalled(remembered)
        except (DecodeError, ValueError):
            LOG.warning("gateway.memory_unreadable", lane=self.lane.lane_id)
        self._thread.start()

    def put(self, happening: Happening) -> None:
        """Callable from any thread; waits while too much is under way, until the gateway stops."""
        while not self._stop.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(happening, timeout=0.5)
                return

    def stop(self) -> None:
        """Carry out nothing more but the fail-safe words, and wait for that."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5 + 2 * sum(each.pulse_s or 0 for each in self.lane.actuators))

    def _run(self) -> None:
        self._carry_out(self._gateway.resumed(self._state, self._clock()))
        while not self._stop.is_set():
            happening: Happening | None = None
            with contextlib.suppress(queue.Empty):
                happening = self._queue.get(timeout=TICK_S)
            self._take(happening)
        self._take(Trouble("the agent was stopped"))

    def _take(self, happening: Happening | None) -> None:
        now = self._clock()
        if self._carry_out(self._gateway.advance(self._state, happening, now)) or self._state.opening is None:
            return
        # The disk takes nothing, so the next one is not let through. That the one before has gone must not be lost with
        # it: the barrier comes down, and a person releases whoever waits.
        self._carry_out(self._gateway.advance(replace(self._state, waiting=()), happening, now))

    def _carry_out(self, step: Step) -> bool:
        """Whether it was; not when it would let somebody through and cannot be remembered."""
        if not self._remember(step):
            return False
        self._state = step.state
        told = [self._command(command) for command in step.commands]
        told += [outcome_message(self.lane, outcome) for outcome in step.outcomes]
        if told:
            self._record(told)
        if step.unreleased:
            self._unreleased(self.lane.lane_id)
        return True

    def _remember(self, step: Step) -> bool:
        """Durable before anything moves. Without it nobody is released; what stops people and what is safe is done."""
        if step.state == self._state:
            return True
        try:
            self._journal.append([], in_flight={self.memory_name: remembered(step.state)})
        except JournalError as error:
            LOG.error("gateway.not_remembered", lane=self.lane.lane_id, problem=str(error))  # noqa: TRY400 - told in words
            return not any(command.word is Word.OPEN and command.passage_id for command in step.commands)
        return True

    def _command(self, command: Command) -> pb.Actuation:
        actuator, now, problem = command.actuator, self._clock(), ""
        writes = actuator.outputs[command.word]
        try:
            station = self._outputs[actuator.device_id]
            for output, active in writes.items():
                station.write(output, active=active)
            if actuator.pulse_s is not None:
                time.sleep(actuator.pulse_s)  # whole also at the stop: a shorter one is no press of the button
                for output in [each for each, active in writes.items() if active]:
                    station.write(output, active=False)
        except EdgeAgentError as error:
            problem = str(error)
            LOG.error("gateway.not_commanded", actuator=actuator.actuator_id, problem=problem)  # noqa: TRY400 - told in words
        return command_message(self.lane, command, now, problem)

    def _record(self, told: Sequence[pb.Actuation]) -> None:
        try:
            self._journal.append([self._records.actuation(each) for each in told])
        except JournalError as error:
            # The outputs are set; the vehicle goes. That it could not be written is an incident of the journal.
            LOG.error("gateway.not_recorded", lane=self.lane.lane_id, problem=str(error))  # noqa: TRY400 - told in words


class ActuatorDesk:
    """All gateways of a machine."""

    def __init__(self, workers: Sequence[GatewayWorker]) -> None:
        self._workers = {worker.lane.lane_id: worker for worker in workers}
        self._seen = {(worker.lane.seen_device, worker.lane.seen_input): worker for worker in workers}
        self._lost: set[str] = set()

    def start(self, in_flight: Mapping[str, bytes]) -> None:
        """Each with what was remembered of it."""
        for worker in self._workers.values():
            worker.start(in_flight.get(worker.memory_name, b""))

    def stop(self) -> None:
        """Fail-safe, and wait for it: before the devices are closed."""
        for worker in self._workers.values():
            worker.stop()

    def released(self, lane_id: str, passage_id: str, revision: int, cause: str) -> None:
        """A passage may go."""
        if (worker := self._workers.get(lane_id)) is not None:
            worker.put(Release(passage_id, revision, cause))

    def stopped(self, lane_id: str, passage_id: str, revision: int) -> None:
        """A passage may not go."""
        if (worker := self._workers.get(lane_id)) is not None:
            worker.put(Stop(passage_id, revision))

    def input_changed(self, device_id: str, name: str, *, active: bool) -> None:
        """An input of a device has another state."""
        if (worker := self._seen.get((device_id, name))) is not None:
            worker.put(Seen(active))

    def device(self, device_id: str, *, works: bool) -> None:
        """A device works, or it does not answer: what it shows then is not known, and it is told anew once back."""
        if works and device_id not in self._lost:
            return
        if works:
            self._lost.discard(device_id)
        else:
            self._lost.add(device_id)
        reason = f"{device_id} {'answers again' if works else 'does not answer'}"
        for worker in self._workers.values():
            if device_id in {worker.lane.seen_device, *(each.device_id for each in worker.lane.actuators)}:
                worker.put(Trouble(reason, blind=device_id == worker.lane.seen_device))
