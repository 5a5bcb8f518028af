"""Following the collector: slices as they come, each verified before anything in it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import grpc

from edge_agent.reference.cache import SliceRefusedError
from gate_contract.checkpoint import Verifier
from gate_contract.reference import SliceError, check_keys, open_slice
from gate_contract.v1.reference_pb2 import FollowRequest, FollowResponse, SailingKey, Slice
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceStub


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a slice must be signed for, and by whom, as this machine was told when it was enrolled."""

    deployment: str
    site_id: str
    collector: Verifier


def follow(
    channel: grpc.Channel, position: int, pinned: Pinned, take: Callable[[Slice, Iterable[SailingKey]], bool]
) -> None:
    """Take slices from `position` on until the connection ends, or `take` returns False.

    Args:
        channel: to the collector.
        position: of the last slice that was taken.
        pinned: what their signatures must be.
        take: is given each slice whose signature holds, with the keys beside it, which it names.

    Raises:
        SliceRefusedError: the collector sent something that does not hold.
        grpc.RpcError: the connection broke, or the collector knows no Follow (UNIMPLEMENTED).
    """
    call = ReferenceServiceStub(channel).Follow(FollowRequest(position=position))
    try:
        for response in call:
            if not take(opened(response, pinned), response.keys):
                return
    finally:
        call.cancel()


def opened(response: FollowResponse, pinned: Pinned) -> Slice:
    """The slice of a response; SliceRefusedError when it, or a key beside it, must not be taken."""
    try:
        found = open_slice(response.slice, response.note, pinned.deployment, pinned.site_id, pinned.collector)
        check_keys(found, response.keys)
    except SliceError as error:
        raise SliceRefusedError(
            "a slice of reference data was refused",
            cause=str(error),
            fix="everything is fetched anew; if it comes again, ask the collector's operator who signs there",
        ) from error
    return found


def not_signed_any_more() -> SliceRefusedError:
    """For a collector that signed once and says now that it cannot: nobody makes a gate believe what is not signed."""
    return SliceRefusedError(
        "reference data was refused",
        cause="the collector signed what it sent until now, and says that it cannot any more",
        fix="ask its operator whether an older release was installed; then stop the agent and delete reference.db",
    )
