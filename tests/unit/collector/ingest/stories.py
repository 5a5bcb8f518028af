"""Stories that are played against the uplink's servicer, and what the tests of it ask."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, select

from collector.errors import StoreDownError
from collector.store import schema
from collector.store.engine import Store
from gate_contract.v1 import uplink_pb2 as uplink
from tests.unit.collector.collected import Collected
from tests.unit.collector.ingest.uplink import Call, EndedError, Uplink


class Database(Store):
    """The real one, until the test says that it is away."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self.reads = self.writes = True

    @contextmanager
    def read(self) -> Iterator[Connection]:
        if not self.reads:
            raise StoreDownError("the database is away")
        with self._real.read() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        if not self.writes:
            raise StoreDownError("the database is away")
        with self._real.write() as connection:
            yield connection


def told(collected: Collected, story: Callable[[Uplink], Any], store: Store | None = None, **settings: int) -> Any:
    """What a story gives that is played against a running uplink."""

    async def play() -> Any:
        with Uplink(collected, store, None, **settings) as running:
            return await story(running)

    return asyncio.run(play())


async def refusal(call: Call) -> uplink.Refusal:
    response = await call.next()
    assert response.WhichOneof("body") == "refusal", response
    with pytest.raises(StopAsyncIteration):
        await call.next()
    return response.refusal


async def ended(call: Call) -> EndedError:
    with pytest.raises(EndedError) as error:
        await call.next()
    return error.value


def alarms(collected: Collected) -> list[str]:
    with collected.store.read() as connection:
        return list(connection.scalars(select(schema.alarms.c.kind).order_by(schema.alarms.c.alarm_id)))
