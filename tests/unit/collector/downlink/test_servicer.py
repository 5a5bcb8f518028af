"""The reference service, called as gRPC calls it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from collector.downlink import servicer
from collector.downlink.servicer import ReferenceServicer
from collector.downlink.slices import DAY_NS
from gate_contract.v1.declaration_pb2 import Declaration
from gate_contract.v1.reference_pb2 import FetchDeclarationsRequest
from tests.unit.collector.reconcile.island import NOON, SITE, Island, a_declaration


def test_a_gate_is_told_a_new_position_when_the_clock_was_set_and_there_is_nothing_to_send(
    island: Island, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(servicer, "identity_of", lambda _: None)
    monkeypatch.setattr(servicer, "authorise", lambda *_: SimpleNamespace(site_id=SITE))
    now = [NOON + 30 * DAY_NS]
    reference = ReferenceServicer(island.store, lambda: now[0])
    context: Any = None

    async def fetch(position: int) -> tuple[list[str], int]:
        came: list[str] = []
        async for response in reference.FetchDeclarations(FetchDeclarationsRequest(position=position), context):
            came += [Declaration.FromString(body).declaration_id for body in response.declarations]
            position = response.position
        return came, position

    island.declare(a_declaration("D-1"))
    came, ahead = asyncio.run(fetch(0))
    assert came == []
    now[0] += DAY_NS
    came, further = asyncio.run(fetch(ahead))
    assert (came, further > ahead) == ([], True)
    assert asyncio.run(fetch(further)) == ([], further)
    now[0] = NOON
    came, back = asyncio.run(fetch(further))
    assert came == ["D-1"]
    assert asyncio.run(fetch(back)) == ([], back)
