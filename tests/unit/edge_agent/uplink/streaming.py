"""A record stream over one connection, for the tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from edge_agent.uplink.stream import RecordStream
from tests.unit.edge_agent.uplink.fakes import (
    Answers,
    FakeJournal,
    collector,
    connect,
)

BACKLOG = 200


@contextmanager
def channel_to(answers: Answers) -> Iterator[grpc.Channel]:
    with collector(answers) as address, connect(address) as channel:
        yield channel


def run(stream: RecordStream, answers: Answers) -> None:
    with channel_to(answers) as channel:
        stream.run(channel, on_welcome=lambda: None)


def with_backlog(journal: FakeJournal, passages: int = 1) -> int:
    """Commits of one record each, and then passages in one commit; index of the first passage."""
    for number in range(BACKLOG):
        journal.append(b"old %d" % number)
    return journal.append(*(b"new %d" % number for number in range(passages)))
