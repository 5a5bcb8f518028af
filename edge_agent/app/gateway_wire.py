"""Gateways on the wire: what they remember across a crash, and the records of what they did."""

from __future__ import annotations

from edge_agent.actuate.gateway import Command, GatewayState, Opening, Outcome, Release
from edge_agent.actuate.settings import Kind, LaneActuators
from edge_agent.actuate.words import Word
from edge_agent.model.moment import Moment
from edge_agent.model.wire import moment_of, stamp_of
from gate_contract.v1 import act_pb2 as pb

_KINDS = {
    Kind.BARRIER: pb.ACTUATOR_KIND_BARRIER,
    Kind.LAMP: pb.ACTUATOR_KIND_LAMP,
    Kind.DISPLAY: pb.ACTUATOR_KIND_DISPLAY,
}


def command_message(lane: LaneActuators, command: Command, at: Moment, problem: str) -> pb.Actuation:
    """An actuator was told a word at `at`; `problem` is "" when its device confirmed it."""
    actuator = command.actuator
    outputs = actuator.outputs[command.word]
    return pb.Actuation(
        actuation_id=command.actuation_id,
        lane_id=lane.lane_id,
        passage_id=command.passage_id,
        revision=command.revision,
        cause=command.cause,
        kind=_KINDS[actuator.kind],
        device_id=actuator.device_id,
        output=next((output for output, active in outputs.items() if active), next(iter(outputs), "")),
        command=command.word.value,
        commanded=stamp_of(at),
        confirmed=not problem,
        problem=problem,
    )


def outcome_message(lane: LaneActuators, outcome: Outcome) -> pb.Actuation:
    """What was seen of an opening; it has the name of the command that opened."""
    release, opening = outcome.opening.release, outcome.opening
    message = pb.Actuation(
        actuation_id=opening.opening_id,
        lane_id=lane.lane_id,
        passage_id=release.passage_id,
        revision=release.revision,
        cause=release.cause,
        kind=pb.ACTUATOR_KIND_BARRIER,
        command=Word.OPEN.value,
        commanded=stamp_of(opening.since),
        seen_input=lane.seen_input,
        outcome=outcome.text,
    )
    if outcome.seen is not None:
        message.seen.CopyFrom(stamp_of(outcome.seen))
    return message


def remembered(state: GatewayState) -> bytes:
    """A gateway's state, for after a crash."""
    memory = pb.GatewayMemory(
        used=state.used, passed=state.passed, waiting=[_of_release(release) for release in state.waiting]
    )
    if (opening := state.opening) is not None:
        message = _of_release(opening.release)
        message.actuation_id = opening.opening_id
        message.commanded.CopyFrom(stamp_of(opening.since))
        memory.opening.CopyFrom(message)
    return memory.SerializeToString()


def recalled(memory: bytes) -> GatewayState:
    """The state that `remembered` wrote; DecodeError for anything else."""
    message = pb.GatewayMemory.FromString(memory)
    opening = None
    if message.HasField("opening"):
        under_way = message.opening
        opening = Opening(under_way.actuation_id, _release_of(under_way), moment_of(under_way.commanded))
    return GatewayState(
        opening=opening,
        waiting=tuple(map(_release_of, message.waiting)),
        used=tuple(message.used),
        passed=tuple(message.passed),
    )


def _of_release(release: Release) -> pb.Actuation:
    return pb.Actuation(passage_id=release.passage_id, revision=release.revision, cause=release.cause)


def _release_of(message: pb.Actuation) -> Release:
    return Release(message.passage_id, message.revision, message.cause)
