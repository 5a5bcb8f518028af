"""Fetching reference data from the collector."""

from __future__ import annotations

import grpc

from edge_agent.model.moment import Moment
from edge_agent.reference.cache import ReferenceCache
from gate_contract.v1.reference_pb2 import FetchDeclarationsRequest
from gate_contract.v1.reference_pb2_grpc import ReferenceServiceStub

TIMEOUT_S = 120.0


def refresh(channel: grpc.Channel, cache: ReferenceCache, now: Moment) -> int:
    """Fetch what is new since the cache's position; how many declarations came.

    Raises grpc.RpcError when the connection breaks; what came until then is kept, and the next call goes on there.
    """
    count = 0
    request = FetchDeclarationsRequest(position=cache.position)
    for response in ReferenceServiceStub(channel).FetchDeclarations(request, timeout=TIMEOUT_S):
        cache.add(response.declarations, response.position)
        count += len(response.declarations)
    cache.confirmed(now)
    return count
