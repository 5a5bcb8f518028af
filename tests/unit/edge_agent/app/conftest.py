"""A gate that follows a collector: see following.py. Modules that have another gate name theirs so, too."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_agent.app.incidents import IncidentBook
from edge_agent.app.reference import ReferenceDesk, Reporting
from edge_agent.model.moment import Moment
from gate_contract.rules import Policy
from gate_contract.v1.record_pb2 import Incident
from tests.unit.edge_agent.app.following import RECEIPTS, SITE, Collector, Gate, moment, serving
from tests.unit.edge_agent.app.test_uplink import enrolled


@pytest.fixture
def open_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ReferenceDesk]:
    monkeypatch.setattr("tests.unit.edge_agent.app.test_uplink.RECEIPTS", RECEIPTS.verifier)
    keys = enrolled(tmp_path, "127.0.0.1:1")

    def opened(now: list[Moment], incidents: list[Incident]) -> ReferenceDesk:
        reporting = Reporting(lambda: now[0], IncidentBook(), incidents.extend)
        desk = ReferenceDesk(tmp_path, keys, SITE, Policy.default(), reporting)
        desk.start()
        return desk

    return opened


@pytest.fixture
def gate(open_desk: Callable[..., ReferenceDesk]) -> Iterator[Gate]:
    collector, incidents, now = Collector(), list[Incident](), [moment()]
    with serving(collector) as channel:
        desk = open_desk(now, incidents)
        yield Gate(desk, collector, channel, incidents, now)
        desk.close()
