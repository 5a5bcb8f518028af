"""A lane's readings as messages of the gate contract, and back. Pure."""

from __future__ import annotations

from edge_agent.model.observation import Observation, ReadingKind
from edge_agent.model.readings import StableWeight
from edge_agent.model.wire import moment_of, stamp_of
from gate_contract.v1 import reading_pb2

VISA = "MRV"
"""Documents of this kind lie in another one: their number is not the person's."""

MATCHED = "matched"


def observation_of(message: reading_pb2.Reading) -> Observation | None:
    """A reading as a lane sees it; None for kinds that belong to no passage: ships, places, tags, a camera's health."""
    known: tuple[ReadingKind, str, bool | None]
    match message.WhichOneof("body"):
        case "radiation":
            known = ("radiation", "", message.radiation.complete)
        case "scan":
            known = ("scan", message.scan.scan_id, None)
        case "container":
            known = ("container", message.container.number, None)
        case "axles":
            known = ("axles", "", None)
        case "document":
            known = ("document", _person(message.document), None)
        case "face":
            known = ("face", message.face.pseudonym, message.face.outcome == MATCHED)
        case "seal":
            known = ("seal", message.seal.number, None)
        case "input":
            known = ("input", f"{message.device_id}/{message.input.name}", message.input.active)
        case "distance":
            known = ("distance", message.device_id, message.distance.occupied)
        case _:
            return None
    kind, name, active = known
    initial = kind == "input" and message.input.initial
    at = moment_of(message.at)
    return Observation(message.device_id, at, kind, name, active, initial, message.SerializeToString())


def message_of(observation: Observation) -> reading_pb2.Reading:
    """The message that it was made of."""
    return reading_pb2.Reading.FromString(observation.message)


def axles_weighed(weight: StableWeight, lane_id: str) -> Observation:
    """The axles that a scale told together with this weight."""
    body = reading_pb2.AxleWeights(
        axle_kilograms=[f"{axle:f}" for axle in weight.axles],
        total_kilograms=f"{weight.kilograms:f}",
        uncertainty_kilograms=f"{weight.uncertainty_kilograms:f}",
    )
    message = reading_pb2.Reading(
        device_id=weight.device_id, at=stamp_of(weight.at), raw=weight.weight.raw, lane_id=lane_id, axles=body
    )
    return Observation(
        weight.device_id, weight.at, "axles", "", None, initial=False, message=message.SerializeToString()
    )


def _person(document: reading_pb2.DocumentSeen) -> str:
    return "" if document.kind.startswith(VISA) else document.pseudonym.hex()
