"""Blobs of evidence over the uplink: taken, resumed, refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from hashlib import sha256
from typing import Any

import grpc
import pytest

from collector.ingest import uploads as uploads_module
from gate_contract.kept import check_kept
from gate_contract.v1.uplink_pb2 import PutEvidenceRequest
from tests.unit.collector.collected import Agent, Collected
from tests.unit.collector.ingest.stories import Database, told
from tests.unit.collector.ingest.uplink import Context, EndedError, Uplink, offer

BLOB = b"a picture" * 1000
DIGEST = sha256(BLOB).digest()


def chunk(data: bytes) -> PutEvidenceRequest:
    return PutEvidenceRequest(chunk=data)


def test_a_blob_is_taken_resumed_and_known_when_it_comes_again(collected: Collected, gate: Agent) -> None:
    async def story(running: Uplink) -> list[list[tuple[int, bool]]]:
        pem = running.certificate(gate)
        answers = [
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB[:4000])),
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB[4000:])),
            await running.put(pem, offer(DIGEST, len(BLOB))),
        ]
        check_kept(answers[1][-1].note, DIGEST, len(BLOB), gate.origin, collected.receipts.verifier)
        assert answers[2][-1].note, "promised again to whoever did not hear it"
        return [[(answer.offset, answer.complete) for answer in each] for each in answers]

    size = len(BLOB)
    assert told(collected, story) == [[(0, False)], [(4000, False), (size, True)], [(size, True)]]


def test_an_upload_that_is_no_blob_is_refused(
    collected: Collected, gate: Agent, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(running: Uplink) -> list[grpc.StatusCode]:
        pem = running.certificate(gate)
        found = []
        for requests in (
            (),
            (chunk(BLOB),),
            (offer(DIGEST, len(BLOB)), offer(DIGEST, len(BLOB))),
            (offer(DIGEST, 3), chunk(b"abc")),
        ):
            with pytest.raises(EndedError) as error:
                await running.put(pem, *requests)
            found.append(error.value.code)
        database.writes = False
        with pytest.raises(EndedError) as error:
            await running.put(pem, offer(DIGEST, len(BLOB)), chunk(BLOB))
        found.append(error.value.code)
        monkeypatch.setattr(uploads_module, "MOST_OF_AN_AGENT", 0)
        with pytest.raises(EndedError) as error:
            await running.put(pem, offer(DIGEST, len(BLOB)))
        found.append(error.value.code)
        return found

    assert told(collected, story, database) == [
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.DATA_LOSS,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    ]


def test_an_upload_of_which_nothing_comes_makes_room(
    collected: Collected, gate: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_module, "SILENCE_S", 0.01)

    async def story(running: Uplink) -> list[int]:
        async def silent() -> AsyncIterator[PutEvidenceRequest]:
            yield offer(DIGEST, len(BLOB))
            await asyncio.sleep(3600)

        context: Any = Context(running.certificate(gate))
        return [answer.offset async for answer in running.servicer.PutEvidence(silent(), context)]

    assert told(collected, story) == [0]
